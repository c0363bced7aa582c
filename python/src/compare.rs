//! Comparing periods of documents that were scored and counted elsewhere, such as on a cluster.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch, StringArray};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use themeline::compare::{CompareOptions, Copies, CountedDocument, CountedTheme};
use themeline::document::PeriodLength;
use themeline::pipeline;
use themeline::report::trends::TrendsFile;

use crate::errors::{raised, usage};
use crate::rows;
use crate::table::{Table, stream};
use crate::themes::Themes;

/// How to compare.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    by: PeriodLength,
    group: Option<String>,
    #[serde(default)]
    between: Vec<String>,
    seed: Option<u64>,
    resamples: Option<usize>,
    notable: Option<f64>,
}

impl Request {
    /// As the library takes it. Nobody saw all documents, so every one counts.
    fn options(self) -> PyResult<CompareOptions> {
        let usual = CompareOptions::default();
        let between = self.between.iter().map(|pair| {
            pair.parse()
                .map_err(|what: String| usage(format!("between: {what}"), "give two periods"))
        });
        Ok(CompareOptions {
            by: self.by,
            group: self.group,
            between: between.collect::<PyResult<_>>()?,
            seed: self.seed.unwrap_or(usual.seed),
            resamples: self.resamples.unwrap_or(usual.resamples),
            notable: self.notable.unwrap_or(usual.notable),
            copies: Copies::All,
            ..usual
        })
    }
}

/// Shares by period, and what changed.
#[pyclass(frozen, module = "themeline._themeline")]
pub struct Compared {
    trends: TrendsFile,
}

#[pymethods]
impl Compared {
    /// The text of `trends.json`.
    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.trends).map_err(|e| PyValueError::new_err(e.to_string()))
    }

    /// A theme and a period a row.
    fn shares(&self) -> PyResult<Table> {
        rows::table(rows_of(&self.trends.shares)?, rows::shares())
    }

    /// A theme and two periods a row.
    fn comparisons(&self) -> PyResult<Table> {
        rows::table(rows_of(&self.trends.comparisons)?, rows::comparisons())
    }

    /// A change of a theme's level a row.
    fn change_points(&self) -> PyResult<Table> {
        rows::table(rows_of(&self.trends.change_points)?, rows::change_points())
    }
}

fn rows_of<T: serde::Serialize>(rows: &[T]) -> PyResult<Vec<Value>> {
    let rows = rows.iter().map(serde_json::to_value).collect::<Result<_, _>>();
    rows.map_err(|e| PyValueError::new_err(e.to_string()))
}

/// Compares the periods of a table of documents, or of groups of documents. Its columns: `unit` (what it is known by),
/// `period` and `group` (null: none), `n_documents`, `n_units`, `n_bytes`, and of each theme in the model's order the share and the
/// mentions, as the lists `shares` and `n_mentions`.
#[pyfunction]
pub fn compare_counted(
    py: Python<'_>,
    themes: &Themes,
    table: Bound<'_, PyAny>,
    options: &str,
) -> PyResult<Compared> {
    let hint = "help(themeline.spark.compare) lists the options";
    let request: Request =
        serde_json::from_str(options).map_err(|e| usage(format!("an option: {e}"), hint))?;
    let options = request.options()?;
    let mut documents = Vec::new();
    for batch in stream(&table)? {
        let batch = batch.map_err(crate::table::arrow_fault)?;
        let is_read = read(&batch, &mut documents);
        is_read.ok_or_else(|| PyValueError::new_err("a column is missing or of another type"))?;
    }
    let model = themes.model.clone();
    let trends = py.detach(|| pipeline::compare_counted(documents, &model, &options));
    Ok(Compared { trends: trends.map_err(|e| raised(&e))? })
}

/// What shares of six decimals leave; nothing where it is no more than their rounding.
fn left_of(shares: &[f64]) -> f64 {
    let (left, rounding) = (1.0 - shares.iter().sum::<f64>(), 0.5e-6 * shares.len() as f64);
    if left > rounding { left } else { 0.0 }
}

/// Adds the documents of a batch; `None` where a column is not there or not of its type.
fn read(batch: &RecordBatch, documents: &mut Vec<CountedDocument>) -> Option<()> {
    let text = |name| batch.column_by_name(name)?.as_string_opt::<i32>();
    let count = |name| Some(batch.column_by_name(name)?.as_primitive_opt::<Int64Type>()?.values());
    let list = |name| batch.column_by_name(name)?.as_list_opt::<i32>();
    let (unit, period, group) = (text("unit")?, text("period")?, text("group")?);
    let (n_documents, n_units) = (count("n_documents")?, count("n_units")?);
    let (n_bytes, shares, mentions) = (count("n_bytes")?, list("shares")?, list("n_mentions")?);
    for row in 0..batch.num_rows() {
        let (own, n_own) = (shares.value(row), mentions.value(row));
        let own = own.as_primitive_opt::<Float64Type>()?.values();
        let n_own = n_own.as_primitive_opt::<Int64Type>()?.values();
        let theme =
            |(share, n): (&f64, &i64)| CountedTheme { share: *share, n_mentions: n.unsigned_abs() };
        let given = |column: &StringArray| column.is_valid(row).then(|| column.value(row).into());
        documents.push(CountedDocument {
            id: unit.value(row).into(),
            period: given(period),
            group: given(group),
            n_documents: n_documents[row].unsigned_abs(),
            n_bytes: n_bytes[row].unsigned_abs(),
            n_units: n_units[row].unsigned_abs(),
            n_bare: 0,
            themes: own.iter().zip(n_own).map(theme).collect(),
            none_share: left_of(own),
            fields: Arc::default(),
        });
    }
    Some(())
}
