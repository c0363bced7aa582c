//! Which units to code by hand: a stratified random sample without replacement, so that the chance of
//! every unit to be drawn is known and over 0.
//!
//! Strata are periods by themes; a unit's theme is the rarest in the corpus that it carries, so that
//! rare themes are drawn more often than they occur: n of a stratum grows with the root of its size
//! (power allocation, Bankier 1988). Where periods are many and the sample is small, neighbouring
//! periods are put together into bands of about equal size.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::codebook::NONE_ID;
use crate::compare::draws::Draws;

/// Units that a stratum should have in the sample on average; bands are as many as this allows.
const UNITS_A_STRATUM: usize = 4;
/// Units drawn of each stratum at least, where it has them: two show how much units differ.
const LEAST: u64 = 2;

/// A document that units can be drawn of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameDocument {
    /// Its id.
    pub id: String,
    /// Label of its period.
    pub period: String,
}

/// A unit that can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FrameUnit {
    /// Index of its document in the frame.
    pub document: usize,
    /// Its number in the document, from 0.
    pub unit: u64,
    /// Index of the rarest theme that it carries; `None`: it carries none.
    pub theme: Option<usize>,
}

/// All that can be drawn.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Sorted by id.
    pub documents: Vec<FrameDocument>,
    /// Sorted by document, then number.
    pub units: Vec<FrameUnit>,
    /// Ids of the themes.
    pub themes: Vec<String>,
}

impl Frame {
    fn period(&self, unit: &FrameUnit) -> &str {
        &self.documents[unit.document].period
    }

    /// Units of each period, in time order.
    fn sizes(&self) -> BTreeMap<&str, u64> {
        let mut sizes = BTreeMap::new();
        self.units.iter().for_each(|unit| *sizes.entry(self.period(unit)).or_default() += 1);
        sizes
    }
}

/// A drawn unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrawnUnit {
    /// Index of the unit in the frame.
    pub unit: usize,
    /// Number of its stratum, from 0; numbers are dealt out at random, so they tell a coder nothing.
    pub stratum: usize,
    /// Probability of the unit to be drawn, over 0, at most 1.
    pub probability: f64,
}

/// A sample to code.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// In random order.
    pub units: Vec<DrawnUnit>,
    /// Number of strata.
    pub n_strata: usize,
    /// First and last period of each band, in time order.
    pub bands: Vec<(String, String)>,
    /// Number of periods.
    pub n_periods: usize,
    /// Whether themes are strata; without them the sample was too small for one unit of each.
    pub by_theme: bool,
    /// How many units of an equal-probability sample would say as much (Kish 1965), where scores say
    /// nothing: of the whole frame, and of the band in the middle of all.
    pub n_effective: (f64, f64),
}

/// Draws `n` units of the frame, or all of them where it has no more.
pub fn draw(frame: &Frame, n: usize, seed: u64) -> Drawn {
    let bands = Bands::fitting(frame, n);
    let strata = bands.strata(frame);
    let sizes: Vec<u64> = strata.values().map(|units| units.len() as u64).collect();
    let n_drawn = allocated(&sizes, n as u64);
    let numbers = Draws::new(seed, &["stratum numbers"]).chosen(strata.len(), strata.len());
    let mut units = Vec::new();
    for (place, ((band, theme), members)) in strata.iter().enumerate() {
        let theme = theme.map_or(NONE_ID, |theme| &frame.themes[theme]);
        let name = ["stratum", &bands.ends[*band].0, theme];
        let chosen = Draws::new(seed, &name).chosen(members.len(), n_drawn[place] as usize);
        let probability = n_drawn[place] as f64 / members.len() as f64;
        let drawn = |k: usize| DrawnUnit { unit: members[k], stratum: numbers[place], probability };
        units.extend(chosen.into_iter().map(drawn));
    }
    let order = Draws::new(seed, &["order"]).chosen(units.len(), units.len());
    let probabilities: BTreeMap<_, f64> = strata
        .keys()
        .zip(sizes.iter().zip(&n_drawn))
        .map(|(key, (size, n))| (*key, *n as f64 / *size as f64))
        .collect();
    Drawn {
        units: order.into_iter().map(|k| units[k]).collect(),
        n_strata: strata.len(),
        n_effective: n_effective(frame, &bands, &probabilities),
        n_periods: bands.of.len(),
        bands: bands.ends,
        by_theme: bands.by_theme,
    }
}

/// How far a 95 % interval of a share reaches to either side, where `n_effective` units are coded and
/// scores say nothing: the most that is to be expected.
pub fn reach(share: f64, n_effective: f64) -> f64 {
    1.96 * (share * (1.0 - share) / n_effective.max(1.0)).sqrt()
}

type StratumKey = (usize, Option<usize>);

/// Periods put together.
struct Bands {
    /// Band of each period.
    of: BTreeMap<String, usize>,
    /// First and last period of each band.
    ends: Vec<(String, String)>,
    by_theme: bool,
}

