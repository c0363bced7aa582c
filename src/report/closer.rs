//! What `trends.json` says of a change that was looked at closer: the mix or the content, robust or
//! fragile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compare::{Check, CheckKind, Mix, Part, Robustness};

use super::value::Rounded;

/// A difference divided by the levels of one field: what documents say, and which documents there are. The
/// three parts sum to the difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MixRow {
    /// The field: one of the documents' metadata, `language`, `file`, or `length` (three bands).
    pub field: String,
    /// Levels that both periods have; those of fewer than 5 documents in each are one together. At least 2.
    pub n_levels: u64,
    /// Part of the text (units, documents) of `from` that these levels have, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub covered_from: Rounded,
    /// The same of `to`, 0..1.
    #[schemars(range(min = 0, max = 1))]
    pub covered_to: Rounded,
    /// What documents of the same level say differently.
    pub content: PartRow,
    /// What comes of the levels having more or less of the text.
    pub mix: PartRow,
    /// What comes of levels that only one of the periods has.
    pub turnover: PartRow,
    /// All of it in words.
    pub sentence: String,
}

/// A part of a difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartRow {
    /// -1..1.
    #[schemars(range(min = -1, max = 1))]
    pub difference: Rounded,
    /// Lower end of the 95 % interval, -1..1. Null: too few documents.
    #[schemars(range(min = -1, max = 1))]
    pub low: Option<Rounded>,
    /// Upper end of the interval, -1..1. Null as for `low`.
    #[schemars(range(min = -1, max = 1))]
    pub high: Option<Rounded>,
}

impl From<&Mix> for MixRow {
    fn from(mix: &Mix) -> Self {
        MixRow {
            field: mix.field.clone(),
            n_levels: mix.n_levels as u64,
            covered_from: mix.covered.0.into(),
            covered_to: mix.covered.1.into(),
            content: (&mix.content).into(),
            mix: (&mix.mix).into(),
            turnover: (&mix.turnover).into(),
            sentence: mix.sentence.clone(),
        }
    }
}

impl From<&Part> for PartRow {
    fn from(part: &Part) -> Self {
        PartRow {
            difference: part.difference.into(),
            low: part.interval.map(|(low, _)| low.into()),
            high: part.interval.map(|(_, high)| high.into()),
        }
    }
}

/// Whether a change hangs on anything single.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RobustnessRow {
    /// Whether the change holds in every check.
    pub robust: bool,
    /// The checks, each at its worst.
    pub checks: Vec<CheckRow>,
    /// All of it in words.
    pub sentence: String,
}

/// A check of a change, at its worst.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckRow {
    /// What was left out or done in another way.
    pub kind: CheckKind,
    /// The field whose levels were left out one at a time. Null: another kind of check.
    pub field: Option<String>,
    /// The document, level or term without which least is left of the change. Null: halves, encoder.
    pub without: Option<String>,
    /// Documents, levels, terms or halves that were tried. At least 1.
    pub n_tried: u64,
    /// The difference at worst, -1..1.
    #[schemars(range(min = -1, max = 1))]
    pub difference: Rounded,
    /// Whether the change holds there: same sign and at least half the size (halves: same sign).
    pub holds: bool,
}

impl From<&Robustness> for RobustnessRow {
    fn from(robustness: &Robustness) -> Self {
        RobustnessRow {
            robust: robustness.is_robust,
            checks: robustness.checks.iter().map(CheckRow::from).collect(),
            sentence: robustness.sentence.clone(),
        }
    }
}

impl From<&Check> for CheckRow {
    fn from(check: &Check) -> Self {
        CheckRow {
            kind: check.kind,
            field: check.field.clone(),
            without: check.without.clone(),
            n_tried: check.n_tried as u64,
            difference: check.difference.into(),
            holds: check.holds,
        }
    }
}
