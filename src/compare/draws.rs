//! What is drawn at random, from a seed and the name of what it is drawn for: so that the interval of
//! 1990 is the same whatever other periods there are, and for any number of threads.

use ndarray::{Array2, ArrayView2, Axis, Slice};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws made before they are multiplied with the documents together.
const BLOCK: usize = 64;

/// A generator for one purpose.
#[derive(Debug, Clone)]
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    /// `name`: what is drawn for, such as a kind, a group and a period.
    pub fn new(seed: u64, name: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        for part in name {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        Draws(ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()))
    }

    /// Counts of documents in `BLOCK` resamples, each of as many documents as there are, drawn with
    /// replacement. Shape (`BLOCK`, documents).
    fn with_replacement(&mut self, n: usize) -> Array2<f64> {
        let mut counts = Array2::zeros((BLOCK, n));
        for mut row in counts.outer_iter_mut() {
            for _ in 0..n {
                row[self.0.random_range(0..n as u32) as usize] += 1.0;
            }
        }
        counts
    }

    /// The sums of at least `n` resamples of the documents, one a row. Shape (resamples, columns).
    pub fn resampled(&mut self, documents: ArrayView2<'_, f64>, n: usize) -> Array2<f64> {
        let n_blocks = n.div_ceil(BLOCK);
        let mut sums = Array2::zeros((n_blocks * BLOCK, documents.ncols()));
        for block in 0..n_blocks {
            let counts = self.with_replacement(documents.nrows());
            let rows = Slice::from(block * BLOCK..(block + 1) * BLOCK);
            sums.slice_axis_mut(Axis(0), rows).assign(&counts.dot(&documents));
        }
        sums
    }

    /// Sums of the rows, gathered at random into groups of `size`, the last one perhaps smaller. Shape (groups,
    /// columns). Groups of one are the rows as they stand, and draw nothing.
    pub fn gathered(&mut self, rows: ArrayView2<'_, f64>, size: usize) -> Array2<f64> {
        if size <= 1 {
            return rows.to_owned();
        }
        let mut order: Vec<usize> = (0..rows.nrows()).collect();
        self.shuffle(&mut order);
        let mut sums = Array2::zeros((order.len().div_ceil(size), rows.ncols()));
        for (group, mut sum) in order.chunks(size).zip(sums.outer_iter_mut()) {
            group.iter().for_each(|&row| sum += &rows.row(row));
        }
        sums
    }

    /// Puts them in a random order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for place in (1..all.len()).rev() {
            all.swap(place, self.0.random_range(0..=place as u32) as usize);
        }
    }

    /// `BLOCK` random choices of `n_chosen` of the documents named by `order`, without replacement: 1
    /// for a chosen one. `order` holds every index once, and is shuffled on. Shape (`BLOCK`, documents).
    pub fn choices(&mut self, order: &mut [u32], n_chosen: usize) -> Array2<f64> {
        let n = order.len();
        let mut chosen = Array2::zeros((BLOCK, n));
        for mut row in chosen.outer_iter_mut() {
            for place in 0..n_chosen {
                let other = self.0.random_range(place as u32..n as u32) as usize;
                order.swap(place, other);
                row[order[place] as usize] = 1.0;
            }
        }
        chosen
    }

    /// The indices of `n_chosen` of `n` things, drawn without replacement, in random order.
    pub fn chosen(&mut self, n: usize, n_chosen: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for place in 0..n_chosen.min(n) {
            let other = self.0.random_range(place as u64..n as u64) as usize;
            order.swap(place, other);
        }
        order.truncate(n_chosen);
        order
    }
}
