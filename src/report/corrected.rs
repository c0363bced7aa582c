//! What `trends.json` says of shares corrected by codes, and how that is told at a terminal.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

use crate::compare::corrected::{
    ALL_PERIODS, Corrected, CorrectedShare, MIN_CODED, MIN_CODED_DOCUMENTS,
};

use super::changes::listed;
use super::table::{name_of, shortened};
use super::trends::ComparisonRow;
use super::value::Rounded;

/// Columns that a name may take.
const NAME_WIDTH: usize = 34;

/// Shares and changes, corrected by units that a person coded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CorrectedTrends {
    /// Units that were coded. At least 10.
    pub n_coded: u64,
    /// Lines of the file of codes that are not coded. At least 0.
    pub n_uncoded: u64,
    /// Documents that the coded units are of. At least 5.
    pub n_documents: u64,
    /// By theme of the codebook, then group, then period; the period `all`, of all of them together,
    /// stands last.
    pub shares: Vec<CorrectedRow>,
    /// What can be said of two periods, from corrected shares: the same pairs as in the uncorrected
    /// comparison, and the same fields.
    pub comparisons: Vec<ComparisonRow>,
}

/// How much of a period is about a theme, corrected by codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CorrectedRow {
    /// Id of the theme; `none` for what no theme of the codebook takes (emergent themes, which no
    /// coder knows of, count as `none` here).
    pub theme: String,
    /// Label of the period; `all` for all periods together.
    pub period: String,
    /// Value of the field that the documents are grouped by. Null: all documents of the period.
    pub group: Option<String>,
    /// Corrected share, 0..1. Null: too few units are coded in the period.
    #[schemars(range(min = 0, max = 1))]
    pub share: Option<Rounded>,
    /// Lower end of the 95 % interval of `share`, 0..1. Null as for `share`.
    #[schemars(range(min = 0, max = 1))]
    pub low: Option<Rounded>,
    /// Upper end of the interval, 0..1. Null as for `share`.
    #[schemars(range(min = 0, max = 1))]
    pub high: Option<Rounded>,
    /// Standard error of `share`. Null as for `share`.
    #[schemars(range(min = 0))]
    pub se: Option<Rounded>,
    /// How much the scores count beside the codes, 0..1: at 0 the codes alone speak. One a theme.
    #[schemars(range(min = 0, max = 1))]
    pub lambda: Rounded,
    /// Coded units in the period. At least 0.
    pub n_coded: u64,
    /// Documents that these are of. At least 0.
    pub n_documents: u64,
    /// The share by the scores alone, 0..1. Null: no text to take a part of.
    #[schemars(range(min = 0, max = 1))]
    pub uncorrected: Option<Rounded>,
    /// Why `share` is null, in words. Null: it is not.
    pub reason: Option<String>,
}

impl CorrectedTrends {
    /// What was found. `n_uncoded`: lines without codes.
    pub fn new(corrected: &Corrected, n_uncoded: u64) -> Self {
        CorrectedTrends {
            n_coded: corrected.n_coded,
            n_uncoded,
            n_documents: corrected.n_coded_documents,
            shares: corrected.shares.iter().map(CorrectedRow::from).collect(),
            comparisons: corrected.comparisons.iter().map(ComparisonRow::from).collect(),
        }
    }
}

impl From<&CorrectedShare> for CorrectedRow {
    fn from(found: &CorrectedShare) -> Self {
        let interval = found.estimate.and_then(|estimate| estimate.interval);
        let (n, n_documents) = (found.n_coded, found.n_coded_documents);
        let few = || {
            format!(
                "{n} coded units of {n_documents} documents; {MIN_CODED} of {MIN_CODED_DOCUMENTS} \
                 are needed"
            )
        };
        CorrectedRow {
            theme: found.theme.clone(),
            period: found.period.clone(),
            group: found.group.clone(),
            share: found.estimate.map(|estimate| estimate.share.into()),
            low: interval.map(|(low, _)| low.into()),
            high: interval.map(|(_, high)| high.into()),
            se: found.estimate.and_then(|estimate| estimate.se).map(Rounded::new),
            lambda: found.lambda.into(),
            n_coded: n,
            n_documents,
            uncorrected: found.uncorrected.map(Rounded::new),
            reason: found.estimate.is_none().then(few),
        }
    }
}

/// The text after that of the uncorrected comparison: a line for each theme over all periods, then what
/// changed. `names` gives themes by (id, name to show).
pub fn text(corrected: &CorrectedTrends, names: &[(String, String)]) -> String {
    let mut out = String::new();
    let title = format!("\nCorrected by {} coded units, all periods", corrected.n_coded);
    line(&mut out, &title, ["scored", "corrected", "95 % interval"]);
    let whole = |row: &&CorrectedRow| row.period == ALL_PERIODS && row.group.is_none();
    for row in corrected.shares.iter().filter(whole) {
        let percent =
            |x: Option<Rounded>| x.map_or("-".to_owned(), |x| format!("{:.1} %", x.get() * 100.0));
        let interval = match (row.low, row.high) {
            (Some(low), Some(high)) => {
                format!("{:.1} to {:.1}", low.get() * 100.0, high.get() * 100.0)
            }
            _ => "-".to_owned(),
        };
        let name = shortened(&name_of(&row.theme, names), NAME_WIDTH);
        line(&mut out, &name, [&percent(row.uncorrected), &percent(row.share), &interval]);
    }
    out.push('\n');
    changes(&mut out, corrected);
    out
}

fn line(out: &mut String, name: &str, [a, b, c]: [&str; 3]) {
    let gap = " ".repeat((NAME_WIDTH + 8).saturating_sub(name.trim_start().width()));
    let _ = writeln!(out, "{name}{gap}{a:>8}{b:>11}{c:>16}");
}

fn changes(out: &mut String, corrected: &CorrectedTrends) {
    if corrected.comparisons.is_empty() {
        return;
    }
    listed(out, "Corrected changes", &corrected.comparisons.iter().collect::<Vec<_>>());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::trends_file;

    #[test]
    fn a_theme_is_a_line_with_both_shares_and_a_change_a_sentence() {
        let names = [("trade".to_owned(), "Trade and supply chains".to_owned())];
        let corrected = trends_file().corrected.unwrap();
        insta::assert_snapshot!(text(&corrected, &names), @r"

        Corrected by 12 coded units, all periods    scored  corrected   95 % interval
        Trade and supply chains                     12.5 %     25.0 %    12.5 to 50.0

        Corrected changes: 1 rose, 0 fell, 0 no evidence of change, 0 too little data
        - Trade rose.
        ");
    }
}
