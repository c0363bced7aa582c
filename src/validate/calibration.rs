//! Whether a score of 0.7 means that the theme is there seven times out of ten.
//!
//! Passages are sorted by score and cut into bins of as many passages each (equal scores stay
//! together); in each the mean score is set against the part that the codes give the theme. The
//! expected calibration error is the mean distance of the two, weighted by the passages (Guo et al.
//! 2017; bins of equal mass after Nguyen and O'Connor 2015, since most scores lie near 0).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::passage::Passage;
use super::rounded;

/// Most bins of a reliability table.
const MAX_BINS: usize = 15;
/// Least passages of a bin.
const MIN_BIN: usize = 20;

/// How far scores can be taken as probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Passages with scores.
    pub n_passages: u64,
    /// Mean of the expected calibration errors of the themes, 0..1.
    pub ece: f64,
    /// Each theme by its id.
    pub themes: BTreeMap<String, Reliability>,
    /// Passages without a theme; their score is the product of one less the score over all themes.
    pub none: Reliability,
    /// Scores of all themes as one list.
    pub all: Reliability,
}

/// A reliability table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reliability {
    /// Expected calibration error, 0..1: the mean of |`score` - `rate`| over the bins, weighted by
    /// `n`.
    pub ece: f64,
    /// From the lowest scores to the highest.
    pub bins: Vec<Bin>,
}

/// A bin of a reliability table.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bin {
    /// Passages; over all themes, passages times themes. At least 1.
    pub n: u64,
    /// Lowest score, 0..1.
    pub low: f64,
    /// Highest score, 0..1.
    pub high: f64,
    /// Mean score, 0..1.
    pub score: f64,
    /// Part that the codes give the theme, 0..1.
    pub rate: f64,
}

/// The calibration of passages that have scores; `None` where none has.
pub(super) fn calibration(passages: &[Passage<'_>], themes: &[String]) -> Option<Calibration> {
    let scored: Vec<&Passage<'_>> = passages.iter().filter(|p| !p.scores.is_empty()).collect();
    let pairs = |question: usize| {
        scored.iter().map(move |passage| (passage.scores[question], passage.coded[question]))
    };
    if scored.is_empty() || themes.is_empty() {
        return None;
    }
    let of_theme = |question: usize| Reliability::new(pairs(question).collect());
    let by_theme: Vec<Reliability> = (0..themes.len()).map(of_theme).collect();
    let sum: f64 = by_theme.iter().map(|reliability| reliability.ece).sum();
    Some(Calibration {
        n_passages: scored.len() as u64,
        ece: rounded(sum / themes.len() as f64),
        themes: themes.iter().cloned().zip(by_theme).collect(),
        none: of_theme(themes.len()),
        all: Reliability::new((0..themes.len()).flat_map(pairs).collect()),
    })
}

impl Reliability {
    /// Of pairs of score and code.
    fn new(mut pairs: Vec<(f64, bool)>) -> Reliability {
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let n_bins = (pairs.len() / MIN_BIN).clamp(1, MAX_BINS);
        let (mut bins, mut start) = (Vec::new(), 0);
        for bin in 1..=n_bins {
            let mut end = start.max(bin * pairs.len() / n_bins);
            while end > start && end < pairs.len() && pairs[end].0 == pairs[end - 1].0 {
                end += 1;
            }
            if end > start {
                bins.push(Bin::new(&pairs[start..end]));
                start = end;
            }
        }
        let off = |bin: &Bin| bin.n as f64 * (bin.score - bin.rate).abs();
        let ece = bins.iter().map(off).sum::<f64>() / pairs.len() as f64;
        Reliability { ece: rounded(ece), bins }
    }
}

impl Bin {
    /// Of pairs in the order of their scores; at least one.
    fn new(pairs: &[(f64, bool)]) -> Bin {
        let n = pairs.len() as f64;
        let n_yes = pairs.iter().filter(|(_, yes)| *yes).count() as f64;
        Bin {
            n: pairs.len() as u64,
            low: rounded(pairs[0].0),
            high: rounded(pairs[pairs.len() - 1].0),
            score: rounded(pairs.iter().map(|(score, _)| score).sum::<f64>() / n),
            rate: rounded(n_yes / n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_mean_distance_of_score_and_rate() {
        // 40 at 0.1 of which 4 are coded (right), 40 at 0.9 of which 20 are (off by 0.4).
        let low = (0..40).map(|i| (0.1, i % 10 == 0));
        let high = (0..40).map(|i| (0.9, i % 2 == 0));
        let reliability = Reliability::new(high.chain(low).collect());
        assert_eq!(reliability.bins.len(), 2, "equal scores stay together");
        assert!((reliability.ece - 0.2).abs() < 1e-6, "{reliability:?}");
        let [first, last] = reliability.bins[..] else { panic!() };
        assert_eq!((first.n, first.score, first.rate), (40, 0.1, 0.1));
        assert_eq!((last.low, last.high, last.rate), (0.9, 0.9, 0.5));
    }

    #[test]
    fn bins_have_as_many_passages_each_and_hold_all() {
        let pairs: Vec<(f64, bool)> = (0..1000).map(|i| (f64::from(i) / 1e5, false)).collect();
        let bins = Reliability::new(pairs).bins;
        assert_eq!(bins.len(), MAX_BINS);
        assert_eq!(bins.iter().map(|bin| bin.n).sum::<u64>(), 1000);
        assert!(bins.iter().all(|bin| (66..=67).contains(&bin.n)), "{bins:?}");
        assert!(bins.windows(2).all(|pair| pair[0].high < pair[1].low));
    }

    #[test]
    fn few_passages_make_few_bins() {
        assert_eq!(Reliability::new(vec![(0.5, true)]).bins.len(), 1);
        assert_eq!(Reliability::new((0..45).map(|i| (f64::from(i), true)).collect()).bins.len(), 2);
    }
}