impl Bands {
    /// As many bands as leave enough units to draw for each stratum.
    fn fitting(frame: &Frame, n: usize) -> Bands {
        let sizes = frame.sizes();
        for n_bands in (1..=sizes.len()).rev() {
            let bands = Bands::new(&sizes, n_bands);
            let n_strata = bands.keys(frame).len();
            if n_strata * UNITS_A_STRATUM <= n || n_bands == 1 && n_strata <= n {
                return bands;
            }
        }
        Bands { by_theme: false, ..Bands::new(&sizes, 1) }
    }

    /// `n_bands` runs of periods, or fewer, of about equal numbers of units: a period belongs to the
    /// band that the middle of its units falls into.
    fn new(sizes: &BTreeMap<&str, u64>, n_bands: usize) -> Bands {
        let total: u64 = sizes.values().sum();
        let mut bands = Bands { of: BTreeMap::new(), ends: Vec::new(), by_theme: true };
        let (mut before, mut last) = (0, None);
        for (place, (&period, &size)) in sizes.iter().enumerate() {
            let middle = (2 * before + size) as f64 / (2 * total.max(1)) as f64;
            let band = match n_bands == sizes.len() {
                true => place,
                false => (middle * n_bands as f64) as usize,
            };
            match last == Some(band) {
                true => bands.ends.last_mut().into_iter().for_each(|e| e.1 = period.to_owned()),
                false => bands.ends.push((period.to_owned(), period.to_owned())),
            }
            bands.of.insert(period.to_owned(), bands.ends.len() - 1);
            last = Some(band);
            before += size;
        }
        bands
    }

    fn key(&self, frame: &Frame, unit: &FrameUnit) -> StratumKey {
        (self.of[frame.period(unit)], unit.theme.filter(|_| self.by_theme))
    }

    fn keys(&self, frame: &Frame) -> std::collections::BTreeSet<StratumKey> {
        frame.units.iter().map(|unit| self.key(frame, unit)).collect()
    }

    /// The units of each stratum that has any, by their index.
    fn strata(&self, frame: &Frame) -> BTreeMap<StratumKey, Vec<usize>> {
        let mut strata: BTreeMap<StratumKey, Vec<usize>> = BTreeMap::new();
        for (index, unit) in frame.units.iter().enumerate() {
            strata.entry(self.key(frame, unit)).or_default().push(index);
        }
        strata
    }
}

/// How many of `n` units fall to strata of these sizes: two each (one, where `n` is too small), then
/// in proportion to the roots of the sizes, never more than there are. Each further unit goes to where
/// root(size) / root(k (k + 1)) is largest, k being what the stratum has (the method of equal
/// proportions, Huntington and Hill), so that the numbers are whole and their sum is exact.
fn allocated(sizes: &[u64], n: u64) -> Vec<u64> {
    let least = if n >= LEAST * sizes.len() as u64 { LEAST } else { 1 };
    let mut drawn: Vec<u64> = sizes.iter().map(|&size| size.min(least)).collect();
    let claim = |place: usize, has: u64| {
        let claim = (sizes[place] as f64 / (has * (has + 1)) as f64).sqrt();
        // Bits of numbers over 0 sort as the numbers do.
        (has < sizes[place]).then_some((claim.to_bits(), Reverse(place)))
    };
    let mut claims: BinaryHeap<_> =
        drawn.iter().enumerate().filter_map(|(place, &has)| claim(place, has)).collect();
    let mut left = n.saturating_sub(drawn.iter().sum());
    while left > 0 {
        let Some((_, Reverse(place))) = claims.pop() else { break };
        drawn[place] += 1;
        left -= 1;
        claims.extend(claim(place, drawn[place]));
    }
    drawn
}

