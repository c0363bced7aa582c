//! Where the level of a series changed, and how sure that is.
//!
//! A series of levels is fitted by least squares, with a price for every change: the segmentation of
//! smallest cost is found exactly (Jackson et al. 2005; PELT, Killick et al. 2012, finds the same one
//! faster where series are much longer than those of the calendar). The price, and the test whether
//! there is any change at all, come from the same series with its periods in random order: in 95 of
//! 100 of these no change pays. So neither a single odd year nor heavy tails make a change of level.
//!
//! When a change happened is told from how much worse the fit becomes with the change at another
//! period: the periods that hold 95 % of the likelihood, other changes as they are.

use std::ops::Range;

use crate::compare::counted::ThemeName;
use crate::compare::quantile::of_sorted;
use crate::compare::{CompareOptions, Draws, words};

use super::{Run, Series};

/// Fewest periods of a level.
const MIN_LENGTH: usize = 2;
/// Random orders behind a p-value.
const N_ORDERS: usize = 999;
/// Orders with a change as large after which a p-value is known well enough (Besag and Clifford 1991).
const ENOUGH: usize = 50;
/// Part of the likelihood that the periods given for a change hold.
const HELD: f64 = 0.95;
/// Part of the largest steps that the noise is estimated without: they may be changes of level.
const TRIMMED: f64 = 0.2;
/// Mean of the smallest four fifths of squared standard normal variables.
const MEAN_OF_REST: f64 = 0.437_68;

/// A change of a theme's level.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangePoint {
    /// Id of the theme.
    pub theme: String,
    /// Value of the field that documents are grouped by; `None`: all documents.
    pub group: Option<String>,
    /// First period of the new level.
    pub period: String,
    /// The first periods of the new level that are as good as possible: earliest and latest, 95 %.
    pub range: (String, String),
    /// First and last period of the level before.
    pub before: (String, String),
    /// First and last period of the new level.
    pub after: (String, String),
    /// Share of the theme in all periods of the level before, and of the new one, 0..1.
    pub shares: (f64, f64),
    /// Rate of false discoveries at which the level of the theme would be said to change at all.
    pub q: f64,
    /// All of it in words.
    pub sentence: String,
}

impl ChangePoint {
    pub(super) fn new(
        run: &Run<'_, '_>,
        (index, theme): (usize, &ThemeName),
        step: &Step,
        q: f64,
        options: &CompareOptions,
    ) -> Self {
        let ends = |level: &Range<usize>| (run.label(level.start), run.label(level.end - 1));
        let share = |level: &Range<usize>| run.share(index, level.clone());
        let mut point = ChangePoint {
            theme: theme.id.clone(),
            group: run.group().clone(),
            period: run.label(step.after.start),
            range: (run.label(step.range.0), run.label(step.range.1)),
            before: ends(&step.before),
            after: ends(&step.after),
            shares: (share(&step.before), share(&step.after)),
            q,
            sentence: String::new(),
        };
        point.sentence = words::level_sentence(&point, &theme.name, options);
        point
    }
}

/// One change in a series, by numbers of periods.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub before: Range<usize>,
    pub after: Range<usize>,
    /// Earliest and latest first period of the new level.
    pub range: (usize, usize),
}

/// Whether the level of a series changed at all.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tested {
    /// Over 0, to 1.
    pub p: f64,
    /// What a change must gain in fit to be worth its price, in units of the noise.
    price: f64,
}

/// `None` where the series has no noise, and so nothing to test with.
pub(super) fn test(series: &Series, mut draws: Draws) -> Option<Tested> {
    let own = largest_gain(series)?;
    let (mean, n) = (mean(series), series.len());
    let spread: Vec<f64> = series.variances.iter().map(|variance| variance.sqrt()).collect();
    let residuals: Vec<f64> =
        series.values.iter().zip(&spread).map(|(value, spread)| (value - mean) / spread).collect();
    let mut order: Vec<u32> = (0..n as u32).collect();
    let (mut gains, mut n_as_large) = (Vec::with_capacity(N_ORDERS), 0);
    while gains.len() < N_ORDERS && n_as_large < ENOUGH {
        draws.shuffle(&mut order);
        let value = |(&from, spread): (&u32, &f64)| mean + residuals[from as usize] * spread;
        let values = order.iter().zip(&spread).map(value).collect();
        let gain = largest_gain(&Series { values, ..series.clone() }).unwrap_or(0.0);
        n_as_large += usize::from(gain >= own);
        gains.push(gain);
    }
    gains.sort_by(f64::total_cmp);
    let p = match n_as_large == ENOUGH {
        true => ENOUGH as f64 / gains.len() as f64,
        false => (n_as_large + 1) as f64 / (gains.len() + 1) as f64,
    };
    // Where steps are smaller than documents make them, all orders gain little: then the price is that of
    // normal noise (Yao 1988).
    let price = of_sorted(&gains, 1.0 - super::LEVEL).max(2.0 * (n as f64).ln());
    Some(Tested { p, price })
}

