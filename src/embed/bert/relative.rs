//! MPNet's bias by relative position: what a head adds to a token's score for another by how far apart
//! the two stand, shared by all layers.
//!
//! Offsets fall into buckets, single ones near and ever wider ones far away, before and after apart
//! (Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer",
//! 2020, section 2.1).

use super::config::{Config, N_BUCKETS};
use super::family::Family;
use super::weights::Weights;
use crate::embed::kernel::OffsetBias;

/// The bias for windows of at most `max_tokens`, where the family has one.
pub(super) fn bias(
    weights: &Weights<'_>,
    config: &Config,
    max_tokens: usize,
) -> Result<Option<OffsetBias>, String> {
    if config.family != Family::Mpnet {
        return Ok(None);
    }
    let name = "encoder.relative_attention_bias.weight";
    let of_buckets = weights.matrix(name, (N_BUCKETS, config.n_heads))?;
    let value = |head: usize, offset: isize| of_buckets[[bucket(offset), head]];
    Ok(Some(OffsetBias::of(config.n_heads, max_tokens, value)))
}

/// The bucket of a token that stands `offset` tokens after: 0 to 15 for those before and the token
/// itself, 16 to 31 for those after.
///
/// Of each half, eight buckets are single distances; the others grow by the root of 2, so the bucket of
/// distance n is `2 + floor(log₂ n²)`, which whole numbers give exactly.
fn bucket(offset: isize) -> usize {
    let half = N_BUCKETS / 2;
    let n = offset.unsigned_abs();
    let of_distance = if n < half / 2 { n } else { (2 + (n * n).ilog2() as usize).min(half - 1) };
    of_distance + if offset > 0 { half } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_begin_where_those_of_transformers_do() {
        // By MPNetEncoder.relative_position_bucket on -600..600.
        let firsts = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91];
        for n in 0..600_usize {
            let expected = firsts.iter().rposition(|&first| first <= n).unwrap();
            assert_eq!(bucket(-(n as isize)), expected, "{n} before");
            if n > 0 {
                assert_eq!(bucket(n as isize), 16 + expected, "{n} after");
            }
        }
    }
}
