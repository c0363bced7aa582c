//! Intervals of shares, by resampling documents: what one document says hangs together, so documents
//! are drawn, never units (the cluster bootstrap; Davison and Hinkley 1997, section 3.8).
//!
//! Each resample of a period draws as many documents as it has, with replacement. Two 95 % intervals
//! are read off the resamples, and the wider end of either counts. One is the bootstrap standard error
//! times Student's quantile on the scale of log-odds, which holds for few documents; the other is
//! bootstrap-t (Efron and Tibshirani 1993, section 12.5), which holds where few documents carry most
//! of a theme. Either alone falls short in the other's place, and percentiles of the resamples in
//! both (`docs/statistics.md` has the figures).
//!
//! In a period of thousands, groups of documents are drawn in their place ([`Weighed::gathered`]).
//!
//! Where no document mentions a theme, resamples all say 0. Then the upper end is what chance could
//! have hidden: the part of documents that may mention it (Clopper and Pearson 1934, with the number
//! of documents that their weights leave), times what a document that mentions it usually says.

use super::counted::{CountedDocument, Measure};
use super::draws::Draws;
use super::moments::{ENOUGH_DOCUMENTS, ExactSum, Sums, Weighed};
use super::quantile::{of_sorted, student};

/// Documents under which a period has no interval and is not compared.
pub const MIN_DOCUMENTS: usize = 5;
/// Probability left out at either end.
const TAIL: f64 = 0.025;

/// A share, and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// 0..1.
    pub share: f64,
    /// Lower and upper end of the 95 % interval; `None`: too few documents.
    pub interval: Option<(f64, f64)>,
    /// Standard error; `None` as for the interval.
    pub se: Option<f64>,
}

/// What a document that mentions a theme usually says of it: the part of its weight, 0..1, by theme;
/// and the same of all but the theme.
#[derive(Debug, Clone)]
pub(super) struct Usual {
    pub part: Vec<f64>,
    pub rest: Vec<f64>,
}

/// What [`Usual`] is made of, by theme: what the theme takes of the documents that mention it, and the same of all but
/// the theme.
#[derive(Debug, Clone, Default)]
pub(super) struct UsualSums(Vec<[Mean; 2]>);

impl UsualSums {
    pub fn add(&mut self, document: &CountedDocument, measure: Measure) {
        let (x, themes) = (document.weight(measure), &mut self.0);
        themes.resize(document.themes.n() + 1, Default::default());
        for ([part, rest], y) in themes.iter_mut().zip(document.parts(measure)) {
            part.add(y, x);
            rest.add(x - y, x);
        }
    }

    /// A theme that no document mentions is taken for the largest.
    pub fn usual(&self) -> Usual {
        let [part, rest] = [0, 1].map(|k| or_largest(self.0.iter().map(|of| of[k].part())));
        Usual { part, rest }
    }
}

/// What is taken of the weight of the documents of which anything is.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    taken: ExactSum,
    weight: ExactSum,
}

impl Mean {
    fn add(&mut self, taken: f64, weight: f64) {
        if taken > 0.0 {
            self.taken.add(taken);
            self.weight.add(weight);
        }
    }

    fn part(&self) -> Option<f64> {
        let (taken, weight) = (self.taken.value(), self.weight.value());
        (weight > 0.0).then(|| (taken / weight).min(1.0))
    }
}

fn or_largest(parts: impl Iterator<Item = Option<f64>>) -> Vec<f64> {
    let parts: Vec<Option<f64>> = parts.collect();
    let largest = parts.iter().flatten().copied().reduce(f64::max).unwrap_or(1.0);
    parts.into_iter().map(|part| part.unwrap_or(largest)).collect()
}

