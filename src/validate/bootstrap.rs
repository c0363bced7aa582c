//! Intervals that resample documents: passages of one document are coded and scored alike, so they
//! are no independent draws, and an interval that took them for such would be too narrow.
//!
//! Each resample draws as many documents as there are, with replacement, and keeps every document's
//! passages together (the cluster bootstrap; Davison and Hinkley 1997, section 3.8); the interval
//! runs from the 2.5 to the 97.5 percentile of the figure over the resamples.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Part of the resamples in which a figure must be defined to have an interval.
const MIN_DEFINED: f64 = 0.8;
/// Part of the resamples that a 95 % interval leaves out at either end.
const TAIL: f64 = 0.025;

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How documents are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resampling {
    /// Seed of the draws.
    pub seed: u64,
    /// Number of resamples.
    pub n: usize,
    /// Figures of which all together should lie in their intervals 95 times out of 100; 1 or more
    /// (Bonferroni's correction).
    pub n_together: usize,
}

impl Resampling {
    /// The interval of each figure that `figures` gives. It is told how often each of `n_documents`
    /// was drawn, and gives the same number of figures every time, `None` where one is undefined.
    ///
    /// A figure has no interval where there are fewer than two documents, or where it is undefined
    /// in more than a fifth of the resamples. The result depends on the seed, not on the threads.
    pub fn intervals(
        self,
        n_documents: usize,
        n_figures: usize,
        figures: impl Fn(&[u32]) -> Vec<Option<f64>> + Sync,
    ) -> Vec<Option<Interval>> {
        if n_documents < 2 || self.n == 0 {
            return vec![None; n_figures];
        }
        let resample = |index| figures(&self.draw(index, n_documents));
        let resamples: Vec<Vec<Option<f64>>> = (0..self.n).into_par_iter().map(resample).collect();
        let of_figure = |figure: usize| {
            let values = resamples.iter().filter_map(|values| values[figure]);
            self.interval(values.collect())
        };
        (0..n_figures).map(of_figure).collect()
    }

    /// How often each document is drawn in the resample of this index.
    fn draw(self, index: usize, n_documents: usize) -> Vec<u32> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(index as u64);
        let mut times = vec![0; n_documents];
        for _ in 0..n_documents {
            times[rng.random_range(0..n_documents)] += 1;
        }
        times
    }

    fn interval(self, mut values: Vec<f64>) -> Option<Interval> {
        if (values.len() as f64) < MIN_DEFINED * self.n as f64 {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let tail = TAIL / self.n_together as f64;
        let at = |part: f64| super::rounded(percentile(&values, part));
        Some(Interval { low: at(tail), high: at(1.0 - tail) })
    }
}

/// The value below which a part of the sorted values lies, interpolated between neighbours.
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(times: &[u32], values: &[f64]) -> Option<f64> {
        let sum: f64 = times.iter().zip(values).map(|(&n, v)| f64::from(n) * v).sum();
        Some(sum / times.iter().sum::<u32>() as f64)
    }

    #[test]
    fn the_interval_of_a_mean_is_that_of_theory() {
        // 200 documents, spread evenly over 0..1: the standard error of the mean is that of a uniform
        // distribution, sqrt(1 / 12), over sqrt(200).
        let values: Vec<f64> = (0..200).map(|i| (f64::from(i) + 0.5) / 200.0).collect();
        let resampling = Resampling { seed: 3, n: 4000, n_together: 1 };
        let found = resampling.intervals(200, 1, |times| vec![mean(times, &values)])[0].unwrap();
        let expected = 1.96 * (1.0 / 12.0f64).sqrt() / 200f64.sqrt();
        assert!((found.low - (0.5 - expected)).abs() < 0.004, "{found:?}");
        assert!((found.high - (0.5 + expected)).abs() < 0.004, "{found:?}");
        let again = resampling.intervals(200, 1, |times| vec![mean(times, &values)])[0].unwrap();
        assert_eq!(found, again);
        let other = Resampling { seed: 4, ..resampling };
        assert_ne!(other.intervals(200, 1, |times| vec![mean(times, &values)])[0].unwrap(), found);
    }

    #[test]
    fn passages_of_one_document_stay_together() {
        // Two documents that disagree: a resample has a mean of 0, 0.5 or 1, whatever their length.
        let values = [0.0, 1.0];
        let resampling = Resampling { seed: 1, n: 500, n_together: 1 };
        let found = resampling.intervals(2, 1, |times| vec![mean(times, &values)])[0].unwrap();
        assert_eq!(found, Interval { low: 0.0, high: 1.0 });
    }

    #[test]
    fn where_nothing_can_be_said_there_is_no_interval() {
        let resampling = Resampling { seed: 1, n: 100, n_together: 1 };
        assert_eq!(resampling.intervals(1, 1, |_| vec![Some(1.0)]), [None]);
        assert_eq!(resampling.intervals(9, 1, |_| vec![None]), [None]);
        // Defined only where the one document is drawn that has the theme: in 63 % of resamples.
        let one = |times: &[u32]| vec![(times[0] > 0).then_some(1.0)];
        assert_eq!(resampling.intervals(9, 1, one), [None]);
    }
}
