//! `trends.parquet`: a row for every [`ShareRow`] of `trends.json`, with what can be said of the change
//! since the period before. The pairs of periods that a user names stand in `trends.json` alone.

use std::collections::HashMap;
use std::io::{self, Write};

use arrow_array::ArrayRef;
use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use arrow_schema::{DataType, Fields};

use crate::compare::{Family, Verdict};
use crate::report::trends::{ComparisonRow, ShareRow, TrendsFile, TrendsTag};
use crate::report::value::Rounded;

use super::{Columns, Table, optional, required, taken};

/// Writes `trends.parquet`.
pub fn trends_parquet<W: Write + Send>(trends: &TrendsFile, out: W) -> io::Result<W> {
    let is_neighbours = |row: &&ComparisonRow| {
        matches!(row.family, Family::Neighbours | Family::NeighboursInGroups)
    };
    let before: HashMap<_, &ComparisonRow> = trends
        .comparisons
        .iter()
        .filter(is_neighbours)
        .map(|row| ((&row.theme, &row.group, &row.to), row))
        .collect();
    let mut table = Table::<W, TrendColumns>::new(out)?;
    for row in &trends.shares {
        let change = before.get(&(&row.theme, &row.group, &row.period)).copied();
        let n_bytes = table.columns.push(row, change)?;
        table.row_added(n_bytes)?;
    }
    table.finish()
}

#[derive(Default)]
pub(super) struct TrendColumns {
    theme: StringBuilder,
    period: StringBuilder,
    group: StringBuilder,
    share: Float64Builder,
    low: Float64Builder,
    high: Float64Builder,
    n_documents: Int64Builder,
    n_units: Int64Builder,
    se: Float64Builder,
    small: BooleanBuilder,
    trend: [Float64Builder; TREND.len()],
    share_with_copies: Float64Builder,
    since: StringBuilder,
    verdict: StringBuilder,
    change: [Float64Builder; CHANGE.len()],
}

/// The columns of the trend, in their order.
const TREND: [&str; 3] = ["trend", "trend_low", "trend_high"];

/// The columns of the change since the period before, in their order.
const CHANGE: [&str; 6] =
    ["difference", "difference_low", "difference_high", "p", "q", "detectable"];

impl TrendColumns {
    /// Adds a row; returns its bytes of text.
    fn push(&mut self, row: &ShareRow, change: Option<&ComparisonRow>) -> io::Result<usize> {
        let number = |x: Option<Rounded>| x.map(Rounded::finite).transpose();
        self.theme.append_value(&row.theme);
        self.period.append_value(&row.period);
        self.group.append_option(row.group.as_deref());
        self.share.append_option(number(row.share)?);
        self.low.append_option(number(row.low)?);
        self.high.append_option(number(row.high)?);
        self.n_documents.append_value(row.n_documents as i64);
        self.n_units.append_value(row.n_units as i64);
        self.se.append_option(number(row.se)?);
        self.small.append_value(row.small);
        self.share_with_copies.append_option(number(row.share_with_copies)?);
        self.since.append_option(change.map(|change| &change.from));
        self.verdict.append_option(change.map(|change| verdict(change.verdict)));
        let numbers = change.map_or([None; CHANGE.len()], |change| {
            [change.difference, change.low, change.high, change.p, change.q, change.detectable]
        });
        for (column, x) in self.change.iter_mut().zip(numbers) {
            column.append_option(number(x)?);
        }
        let trend = [row.trend, row.trend_low, row.trend_high];
        for (column, x) in self.trend.iter_mut().zip(trend) {
            column.append_option(number(x)?);
        }
        Ok(row.theme.len() + row.period.len() + row.group.as_ref().map_or(0, String::len))
    }
}

/// The verdict as JSON writes it.
fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Rose => "rose",
        Verdict::Fell => "fell",
        Verdict::NoEvidence => "no evidence of change",
        Verdict::TooLittleData => "too little data",
    }
}

impl Columns for TrendColumns {
    const SCHEMA: &'static str = TrendsTag::NAME;

    fn fields() -> Fields {
        let own = [
            required("theme", DataType::Utf8),
            required("period", DataType::Utf8),
            optional("group", DataType::Utf8),
            optional("share", DataType::Float64),
            optional("low", DataType::Float64),
            optional("high", DataType::Float64),
            required("n_documents", DataType::Int64),
            required("n_units", DataType::Int64),
            optional("se", DataType::Float64),
            required("small", DataType::Boolean),
            optional("share_with_copies", DataType::Float64),
            optional("since", DataType::Utf8),
            optional("verdict", DataType::Utf8),
        ];
        let numbers = CHANGE.into_iter().chain(TREND);
        own.into_iter().chain(numbers.map(|name| optional(name, DataType::Float64))).collect()
    }

    fn take(&mut self) -> Vec<ArrayRef> {
        let own = [
            taken(&mut self.theme),
            taken(&mut self.period),
            taken(&mut self.group),
            taken(&mut self.share),
            taken(&mut self.low),
            taken(&mut self.high),
            taken(&mut self.n_documents),
            taken(&mut self.n_units),
            taken(&mut self.se),
            taken(&mut self.small),
            taken(&mut self.share_with_copies),
            taken(&mut self.since),
            taken(&mut self.verdict),
        ];
        let numbers = self.change.iter_mut().chain(&mut self.trend);
        own.into_iter().chain(numbers.map(taken)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{count, number, read, text};
    use super::*;
    use crate::report::fixture::trends_file;

    #[test]
    fn trends_read_back_with_their_gaps_and_the_change_before() {
        let trends = trends_file();
        let (batches, _, schema) = read(&trends_parquet(&trends, vec![]).unwrap());
        assert_eq!(schema, "themeline/trends/1");
        let rows = &batches[0];
        assert_eq!(rows.num_rows(), trends.shares.len());
        let small = rows.column_by_name("small").unwrap();
        let small: &arrow_array::BooleanArray = small.as_any().downcast_ref().unwrap();
        let row = |i| ShareRow {
            theme: text(rows, "theme", i).unwrap().to_owned(),
            period: text(rows, "period", i).unwrap().to_owned(),
            group: text(rows, "group", i).map(str::to_owned),
            share: number(rows, "share", i),
            low: number(rows, "low", i),
            high: number(rows, "high", i),
            n_documents: count(rows, "n_documents", i),
            n_units: count(rows, "n_units", i),
            se: number(rows, "se", i),
            small: small.value(i),
            trend: number(rows, "trend", i),
            trend_low: number(rows, "trend_low", i),
            trend_high: number(rows, "trend_high", i),
            share_with_copies: number(rows, "share_with_copies", i),
        };
        let read: Vec<ShareRow> = (0..trends.shares.len()).map(row).collect();
        assert_eq!(read, trends.shares);
        // The first period has none before it; the named pair is not taken for a neighbour.
        assert_eq!((text(rows, "since", 0), text(rows, "since", 1)), (None, Some("2020")));
        assert_eq!(text(rows, "verdict", 1), Some("rose"));
        assert_eq!(number(rows, "difference", 1), Some(0.25.into()));
        assert_eq!((number(rows, "p", 1), number(rows, "q", 1)), (Some(0.01.into()), None));
    }
}
