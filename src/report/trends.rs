//! What `trends.json` and `trends.parquet` hold: how much of each period is about each theme, and
//! what can be said of the difference between two periods.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codebook::NONE_ID;
use crate::compare::{Cell, ChangePoint, Comparison, Copies, Family, Ids, Measure, Trends};
use crate::document::PeriodLength;

use super::closer::{MixRow, RobustnessRow};
use super::corrected::CorrectedTrends;
use super::emergence::{DriftRow, EmergenceRow};
use super::rows::schema_tag;
use super::value::Rounded;

pub use crate::compare::Verdict;

schema_tag!(TrendsTag, "themeline/trends/1");

/// `trends.json`, whole. Numbers are rounded to six decimals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendsFile {
    /// Name and version of this file's form.
    pub schema: TrendsTag,
    /// Length of the periods.
    pub by: PeriodLength,
    /// Of what a share is a share: of the text, of the units, or of the documents.
    pub measure: Measure,
    /// The field that documents are grouped by. Null: they are not.
    pub group_by: Option<String>,
    /// Seed of all that was drawn at random.
    pub seed: u64,
    /// Resamples behind each interval.
    pub resamples: u64,
    /// The smallest change of note, 0..1: it decides between `no evidence of change` and `too little
    /// data`.
    #[schemars(range(min = 0, max = 1))]
    pub notable: Rounded,
    /// Whether copies count once or like every other text.
    pub copies: Copies,
    /// By theme in the model's order, then group, then period in time order.
    pub shares: Vec<ShareRow>,
    /// What can be said of two periods: neighbours first, then those that the user named. Empty where
    /// there is one period.
    pub comparisons: Vec<ComparisonRow>,
    /// Where the level of a theme changed, by theme, then group, then time. Empty where no level
    /// changed, and where there are fewer than 8 periods.
    pub change_points: Vec<ChangePointRow>,
    /// When each emergent theme appears and what becomes of it. Empty where there is none, or none in a
    /// dated document.
    pub emergence: Vec<EmergenceRow>,
    /// Where each theme stands in each period, by theme, then period. Empty unless asked for
    /// (`themeline compare --drift`).
    pub drift: Vec<DriftRow>,
    /// The documents behind each number, by group, then period.
    pub periods: Vec<PeriodRow>,
    /// Shares and changes corrected by units that a person coded. Null: no codes were given.
    pub corrected: Option<CorrectedTrends>,
}

impl From<Trends> for TrendsFile {
    fn from(trends: Trends) -> Self {
        let options = &trends.options;
        let ids = trends.themes.iter().map(|theme| theme.id.as_str()).chain([NONE_ID]);
        let of_theme = |(index, id): (usize, &str)| {
            let row = |cell| ShareRow::new(id, index, cell);
            trends.cells.iter().map(row).collect::<Vec<_>>()
        };
        TrendsFile {
            schema: TrendsTag::V1,
            by: options.by,
            measure: options.measure,
            group_by: options.group.clone(),
            seed: options.seed,
            resamples: options.resamples as u64,
            notable: options.notable.into(),
            copies: options.copies,
            shares: ids.enumerate().flat_map(of_theme).collect(),
            comparisons: trends.comparisons.iter().map(ComparisonRow::from).collect(),
            change_points: trends.change_points.iter().map(ChangePointRow::from).collect(),
            emergence: Vec::new(),
            drift: Vec::new(),
            periods: trends.cells.into_iter().map(PeriodRow::from).collect(),
            corrected: None,
        }
    }
}

/// A period and the documents that its numbers rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PeriodRow {
    /// Label of the period.
    pub period: String,
    /// Value of the field that the documents are grouped by. Null: all documents of the period.
    pub group: Option<String>,
    /// Documents, repeated ones left out. At least 1.
    pub n_documents: u64,
    /// Units of these documents. At least 0.
    pub n_units: u64,
    /// Whether there are few documents: numbers that rest on them are weak.
    pub small: bool,
    /// Ids of the documents, sorted.
    #[schemars(with = "Vec<String>")]
    pub documents: Ids,
}

impl From<Cell> for PeriodRow {
    fn from(cell: Cell) -> Self {
        PeriodRow {
            n_documents: cell.n_documents,
            n_units: cell.n_units,
            small: cell.is_small(),
            period: cell.period,
            group: cell.group,
            documents: cell.documents,
        }
    }
}

