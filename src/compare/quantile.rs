//! Quantiles of the normal and of Student's distribution: how many standard errors an interval
//! reaches, and how large a difference must be to show.

use std::f64::consts::PI;

/// The value that a standard normal variable stays under with probability `p`, 0 < p < 1 (Acklam's
/// rational approximation, relative error under 1.2e-9).
pub(super) fn normal(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    const TAIL: f64 = 0.024_25;
    if p < TAIL {
        let q = (-2.0 * p.ln()).sqrt();
        return horner(&C, q) / horner(&D, q);
    }
    if p > 1.0 - TAIL {
        return -normal(1.0 - p);
    }
    let q = p - 0.5;
    q * horner(&A, q * q) / horner(&B, q * q)
}

/// A polynomial, its highest coefficient first.
fn horner(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, c| sum * x + c)
}

/// The value that Student's variable with `df` degrees of freedom (1 or more, not always whole)
/// stays under with probability `p`, 0.5 < p < 1 (Hill 1970, algorithm 396).
pub(super) fn student(p: f64, df: f64) -> f64 {
    let tails = 2.0 * (1.0 - p);
    let n = df.max(1.0);
    if n < 1.001 {
        return (PI * (p - 0.5)).tan();
    }
    let a = 1.0 / (n - 0.5);
    let b = 48.0 / (a * a);
    let c = ((20_700.0 * a / b - 98.0) * a - 16.0) * a + 96.36;
    let d = ((94.5 / (b + c) - 3.0) / b + 1.0) * (a * PI / 2.0).sqrt() * n;
    let y = (d * tails).powf(2.0 / n);
    let y = match y > 0.05 + a {
        true => hill_centre(tails, n, (a, b, c, d)),
        false => {
            let inner = ((n + 6.0) / (n * y) - 0.089 * d - 0.822) * (n + 2.0) * 3.0;
            ((1.0 / inner + 0.5 / (n + 4.0)) * y - 1.0) * (n + 1.0) / (n + 2.0) + 1.0 / y
        }
    };
    (n * y).sqrt()
}

fn hill_centre(tails: f64, n: f64, (a, b, c, d): (f64, f64, f64, f64)) -> f64 {
    let x = normal(0.5 * tails);
    let y = x * x;
    let c = if n < 5.0 { c + 0.3 * (n - 4.5) * (x + 0.6) } else { c };
    let c = (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b + c;
    let y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x;
    (a * y * y).exp_m1()
}

/// The value under which a part of the sorted values lies, interpolated between neighbours.
pub(super) fn of_sorted(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_quantiles_are_those_of_the_tables() {
        for (p, expected) in
            [(0.5, 0.0), (0.8, 0.841_621_234), (0.975, 1.959_963_985), (0.001, -3.090_232_306)]
        {
            assert!((normal(p) - expected).abs() < 1e-8, "{p}: {}", normal(p));
        }
    }

    #[test]
    fn student_quantiles_are_those_of_the_tables() {
        for (p, df, expected) in [
            (0.975, 1.0, 12.706_204_7),
            (0.975, 2.0, 4.302_652_7),
            (0.975, 4.0, 2.776_445_1),
            (0.975, 9.0, 2.262_157_2),
            (0.975, 30.0, 2.042_272_5),
            (0.8, 4.0, 0.940_964_6),
            (0.8, 9.0, 0.883_403_9),
            (0.8, 1e6, 0.841_621_8),
        ] {
            let found = student(p, df);
            assert!((found - expected).abs() < 2e-3 * expected, "{p} {df}: {found}");
        }
    }

    #[test]
    fn a_quantile_between_two_values_is_interpolated() {
        assert_eq!(of_sorted(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(of_sorted(&[7.0], 0.2), 7.0);
    }
}
