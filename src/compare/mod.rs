//! Scores by period → [`Trends`]: how much of each period is about each theme, how sure that is, and
//! whether it changed.
//!
//! A share is a ratio of sums: what the theme takes in all documents of the period over what they
//! weigh. Copies count once, documents without a date are in no period, and a period without
//! documents is absent, not zero. Documents, not units, are what chance draws: intervals resample
//! them ([`interval`]), tests deal them out anew ([`permutation`]). `docs/statistics.md` says
//! what each number means and how it was checked.
//!
//! What is computed depends on the documents and the options alone: documents are taken by id, and
//! all that is drawn at random is drawn by the name of the period and group that it is drawn for.

pub mod codebooks;
pub mod corrected;

mod change;
mod closer;
mod copies;
mod counted;
mod draws;
mod drift;
mod emergence;
mod false_discovery;
mod first_said;
mod interval;
mod moments;
mod permutation;
mod quantile;
mod series;
mod side;
#[cfg(test)]
mod simulation;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::document::PeriodLength;
use crate::error::{Error, Result};

pub use change::{Comparison, Family, Verdict};
pub use closer::{Besides, Check, CheckKind, Mix, Part, Robustness, SoleTerms};
pub use copies::Copies;
pub use counted::{
    Counted, CountedDocument, CountedTheme, CountedThemes, Field, Measure, ThemeName,
};
pub use drift::{Drift, SampledUnit, ThemeTerms, drifts};
pub use emergence::{Appearance, appearances};
pub use first_said::FirstSaid;
pub use interval::{Estimate, MIN_DOCUMENTS};
pub use series::{ChangePoint, Smoothed};
pub use side::{Between, PeriodRange, Sides};

use draws::Draws;
use interval::Usual;
use moments::{Sums, Weighed};
use side::{Key, Side};

/// Documents under which a period is called small: its interval holds, but is wide, and one document
/// more could move it.
pub const SMALL: usize = 20;

/// How documents are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareOptions {
    /// How time is divided.
    pub by: PeriodLength,
    /// Of what a share is a share.
    pub measure: Measure,
    /// Name of the field that documents are grouped by, where they are.
    pub group: Option<String>,
    /// Pairs of periods to compare besides neighbours.
    pub between: Vec<Between>,
    /// Seed of all that is drawn.
    pub seed: u64,
    /// Resamples behind an interval; 100 or more.
    pub resamples: usize,
    /// The smallest change of note, 0..1: where the documents could not have shown one of this size,
    /// or of half the share where that is more, there is too little to say that nothing changed.
    pub notable: f64,
    /// Whether copies count.
    pub copies: Copies,
}

impl Default for CompareOptions {
    fn default() -> Self {
        CompareOptions {
            by: PeriodLength::Year,
            measure: Measure::Text,
            group: None,
            between: Vec::new(),
            seed: 1,
            resamples: 2000,
            notable: 0.05,
            copies: Copies::Once,
        }
    }
}

/// The documents of one period, all of them or those of one group, and what they say.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Value of the field that documents are grouped by; `None`: all documents of the period.
    pub group: Option<String>,
    /// Label of the period.
    pub period: String,
    /// Ids of the documents, copies left out, sorted; those that stand in a group of documents have none.
    pub documents: Vec<Arc<str>>,
    /// Their number.
    pub n_documents: u64,
    /// Their units.
    pub n_units: u64,
    /// The share of each theme, `none` last; `None`: the documents weigh nothing.
    pub shares: Option<Vec<Estimate>>,
    /// The trend of each theme, `none` last; `None` for a theme that does not vary, and for all where
    /// the series is short.
    pub smoothed: Vec<Option<Smoothed>>,
    /// What the shares would be if every copy counted, 0..1, in the same order; `None` as for `shares`.
    pub with_copies: Option<Vec<f64>>,
}

impl Cell {
    /// Whether there are few documents.
    pub fn is_small(&self) -> bool {
        self.n_documents < SMALL as u64
    }
}

/// What became of every theme over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Trends {
    /// How it was computed.
    pub options: CompareOptions,
    /// The themes of the model, in its order.
    pub themes: Vec<ThemeName>,
    /// By group, all documents first, then by period.
    pub cells: Vec<Cell>,
    /// By theme, then as `cells`; what the user asked for stands last.
    pub comparisons: Vec<Comparison>,
    /// Where the level of a theme changed: by theme, then group, then time.
    pub change_points: Vec<ChangePoint>,
}