/// How much of a period is about a theme; also one row of `trends.parquet`, whose key-value
/// metadata carries `schema` = `themeline/trends/1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShareRow {
    /// Id of the theme; `none` for the text that no theme takes.
    pub theme: String,
    /// Label of the period: `2024`, `2024-Q4` or `2024-10`; labels sort in time order.
    pub period: String,
    /// Value of the field that the documents are grouped by. Null: all documents of the period.
    pub group: Option<String>,
    /// Part of the period's text that the theme takes, 0..1. Null: the period has no documents.
    #[schemars(range(min = 0, max = 1))]
    pub share: Option<Rounded>,
    /// Lower end of the interval of `share`, 0..1. Null: no interval was computed, or there are too
    /// few documents for one.
    #[schemars(range(min = 0, max = 1))]
    pub low: Option<Rounded>,
    /// Upper end of the interval, 0..1. Null as for `low`.
    #[schemars(range(min = 0, max = 1))]
    pub high: Option<Rounded>,
    /// Documents in the period (and group), repeated ones left out. At least 0.
    pub n_documents: u64,
    /// Units of these documents. At least 0.
    pub n_units: u64,
    /// Standard error of `share`, 0..1. Null as for `low`.
    #[schemars(range(min = 0, max = 1))]
    pub se: Option<Rounded>,
    /// Whether the period has few documents: its numbers are weak.
    pub small: bool,
    /// Level of the theme in the period once noise is taken away, with the help of the periods before
    /// and after, 0..1. Null: fewer than 5 periods, or a theme that does not vary.
    #[schemars(range(min = 0, max = 1))]
    pub trend: Option<Rounded>,
    /// Lower end of the 95 % interval of `trend`, 0..1. Null as for `trend`.
    #[schemars(range(min = 0, max = 1))]
    pub trend_low: Option<Rounded>,
    /// Upper end of the interval, 0..1. Null as for `trend`.
    #[schemars(range(min = 0, max = 1))]
    pub trend_high: Option<Rounded>,
    /// What `share` would be if every copy counted like any other text, 0..1. Null: the period has no
    /// text.
    #[schemars(range(min = 0, max = 1))]
    pub share_with_copies: Option<Rounded>,
}

impl ShareRow {
    fn new(theme: &str, index: usize, cell: &Cell) -> Self {
        let estimate = cell.shares.as_ref().map(|shares| shares[index]);
        let interval = estimate.and_then(|estimate| estimate.interval);
        let smoothed = cell.smoothed[index];
        ShareRow {
            theme: theme.to_owned(),
            period: cell.period.clone(),
            group: cell.group.clone(),
            share: estimate.map(|estimate| estimate.share.into()),
            low: interval.map(|(low, _)| low.into()),
            high: interval.map(|(_, high)| high.into()),
            n_documents: cell.n_documents,
            n_units: cell.n_units,
            se: estimate.and_then(|estimate| estimate.se).map(Rounded::new),
            small: cell.is_small(),
            trend: smoothed.map(|level| level.share.into()),
            trend_low: smoothed.map(|level| level.interval.0.into()),
            trend_high: smoothed.map(|level| level.interval.1.into()),
            share_with_copies: cell.with_copies.as_ref().map(|shares| shares[index].into()),
        }
    }
}

/// A change of a theme's level: periods before and after it that each have one level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangePointRow {
    /// Id of the theme.
    pub theme: String,
    /// Value of the field that the documents are grouped by. Null: all documents.
    pub group: Option<String>,
    /// First period of the new level.
    pub period: String,
    /// Earliest first period of the new level that 95 % of the likelihood leaves possible.
    pub earliest: String,
    /// Latest first period of the new level that 95 % of the likelihood leaves possible.
    pub latest: String,
    /// First period of the level before.
    pub from: String,
    /// Last period of the new level.
    pub to: String,
    /// Share of the theme in all periods of the level before, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub share_before: Rounded,
    /// Share of the theme in all periods of the new level, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub share_after: Rounded,
    /// Rate of false discoveries at which the level of the theme would be said to change at all, 0..1:
    /// over all themes, or over all themes and groups.
    #[schemars(range(min = 0, max = 1))]
    pub q: Rounded,
    /// All of it in words.
    pub sentence: String,
}

