//! Scales and numbers of the charts: ticks that people can read, and coordinates that stay short.

use std::fmt;

/// Most ticks of an axis, 0 included.
const MAX_TICKS: usize = 6;

/// A scale of shares from 0 to a round number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// The upper end, over 0.
    pub top: f64,
    /// Distance of two ticks; `top` is a multiple of it.
    pub step: f64,
}

impl Axis {
    /// The smallest round axis that holds `highest`.
    pub fn over(highest: f64) -> Axis {
        let highest = if highest > 0.0 { highest } else { 0.01 };
        let size = 10f64.powf((highest / (MAX_TICKS - 1) as f64).log10().floor());
        let fits = |step: &f64| highest <= step * (MAX_TICKS - 1) as f64 * (1.0 + 1e-9);
        let step = [1.0, 2.0, 5.0, 10.0].map(|k| k * size).into_iter().find(fits);
        let step = step.unwrap_or(size * 10.0);
        let n = (highest / step - 1e-9).ceil().max(1.0);
        Axis { top: n * step, step }
    }

    /// The ticks, from 0 up.
    pub fn ticks(&self) -> Vec<f64> {
        let n = (self.top / self.step).round() as usize;
        (0..=n).map(|k| k as f64 * self.step).collect()
    }

    /// Where a share stands in a chart of `height`, counted from above.
    pub fn y(&self, share: f64, height: f64) -> f64 {
        height * (1.0 - (share / self.top).clamp(0.0, 1.0))
    }
}

/// Which of `n` labels to write so that at most `most` stand there, evenly: the first always.
pub fn label_places(n: usize, most: usize) -> impl Iterator<Item = usize> {
    let least = n.div_ceil(most.max(1)).max(1);
    let round = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500].into_iter().find(|step| *step >= least);
    (0..n).step_by(round.unwrap_or(least))
}

/// Moves labels apart, each at its wanted height, so that two are at least `gap` apart, in their
/// order, with the least squared distance from where they want to be, and within 0 to `height` as far
/// as there is room. Less their places in the order, heights need only rise: pooling those that fall
/// is isotonic regression (Ayer et al. 1955).
pub fn spread(wanted: &[f64], gap: f64, height: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (k, &label) in order.iter().enumerate() {
        pools.push((wanted[label] - k as f64 * gap, 1));
        while let [.., a, b] = pools[..]
            && a.0 > b.0
        {
            let n = a.1 + b.1;
            let mean = (a.0 * a.1 as f64 + b.0 * b.1 as f64) / n as f64;
            pools.truncate(pools.len() - 2);
            pools.push((mean, n));
        }
    }
    let room = (height - gap * wanted.len().saturating_sub(1) as f64).max(0.0);
    let heights = pools.iter().flat_map(|(mean, n)| std::iter::repeat_n(mean.clamp(0.0, room), *n));
    let mut at = vec![0.0; wanted.len()];
    for ((k, &label), height) in order.iter().enumerate().zip(heights) {
        at[label] = height + k as f64 * gap;
    }
    at
}

/// A coordinate: two decimals at most, no trailing zeros.
#[derive(Debug, Clone, Copy)]
pub struct Px(pub f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", self.0 + 0.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

/// A share, 0..1, in percent: one decimal, two where it is small.
#[derive(Debug, Clone, Copy)]
pub struct Percent(pub f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\u{a0}%", Bare(self.0))
    }
}

/// As [`Percent`], without the sign.
#[derive(Debug, Clone, Copy)]
pub struct Bare(pub f64);

impl fmt::Display for Bare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        match percent {
            0.0 => f.write_str("0"),
            x if x.abs() < 0.995 => write!(f, "{x:.2}"),
            x => write!(f, "{x:.1}"),
        }
    }
}

/// A difference of shares, -1..1, in points: with its sign.
#[derive(Debug, Clone, Copy)]
pub struct Points(pub f64);

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.0 {
            x if x > 0.0 => "+",
            x if x < 0.0 => "\u{2212}",
            _ => "",
        };
        write!(f, "{sign}{}", Bare(self.0.abs()))
    }
}

/// The tick of an axis in percent, with as many decimals as its step needs.
#[derive(Debug, Clone, Copy)]
pub struct Tick(pub f64);

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0.0 => f.write_str("0"),
            tick => write!(f, "{}\u{a0}%", Px(tick * 100.0)),
        }
    }
}

/// A count, its thousands apart: `12,345`.
#[derive(Debug, Clone, Copy)]
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (k, digit) in digits.chars().enumerate() {
            if k > 0 && (digits.len() - k).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn axes_end_on_round_numbers() {
        let ends = [0.0, 0.004, 0.1, 0.183, 0.394, 0.5, 0.62, 1.0].map(Axis::over);
        let tops: Vec<String> = ends.iter().map(|axis| Tick(axis.top).to_string()).collect();
        let nb = |text: &str| text.replace(' ', "\u{a0}");
        assert_eq!(tops, ["1 %", "0.4 %", "10 %", "20 %", "40 %", "50 %", "80 %", "100 %"].map(nb));
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        let nb = |text: &str| text.replace(' ', "\u{a0}");
        assert_eq!(Percent(0.1234).to_string(), nb("12.3 %"));
        assert_eq!(Percent(0.0024).to_string(), nb("0.24 %"));
        assert_eq!(Percent(0.00996).to_string(), nb("1.0 %"));
        assert_eq!(Percent(0.0).to_string(), nb("0 %"));
        assert_eq!(Points(-0.123).to_string(), "\u{2212}12.3");
        assert_eq!(Points(0.004).to_string(), "+0.40");
        assert_eq!([Px(1.0), Px(0.126), Px(-0.001)].map(|x| x.to_string()), ["1", "0.13", "0"]);
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(|n| Count(n).to_string()).join(" "),
            "0 999 1,000 1,234,567"
        );
    }

    #[test]
    fn labels_of_one_height_stand_around_it() {
        assert_eq!(spread(&[100.0, 100.0, 100.0], 10.0, 400.0), [90.0, 100.0, 110.0]);
        assert_eq!(spread(&[400.0, 399.0, 0.0], 10.0, 400.0), [400.0, 390.0, 0.0]);
    }

    proptest! {
        #[test]
        fn an_axis_holds_its_highest_value_closely(highest in 1e-6f64..1.0) {
            let axis = Axis::over(highest);
            prop_assert!(axis.top >= highest * (1.0 - 1e-9));
            prop_assert!(axis.top - axis.step <= highest, "{axis:?}");
            let n = axis.ticks().len();
            prop_assert!((2..=MAX_TICKS).contains(&n), "{n} ticks");
        }

        #[test]
        fn labels_that_have_room_are_apart_and_in_order(wanted in prop::collection::vec(0f64..400.0, 1..20)) {
            let at = spread(&wanted, 15.0, 400.0);
            let mut order: Vec<usize> = (0..wanted.len()).collect();
            order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
            for pair in order.windows(2) {
                prop_assert!(at[pair[1]] - at[pair[0]] >= 15.0 - 1e-9);
            }
            prop_assert!(at.iter().all(|y| (-1e-9..=400.0 + 1e-9).contains(y)));
        }

        #[test]
        fn labels_are_few_and_begin_with_the_first(n in 1usize..400, most in 2usize..12) {
            let places: Vec<usize> = label_places(n, most).collect();
            prop_assert_eq!(places[0], 0);
            prop_assert!(places.len() <= most);
        }
    }
}
