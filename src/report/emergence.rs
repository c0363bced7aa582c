//! What `trends.json` says of themes that no codebook names, and of where themes stand in each period.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compare::{Appearance, Drift};
use crate::theme::FittedTheme;

use super::carried::CarriedUnit;
use super::value::Rounded;

/// The course of an emergent theme.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EmergenceRow {
    /// Id of the theme.
    pub theme: String,
    /// Its name: its most distinctive words.
    pub name: String,
    /// The first period in which two documents or more mention it; where there is none, the first in
    /// which one does.
    pub first_period: String,
    /// Documents of that period that mention it. At least 1.
    pub n_first: u64,
    /// Documents of earlier periods that mention it. At least 0.
    pub n_before: u64,
    /// All documents of earlier periods. At least 0.
    pub n_documents_before: u64,
    /// How often so few earlier documents would mention it if it were as frequent in all periods, 0..1. Null: no
    /// period is earlier.
    #[schemars(range(min = 0, max = 1))]
    pub p_new: Option<Rounded>,
    /// The period of its largest share.
    pub peak_period: String,
    /// Its share there, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub peak_share: Rounded,
    /// Its share in the last period, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub last_share: Rounded,
    /// All of it in words.
    pub sentence: String,
    /// Its best passages in the first period, in that of the largest share, and in the last; in time
    /// order, best first.
    pub passages: Vec<PassageRow>,
}

impl EmergenceRow {
    /// The row of a course and its passages.
    pub fn new(course: &Appearance, theme: &FittedTheme, passages: Vec<PassageRow>) -> Self {
        EmergenceRow {
            theme: theme.id.clone(),
            name: theme.name.clone(),
            first_period: course.first_period.clone(),
            n_first: course.first_documents.0,
            n_before: course.documents_before.0,
            n_documents_before: course.documents_before.1,
            p_new: course.p_new.map(Rounded::new),
            peak_period: course.peak.0.clone(),
            peak_share: course.peak.1.into(),
            last_share: course.last.1.into(),
            sentence: course.sentence.clone(),
            passages,
        }
    }
}

/// A passage of a theme.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PassageRow {
    /// Label of the period.
    pub period: String,
    /// Id of the document.
    pub document: String,
    /// Offset of the passage's first byte in the document's text (UTF-8).
    pub start: u64,
    /// Offset one past its last byte.
    pub end: u64,
    /// The passage: exactly these bytes.
    pub text: String,
    /// Its score for the theme, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub score: Rounded,
}

impl PassageRow {
    /// The row of a unit with its score for a theme.
    pub fn new(unit: &CarriedUnit<'_>, period: &str, score: f64) -> Self {
        PassageRow {
            period: period.to_owned(),
            document: unit.document.to_owned(),
            start: unit.span.start as u64,
            end: unit.span.end as u64,
            text: unit.text.to_owned(),
            score: score.into(),
        }
    }

    /// Whether it stands before another of its period: the better one first, then by place.
    pub fn is_before(&self, other: &Self) -> bool {
        let place = |row: &Self| (row.document.clone(), row.start);
        let by_score = other.score.get().total_cmp(&self.score.get());
        by_score.then_with(|| place(self).cmp(&place(other))).is_le()
    }
}

/// Where a theme stands in a period: whether it still means what it meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DriftRow {
    /// Id of the theme.
    pub theme: String,
    /// Label of the period.
    pub period: String,
    /// Units that were embedded: all of them, or 30 at random. At least 1.
    pub n_sampled: u64,
    /// Documents of these units. At least 1.
    pub n_documents: u64,
    /// Mean distance (1 - cosine) of these units to the centroid of the theme's units of all periods, 0..2.
    /// Null: fewer than 5 documents.
    #[schemars(range(min = 0, max = 2))]
    pub distance: Option<Rounded>,
    /// Standard error of `distance`. At least 0. Null as for `distance`.
    #[schemars(range(min = 0))]
    pub distance_se: Option<Rounded>,
    /// Distance (about 1 - cosine) of this period's mean to that of all earlier ones, less what chance
    /// makes of it; 0: not moved. Null: fewer than 5 documents now or before.
    #[schemars(range(min = 0))]
    pub shift: Option<Rounded>,
    /// Terms that are more frequent in the theme's units than in all earlier periods, the surest first.
    pub new_terms: Vec<String>,
}

impl DriftRow {
    /// The row of a theme by its id.
    pub fn new(drift: &Drift, theme: &str) -> Self {
        DriftRow {
            theme: theme.to_owned(),
            period: drift.period.clone(),
            n_sampled: drift.n_sampled.0,
            n_documents: drift.n_sampled.1,
            distance: drift.distance.map(|(distance, _)| distance.into()),
            distance_se: drift.distance.map(|(_, se)| se.into()),
            shift: drift.shift.map(Rounded::new),
            new_terms: drift.new_terms.clone(),
        }
    }
}
