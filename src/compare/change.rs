//! Did it change? For two periods the difference of a theme's shares, how sure it is, and the verdict.

use std::collections::BTreeMap;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::closer::{Mix, Robustness};
use super::counted::ThemeName;
use super::draws::Draws;
use super::false_discovery::q_values;
use super::interval::{Estimate, MIN_DOCUMENTS};
use super::moments::Weighed;
use super::quantile::student;
use super::side::{Pair, named};
use super::{CompareOptions, Estimated, EstimatedSides, permutation, words};

/// Rate of false discoveries at which a change is called real.
const LEVEL: f64 = 0.05;
/// How often a change of the size called detectable would show.
const POWER: f64 = 0.8;
/// Steps in which a detectable rise and the spread at its end settle.
const STEPS: u32 = 20;
/// Bounds of the number of deals behind a p-value.
const DEALS: (usize, usize) = (9_999, 49_999);
/// Deals for each test of a family, so that one real change among them can have a small q.
const DEALS_A_TEST: usize = 40;

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// The share is larger in the later period.
    #[serde(rename = "rose")]
    Rose,
    /// The share is smaller in the later period.
    #[serde(rename = "fell")]
    Fell,
    /// There is enough text to see a change of note, and none is seen.
    #[serde(rename = "no evidence of change")]
    NoEvidence,
    /// There is too little text to say anything.
    #[serde(rename = "too little data")]
    TooLittleData,
}

/// The tests that a q-value is computed over: those that answer one kind of question.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Neighbouring periods, all documents.
    Neighbours,
    /// Neighbouring periods within groups.
    NeighboursInGroups,
    /// Periods that the user named, all documents.
    Named,
    /// Periods that the user named, within groups.
    NamedInGroups,
}

impl Family {
    pub(super) fn of(is_named: bool, group: &Option<String>) -> Self {
        match (is_named, group) {
            (false, None) => Family::Neighbours,
            (false, Some(_)) => Family::NeighboursInGroups,
            (true, None) => Family::Named,
            (true, Some(_)) => Family::NamedInGroups,
        }
    }
}

/// What can be said of a theme's share in two periods.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Id of the theme.
    pub theme: String,
    /// Value of the field that documents are grouped by; `None`: all documents.
    pub group: Option<String>,
    /// Label of the earlier period, or run of periods.
    pub from: String,
    /// Label of the later one.
    pub to: String,
    /// The tests that `q` is computed over.
    pub family: Family,
    /// Documents in `from` and in `to`.
    pub n_documents: (u64, u64),
    /// Shares in `from` and in `to`, 0..1; `None`: the documents weigh nothing.
    pub shares: Option<(f64, f64)>,
    /// 95 % interval of the difference; `None`: too few documents.
    pub interval: Option<(f64, f64)>,
    /// How often a difference as large comes up by chance, over 0; `None`: not tested.
    pub p: Option<f64>,
    /// Rate of false discoveries at which it would be called a change; `None`: not tested.
    pub q: Option<f64>,
    /// The rise that should show in about 80 of 100 such samples, by standard errors; in simulated ones
    /// it showed in 63, so it is a lower bound. `None`: unknown.
    pub detectable: Option<f64>,
    /// What follows.
    pub verdict: Verdict,
    /// The verdict in words.
    pub sentence: String,
    /// The difference divided into content and mix, a field each; empty until looked at closer.
    pub mix: Vec<Mix>,
    /// Whether the change hangs on anything single; `None` until looked at closer.
    pub robustness: Option<Robustness>,
}

impl Comparison {
    /// Share in `to` less share in `from`.
    pub fn difference(&self) -> Option<f64> {
        self.shares.map(|(from, to)| to - from)
    }
}

/// The comparisons of all pairs: by theme, then in the order of the pairs.
pub(super) fn comparisons(
    pairs: &[Pair],
    sides: &EstimatedSides<'_>,
    themes: &[ThemeName],
    options: &CompareOptions,
) -> Vec<Comparison> {
    let max_deals = (DEALS_A_TEST * pairs.len() * themes.len()).clamp(DEALS.0, DEALS.1);
    let p: Vec<Vec<Option<f64>>> = pairs
        .par_iter()
        .map(|pair| tested((&sides[&pair.from], &sides[&pair.to]), themes, max_deals, options))
        .collect();
    let q = q_by_family(pairs, &p);
    let of_theme = |theme: usize| {
        let q = &q;
        let compared = pairs.iter().zip(&p).zip(q).map(move |((pair, p), q)| {
            let tested = (p[theme], q[theme]);
            compared(pair, sides, (theme, &themes[theme]), tested, options)
        });
        compared.collect::<Vec<_>>()
    };
    (0..themes.len()).flat_map(of_theme).collect()
}

