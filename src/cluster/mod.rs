//! Matrix → [`Clustering`]: groups of units that mean the same, their number taken from the data.
//!
//! Units with the same vector count once, or copies of one sentence would be a group by themselves.
//! First the directions that all units share are levelled out ([`levelled`]). Then every unit is
//! joined to the units that lie closest to it, and the more neighbours two of them share, the
//! stronger ([`Neighbours`]). Groups are the communities of that graph: those within which there is
//! more weight than chance would put there ([`communities`]). Nobody has to say how many there are,
//! they may have any size and shape, and a unit without a neighbour is in none. [`stability`] says
//! for each group how well it comes back when a part of the units is left out.
//!
//! What is drawn comes from a seeded generator and sums run in the order of the rows, so the same
//! matrix and seed give the same clustering on any number of threads.

mod level;
mod louvain;
mod neighbours;
mod stability;

use ndarray::{Array1, ArrayView1, ArrayView2, Axis};
use rustc_hash::FxHashMap;

pub use level::levelled;
pub use louvain::communities;
pub use neighbours::{Graph, Neighbours};
pub use stability::stability;

/// Weight over chance that holds a group together. At 1, the usual value, rhetoric and topics of a
/// real corpus still stick together in large groups; at 2, a group of a third of the rows and more
/// may be divided.
const RESOLUTION: f64 = 2.0;

/// Groups of the rows of a matrix, with how stable each is.
#[derive(Debug, Clone, PartialEq)]
pub struct Clustering {
    /// For every row its cluster, `0..n_clusters`; `None` for a row without a neighbour.
    pub members: Vec<Option<usize>>,
    /// For every cluster, its stability: 0..1. Clusters with most different rows stand first.
    pub stability: Vec<f64>,
}

impl Clustering {
    /// Clusters the rows of a matrix `(n, dimension)`, each of length 1 or zero. Time grows with the
    /// square of `n`; memory with `n`.
    pub fn of(matrix: ArrayView2<'_, f32>, seed: u64) -> Self {
        let (firsts, places) = distinct(matrix);
        let rows = levelled(matrix.select(Axis(0), &firsts).view());
        let neighbours = Neighbours::of(rows.view());
        let found = communities(&neighbours.graph(None), RESOLUTION, seed);
        let stability = stability(&neighbours, &found, seed);
        Clustering { members: places.into_iter().map(|place| found[place]).collect(), stability }
    }

    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.stability.len()
    }

    /// Rows of cluster `k`, in their order.
    pub fn rows(&self, k: usize) -> Vec<usize> {
        (0..self.members.len()).filter(|&row| self.members[row] == Some(k)).collect()
    }
}

/// The first of each kind of equal rows, and for every row the place of its kind among them.
fn distinct(matrix: ArrayView2<'_, f32>) -> (Vec<usize>, Vec<usize>) {
    let mut known: FxHashMap<Vec<u32>, usize> = FxHashMap::default();
    let (mut firsts, mut places) = (Vec::new(), Vec::with_capacity(matrix.nrows()));
    for (index, row) in matrix.rows().into_iter().enumerate() {
        let next = firsts.len();
        let place = *known.entry(row.iter().map(|x| x.to_bits()).collect()).or_insert(next);
        if place == next {
            firsts.push(index);
        }
        places.push(place);
    }
    (firsts, places)
}

/// The vector scaled to length 1; `None` for the zero vector.
pub fn direction(vector: ArrayView1<'_, f64>) -> Option<Array1<f32>> {
    let norm = vector.dot(&vector).sqrt();
    (norm > 0.0).then(|| vector.mapv(|x| (x / norm) as f32))
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// `sizes[k]` rows near axis `k` of a space of 40 dimensions, in turns, `spread` wide.
    fn around_axes(sizes: &[usize], spread: f64) -> (Array2<f32>, Vec<usize>) {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let n = sizes.iter().copied().max().unwrap_or(0);
        let turns = (0..n).flat_map(|turn| (0..sizes.len()).map(move |k| (turn, k)));
        let truth: Vec<usize> = turns.filter(|&(t, k)| t < sizes[k]).map(|(_, k)| k).collect();
        let mut matrix = Array2::zeros((truth.len(), 40));
        for (mut row, &k) in matrix.axis_iter_mut(Axis(0)).zip(&truth) {
            let mut drawn = Array1::from_shape_fn(40, |_| spread * (rng.random::<f64>() - 0.5));
            drawn[k] += 1.0;
            row.assign(&direction(drawn.view()).unwrap());
        }
        (matrix, truth)
    }

    #[test]
    fn groups_of_different_sizes_are_found_and_counted() {
        let (matrix, truth) = around_axes(&[60, 60, 45, 40, 30, 30, 25], 0.5);
        let clustering = Clustering::of(matrix.view(), 1);
        assert_eq!(clustering.n_clusters(), 7);
        for (members, k) in clustering.members.iter().zip(&truth) {
            let first = truth.iter().position(|other| other == k).unwrap();
            assert_eq!(*members, clustering.members[first]);
        }
        assert!(clustering.stability.iter().all(|&s| s > 0.75), "{:?}", clustering.stability);
        assert_eq!(clustering.rows(0).len(), 60, "largest first");
    }

    #[test]
    fn copies_of_a_row_change_nothing_and_share_its_cluster() {
        let (matrix, _) = around_axes(&[40, 40, 40, 40, 40], 0.5);
        let once = Clustering::of(matrix.view(), 1);
        let rows: Vec<usize> = (0..200).flat_map(|row| vec![row; 1 + row % 40]).collect();
        let copied = Clustering::of(matrix.select(Axis(0), &rows).view(), 1);
        assert_eq!(copied.stability, once.stability);
        assert!(rows.iter().zip(&copied.members).all(|(&row, found)| *found == once.members[row]));
    }

    #[test]
    fn groups_of_noise_are_less_stable_than_groups_of_meaning() {
        let (noise, _) = around_axes(&[0, 0, 300], 60.0);
        let clustering = Clustering::of(noise.view(), 1);
        assert!(clustering.stability.iter().all(|&s| s < 0.6), "{:?}", clustering.stability);
    }

    #[test]
    fn threads_do_not_change_the_clustering() {
        let (matrix, _) = around_axes(&[70, 70, 70], 4.0);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Clustering::of(matrix.view(), 9))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn nothing_one_row_equal_rows_and_zero_rows_are_no_trouble() {
        assert_eq!(Clustering::of(Array2::zeros((0, 3)).view(), 1).n_clusters(), 0);
        assert_eq!(Clustering::of(Array2::zeros((5, 3)).view(), 1).members, vec![None; 5]);
        let same =
            Array2::from_shape_fn((50, 2), |(_, column)| if column == 0 { 1.0 } else { 0.0 });
        assert_eq!(Clustering::of(same.select(Axis(0), &[0]).view(), 1).members, vec![None]);
        assert_eq!(Clustering::of(same.view(), 1).n_clusters(), 0, "nothing sets a row apart");
    }
}
