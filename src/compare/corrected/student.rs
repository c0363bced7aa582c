//! How often a variable of Student's distribution lies far out.

/// Steps of the continued fraction; it settles long before.
const STEPS: usize = 500;
const EPSILON: f64 = 1e-14;

/// Probability that a variable of Student's distribution with `df` degrees of freedom, over 0, is as far
/// from 0 as `t`, on either side.
pub(super) fn two_sided(t: f64, df: f64) -> f64 {
    incomplete_beta(df / 2.0, 0.5, df / (df + t * t)).clamp(0.0, 1.0)
}

/// The regularized incomplete beta function, by its continued fraction (Abramowitz and Stegun 1964,
/// 26.5.8). `x`: 0..1.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = (a * x.ln() + b * (-x).ln_1p() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp();
    match x < (a + 1.0) / (a + b + 2.0) {
        true => front * fraction(a, b, x) / a,
        false => 1.0 - front * fraction(b, a, 1.0 - x) / b,
    }
}

/// The fraction, by the method of Lentz (1976).
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let safe = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / safe(1.0 - (a + b) * x / (a + 1.0)));
    let mut product = d;
    for step in 1..STEPS {
        let m = step as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = product;
        for term in [even, odd] {
            d = 1.0 / safe(1.0 + term * d);
            c = safe(1.0 + term / c);
            product *= c * d;
        }
        if (product / before - 1.0).abs() < EPSILON {
            break;
        }
    }
    product
}

/// The logarithm of the gamma function, `x` over 0 (Stirling's series, after steps up to 10).
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut down) = (x, 0.0);
    while x < 10.0 {
        down += x.ln();
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series = (1.0 / 12.0 - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - down
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_scipy() {
        // 2 * scipy.stats.t.sf(t, df)
        for (t, df, expected) in [
            (0.0, 5.0, 1.0),
            (1.0, 1.0, 0.5),
            (2.0, 3.0, 0.139_325_968_558_8),
            (12.706_204_736, 1.0, 0.05),
            (2.5, 17.4, 0.022_682_384_07),
            (1.959_963_985, 1e7, 0.05),
            (8.0, 40.0, 0.0),
        ] {
            let found = two_sided(t, df);
            assert!((found - expected).abs() < 2e-7, "{t} {df}: {found}");
        }
        assert!(two_sided(8.0, 40.0) > 0.0);
    }
}