fn tested(
    (from, to): (&Estimated<'_>, &Estimated<'_>),
    themes: &[ThemeName],
    max_deals: usize,
    options: &CompareOptions,
) -> Vec<Option<f64>> {
    let has_enough =
        |side: &Estimated<'_>| side.side.documents.n() >= MIN_DOCUMENTS && side.shares.is_some();
    if !has_enough(from) || !has_enough(to) {
        return vec![None; themes.len()];
    }
    let ((group, first), (_, second)) = (&from.side.key, &to.side.key);
    let draws = Draws::new(options.seed, &["deal", &named(group), first, second]);
    let [from, to] = [from, to]
        .map(|side| Weighed::new(&side.side.documents, options.measure, themes.len() + 1));
    permutation::p_values((from, to), themes.len(), max_deals, draws)
}

/// For each pair and theme the q-value over all tests of the pair's family.
pub(super) fn q_by_family(pairs: &[Pair], p: &[Vec<Option<f64>>]) -> Vec<Vec<Option<f64>>> {
    let mut q: Vec<Vec<Option<f64>>> = p.iter().map(|row| vec![None; row.len()]).collect();
    let mut families: BTreeMap<Family, Vec<usize>> = BTreeMap::new();
    for (index, pair) in pairs.iter().enumerate() {
        families.entry(pair.family).or_default().push(index);
    }
    for members in families.into_values() {
        let flat: Vec<Option<f64>> =
            members.iter().flat_map(|&index| p[index].iter().copied()).collect();
        let mut found = q_values(&flat).into_iter();
        for index in members {
            q[index].iter_mut().zip(found.by_ref()).for_each(|(cell, found)| *cell = found);
        }
    }
    q
}

fn compared(
    pair: &Pair,
    sides: &EstimatedSides<'_>,
    (index, theme): (usize, &ThemeName),
    (p, q): (Option<f64>, Option<f64>),
    options: &CompareOptions,
) -> Comparison {
    let (from, to) = (&sides[&pair.from], &sides[&pair.to]);
    let estimate = |side: &Estimated<'_>| side.shares.as_ref().map(|shares| shares[index]);
    let n = |side: &Estimated<'_>| side.side.documents.n();
    let both = estimate(from).zip(estimate(to));
    let mut comparison = Comparison {
        theme: theme.id.clone(),
        group: pair.from.0.clone(),
        from: pair.from.1.clone(),
        to: pair.to.1.clone(),
        family: pair.family,
        n_documents: (from.total.n_documents, to.total.n_documents),
        shares: both.map(|(from, to)| (from.share, to.share)),
        interval: both.and_then(|(from, to)| interval(from, to)),
        p,
        q,
        detectable: both.and_then(|sides| detectable(sides, (n(from), n(to)))),
        verdict: Verdict::TooLittleData,
        sentence: String::new(),
        mix: Vec::new(),
        robustness: None,
    };
    comparison.verdict = verdict(&comparison, options.notable);
    comparison.sentence = words::sentence(&comparison, &theme.name, options);
    comparison
}

/// The interval of the difference from those of the two shares, which are independent: the reach to
/// either side is the root of the squared reaches (Zou and Donner 2008).
pub(super) fn interval(from: Estimate, to: Estimate) -> Option<(f64, f64)> {
    let ((from_low, from_high), (to_low, to_high)) = (from.interval?, to.interval?);
    let difference = to.share - from.share;
    let down = (to.share - to_low).hypot(from_high - from.share);
    let up = (to_high - to.share).hypot(from.share - from_low);
    Some(((difference - down).max(-1.0), (difference + up).min(1.0)))
}

/// The rise that a test at 5 % would show in 80 of 100 samples like these. A larger share varies
/// more: the variance of the later one is taken to grow as s (1 - s) does, from the share found to the
/// share that the rise would reach.
pub(super) fn detectable((from, to): (Estimate, Estimate), n: (usize, usize)) -> Option<f64> {
    let (a, b) = (from.se?.powi(2), to.se?.powi(2));
    if a + b == 0.0 {
        return None;
    }
    // Welch and Satterthwaite's degrees of freedom.
    let df = (a + b).powi(2) / (a * a / (n.0 as f64 - 1.0) + b * b / (n.1 as f64 - 1.0));
    let reach = student(1.0 - LEVEL / 2.0, df) + student(POWER, df);
    let spread = |share: f64| share * (1.0 - share);
    let growth = |risen: f64| match spread(to.share) {
        0.0 => 1.0,
        now => (spread(risen.min(0.5)) / now).max(1.0),
    };
    let rise = |rise: f64, _| reach * (a + b * growth(from.share + rise)).sqrt();
    Some((0..STEPS).fold(0.0, rise).min(1.0))
}

/// A change is one where the test says so and the interval agrees. Without it, there is evidence of
/// none only where a change of note would have shown.
pub(super) fn verdict(comparison: &Comparison, notable: f64) -> Verdict {
    let is_real = comparison.q.is_some_and(|q| q < LEVEL);
    match (is_real, comparison.interval) {
        (true, Some((low, _))) if low > 0.0 => return Verdict::Rose,
        (true, Some((_, high))) if high < 0.0 => return Verdict::Fell,
        _ => {}
    }
    let of_note = comparison.shares.map_or(notable, |(a, b)| notable.max((a + b) / 4.0));
    match comparison.detectable {
        Some(detectable) if detectable <= of_note => Verdict::NoEvidence,
        _ => Verdict::TooLittleData,
    }
}
