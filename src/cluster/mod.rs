//! Matrix → [`Clustering`]: groups of units that point the same way.
//!
//! Unit vectors lie on the unit sphere, so clusters are found by spherical k-means (Dhillon and
//! Modha 2001): the mean direction of the members is the centroid, closeness is the cosine. Starts
//! are drawn by k-means++ (Arthur and Vassilvitskii 2007) from a seeded generator, so the same
//! matrix and seed give the same clustering on any number of threads.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Rounds after which Lloyd's iteration stops even if a member still moves.
const MAX_ROUNDS: usize = 50;

/// The result of one run of k-means, kept together.
#[derive(Debug, Clone, PartialEq)]
pub struct Clustering {
    /// `(k, dimension)`, rows of length 1: the mean direction of each cluster.
    pub centroids: Array2<f32>,
    /// For every row of the matrix its cluster, `0..k`.
    pub members: Vec<usize>,
    /// For every row its cosine with its centroid, -1..=1.
    pub similarity: Vec<f32>,
    /// For every row its cosine with the second closest centroid; -1 where there is one cluster.
    pub runner_up: Vec<f32>,
}

impl Clustering {
    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.centroids.nrows()
    }

    /// Mean simplified silhouette (Hruschka et al. 2004) over rows, -1..=1, on cosine distance:
    /// how much closer rows are to their own centroid than to the next one.
    pub fn silhouette(&self) -> f64 {
        let width = |(&own, &other): (&f32, &f32)| {
            let (near, far) = (1.0 - f64::from(own), 1.0 - f64::from(other));
            if far > 0.0 { (far - near) / far } else { 0.0 }
        };
        let sum: f64 = self.similarity.iter().zip(&self.runner_up).map(width).sum();
        sum / self.members.len().max(1) as f64
    }

    /// Rows of cluster `k`, closest to its centroid first (ties by row).
    pub fn ranked_members(&self, k: usize) -> Vec<usize> {
        let mut rows: Vec<usize> =
            (0..self.members.len()).filter(|&row| self.members[row] == k).collect();
        rows.sort_by(|&a, &b| self.similarity[b].total_cmp(&self.similarity[a]).then(a.cmp(&b)));
        rows
    }
}

/// Spherical k-means with `k` clusters (at most as many as rows) on a matrix `(n, dimension)` of
/// rows of length 1. `None` for an empty matrix or `k == 0`.
pub fn spherical_kmeans(matrix: ArrayView2<'_, f32>, k: usize, seed: u64) -> Option<Clustering> {
    let k = k.min(matrix.nrows());
    if k == 0 {
        return None;
    }
    let mut clustering = assign(matrix, plus_plus(matrix, k, seed));
    for _ in 0..MAX_ROUNDS {
        let next = assign(matrix, mean_directions(matrix, &clustering));
        let settled = next.members == clustering.members;
        clustering = next;
        if settled {
            break;
        }
    }
    Some(clustering)
}

/// Spherical k-means with the number of clusters taken from the data: the candidate with the best
/// silhouette. `None` where the matrix has fewer rows than the smallest candidate.
pub fn best_kmeans(
    matrix: ArrayView2<'_, f32>,
    candidates: &[usize],
    seed: u64,
) -> Option<Clustering> {
    candidates
        .iter()
        .filter(|&&k| k <= matrix.nrows())
        .filter_map(|&k| spherical_kmeans(matrix, k, seed))
        .map(|clustering| (clustering.silhouette(), clustering))
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, clustering)| clustering)
}

/// Starting centroids: each further one is a row drawn with probability proportional to its cosine
/// distance from those drawn before.
fn plus_plus(matrix: ArrayView2<'_, f32>, k: usize, seed: u64) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut centroids = Array2::zeros((k, matrix.ncols()));
    let mut row = rng.random_range(0..matrix.nrows());
    let mut distance = vec![f64::INFINITY; matrix.nrows()];
    for drawn in 0..k {
        centroids.row_mut(drawn).assign(&matrix.row(row));
        for (d, cosine) in distance.iter_mut().zip(matrix.dot(&matrix.row(row))) {
            *d = d.min(f64::from((1.0 - cosine).max(0.0)));
        }
        row = draw(&distance, rng.random::<f64>());
    }
    centroids
}

/// The index at which the running sum of `weights` passes `quantile` (0..1) of the total.
fn draw(weights: &[f64], quantile: f64) -> usize {
    let target = quantile * weights.iter().sum::<f64>();
    let mut sum = 0.0;
    let passed = weights.iter().position(|weight| {
        sum += weight;
        sum > target
    });
    passed.unwrap_or(weights.len() - 1)
}