impl From<&ChangePoint> for ChangePointRow {
    fn from(point: &ChangePoint) -> Self {
        ChangePointRow {
            theme: point.theme.clone(),
            group: point.group.clone(),
            period: point.period.clone(),
            earliest: point.range.0.clone(),
            latest: point.range.1.clone(),
            from: point.before.0.clone(),
            to: point.after.1.clone(),
            share_before: point.shares.0.into(),
            share_after: point.shares.1.into(),
            q: point.q.into(),
            sentence: point.sentence.clone(),
        }
    }
}

/// What can be said of a theme's share in two periods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonRow {
    /// Id of the theme.
    pub theme: String,
    /// Label of the earlier period; `1946..1989` for the periods from one to another.
    pub from: String,
    /// Label of the later period, or periods.
    pub to: String,
    /// Value of the field that the documents are grouped by. Null: all documents.
    pub group: Option<String>,
    /// Share in `to` less share in `from`, -1..1. Null: too little text to say.
    #[schemars(range(min = -1, max = 1))]
    pub difference: Option<Rounded>,
    /// Lower end of the interval of `difference`, -1..1. Null: too little text for one.
    #[schemars(range(min = -1, max = 1))]
    pub low: Option<Rounded>,
    /// Upper end of the interval, -1..1. Null as for `low`.
    #[schemars(range(min = -1, max = 1))]
    pub high: Option<Rounded>,
    /// How often a difference of this size would come up without a change, over 0. Null: not tested.
    #[schemars(range(min = 0, max = 1))]
    pub p: Option<Rounded>,
    /// `p` corrected for the number of tests in `family`, 0..1: rate of false discoveries among the
    /// changes at or under it. Null: not tested.
    #[schemars(range(min = 0, max = 1))]
    pub q: Option<Rounded>,
    /// The rise that a test at 5 % should show in about 80 of 100 samples like these, 0..1, by standard
    /// errors; a lower bound. Null: unknown.
    #[schemars(range(min = 0, max = 1))]
    pub detectable: Option<Rounded>,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict in words.
    pub sentence: String,
    /// Share in `from`, 0..1. Null: no text to take a part of.
    #[schemars(range(min = 0, max = 1))]
    pub share_from: Option<Rounded>,
    /// Share in `to`, 0..1. Null: no text to take a part of.
    #[schemars(range(min = 0, max = 1))]
    pub share_to: Option<Rounded>,
    /// Documents in `from`. At least 1.
    pub n_documents_from: u64,
    /// Documents in `to`. At least 1.
    pub n_documents_to: u64,
    /// The tests that `q` is computed over.
    pub family: Family,
    /// The difference divided by what documents say and which documents there are, for each field that allows
    /// it. Empty where the share did not change and no user named the periods.
    pub mix: Vec<MixRow>,
    /// Whether the change hangs on a single document, level of a field, term, half of the documents or
    /// encoder. Null: the share did not change, or nothing could be checked.
    pub robustness: Option<RobustnessRow>,
}

impl From<&Comparison> for ComparisonRow {
    fn from(comparison: &Comparison) -> Self {
        let number = |x: Option<f64>| x.map(Rounded::new);
        ComparisonRow {
            theme: comparison.theme.clone(),
            from: comparison.from.clone(),
            to: comparison.to.clone(),
            group: comparison.group.clone(),
            difference: number(comparison.difference()),
            low: number(comparison.interval.map(|(low, _)| low)),
            high: number(comparison.interval.map(|(_, high)| high)),
            p: number(comparison.p),
            q: number(comparison.q),
            detectable: number(comparison.detectable),
            verdict: comparison.verdict,
            sentence: comparison.sentence.clone(),
            share_from: number(comparison.shares.map(|(from, _)| from)),
            share_to: number(comparison.shares.map(|(_, to)| to)),
            n_documents_from: comparison.n_documents.0,
            n_documents_to: comparison.n_documents.1,
            family: comparison.family,
            mix: comparison.mix.iter().map(MixRow::from).collect(),
            robustness: comparison.robustness.as_ref().map(RobustnessRow::from),
        }
    }
}