/// Compares the periods of counted documents.
///
/// # Errors
/// `Usage` where a period that the user named has no documents.
pub fn compare(
    counted: &Counted,
    themes: &[ThemeName],
    options: &CompareOptions,
) -> Result<Trends> {
    Ok(Sides::new(counted, options)?.compare(themes))
}

impl Sides<'_> {
    /// What became of every theme.
    pub fn compare(&self, themes: &[ThemeName]) -> Trends {
        let options = &self.options;
        let n_columns = themes.len() + 1;
        let mut with_copies = copies::shares(self.counted, n_columns, options);
        let usual = Usual::of(Weighed::new(&self.documents, options.measure, n_columns));
        let estimate = |(key, side)| (key, Estimated::new(side, &usual, n_columns, options));
        let estimated: EstimatedSides<'_> = self.of.par_iter().map(estimate).collect();
        let comparisons = change::comparisons(&self.pairs, &estimated, themes, options);
        let change_points = series::change_points(&estimated, themes, options);
        let mut smoothed = series::trends(&estimated, n_columns, options.by);
        let cells = estimated.into_iter().filter(|(_, found)| found.side.is_period);
        let cells = cells.map(|(key, found)| Cell {
            with_copies: with_copies.remove(key).flatten(),
            smoothed: smoothed.remove(key).unwrap_or_else(|| vec![None; n_columns]),
            group: key.0.clone(),
            period: key.1.clone(),
            documents: found.side.ids(),
            n_documents: found.side.n_documents(),
            n_units: found.side.documents.iter().map(|document| document.n_units).sum(),
            shares: found.shares,
        });
        Trends {
            cells: cells.collect(),
            options: options.clone(),
            themes: themes.to_vec(),
            comparisons,
            change_points,
        }
    }
}

/// All sides, with their shares: all documents before groups, then in time order.
type EstimatedSides<'s> = BTreeMap<&'s Key, Estimated<'s>>;

/// One side of a comparison, with its shares.
struct Estimated<'s> {
    side: &'s Side<'s>,
    shares: Option<Vec<Estimate>>,
    /// What all documents weigh together: the denominator of shares.
    weight: f64,
    /// Documents of equal weight that would say as much (Kish 1965); over 0 where `weight` is.
    n_effective: f64,
}

impl<'s> Estimated<'s> {
    fn new(side: &'s Side<'s>, usual: &Usual, n_columns: usize, options: &CompareOptions) -> Self {
        let documents = Weighed::new(&side.documents, options.measure, n_columns);
        let total = documents.total();
        let total = Sums { sums: &total, n: documents.n() };
        let draws = side.draws(options.seed, "interval");
        let shares = interval::estimates(documents, total, usual, options.resamples, draws);
        let (weight, n_effective) = (total.weight(), total.n_effective());
        Estimated { side, shares, weight, n_effective }
    }

    /// The share of a theme; `None`: the documents weigh nothing.
    fn share(&self, theme: usize) -> Option<f64> {
        self.shares.as_ref().map(|shares| shares[theme].share)
    }
}

/// What the user should know of the documents that are in no cell.
pub fn left_out(counted: &Counted, options: &CompareOptions) -> Result<Vec<String>> {
    let n = counted.documents.len();
    let n_undated = counted.documents.iter().filter(|d| d.period.is_none()).count();
    let mut said = Vec::new();
    if n_undated > 0 {
        said.push(format!(
            "{n_undated} of {n} documents are in no period: they have no date, or one that is not \
             precise enough"
        ));
    }
    let Some(field) = &options.group else { return Ok(said) };
    let groups: BTreeSet<&Arc<str>> =
        counted.documents.iter().filter_map(|document| document.group.as_ref()).collect();
    if groups.is_empty() {
        return Err(Error::usage(
            format!("no document has a field `{field}` to group by"),
            "give a field of the records, as `metadata` in documents.jsonl has them, or `language`, \
             `file`",
        ));
    }
    let n_without = counted.documents.iter().filter(|document| document.group.is_none()).count();
    if n_without > 0 {
        said.push(format!(
            "{n_without} of {n} documents have no text or number in `{field}`: they count in the rows \
             of all documents, and in no group"
        ));
    }
    Ok(said)
}
