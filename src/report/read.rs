//! Reading an output folder back: the run, and the documents and units that codes speak of.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::iter;
use std::ops::Range;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Float64Array, ListArray, RecordBatch, StringArray};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};
use rayon::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::document::Span;
use crate::error::{Error, Result};
use crate::validate::{ScoredText, ScoredTexts, ScoredUnit};

use super::ahead;
use super::folder::OutputFile;
use super::form;
use super::run::{RunFile, RunTag};

pub(super) const HINT: &str = "run `themeline run` or `themeline score` again into this folder";

/// The `run.json` of a finished run.
///
/// # Errors
/// `Usage` where the folder has none; `Malformed` where it is of another form.
pub fn run_file(dir: &Path) -> Result<RunFile> {
    let path = dir.join(OutputFile::Run.name());
    if !path.is_file() {
        let message = format!("{}: not a finished run, it has no run.json", dir.display());
        return Err(Error::usage(message, HINT));
    }
    let bytes = std::fs::read(&path).map_err(|e| Error::io(&path, "read", e))?;
    serde_json::from_slice(&bytes).map_err(|e| form::fault(&path, &bytes, RunTag::NAME, &e))
}

/// The documents of a finished run whose ids are `wanted`, with their units.
///
/// # Errors
/// `Io` or `Malformed` where `documents.jsonl` or `units.parquet` cannot be read.
pub fn documents(dir: &Path, wanted: &HashSet<&str>) -> Result<ScoredTexts> {
    let mut found = heads(&dir.join(OutputFile::Documents.name()), wanted)?;
    let units = dir.join(OutputFile::UnitsParquet.name());
    unit_batches(&units, &COLUMNS, |batch| add(batch, &mut found))?;
    Ok(found)
}

/// Of a line of `documents.jsonl`, what is needed here.
#[derive(Deserialize)]
struct Head {
    id: String,
    period: Option<String>,
    duplicate_of: Option<String>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    source: Option<serde_json::Value>,
}

fn heads(path: &Path, wanted: &HashSet<&str>) -> Result<ScoredTexts> {
    let mut found = ScoredTexts::new();
    each_document(path, |head: Head| {
        if wanted.contains(&*head.id) {
            let source = head.metadata.source.and_then(|source| source.as_str().map(str::to_owned));
            let text = ScoredText {
                period: head.period,
                source,
                copy_of: head.duplicate_of,
                units: Vec::new(),
            };
            found.insert(head.id, text);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Bytes of lines that are read, and then parsed in parallel.
const BLOCK_BYTES: usize = 4 << 20;

/// Lines that stand one after the other.
pub(super) struct LineBlock {
    /// The number of the first, from 1.
    first: usize,
    lines: Vec<String>,
}

impl LineBlock {
    /// Each line, parsed by all threads: `parse` is given its number and the line.
    ///
    /// # Errors
    /// That of the first line of which `parse` gives one.
    pub fn parsed<T: Send>(
        &self,
        parse: impl Fn(usize, &str) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let lines = self.lines.par_iter().enumerate();
        let parsed: Vec<_> = lines.map(|(k, line)| parse(self.first + k, line)).collect();
        parsed.into_iter().collect()
    }
}

/// The lines of a file, some at a time; errors of reading are `Io`.
pub(super) fn line_blocks(path: &Path, file: File) -> impl Iterator<Item = Result<LineBlock>> {
    let (mut lines, mut first) = (BufReader::with_capacity(1 << 18, file).lines(), 1);
    iter::from_fn(move || {
        let (mut block, mut n_bytes) = (Vec::new(), 0);
        while n_bytes < BLOCK_BYTES
            && let Some(line) = lines.next()
        {
            match line {
                Ok(line) => {
                    n_bytes += line.len() + 1;
                    block.push(line);
                }
                Err(e) => return Some(Err(Error::io(path, "read", e))),
            }
        }
        let own = first;
        first += block.len();
        (!block.is_empty()).then_some(Ok(LineBlock { first: own, lines: block }))
    })
}

/// Hands what `documents.jsonl` says of each document to `take`, in order.
///
/// # Errors
/// `Io` where the file cannot be read, `Malformed` at the first line that is none, and those of `take`.
pub(super) fn each_document<T: DeserializeOwned + Send>(
    path: &Path,
    mut take: impl FnMut(T) -> Result<()> + Send,
) -> Result<()> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let parse = |number: usize, line: &str| {
        serde_json::from_str(line).map_err(|e| {
            let place = (number, e.column());
            Error::malformed(path, place, format!("not the row of a document: {e}"), HINT)
        })
    };
    ahead::each(
        line_blocks(path, file),
        |block| block.parsed(parse),
        |rows| rows.into_iter().try_for_each(&mut take),
    )
}

/// Columns of `units.parquet` that codes are matched with.
const COLUMNS: [&str; 6] = ["document", "start", "end", "text", "themes", "scores"];

/// Hands some columns of `units.parquet` to `take`, a batch at a time; `take` gives `None` where a
/// column is not there or not of its type.
///
/// # Errors
/// `Io` or `Malformed` where the file cannot be read.
pub(super) fn unit_batches(
    path: &Path,
    columns: &[&str],
    take: impl FnMut(&RecordBatch) -> Option<()>,
) -> Result<()> {
    batches(path, columns, None, take)
}

/// As [`unit_batches`], of some rows alone: ranges in order, that neither touch nor overlap.
///
/// # Errors
/// Those of [`unit_batches`], and `Malformed` where the file has fewer rows.
pub(super) fn selected_batches(
    path: &Path,
    columns: &[&str],
    rows: &[Range<usize>],
    take: impl FnMut(&RecordBatch) -> Option<()>,
) -> Result<()> {
    batches(path, columns, Some(rows), take)
}

/// As [`unit_batches`], to be taken one after the other.
///
/// # Errors
/// Those of [`unit_batches`], first here and then in place of a batch.
pub(super) fn unit_batch_iter<'p>(
    path: &'p Path,
    columns: &[&str],
) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<'p>> {
    opened(path, columns, None)
}

fn batches(
    path: &Path,
    columns: &[&str],
    rows: Option<&[Range<usize>]>,
    mut take: impl FnMut(&RecordBatch) -> Option<()>,
) -> Result<()> {
    for batch in opened(path, columns, rows)? {
        take(&batch?).ok_or_else(|| not_units(path))?;
    }
    Ok(())
}

/// The error of a file that lacks a column.
pub(super) fn not_units(path: &Path) -> Error {
    malformed_units(path, &"a column is missing or of another type")
}

/// The error of units that are not those of `documents.jsonl`, or stand in another order.
pub(super) fn other_units(path: &Path) -> Error {
    Error::malformed(path, (0, 0), "its units are not those of documents.jsonl", HINT)
}

fn malformed_units(path: &Path, fault: &dyn std::fmt::Display) -> Error {
    Error::malformed(path, (0, 0), format!("not a table of units: {fault}"), HINT)
}

fn opened<'p>(
    path: &'p Path,
    columns: &[&str],
    rows: Option<&[Range<usize>]>,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<'p>> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let malformed = |e: &dyn std::fmt::Display| malformed_units(path, e);
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| malformed(&e))?;
    let fields = builder.schema().fields().iter().enumerate();
    let wanted = fields.filter(|(_, field)| columns.contains(&field.name().as_str()));
    let wanted: Vec<usize> = wanted.map(|(index, _)| index).collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    if let Some(rows) = rows {
        let n_rows = builder.metadata().file_metadata().num_rows() as usize;
        if rows.last().is_some_and(|last| last.end > n_rows) {
            return Err(malformed(&"it has fewer units than documents.jsonl says"));
        }
        let ranges = rows.iter().filter(|rows| !rows.is_empty()).cloned();
        builder = builder.with_row_selection(RowSelection::from_consecutive_ranges(ranges, n_rows));
    }
    let batches = builder.with_projection(mask).build().map_err(|e| malformed(&e))?;
    Ok(batches.map(move |batch| batch.map_err(|e| malformed_units(path, &e))))
}

