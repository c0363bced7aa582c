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

    /// Deals `n` things at random into groups of `size`, the last one perhaps smaller. Groups of one are the things as
    /// they stand, and draw nothing.
    pub fn groups(&mut self, n: usize, size: usize) -> Groups<'_> {
        Groups::new(self, n, size.max(1))
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

/// Things dealt into groups one after the other, each into a place drawn from those that are free: no division of
/// them is more likely than another, and nothing is kept of a thing.
#[derive(Debug)]
pub(super) struct Groups<'d> {
    draws: &'d mut Draws,
    size: usize,
    n_dealt: usize,
    /// Free places in all.
    n_free: usize,
    /// Free places by group, as sums over runs of groups (Fenwick 1994); `free[0]` is not used.
    free: Vec<usize>,
}

impl<'d> Groups<'d> {
    fn new(draws: &'d mut Draws, n: usize, size: usize) -> Self {
        let n_groups = n.div_ceil(size);
        let mut free = vec![0; n_groups + 1];
        for group in 1..=n_groups {
            free[group] += size.min(n - (group - 1) * size);
            let above = group + (group & group.wrapping_neg());
            if above <= n_groups {
                free[above] += free[group];
            }
        }
        Groups { draws, size, n_dealt: 0, n_free: n, free }
    }

    /// The number of groups.
    pub fn n(&self) -> usize {
        self.free.len() - 1
    }

    /// The group of the next thing. There must be one.
    pub fn next(&mut self) -> usize {
        self.n_dealt += 1;
        if self.size == 1 {
            return self.n_dealt - 1;
        }
        let mut place = self.draws.0.random_range(0..self.n_free as u64) as usize;
        self.n_free -= 1;
        // Down from the longest run: past those whose free places all come before the one drawn.
        let (mut group, mut step) = (0, (self.n() + 1).next_power_of_two() / 2);
        while step > 0 {
            match self.free.get(group + step) {
                Some(&free) if free <= place => (group, place) = (group + step, place - free),
                Some(_) => self.free[group + step] -= 1,
                None => {}
            }
            step /= 2;
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_division_into_groups_is_as_likely_as_another() {
        // Of 5 things in groups of 2, 2 and 1 there are 30 divisions.
        let (mut draws, mut counts) =
            (Draws::new(1, &["groups"]), std::collections::BTreeMap::new());
        for _ in 0..30_000 {
            let mut groups = draws.groups(5, 2);
            assert_eq!(groups.n(), 3);
            let division = [0; 5].map(|_| groups.next());
            *counts.entry(division).or_insert(0.0) += 1.0;
        }
        let spread: f64 = counts.values().map(|n: &f64| (n - 1000.0).powi(2) / 1000.0).sum();
        assert_eq!(counts.len(), 30);
        // Chi-square of 29 degrees of freedom is over 58.3 once in a thousand.
        assert!(spread < 58.3, "{spread}");
        for (n, size) in [(1, 1), (7, 7), (1000, 3), (4097, 8), (64, 2)] {
            let mut groups = draws.groups(n, size);
            let mut sizes = vec![0; groups.n()];
            (0..n).for_each(|_| sizes[groups.next()] += 1);
            let (last, whole) = sizes.split_last().unwrap();
            assert!(whole.iter().all(|own| *own == size) && *last == n - whole.len() * size);
        }
    }

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