/// The changes of the best segmentation at the tested price.
pub(super) fn steps(series: &Series, tested: &Tested) -> Vec<Step> {
    let Some(noise) = noise(series) else { return Vec::new() };
    let sums = Sums::new(series);
    let starts = segmentation(&sums, tested.price * noise);
    let starts: Vec<usize> = starts.into_iter().chain([series.len()]).collect();
    let step = |ends: &[usize]| Step {
        before: ends[0]..ends[1],
        after: ends[1]..ends[2],
        range: likely(&sums, ends[0]..ends[2], noise),
    };
    starts.windows(3).map(step).collect()
}

/// First periods of the levels, 0 among them, of the smallest cost with `price` for each.
fn segmentation(sums: &Sums, price: f64) -> Vec<usize> {
    let n = sums.len();
    let mut best = vec![(f64::INFINITY, 0); n + 1];
    best[0] = (0.0, 0);
    for end in MIN_LENGTH..=n {
        let starts = (0..=end - MIN_LENGTH).map(|start| {
            let cost = best[start].0 + sums.cost(start..end) + price;
            (cost, start)
        });
        best[end] = starts.fold((f64::INFINITY, 0), |a, b| if b.0 < a.0 { b } else { a });
    }
    let mut starts = Vec::new();
    let mut end = n;
    while end > 0 {
        end = best[end].1;
        starts.push(end);
    }
    starts.reverse();
    starts
}

/// The earliest and latest first period of the new level, where two levels are within `both`.
fn likely(sums: &Sums, both: Range<usize>, noise: f64) -> (usize, usize) {
    let places = both.start + MIN_LENGTH..=both.end - MIN_LENGTH;
    let cost = |at: usize| sums.cost(both.start..at) + sums.cost(at..both.end);
    let mut costs: Vec<(f64, usize)> = places.map(|at| (cost(at), at)).collect();
    costs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let likelihood = |found: f64| (-(found - costs[0].0) / (2.0 * noise)).exp();
    let all: f64 = costs.iter().map(|(cost, _)| likelihood(*cost)).sum();
    let (mut held, mut range) = (0.0, (costs[0].1, costs[0].1));
    for &(cost, at) in &costs {
        if held >= HELD * all {
            break;
        }
        held += likelihood(cost);
        range = (range.0.min(at), range.1.max(at));
    }
    range
}

/// What the best change, or the best two, gain in fit for each change, in units of the noise: the
/// price at which the first change would no longer pay. `None` without noise.
fn largest_gain(series: &Series) -> Option<f64> {
    let noise = noise(series)?;
    let sums = Sums::new(series);
    let (n, whole) = (series.len(), sums.cost(0..series.len()));
    let mut largest: f64 = 0.0;
    for first in MIN_LENGTH..=n - MIN_LENGTH {
        let left = whole - sums.cost(0..first);
        largest = largest.max(left - sums.cost(first..n));
        for second in first + MIN_LENGTH..=n - MIN_LENGTH {
            let gain = left - sums.cost(first..second) - sums.cost(second..n);
            largest = largest.max(gain / 2.0);
        }
    }
    Some(largest / noise)
}

/// The factor of the series' variances, from steps between neighbours: a level that changes once shows in
/// one of them. At least what documents make. `None`: it is nothing but rounding.
fn noise(series: &Series) -> Option<f64> {
    let pairs = series.values.windows(2).zip(series.variances.windows(2));
    let step = |(v, s): (&[f64], &[f64])| (v[1] - v[0]).powi(2) / (s[0] + s[1]);
    let mut steps: Vec<f64> = pairs.map(step).collect();
    steps.sort_by(f64::total_cmp);
    steps.truncate(steps.len() - (steps.len() as f64 * TRIMMED) as usize);
    let noise = steps.iter().sum::<f64>() / steps.len() as f64 / MEAN_OF_REST;
    let noise = noise.max(series.least_noise);
    (noise > 1e-12).then_some(noise)
}

fn mean(series: &Series) -> f64 {
    let sums = Sums::new(series);
    let last = sums.0[series.len()];
    last[1] / last[0]
}

/// Running sums of weight, weight * value and weight * value², one more than values.
struct Sums(Vec<[f64; 3]>);

impl Sums {
    fn new(series: &Series) -> Self {
        let mut sums = vec![[0.0; 3]];
        for (value, variance) in series.values.iter().zip(&series.variances) {
            let (weight, [a, b, c]) = (1.0 / variance, sums[sums.len() - 1]);
            sums.push([a + weight, b + weight * value, c + weight * value * value]);
        }
        Sums(sums)
    }

    fn len(&self) -> usize {
        self.0.len() - 1
    }

