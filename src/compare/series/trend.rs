//! The trend of a noisy series: a level that drifts from period to period, seen through the noise of
//! the documents that each period happens to have (the local level model; Harvey 1989, chapter 2;
//! Durbin and Koopman 2012, chapter 2).
//!
//! How much of the movement is drift and how much is noise is what makes the series most likely. A
//! period with few documents moves the trend less, and over a gap in the calendar the level may drift
//! further. The level of a period uses the periods before and after it.

use crate::compare::quantile::student;

use super::Series;

/// Bounds of the ratio of drift to noise that is looked for.
const RATIO: (f64, f64) = (1e-5, 1e3);
/// Points at which the likelihood is looked at before it is refined.
const N_RATIOS: usize = 81;
/// Steps of the refinement; each shortens the range by 0.618.
const N_STEPS: usize = 60;
const GOLDEN: f64 = 0.618_033_988_749_895;

/// The level of a period once noise is taken away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Smoothed {
    /// 0..1.
    pub share: f64,
    /// 95 % interval of the level.
    pub interval: (f64, f64),
}

/// `None` where the series does not vary.
pub(super) fn smooth(series: &Series) -> Option<Vec<Smoothed>> {
    let drift = likeliest_drift(series);
    let fitted = filter(series, drift);
    if fitted.noise <= 1e-12 {
        return None;
    }
    let reach = student(0.975, (series.len() - 1) as f64) * fitted.noise.sqrt();
    let smoothed = |(level, variance): (f64, f64)| {
        let share = |value: f64| value.clamp(0.0, std::f64::consts::FRAC_PI_2).sin().powi(2);
        let off = reach * variance.sqrt();
        Smoothed { share: share(level), interval: (share(level - off), share(level + off)) }
    };
    Some(backwards(series, drift, &fitted).into_iter().map(smoothed).collect())
}

/// The variance of a period's drift that makes the series most likely, in units of the noise; 0 where
/// no drift is as likely as the best.
fn likeliest_drift(series: &Series) -> f64 {
    let mean = series.variances.iter().sum::<f64>() / series.len() as f64;
    let of = |ratio_ln: f64| mean * ratio_ln.exp();
    let likelihood = |ratio_ln: f64| filter(series, of(ratio_ln)).likelihood;
    let (low, high) = (RATIO.0.ln(), RATIO.1.ln());
    let step = (high - low) / (N_RATIOS - 1) as f64;
    let at = |k: usize| low + step * k as f64;
    let best = (0..N_RATIOS).map(|k| (likelihood(at(k)), at(k)));
    let best = best.fold((f64::NEG_INFINITY, low), |a, b| if b.0 > a.0 { b } else { a });
    let (mut a, mut b) = (best.1 - step, best.1 + step);
    for _ in 0..N_STEPS {
        let (c, d) = (b - GOLDEN * (b - a), a + GOLDEN * (b - a));
        if likelihood(c) >= likelihood(d) { b = d } else { a = c }
    }
    let refined = (a + b) / 2.0;
    match filter(series, 0.0).likelihood >= likelihood(refined) {
        true => 0.0,
        false => of(refined),
    }
}

/// What the periods up to each one say of its level.
struct Filtered {
    /// (level, its variance in units of the noise), by period.
    levels: Vec<(f64, f64)>,
    /// The noise: factor of all variances.
    noise: f64,
    /// Logarithm of the likelihood, up to a constant, at the likeliest noise.
    likelihood: f64,
}

/// The Kalman filter; nothing is known of the level before the first period.
fn filter(series: &Series, drift: f64) -> Filtered {
    let (mut level, mut variance) = (series.values[0], series.variances[0]);
    let mut levels = vec![(level, variance)];
    let (mut squares, mut logs) = (0.0, 0.0);
    for t in 1..series.len() {
        variance += drift * series.gap(t);
        let surprise = series.values[t] - level;
        let spread = variance + series.variances[t];
        squares += surprise * surprise / spread;
        logs += spread.ln();
        level += variance / spread * surprise;
        variance *= series.variances[t] / spread;
        levels.push((level, variance));
    }
    let n = (series.len() - 1) as f64;
    let noise = squares / n;
    Filtered { levels, noise, likelihood: -0.5 * (n * noise.max(1e-300).ln() + logs) }
}

/// What all periods say of each one's level (Rauch, Tung and Striebel 1965).
fn backwards(series: &Series, drift: f64, filtered: &Filtered) -> Vec<(f64, f64)> {
    let mut levels = filtered.levels.clone();
    for t in (0..levels.len() - 1).rev() {
        let ((level, variance), later) = (levels[t], levels[t + 1]);
        let ahead = variance + drift * series.gap(t + 1);
        let gain = variance / ahead;
        levels[t].0 = level + gain * (later.0 - level);
        levels[t].1 = variance + gain * gain * (later.1 - ahead);
    }
    levels
}

impl Series {
    /// Periods from the one before to this one: 1 but for a gap.
    fn gap(&self, period: usize) -> f64 {
        (self.at[period] - self.at[period - 1]) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        let n = values.len();
        Series {
            values: values.to_vec(),
            variances: vec![0.5; n],
            at: (0..n as i64).collect(),
            least_noise: 0.0,
        }
    }

    /// `tests/reference/local_level.py` fits the same series with statsmodels.
    #[test]
    fn levels_and_drift_are_those_of_statsmodels() {
        let reference: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/reference/local_level.json"))
                .unwrap();
        let numbers = |name: &str| -> Vec<f64> {
            reference[name].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
        };
        let values = numbers("values");
        let series =
            Series { at: numbers("at").iter().map(|&t| t as i64).collect(), ..series(&values) };
        let drift = likeliest_drift(&series);
        let fitted = filter(&series, drift);
        let close = |a: f64, b: f64, within: f64| assert!((a - b).abs() < within, "{a} {b}");
        close(fitted.noise * 0.5, reference["noise"].as_f64().unwrap(), 1e-5);
        close(fitted.noise * drift, reference["drift"].as_f64().unwrap(), 1e-5);
        let levels = backwards(&series, drift, &fitted);
        let found = levels.iter().zip(numbers("levels")).zip(numbers("variances"));
        for (((level, variance), expected), expected_variance) in found {
            close(*level, expected, 1e-5);
            close(variance * fitted.noise, expected_variance, 1e-5);
        }
    }

    #[test]
    fn a_flat_series_has_a_flat_trend_and_a_steep_one_follows() {
        let wobble = |t: usize| if t.is_multiple_of(2) { 0.05 } else { -0.05 };
        let flat: Vec<f64> = (0..20).map(|t| 0.4 + wobble(t)).collect();
        let found = smooth(&series(&flat)).unwrap();
        assert!(found.iter().all(|level| (level.share - 0.4f64.sin().powi(2)).abs() < 0.01));
        let steep: Vec<f64> = (0..20).map(|t| 0.05 * t as f64 + wobble(t) / 10.0).collect();
        let found = smooth(&series(&steep)).unwrap();
        assert!(found[19].share - found[0].share > 0.5);
        assert!(found.iter().all(|l| l.interval.0 <= l.share && l.share <= l.interval.1));
        assert_eq!(smooth(&series(&[0.3; 9])), None);
    }
}