/// Kish's number for the frame, and for the band in the middle: that which as many bands are over as
/// are under.
fn n_effective(
    frame: &Frame,
    bands: &Bands,
    probabilities: &BTreeMap<StratumKey, f64>,
) -> (f64, f64) {
    // Sums over units, drawn or not, of 1 and of 1 / probability.
    let mut sums = vec![(0.0, 0.0); bands.ends.len()];
    for unit in &frame.units {
        let key = bands.key(frame, unit);
        let sum: &mut (f64, f64) = &mut sums[key.0];
        *sum = (sum.0 + 1.0, sum.1 + 1.0 / probabilities[&key]);
    }
    let n = |(n, weights): (f64, f64)| if weights > 0.0 { n * n / weights } else { 0.0 };
    let all = sums.iter().fold((0.0, 0.0), |all, sum| (all.0 + sum.0, all.1 + sum.1));
    let mut each: Vec<f64> = sums.into_iter().map(n).collect();
    each.sort_by(f64::total_cmp);
    (n(all), each.get(each.len() / 2).copied().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Years of 50 documents with 12 units each; every tenth unit carries `rare`, every third `common`.
    fn frame(n_years: usize) -> Frame {
        let mut frame = Frame { themes: vec!["common".into(), "rare".into()], ..Frame::default() };
        for document in 0..50 * n_years {
            let period = (2000 + document / 50).to_string();
            frame.documents.push(FrameDocument { id: format!("d{document:05}"), period });
            for unit in 0..12 {
                let k = document * 12 + unit;
                let theme = if k % 10 == 0 { Some(1) } else { (k % 3 == 0).then_some(0) };
                frame.units.push(FrameUnit { document, unit: unit as u64, theme });
            }
        }
        frame
    }

    #[test]
    fn whole_numbers_sum_to_what_is_drawn_and_grow_with_the_root_of_the_size() {
        let drawn = allocated(&[10_000, 100, 2500, 1, 3], 400);
        assert_eq!(drawn.iter().sum::<u64>(), 400);
        assert_eq!((drawn[3], drawn[4]), (1, 3), "never more than there are");
        // 100 : 10 : 50, of what is left.
        let (a, b) = (drawn[0] as f64 / drawn[2] as f64, drawn[0] as f64 / drawn[1] as f64);
        assert!((a - 2.0).abs() < 0.05 && (b - 10.0).abs() < 0.5, "{drawn:?}");
        assert_eq!(allocated(&[5, 5, 5], 3), [1, 1, 1]);
        assert_eq!(allocated(&[5, 1], 100), [5, 1]);
        assert_eq!(allocated(&[], 10), [0; 0]);
    }

    #[test]
    fn the_weights_of_the_drawn_sum_to_the_frame_and_rare_themes_are_drawn_more_often() {
        let frame = frame(6);
        let drawn = draw(&frame, 300, 1);
        assert_eq!((drawn.units.len(), drawn.n_strata, drawn.bands.len()), (300, 18, 6));
        let mut seen: Vec<usize> = drawn.units.iter().map(|drawn| drawn.unit).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 300, "no unit twice");
        let weights: f64 = drawn.units.iter().map(|drawn| 1.0 / drawn.probability).sum();
        assert!((weights - frame.units.len() as f64).abs() < 1e-6, "{weights}");
        let rare = |drawn: &&DrawnUnit| frame.units[drawn.unit].theme == Some(1);
        let n_rare = drawn.units.iter().filter(rare).count();
        assert!(n_rare > 55, "{n_rare}, where 30 would be in proportion");
    }

    #[test]
    fn every_unit_is_drawn_as_often_as_its_probability_says() {
        let frame = frame(2);
        let mut n_drawn = vec![0.0; frame.units.len()];
        let mut expected = vec![0.0; frame.units.len()];
        for seed in 0..400 {
            for drawn in draw(&frame, 60, seed).units {
                n_drawn[drawn.unit] += 1.0;
                expected[drawn.unit] = 400.0 * drawn.probability;
            }
        }
        // Chi-squared over all units, whose variance is expected * (1 - probability).
        let spread: f64 = n_drawn
            .iter()
            .zip(&expected)
            .map(|(n, e): (&f64, &f64)| (n - e).powi(2) / (e * (1.0 - e / 400.0)))
            .sum();
        let mean = spread / frame.units.len() as f64;
        assert!((0.9..1.1).contains(&mean), "{mean}");
    }

    #[test]
    fn periods_are_put_together_until_the_sample_is_large_enough() {
        let bands = |n| draw(&frame(20), n, 1);
        assert_eq!(bands(300).bands.len(), 20);
        let few = bands(100);
        assert_eq!((few.bands.len(), few.n_strata, few.n_periods), (8, 24, 20));
        assert_eq!(few.bands[0], ("2000".to_owned(), "2001".to_owned()));
        assert_eq!(few.bands[7].1, "2019");
        assert_eq!((bands(4).bands.len(), bands(4).n_strata, bands(4).by_theme), (1, 3, true));
        assert_eq!((bands(2).n_strata, bands(2).by_theme, bands(2).units.len()), (1, false, 2));
    }

    #[test]
    fn the_same_seed_draws_the_same_in_an_order_that_tells_nothing() {
        let frame = frame(4);
        let drawn = draw(&frame, 120, 7);
        assert_eq!(drawn, draw(&frame, 120, 7));
        assert_ne!(drawn.units, draw(&frame, 120, 8).units);
        // Neighbours in the file are of one stratum about as often as chance has it.
        let same = drawn.units.windows(2).filter(|pair| pair[0].stratum == pair[1].stratum);
        assert!(same.count() < 30);
        assert_eq!(draw(&Frame::default(), 5, 1).units, []);
        let all = draw(&frame, 1_000_000, 1);
        assert_eq!(all.units.len(), frame.units.len());
        assert!((all.n_effective.0 - frame.units.len() as f64).abs() < 1e-6);
    }
}