    /// Weighted squared distance of the periods to their mean.
    fn cost(&self, periods: Range<usize>) -> f64 {
        let (from, to) = (self.0[periods.start], self.0[periods.end]);
        let [weight, value, square] = [0, 1, 2].map(|k| to[k] - from[k]);
        (square - value * value / weight).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Levels by period, with normal noise of standard deviation 1 and unequal weights.
    fn drawn(levels: &[f64], rng: &mut ChaCha8Rng) -> Series {
        let variances: Vec<f64> = levels.iter().map(|_| 0.5 + rng.random::<f64>()).collect();
        let normal = |rng: &mut ChaCha8Rng| {
            let (a, b): (f64, f64) = (rng.random(), rng.random());
            (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
        };
        let values = levels
            .iter()
            .zip(&variances)
            .map(|(level, v)| level + v.sqrt() * normal(rng))
            .collect();
        Series { values, at: (0..levels.len() as i64).collect(), variances, least_noise: 0.0 }
    }

    fn test_of(series: &Series, seed: u64) -> Tested {
        test(series, Draws::new(seed, &["test"])).unwrap()
    }

    #[test]
    fn a_series_without_a_change_seldom_has_one() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for n in [8, 30] {
            let n_rejected = (0..400)
                .filter(|seed| test_of(&drawn(&vec![5.0; n], &mut rng), *seed).p < 0.05)
                .count();
            println!("{n} periods: {n_rejected} of 400");
            assert!((6..=32).contains(&n_rejected), "{n}: {n_rejected}");
        }
    }

    #[test]
    fn the_periods_given_for_a_change_hold_it_as_often_as_they_say() {
        let levels: Vec<f64> = (0..40).map(|t| if t < 22 { 0.0 } else { 2.0 }).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let (mut n_found, mut n_held, mut width) = (0.0, 0.0, 0.0);
        for seed in 0..200 {
            let series = drawn(&levels, &mut rng);
            let steps = steps(&series, &test_of(&series, seed));
            let Some(step) = steps.iter().min_by_key(|step| step.after.start.abs_diff(22)) else {
                continue;
            };
            n_found += 1.0;
            n_held += f64::from(u8::from((step.range.0..=step.range.1).contains(&22)));
            width += (step.range.1 - step.range.0) as f64;
        }
        println!(
            "found {n_found} of 200, held {:.3}, width {:.1}",
            n_held / n_found,
            width / n_found
        );
        assert!(n_found >= 195.0, "{n_found}");
        assert!((0.88..=0.995).contains(&(n_held / n_found)), "{}", n_held / n_found);
        assert!(width / n_found < 6.0);
    }

    #[test]
    fn a_level_that_comes_and_goes_is_two_changes_and_one_odd_year_is_none() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let gone: Vec<f64> =
            (0..40).map(|t| if (20..26).contains(&t) { 5.0 } else { 0.0 }).collect();
        let series = drawn(&gone, &mut rng);
        let starts: Vec<usize> =
            steps(&series, &test_of(&series, 1)).iter().map(|step| step.after.start).collect();
        assert_eq!(starts, [20, 26]);
        let odd: Vec<f64> = (0..40).map(|t| if t == 20 { 9.0 } else { 0.0 }).collect();
        assert!(test_of(&drawn(&odd, &mut rng), 1).p > 0.05);
    }

    #[test]
    fn a_series_without_noise_is_not_tested() {
        let at = (0..9).collect();
        let flat = Series { values: vec![0.3; 9], variances: vec![1.0; 9], at, least_noise: 0.0 };
        assert_eq!(test(&flat, Draws::new(1, &["test"])), None);
        let wobble = |t: usize| if t.is_multiple_of(2) { 1e-4 } else { 0.0 };
        // Two levels without much noise of their own differ by less than documents make.
        let values =
            (0..9).map(|t| if t < 5 { 0.30 + wobble(t) } else { 0.31 + wobble(t) }).collect();
        let series = Series { values, ..flat };
        assert!(test_of(&series, 1).p < 0.05);
        let noisy = Series { least_noise: 1e-3, ..series };
        assert_eq!(steps(&noisy, &test_of(&noisy, 1)), []);
    }

    #[test]
    fn the_segmentation_is_that_of_trying_all() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let levels: Vec<f64> = (0..12).map(|t| if t < 5 { 0.0 } else { 2.0 }).collect();
        for price in [1.0, 3.0, 9.0] {
            let sums = Sums::new(&drawn(&levels, &mut rng));
            let cost = |starts: &[usize]| {
                let ends = starts.iter().skip(1).copied().chain([12]);
                let levels = starts.iter().zip(ends);
                levels.map(|(&start, end)| sums.cost(start..end) + price).sum::<f64>()
            };
            let all = (0..1u32 << 11).filter_map(|cuts| {
                let starts: Vec<usize> =
                    [0].into_iter().chain((1..12).filter(|t| cuts >> (t - 1) & 1 == 1)).collect();
                let ends = starts.iter().skip(1).copied().chain([12]);
                starts.iter().zip(ends).all(|(s, e)| e - s >= MIN_LENGTH).then(|| cost(&starts))
            });
            let least = all.fold(f64::INFINITY, f64::min);
            assert!((cost(&segmentation(&sums, price)) - least).abs() < 1e-9);
        }
    }
}