fn assign(matrix: ArrayView2<'_, f32>, centroids: Array2<f32>) -> Clustering {
    let cosines = matrix.dot(&centroids.t());
    let nearest: Vec<(usize, f32, f32)> = cosines.axis_iter(Axis(0)).map(two_closest).collect();
    Clustering {
        centroids,
        members: nearest.iter().map(|n| n.0).collect(),
        similarity: nearest.iter().map(|n| n.1).collect(),
        runner_up: nearest.iter().map(|n| n.2).collect(),
    }
}

/// (index of the largest, the largest, the second largest); the first wins a tie.
fn two_closest(cosines: ArrayView1<'_, f32>) -> (usize, f32, f32) {
    cosines.iter().enumerate().fold((0, -1.0, -1.0), |(best, first, second), (k, &cosine)| {
        if cosine > first { (k, cosine, first) } else { (best, first, second.max(cosine)) }
    })
}

/// The mean direction of each cluster; a cluster without members keeps its centroid.
fn mean_directions(matrix: ArrayView2<'_, f32>, clustering: &Clustering) -> Array2<f32> {
    let mut sums: Array2<f64> = Array2::zeros(clustering.centroids.dim());
    for (row, &k) in matrix.axis_iter(Axis(0)).zip(&clustering.members) {
        sums.row_mut(k).zip_mut_with(&row, |sum, &x| *sum += f64::from(x));
    }
    let mut centroids = clustering.centroids.clone();
    for (mut centroid, sum) in centroids.axis_iter_mut(Axis(0)).zip(sums.axis_iter(Axis(0))) {
        if let Some(direction) = direction(sum) {
            centroid.assign(&direction);
        }
    }
    centroids
}

/// The vector scaled to length 1; `None` for the zero vector.
pub fn direction(vector: ArrayView1<'_, f64>) -> Option<Array1<f32>> {
    let norm = vector.dot(&vector).sqrt();
    (norm > 0.0).then(|| vector.mapv(|x| (x / norm) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` rows near each of `k` axes of a space of `k + 2` dimensions.
    fn around_axes(k: usize, n: usize) -> Array2<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut matrix = Array2::zeros((k * n, k + 2));
        for (row, mut vector) in matrix.axis_iter_mut(Axis(0)).enumerate() {
            vector.mapv_inplace(|_: f64| 0.2 * (rng.random::<f64>() - 0.5));
            vector[row % k] += 1.0;
            let unit = direction(vector.view()).unwrap();
            vector.assign(&unit.mapv(f64::from));
        }
        matrix.mapv(|x| x as f32)
    }

    #[test]
    fn rows_around_three_axes_fall_into_three_clusters() {
        let matrix = around_axes(3, 20);
        let clustering = best_kmeans(matrix.view(), &[2, 3, 4, 5, 6], 1).unwrap();
        assert_eq!(clustering.n_clusters(), 3);
        for row in 0..60 {
            assert_eq!(clustering.members[row], clustering.members[row % 3]);
            let centroid = clustering.centroids.row(clustering.members[row]);
            let cosine = centroid.dot(&matrix.row(row));
            assert!((cosine - clustering.similarity[row]).abs() < 1e-5);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_clustering() {
        let matrix = around_axes(5, 9);
        assert_eq!(spherical_kmeans(matrix.view(), 4, 11), spherical_kmeans(matrix.view(), 4, 11));
    }

    #[test]
    fn fewer_rows_than_clusters_and_equal_rows_are_no_trouble() {
        assert_eq!(spherical_kmeans(Array2::zeros((0, 3)).view(), 2, 1), None);
        let same = Array2::from_shape_fn((4, 2), |(_, column)| if column == 0 { 1.0 } else { 0.0 });
        let clustering = spherical_kmeans(same.view(), 9, 1).unwrap();
        assert_eq!(clustering.n_clusters(), 4);
        assert!(clustering.similarity.iter().all(|&cosine| (cosine - 1.0).abs() < 1e-6));
    }

    #[test]
    fn ranked_members_start_with_the_closest() {
        let clustering = spherical_kmeans(around_axes(2, 6).view(), 2, 3).unwrap();
        let ranked = clustering.ranked_members(0);
        assert_eq!(ranked.len(), 6);
        assert!(ranked.is_sorted_by(|&a, &b| clustering.similarity[a] >= clustering.similarity[b]));
    }
}
