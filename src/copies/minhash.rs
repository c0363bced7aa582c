//! Which texts may be near-copies, without comparing every two: MinHash and bands of it (Broder 1997;
//! Leskovec, Rajaraman and Ullman, *Mining of Massive Datasets*, chapter 3).
//!
//! Of a text's shingles the least hash in each of [`BINS`] bins is kept (one permutation hashing; a bin
//! without a shingle borrows that of another bin, drawn by its number, so that all texts borrow alike:
//! Shrivastava 2017). Two texts agree in a bin about as often as their shingles overlap, J. Bins are
//! put together in bands; texts that agree in a whole band are compared. Of pairs with J = 0.8, 0.85 and
//! 0.5 this finds 0.998, 0.9999 and 0.28.

use super::words::mixed;

/// Bands of a text.
pub(super) const BANDS: usize = 21;
/// Bins of a band.
const ROWS: usize = 6;
/// Bins of a text.
const BINS: usize = BANDS * ROWS;
/// Stands in a bin without a shingle; as a hash it comes up once in 2^64 shingles.
const EMPTY: u64 = u64::MAX;

/// The keys of a text's bands: texts that share one may be near-copies. `shingles`: hashes, in any
/// order, any number of times; at least one.
pub(super) fn bands(shingles: &[u64]) -> [u64; BANDS] {
    let mut bins = [EMPTY; BINS];
    for &shingle in shingles {
        let bin = &mut bins[bin_of(shingle)];
        *bin = shingle.min(*bin);
    }
    let filled = if shingles.is_empty() { bins } else { densified(&bins) };
    std::array::from_fn(|band| {
        let rows = &filled[band * ROWS..(band + 1) * ROWS];
        rows.iter().fold(mixed(band as u64 + 1), |key, &least| mixed(key ^ least))
    })
}

/// The bin of a hash, by its high bits.
fn bin_of(hash: u64) -> usize {
    ((u128::from(hash) * BINS as u128) >> 64) as usize
}

fn densified(bins: &[u64; BINS]) -> [u64; BINS] {
    let mut filled = *bins;
    for (number, bin) in filled.iter_mut().enumerate() {
        let mut attempt = 0;
        while *bin == EMPTY {
            attempt += 1;
            *bin = bins[bin_of(mixed((attempt << 16) | number as u64))];
        }
    }
    filled
}

/// The part of two sets that they share, 0..1: shared shingles over all shingles of both (Jaccard).
/// Both sorted, without repeats.
pub(super) fn overlap(a: &[u64], b: &[u64]) -> f64 {
    let shared = n_shared(a, b);
    match a.len() + b.len() - shared {
        0 => 0.0,
        all => shared as f64 / all as f64,
    }
}

/// The part of the smaller set that the other holds, 0..1. Both sorted, without repeats.
pub(super) fn containment(a: &[u64], b: &[u64]) -> f64 {
    match a.len().min(b.len()) {
        0 => 0.0,
        smaller => n_shared(a, b) as f64 / smaller as f64,
    }
}

fn n_shared(a: &[u64], b: &[u64]) -> usize {
    let (mut i, mut j, mut n) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        i += usize::from(x <= y);
        j += usize::from(y <= x);
        n += usize::from(x == y);
    }
    n
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Two sets of `n` hashes each, of which `n_shared` are the same.
    fn two(seed: u64, n: u64, n_shared: u64) -> (Vec<u64>, Vec<u64>) {
        let hash = |k: u64| mixed(mixed(seed) ^ k);
        (((0..n).map(hash)).collect(), (n - n_shared..2 * n - n_shared).map(hash).collect())
    }

    /// Of 400 pairs of sets the part that share a band.
    fn found(n: u64, overlap: f64) -> f64 {
        let shared = (2.0 * n as f64 * overlap / (1.0 + overlap)).round() as u64;
        let is_found = |seed: &u64| {
            let (a, b) = two(*seed, n, shared);
            bands(&a).iter().zip(bands(&b)).any(|(a, b)| *a == b)
        };
        (0..400).filter(is_found).count() as f64 / 400.0
    }

    #[test]
    fn near_copies_share_a_band_and_others_seldom() {
        for n in [16, 40, 120, 1_000, 5_000] {
            // Small sets lack bins of their own, so their rows are not independent.
            assert!(found(n, 0.8) >= 0.98, "{n} shingles, 0.8: {}", found(n, 0.8));
            assert!(found(n, 0.87) >= 0.995, "{n} shingles, 0.87: {}", found(n, 0.87));
            assert!(found(n, 0.2) < 0.03, "{n} shingles, 0.2: {}", found(n, 0.2));
        }
    }

    #[test]
    fn an_empty_text_has_bands_too() {
        assert_eq!(bands(&[]), bands(&[]));
        assert_eq!((overlap(&[], &[]), containment(&[], &[1])), (0.0, 0.0));
    }

    proptest! {
        #[test]
        fn overlap_is_that_of_the_sets(
            a in prop::collection::btree_set(0_u64..40, 0..30),
            b in prop::collection::btree_set(0_u64..40, 0..30),
        ) {
            let list = |set: &BTreeSet<u64>| set.iter().copied().collect::<Vec<_>>();
            let (shared, all) = (a.intersection(&b).count(), a.union(&b).count());
            prop_assert_eq!(overlap(&list(&a), &list(&b)), shared as f64 / all.max(1) as f64);
            let smaller = a.len().min(b.len()).max(1);
            prop_assert_eq!(containment(&list(&a), &list(&b)), shared as f64 / smaller as f64);
        }

        #[test]
        fn bands_do_not_hang_on_order(mut hashes in prop::collection::vec(any::<u64>(), 1..50)) {
            let before = bands(&hashes);
            hashes.reverse();
            prop_assert_eq!(before, bands(&hashes));
        }
    }
}
