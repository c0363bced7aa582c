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

    /// `n` rows of `width` numbers gathered at random into groups of `size`, the last one perhaps smaller: their
    /// sums, a row a group. `add` adds the row of an index to what it is given. Groups of one are the rows as
    /// they stand, and draw nothing.
    pub fn gathered(
        &mut self,
        (n, width): (usize, usize),
        size: usize,
        add: impl Fn(usize, &mut [f64]),
    ) -> Array2<f64> {
        let mut order: Vec<u32> = (0..n as u32).collect();
        if size > 1 {
            self.shuffle(&mut order);
        }
        let groups = order.chunks(size.max(1));
        let mut sums = Array2::zeros((groups.len(), width));
        for (group, mut sum) in groups.zip(sums.outer_iter_mut()) {
            let Some(sum) = sum.as_slice_mut() else { continue };
            group.iter().for_each(|&index| add(index as usize, sum));
        }
        sums
    }

    /// Puts them in a random order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for place in (1..all.len()).rev() {
            all.swap(place, self.0.random_range(0..=place as u32) as usize);
        }
    }

    /// `BLOCK` random choices of `n_chosen` of `n` documents, without replacement: 1 for a chosen one. Shape
    /// (`BLOCK`, documents).
    ///
    /// A coin is tossed for each document, and as many as are then too many or too few are turned over, each
    /// drawn at random among those of its side: no choice of that number is more likely than another.
    pub fn choices(&mut self, n: usize, n_chosen: usize) -> Array2<f64> {
        let mut chosen = vec![0.0; BLOCK * n];
        let mut coins = vec![0_u8; n];
        let bound = (n_chosen * 256 / n.max(1)) as i32;
        // 1 for a coin under the bound, without a branch, which no processor could foresee.
        let toss = |coin: u8| ((i32::from(coin) - bound) as u32 >> 31) as i32;
        for row in chosen.chunks_exact_mut(n.max(1)) {
            self.0.fill(&mut coins[..]);
            row.iter_mut().zip(&coins).for_each(|(cell, coin)| *cell = f64::from(toss(*coin)));
            let n_in = coins.iter().map(|coin| toss(*coin)).sum::<i32>() as usize;
            let too_many = f64::from(n_in > n_chosen);
            let mut n_wrong = n_in.abs_diff(n_chosen);
            while n_wrong > 0 {
                let cell = &mut row[self.0.random_range(0..n as u32) as usize];
                n_wrong -= usize::from(*cell == too_many);
                *cell = 1.0 - too_many;
            }
        }
        Array2::from_shape_vec((BLOCK, n), chosen).unwrap_or_else(|_| Array2::zeros((BLOCK, n)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_as_likely_as_another() {
        for (n, n_chosen, n_choices) in [(5, 2, 10), (6, 3, 20), (7, 1, 7), (4, 4, 1)] {
            let mut draws = Draws::new(1, &["choices"]);
            let mut counts = std::collections::BTreeMap::new();
            for _ in 0..1000 {
                for row in draws.choices(n, n_chosen).outer_iter() {
                    assert_eq!(row.sum(), n_chosen as f64);
                    let choice = row.iter().fold(0, |bits, cell| 2 * bits + u32::from(*cell > 0.0));
                    *counts.entry(choice).or_insert(0.0) += 1.0;
                }
            }
            let expected = (1000 * BLOCK) as f64 / f64::from(n_choices);
            let spread: f64 =
                counts.values().map(|n: &f64| (n - expected).powi(2) / expected).sum();
            assert_eq!(counts.len(), n_choices as usize);
            // Chi-square of 19 degrees of freedom is over 43.8 once in a thousand.
            assert!(spread < 43.8, "{n_chosen} of {n}: {spread}");
        }
    }
}