/// The column `themes` of a batch of units.
pub(super) struct CarriedThemes {
    of_unit: ListArray,
    ids: StringArray,
    scores: Float64Array,
}

impl CarriedThemes {
    /// `None` where the column is not there or not of its type.
    pub fn of(batch: &RecordBatch) -> Option<Self> {
        let of_unit = batch.column_by_name("themes")?.as_list_opt::<i32>()?;
        let cells = of_unit.values().as_struct_opt()?;
        let ids = cells.column_by_name("theme")?.as_string_opt::<i32>()?;
        let scores = cells.column_by_name("score")?.as_primitive_opt::<Float64Type>()?;
        let (of_unit, ids, scores) = (of_unit.clone(), ids.clone(), scores.clone());
        Some(CarriedThemes { of_unit, ids, scores })
    }

    /// The ids of the themes that the unit of a row carries, with its score for each.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (&str, f64)> {
        let (offsets, ids, scores) = (self.of_unit.value_offsets(), &self.ids, &self.scores);
        let cells = offsets[row] as usize..offsets[row + 1] as usize;
        cells.map(move |cell| (ids.value(cell), scores.value(cell)))
    }
}

/// Adds the rows of a batch; `None` where a column is not there or not of its type. `scores` came
/// later than the others and may be missing.
fn add(batch: &RecordBatch, documents: &mut BTreeMap<String, ScoredText>) -> Option<()> {
    let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
    let text = batch.column_by_name("text")?.as_string_opt::<i32>()?;
    let start = batch.column_by_name("start")?.as_primitive_opt::<Int64Type>()?;
    let end = batch.column_by_name("end")?.as_primitive_opt::<Int64Type>()?;
    let themes = CarriedThemes::of(batch)?;
    let scores = match batch.column_by_name("scores") {
        Some(scores) => Some(scores.as_list_opt::<i32>()?),
        None => None,
    };
    for row in 0..batch.num_rows() {
        let Some(found) = documents.get_mut(document.value(row)) else { continue };
        let scores = match scores {
            Some(scores) => scores.value(row).as_primitive_opt::<Float64Type>()?.values().to_vec(),
            None => Vec::new(),
        };
        found.units.push(ScoredUnit {
            span: Span { start: start.value(row) as usize, end: end.value(row) as usize },
            text: text.value(row).to_owned(),
            themes: themes.row(row).map(|(id, _)| id.to_owned()).collect(),
            scores,
        });
    }
    Some(())
}
