//! How well each cluster comes back when a part of the rows is left out.
//!
//! Hennig (2007), "Cluster-wise assessment of cluster stability": the rows are clustered again
//! without a part of them, many times over. Each time a cluster is set against the new one that is
//! most like it, by Jaccard's index over the rows that are still there; the mean is its stability.
//! By his rule of thumb 0.75 and more is a stable cluster, under 0.6 is not to be trusted.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Neighbours, RESOLUTION, communities};

/// Times that the rows are clustered again.
const N_DRAWS: u64 = 12;
/// Part of the rows that each draw keeps.
const KEPT: f64 = 0.8;

/// For each cluster, in the order of their numbers, its stability: 0..1.
pub fn stability(neighbours: &Neighbours, members: &[Option<usize>], seed: u64) -> Vec<f64> {
    let n_clusters = members.iter().flatten().max().map_or(0, |last| last + 1);
    let draw = |draw: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(draw + 1);
        let kept: Vec<bool> = members.iter().map(|_| rng.random::<f64>() < KEPT).collect();
        let again = communities(&neighbours.graph(Some(&kept)), RESOLUTION, seed);
        best_matches(members, &again, &kept, n_clusters)
    };
    let draws: Vec<Vec<f64>> = (0..N_DRAWS).into_par_iter().map(draw).collect();
    let mean = |k: usize| draws.iter().map(|draw| draw[k]).sum::<f64>() / N_DRAWS as f64;
    (0..n_clusters).map(mean).collect()
}

/// For each of the `n` clusters its largest Jaccard index with one of `again`, over the rows kept.
fn best_matches(
    members: &[Option<usize>],
    again: &[Option<usize>],
    kept: &[bool],
    n: usize,
) -> Vec<f64> {
    let n_again = again.iter().flatten().max().map_or(0, |last| last + 1);
    let (mut sizes, mut sizes_again) = (vec![0_u32; n], vec![0_u32; n_again]);
    let mut shared = vec![0_u32; n * n_again];
    let rows = members.iter().zip(again).zip(kept).filter(|(_, kept)| **kept);
    for ((before, after), _) in rows {
        before.iter().for_each(|&k| sizes[k] += 1);
        after.iter().for_each(|&k| sizes_again[k] += 1);
        before.iter().zip(after).for_each(|(&k, &l)| shared[k * n_again + l] += 1);
    }
    let jaccard = |k: usize, l: usize| {
        let both = shared[k * n_again + l];
        f64::from(both) / f64::from((sizes[k] + sizes_again[l] - both).max(1))
    };
    (0..n).map(|k| (0..n_again).map(|l| jaccard(k, l)).fold(0.0, f64::max)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_matched_with_the_one_most_like_it_among_the_rows_kept() {
        let members = [Some(0), Some(0), Some(0), Some(1), Some(1), None];
        let again = [Some(1), Some(1), Some(0), Some(0), Some(0), Some(0)];
        let all = best_matches(&members, &again, &[true; 6], 2);
        assert_eq!(all, [2.0 / 3.0, 2.0 / 4.0]);
        let kept = [true, true, false, true, true, false];
        assert_eq!(best_matches(&members, &again, &kept, 2), [1.0, 1.0]);
    }
}
