//! Reading back from an output folder what shares are computed from: `documents.jsonl` for the
//! themes and fields of each document, `units.parquet` for the length of its units.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::compare::{Counted, CountedDocument, CountedTheme};
use crate::document::{Date, PeriodLength};
use crate::error::{Error, Result};

use super::folder::OutputFile;
use super::read::HINT;
use super::rows::{NoneCell, ThemeCell};
use super::value::InOrder;

/// Columns of `units.parquet` that are read; the text is not.
const COLUMNS: [&str; 4] = ["document", "start", "end", "themes"];

/// The documents of a finished run in the periods of `by`, grouped by a field where one is named:
/// one of `metadata`, else `language` or `file`. Copies are left out.
///
/// # Errors
/// `Io` or `Malformed` where `documents.jsonl` or `units.parquet` cannot be read.
pub fn counted(dir: &Path, by: PeriodLength, group: Option<&str>) -> Result<Counted> {
    let mut documents = heads(&dir.join(OutputFile::Documents.name()), by, group)?;
    add_lengths(&dir.join(OutputFile::UnitsParquet.name()), &mut documents)?;
    Ok(Counted { documents })
}

/// Of a line of `documents.jsonl`, what is needed here.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    date: Option<String>,
    language: Option<String>,
    file: Option<String>,
    duplicate_of: Option<String>,
    n_units: u64,
    themes: InOrder<ThemeCell>,
    none: NoneCell,
    #[serde(default)]
    metadata: Map<String, Value>,
}

impl Line<'_> {
    fn group(&self, field: &str) -> Option<String> {
        match (self.metadata.get(field), field) {
            (Some(Value::String(text)), _) => Some(text.clone()).filter(|text| !text.is_empty()),
            (Some(value @ (Value::Number(_) | Value::Bool(_))), _) => Some(value.to_string()),
            (Some(_), _) => None,
            (None, "language") => self.language.clone(),
            (None, "file") => self.file.clone(),
            (None, _) => None,
        }
    }

    fn counted(&self, by: PeriodLength, group: Option<&str>) -> CountedDocument {
        let date: Option<Date> = self.date.as_deref().and_then(|date| date.parse().ok());
        let theme = |(_, cell): &(String, ThemeCell)| CountedTheme {
            share: cell.share.get(),
            n_mentions: cell.n_mentions,
        };
        CountedDocument {
            id: self.id.to_string(),
            period: by.of(date),
            group: group.and_then(|field| self.group(field)),
            n_bytes: 0,
            n_units: self.n_units,
            n_bare: 0,
            themes: self.themes.0.iter().map(theme).collect(),
            none_share: self.none.share.get(),
        }
    }
}

fn heads(path: &Path, by: PeriodLength, group: Option<&str>) -> Result<Vec<CountedDocument>> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let mut found = Vec::new();
    for (n, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|e| Error::io(path, "read", e))?;
        let line: Line<'_> = serde_json::from_str(&line).map_err(|e| {
            let place = (n + 1, e.column());
            Error::malformed(path, place, format!("not the row of a document: {e}"), HINT)
        })?;
        if line.duplicate_of.is_none() {
            found.push(line.counted(by, group));
        }
    }
    Ok(found)
}

fn add_lengths(path: &Path, documents: &mut [CountedDocument]) -> Result<()> {
    let ids: Vec<String> = documents.iter().map(|document| document.id.clone()).collect();
    let index: HashMap<&str, usize> =
        ids.iter().enumerate().map(|(index, id)| (id.as_str(), index)).collect();
    each_batch(path, &COLUMNS, |batch| add(batch, &index, documents))
}

/// Reads columns of `units.parquet`, a batch at a time; `take` gives `None` where a column is not there
/// or not of its type.
pub(super) fn each_batch(
    path: &Path,
    columns: &[&str],
    mut take: impl FnMut(&RecordBatch) -> Option<()>,
) -> Result<()> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let malformed = |e: &dyn std::fmt::Display| {
        Error::malformed(path, (0, 0), format!("not a table of units: {e}"), HINT)
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| malformed(&e))?;
    let fields = builder.schema().fields().iter().enumerate();
    let wanted = fields.filter(|(_, field)| columns.contains(&field.name().as_str()));
    let wanted: Vec<usize> = wanted.map(|(index, _)| index).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    let reader = builder.with_projection(mask).build().map_err(|e| malformed(&e))?;
    for batch in reader {
        let batch = batch.map_err(|e| malformed(&e))?;
        take(&batch).ok_or_else(|| malformed(&"a column is missing or of another type"))?;
    }
    Ok(())
}

/// Adds the units of a batch; `None` where a column is not there or not of its type.
fn add(
    batch: &RecordBatch,
    index: &HashMap<&str, usize>,
    documents: &mut [CountedDocument],
) -> Option<()> {
    let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
    let start = batch.column_by_name("start")?.as_primitive_opt::<Int64Type>()?;
    let end = batch.column_by_name("end")?.as_primitive_opt::<Int64Type>()?;
    let themes = batch.column_by_name("themes")?.as_list_opt::<i32>()?;
    for row in 0..batch.num_rows() {
        let Some(&at) = index.get(document.value(row)) else { continue };
        documents[at].n_bytes += (end.value(row) - start.value(row)).unsigned_abs();
        documents[at].n_bare += u64::from(themes.value_length(row) == 0);
    }
    Some(())
}
