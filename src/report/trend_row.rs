//! One row of `trends.parquet`: what the columns mean.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::trends::{ShareRow, Verdict};
use super::value::Rounded;

/// One row of `trends.parquet`: how much of a period is about a theme, and what can be said of the change
/// since the period before. `trends.json` holds the comparisons of periods that a user named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrendRow {
    /// How much of the period is about the theme.
    #[serde(flatten)]
    pub share: ShareRow,
    /// Label of the period before, which has documents. Null: this is the first one.
    pub since: Option<String>,
    /// What can be said of the change since then. Null as for `since`.
    pub verdict: Option<Verdict>,
    /// Share in this period less share in `since`, -1..1. Null: this is the first period, or there is too
    /// little text to say.
    #[schemars(range(min = -1, max = 1))]
    pub difference: Option<Rounded>,
    /// Lower end of the 95 % interval of `difference`, -1..1. Null: this is the first period, or there is
    /// too little text for one.
    #[schemars(range(min = -1, max = 1))]
    pub difference_low: Option<Rounded>,
    /// Upper end of the interval, -1..1. Null as for `difference_low`.
    #[schemars(range(min = -1, max = 1))]
    pub difference_high: Option<Rounded>,
    /// How often a difference of this size would come up without a change, over 0 to 1. Null: this is the
    /// first period, or the difference was not tested.
    #[schemars(range(min = 0, max = 1))]
    pub p: Option<Rounded>,
    /// `p` corrected for the number of tests, 0..1: rate of false discoveries among the changes at or under
    /// it. Null as for `p`.
    #[schemars(range(min = 0, max = 1))]
    pub q: Option<Rounded>,
    /// The rise that a test at 5 % should show in about 80 of 100 samples like these, 0..1; a lower bound.
    /// Null: this is the first period, or it is unknown.
    #[schemars(range(min = 0, max = 1))]
    pub detectable: Option<Rounded>,
}
