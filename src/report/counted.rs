//! Reading back from an output folder what shares are computed from: `documents.jsonl` for the
//! themes and fields of each document, `units.parquet` for the length of its units.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ListArray, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::compare::{Counted, CountedDocument, CountedTheme, FirstSaid};
use crate::document::{Date, PeriodLength};
use crate::error::{Error, Result};

use super::folder::OutputFile;
use super::read::HINT;
use super::rows::{NoneCell, ThemeCell};
use super::value::InOrder;

/// Columns of `units.parquet` that are read; the text is not.
const COLUMNS: [&str; 5] = ["document", "start", "end", "themes", "copy_of"];

/// The documents of a finished run in the periods of `by`, grouped by a field where one is named:
/// one of `metadata`, else `language` or `file`.
///
/// # Errors
/// `Io` or `Malformed` where `documents.jsonl` or `units.parquet` cannot be read.
pub fn counted(dir: &Path, by: PeriodLength, group: Option<&str>) -> Result<Counted> {
    let mut heads = Heads::read(&dir.join(OutputFile::Documents.name()), by, group)?;
    add_lengths(&dir.join(OutputFile::UnitsParquet.name()), &mut heads)?;
    Ok(heads.counted())
}

/// The documents of a run, while their units are added.
#[derive(Default)]
struct Heads {
    documents: Vec<Head>,
    /// The themes of the model by their ids.
    themes: HashMap<String, usize>,
}

struct Head {
    document: CountedDocument,
    is_copy: bool,
    /// Where the document repeats passages, the sums over its other units.
    first_said: Option<FirstSaid>,
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
    #[serde(default)]
    n_repeated_units: u64,
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

impl Heads {
    fn read(path: &Path, by: PeriodLength, group: Option<&str>) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
        let mut heads = Heads::default();
        for (n, line) in BufReader::new(file).lines().enumerate() {
            let line = line.map_err(|e| Error::io(path, "read", e))?;
            let line: Line<'_> = serde_json::from_str(&line).map_err(|e| {
                let place = (n + 1, e.column());
                Error::malformed(path, place, format!("not the row of a document: {e}"), HINT)
            })?;
            heads.push(&line, line.counted(by, group));
        }
        Ok(heads)
    }

    fn push(&mut self, line: &Line<'_>, document: CountedDocument) {
        if self.documents.is_empty() {
            let ids = line.themes.0.iter().enumerate();
            self.themes = ids.map(|(index, (id, _))| (id.clone(), index)).collect();
        }
        let is_copy = line.duplicate_of.is_some();
        let repeats = !is_copy && line.n_repeated_units > 0;
        let first_said = repeats.then(|| FirstSaid::new(document.themes.len()));
        self.documents.push(Head { document, is_copy, first_said });
    }

    fn counted(self) -> Counted {
        let mut counted = Counted::default();
        for Head { document, is_copy, first_said } in self.documents {
            match first_said {
                _ if is_copy => counted.copies.push(document),
                None => counted.documents.push(document),
                Some(first_said) => counted.add_part(document, first_said),
            }
        }
        counted
    }
}

fn add_lengths(path: &Path, heads: &mut Heads) -> Result<()> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let malformed = |e: &dyn std::fmt::Display| {
        Error::malformed(path, (0, 0), format!("not a table of units: {e}"), HINT)
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| malformed(&e))?;
    let fields = builder.schema().fields().iter().enumerate();
    let wanted = fields.filter(|(_, field)| COLUMNS.contains(&field.name().as_str()));
    let wanted: Vec<usize> = wanted.map(|(index, _)| index).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    let reader = builder.with_projection(mask).build().map_err(|e| malformed(&e))?;
    let ids: Vec<String> = heads.documents.iter().map(|head| head.document.id.clone()).collect();
    let index: HashMap<&str, usize> =
        ids.iter().enumerate().map(|(index, id)| (id.as_str(), index)).collect();
    for batch in reader {
        let batch = batch.map_err(|e| malformed(&e))?;
        add(&batch, &index, heads)
            .ok_or_else(|| malformed(&"a column is missing or of another type"))?;
    }
    Ok(())
}

/// Adds the units of a batch; `None` where a column is not there or not of its type. `copy_of` came
/// later than the others and may be missing.
fn add(batch: &RecordBatch, index: &HashMap<&str, usize>, heads: &mut Heads) -> Option<()> {
    let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
    let start = batch.column_by_name("start")?.as_primitive_opt::<Int64Type>()?;
    let end = batch.column_by_name("end")?.as_primitive_opt::<Int64Type>()?;
    let themes = batch.column_by_name("themes")?.as_list_opt::<i32>()?;
    let copy_of = batch.column_by_name("copy_of");
    for row in 0..batch.num_rows() {
        let Some(&at) = index.get(document.value(row)) else { continue };
        let head = &mut heads.documents[at];
        let n_bytes = (end.value(row) - start.value(row)).unsigned_abs();
        head.document.n_bytes += n_bytes;
        head.document.n_bare += u64::from(themes.value_length(row) == 0);
        let is_first_said = copy_of.is_none_or(|copy_of| copy_of.is_null(row));
        if let (true, Some(first_said)) = (is_first_said, &mut head.first_said) {
            first_said.add(n_bytes, &carried(themes, row, &heads.themes)?);
        }
    }
    Some(())
}

/// The themes of a unit with their scores; `None` where the column is not of its type.
fn carried(
    themes: &ListArray,
    row: usize,
    by_id: &HashMap<String, usize>,
) -> Option<Vec<(usize, f64)>> {
    let cells = themes.value(row);
    let cells = cells.as_struct_opt()?;
    let ids = cells.column_by_name("theme")?.as_string_opt::<i32>()?;
    let scores = cells.column_by_name("score")?.as_primitive_opt::<Float64Type>()?;
    let theme = |k: usize| Some((*by_id.get(ids.value(k))?, scores.value(k)));
    Some((0..ids.len()).filter_map(theme).collect())
}
