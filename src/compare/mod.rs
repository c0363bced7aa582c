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
//!
//! An archive of any size is compared in the memory of a small one: documents are gathered one by one ([`Gathering`]), put
//! in order on the disk where they are many ([`sorter`]), and each question is a pass over them ([`store`]) that keeps
//! sums alone. Of thousands of documents, chance is drawn of groups of them ([`moments`]).

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
mod gathering;
mod ids;
mod interval;
mod moments;
mod permutation;
mod quantile;
mod series;
mod side;
#[cfg(test)]
mod simulation;
mod sorter;
mod spool;
mod store;
mod words;

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::document::PeriodLength;
use crate::error::Result;

pub use change::{Comparison, Family, Verdict};
pub use closer::{Besides, Check, CheckKind, Mix, Part, Robustness, SoleTerms};
pub use copies::Copies;
pub use counted::{
    Counted, CountedDocument, CountedTheme, CountedThemes, Field, Measure, ThemeName,
};
pub use drift::{Drift, SampledUnit, ThemeTerms, drifts};
pub use emergence::{Appearance, appearances};
pub use first_said::FirstSaid;
pub use gathering::Gathering;
pub use ids::Ids;
pub use interval::{Estimate, MIN_DOCUMENTS};
pub use series::{ChangePoint, Smoothed};
pub use side::{Between, PeriodRange, Periods, Sides};

use draws::Draws;
use moments::{Sums, Total, Weighed};
use side::{Key, Side};
use store::Documents;

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
    pub documents: Ids,
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
/// `Usage` where a period that the user named has no documents; `Io` where they do not fit in memory and a file cannot be
/// written or read.
pub fn compare(
    counted: &Counted,
    themes: &[ThemeName],
    options: &CompareOptions,
) -> Result<Trends> {
    Sides::new(counted, options)?.compare(themes)
}

impl Sides {
    /// What became of every theme.
    ///
    /// # Errors
    /// `Io` where documents that did not fit in memory cannot be read.
    pub fn compare(&self, themes: &[ThemeName]) -> Result<Trends> {
        let options = &self.options;
        let n_columns = themes.len() + 1;
        let estimate = |(key, side)| (key, Estimated::new(side, self, n_columns));
        let estimated: EstimatedSides<'_> = self.of.par_iter().map(estimate).collect();
        let comparisons = change::comparisons(&self.pairs, &estimated, themes, options);
        let change_points = series::change_points(&estimated, themes, options);
        let mut smoothed = series::trends(&estimated, n_columns, options.by);
        let cells = estimated.into_iter().filter(|(_, found)| found.side.is_period);
        let cells = cells.map(|(key, found)| Cell {
            with_copies: self.with_copies(key),
            smoothed: smoothed.remove(key).unwrap_or_else(|| vec![None; n_columns]),
            group: key.0.clone(),
            period: key.1.clone(),
            documents: Ids::of(&found.side.documents),
            n_documents: found.total.n_documents,
            n_units: found.total.n_units,
            shares: found.shares,
        });
        let cells = cells.collect();
        self.store.check()?;
        let (options, themes) = (options.clone(), themes.to_vec());
        Ok(Trends { cells, options, themes, comparisons, change_points })
    }

    /// The share of each theme if every copy counted, 0..1; `None`: the documents weigh nothing.
    fn with_copies(&self, key: &Key) -> Option<Vec<f64>> {
        let (weight, taken) = self.with_copies.get(key)?.split_first()?;
        let share = |taken: &f64| (taken / weight).clamp(0.0, 1.0);
        (*weight > 0.0).then(|| taken.iter().map(share).collect())
    }
}

/// All sides, with their shares: all documents before groups, then in time order.
type EstimatedSides<'s> = BTreeMap<&'s Key, Estimated<'s>>;

/// One side of a comparison, with its shares.
struct Estimated<'s> {
    side: &'s Side<Documents>,
    total: Total,
    shares: Option<Vec<Estimate>>,
    /// What all documents weigh together: the denominator of shares.
    weight: f64,
    /// Documents of equal weight that would say as much (Kish 1965); over 0 where `weight` is.
    n_effective: f64,
}

impl<'s> Estimated<'s> {
    fn new(side: &'s Side<Documents>, sides: &Sides, n_columns: usize) -> Self {
        let options = &sides.options;
        let documents = Weighed::new(&side.documents, options.measure, n_columns);
        let total = documents.total();
        let sums = Sums { sums: &total.sums, n: documents.n() };
        let draws = side::draws(&side.key, options.seed, "interval");
        let shares = interval::estimates(documents, sums, &sides.usual, options.resamples, draws);
        let (weight, n_effective) = (sums.weight(), sums.n_effective());
        Estimated { side, total, shares, weight, n_effective }
    }

    /// The share of a theme; `None`: the documents weigh nothing.
    fn share(&self, theme: usize) -> Option<f64> {
        self.shares.as_ref().map(|shares| shares[theme].share)
    }
}