/// The share of each theme with its interval; `None` where the documents weigh nothing. `total`: the sums over
/// them.
pub(super) fn estimates(
    documents: Weighed<'_>,
    total: Sums<'_>,
    usual: &Usual,
    n_resamples: usize,
    mut draws: Draws,
) -> Option<Vec<Estimate>> {
    if total.weight() == 0.0 {
        return None;
    }
    let themes = 0..documents.n_themes();
    if total.n < MIN_DOCUMENTS {
        let bare = |theme| Estimate { share: total.share(theme), interval: None, se: None };
        return Some(themes.map(bare).collect());
    }
    let groups = documents.gathered(total.n / ENOUGH_DOCUMENTS, &mut draws);
    let n = groups.n_documents();
    let resamples = draws.resampled(groups.rows.view(), n_resamples);
    let resamples: Vec<Sums<'_>> = resamples
        .rows()
        .into_iter()
        .filter_map(|row| row.to_slice().map(|sums| Sums { sums, n }))
        .filter(|resample| resample.weight() > 0.0)
        .collect();
    let estimate = |theme| {
        let of_theme = OfTheme { theme, total, resamples: &resamples };
        at_the_edge(documents, &of_theme, usual).unwrap_or_else(|| of_theme.estimate())
    };
    Some(themes.map(estimate).collect())
}

/// The estimate where every document, or none, is all about the theme.
fn at_the_edge(documents: Weighed<'_>, of_theme: &OfTheme<'_>, usual: &Usual) -> Option<Estimate> {
    let theme = of_theme.theme;
    let hidden = 1.0 - TAIL.powf(1.0 / of_theme.total.n_effective());
    let se = |reach: f64| Some(reach / super::quantile::normal(1.0 - TAIL));
    let share = of_theme.total.share(theme);
    if share == 0.0 {
        let high = hidden * usual.part[theme];
        return Some(Estimate { share: 0.0, interval: Some((0.0, high)), se: se(high) });
    }
    if share > 0.5 && documents.are_all_about(theme) {
        let reach = hidden * usual.rest[theme];
        return Some(Estimate { share: 1.0, interval: Some((1.0 - reach, 1.0)), se: se(reach) });
    }
    None
}

/// A theme in the documents of a period, and in their resamples.
struct OfTheme<'s> {
    theme: usize,
    total: Sums<'s>,
    resamples: &'s [Sums<'s>],
}

impl OfTheme<'_> {
    fn estimate(&self) -> Estimate {
        let share = self.total.share(self.theme);
        let se = self.standard_error();
        let (low, high) = self.by_log_odds(share, se);
        let (t_low, t_high) = self.by_bootstrap_t(share).unwrap_or((low, high));
        let interval = Some((low.min(t_low).max(0.0), high.max(t_high).min(1.0)));
        Estimate { share, interval, se: Some(se) }
    }

    /// The spread of the resampled shares, mended for its known lack in few documents.
    fn standard_error(&self) -> f64 {
        let shares = || self.resamples.iter().map(|resample| resample.share(self.theme));
        let n = self.resamples.len().max(2) as f64;
        let mean = shares().sum::<f64>() / n;
        let squares: f64 = shares().map(|share| (share - mean).powi(2)).sum();
        let documents = self.total.n as f64;
        (squares / (n - 1.0) * documents / (documents - 1.0)).sqrt()
    }

    fn by_log_odds(&self, share: f64, se: f64) -> (f64, f64) {
        let reach = student(1.0 - TAIL, self.total.n as f64 - 1.0) * se / (share * (1.0 - share));
        let odds = (share / (1.0 - share)).ln();
        let share_of = |odds: f64| 1.0 / (1.0 + (-odds).exp());
        (share_of(odds - reach), share_of(odds + reach))
    }

    /// `None` where too few resamples have a variance.
    fn by_bootstrap_t(&self, share: f64) -> Option<(f64, f64)> {
        let t = |resample: &Sums<'_>| {
            let variance = resample.variance(self.theme);
            (variance > 0.0).then(|| (resample.share(self.theme) - share) / variance.sqrt())
        };
        let mut values: Vec<f64> = self.resamples.iter().filter_map(t).collect();
        if values.len() * 2 < self.resamples.len() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let se = self.total.variance(self.theme).sqrt();
        let end = |part| share - se * of_sorted(&values, part);
        Some((end(1.0 - TAIL), end(TAIL)))
    }
}
