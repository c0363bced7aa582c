//! Logistic regression, and where to cut its probabilities.

use ndarray::Array2;

/// Penalty on a parameter that nothing holds back; it keeps the curvature that of a bowl.
pub(super) const FREE: f64 = 1e-6;
/// Most Newton steps; it settles in far fewer.
const STEPS: usize = 50;
/// Longest step of one parameter.
const LONGEST_STEP: f64 = 2.0;

/// Something that was seen to be so, or not.
pub(super) trait Observation {
    /// The parameters that speak for it, each with its factor; a parameter may come twice.
    fn factors(&self) -> impl Iterator<Item = (usize, f64)> + Clone;

    /// Whether it is so.
    fn is_positive(&self) -> bool;
}

/// The logistic function, 0..1.
pub(super) fn of(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Penalised maximum likelihood by Newton's method, starting at `now`. A penalty counts half the squared
/// distance of its parameter from `origin`. All three have one number a parameter.
pub(super) fn climb(
    rows: &[impl Observation],
    mut now: Vec<f64>,
    origin: &[f64],
    penalties: &[f64],
) -> Vec<f64> {
    for _ in 0..STEPS {
        let Some(step) = newton_step(rows, &now, origin, penalties) else { break };
        let longest = step.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let part = (LONGEST_STEP / longest).min(1.0);
        now.iter_mut().zip(&step).for_each(|(x, s)| *x -= part * s);
        if longest < 1e-9 {
            break;
        }
    }
    now
}

/// What to take off the parameters: the penalised loss's gradient by its curvature. `None` where the
/// curvature is not that of a bowl.
fn newton_step(
    rows: &[impl Observation],
    now: &[f64],
    origin: &[f64],
    penalties: &[f64],
) -> Option<Vec<f64>> {
    let distance = |i: usize| penalties[i] * (now[i] - origin[i]);
    let mut gradient: Vec<f64> = (0..now.len()).map(distance).collect();
    let mut curvature = Array2::from_diag(&ndarray::aview1(penalties));
    for row in rows {
        let p = of(row.factors().map(|(i, x)| now[i] * x).sum());
        let (error, weight) = (p - f64::from(u8::from(row.is_positive())), p * (1.0 - p));
        for (i, x) in row.factors() {
            gradient[i] += error * x;
            row.factors().for_each(|(j, y)| curvature[[i, j]] += weight * x * y);
        }
    }
    solved(curvature, gradient)
}

/// The `x` of `a x = b` for a symmetric positive definite `a`, by Cholesky's decomposition; `None`
/// where `a` is not positive definite.
fn solved(mut a: Array2<f64>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let before: f64 = (0..j).map(|k| a[[i, k]] * a[[j, k]]).sum();
            let rest = a[[i, j]] - before;
            a[[i, j]] = if i > j { rest / a[[j, j]] } else { rest.sqrt() };
        }
        if !(a[[i, i]] > 0.0 && a[[i, i]].is_finite()) {
            return None;
        }
        let before: f64 = (0..i).map(|k| a[[i, k]] * b[k]).sum();
        b[i] = (b[i] - before) / a[[i, i]];
    }
    for i in (0..n).rev() {
        let after: f64 = (i + 1..n).map(|k| a[[k, i]] * b[k]).sum();
        b[i] = (b[i] - after) / a[[i, i]];
    }
    Some(b)
}

/// The score at or over which taking all gives the highest F1 to expect. A pair is a score and the
/// probability that it is rightly taken: 0 or 1 where that is known. `None` of none. With `n` taken, F1
/// is 2 · (sum of theirs) / (n + sum of all).
pub(super) fn best_threshold(mut pairs: Vec<(f64, f64)>) -> Option<f64> {
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all: f64 = pairs.iter().map(|(_, right)| right).sum();
    let mut best: Option<(f64, f64)> = None;
    let (mut n, mut sum) = (0.0, 0.0);
    for (score, right) in pairs {
        n += 1.0;
        sum += right;
        let f1 = 2.0 * sum / (n + all);
        if best.is_none_or(|(most, _)| f1 > most) {
            best = Some((f1, score));
        }
    }
    best.map(|(_, score)| score)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn equations_are_solved_and_a_saddle_refused() {
        let a = array![[4.0, 2.0, 0.0], [2.0, 5.0, 1.0], [0.0, 1.0, 3.0]];
        let x = solved(a, vec![8.0, 15.0, 11.0]).unwrap();
        assert!(x.iter().zip([1.0, 2.0, 3.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{x:?}");
        assert_eq!(solved(array![[1.0, 2.0], [2.0, 1.0]], vec![1.0, 1.0]), None);
    }

    #[test]
    fn the_threshold_with_the_highest_expected_f1_is_found() {
        let sure = |scores: &[f64]| best_threshold(scores.iter().map(|&p| (p, p)).collect());
        // Taking the three likely ones gives an expected F1 of 2·2.4/(3+2.8) = 0.83; a fourth of 0.3
        // gives 0.79, a third less of them 0.67.
        assert_eq!(sure(&[0.8, 0.1, 0.8, 0.3, 0.8]), Some(0.8));
        assert_eq!(sure(&[0.5, 0.5, 0.1]), Some(0.5));
        assert_eq!(sure(&[]), None);
        let known = vec![(0.9, 1.0), (0.7, 0.0), (0.6, 1.0), (0.2, 0.0)];
        assert_eq!(best_threshold(known), Some(0.6));
    }
}
