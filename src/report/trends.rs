//! What `trends.json` and `trends.parquet` hold: how much of each period is about each theme, and
//! what can be said of the difference between two periods.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compare::Trends;
use crate::document::PeriodLength;

use super::rows::schema_tag;
use super::value::Rounded;

schema_tag!(TrendsTag, "themeline/trends/1");

/// `trends.json`, whole. Numbers are rounded to six decimals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendsFile {
    /// Name and version of this file's form.
    pub schema: TrendsTag,
    /// Length of the periods.
    pub by: PeriodLength,
    /// By theme in the model's order, then group, then period in time order.
    pub shares: Vec<ShareRow>,
    /// What can be said of two periods; empty where no periods were compared.
    pub comparisons: Vec<ComparisonRow>,
}

impl From<&Trends> for TrendsFile {
    fn from(trends: &Trends) -> Self {
        let row = |share: &crate::compare::Share| ShareRow {
            theme: share.theme.clone(),
            period: share.period.clone(),
            group: None,
            share: Some(share.share.into()),
            low: None,
            high: None,
            n_documents: share.n_documents,
            n_units: share.n_units,
        };
        TrendsFile {
            schema: TrendsTag::V1,
            by: trends.by,
            shares: trends.shares.iter().map(row).collect(),
            comparisons: Vec::new(),
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
}

/// What can be said of a theme's share in two periods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonRow {
    /// Id of the theme.
    pub theme: String,
    /// Label of the earlier period.
    pub from: String,
    /// Label of the later period.
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
    /// How often a difference of this size would come up without a change, 0..1. Null: not tested.
    #[schemars(range(min = 0, max = 1))]
    pub p: Option<Rounded>,
    /// `p` corrected for the number of comparisons made, 0..1. Null: not tested.
    #[schemars(range(min = 0, max = 1))]
    pub q: Option<Rounded>,
    /// The smallest difference that this amount of text would show reliably, 0..1. Null: unknown.
    #[schemars(range(min = 0, max = 1))]
    pub detectable: Option<Rounded>,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict in words.
    pub sentence: String,
}

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
