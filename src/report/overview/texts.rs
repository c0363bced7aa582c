//! Reading from `units.parquet` the words that a report shows: the sentences of its passages and
//! the text of some documents. Only the rows of these are decoded.

use std::ops::Range;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;

use crate::error::Result;
use crate::report::folder::OutputFile;
use crate::report::form;
use crate::report::read::{CarriedThemes, other_units, selected_batches};

/// Columns that say where a unit stands.
const PLACES: [&str; 3] = ["document", "sentence", "start"];
/// Columns of a unit that is shown.
const WHOLE: [&str; 6] = ["document", "sentence", "start", "end", "text", "themes"];

/// The rows of a document in `units.parquet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows<'d> {
    /// The document's id, that the rows must have.
    pub document: &'d str,
    /// Its rows.
    pub rows: Range<usize>,
}

/// A unit of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// Number of its sentence in the document.
    pub sentence: u64,
    /// Its first byte in the document's text.
    pub start: u64,
    /// One past its last byte.
    pub end: u64,
    /// The bytes themselves.
    pub text: String,
    /// Ids of the themes that it carries, best first.
    pub themes: Vec<String>,
}

/// The sentence and start of every unit of some documents. `documents`: in the order of their rows.
///
/// # Errors
/// `Usage` where the file is missing; `Malformed` where it is another table, or of other documents.
pub fn places(dir: &Path, documents: &[Rows<'_>]) -> Result<Vec<Vec<(u64, u64)>>> {
    let mut found = by_document(documents);
    each(dir, &PLACES, documents, |at, batch, row| {
        let number = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>();
        let (sentence, start) = (number("sentence")?, number("start")?);
        found[at].push((sentence.value(row) as u64, start.value(row) as u64));
        Some(())
    })?;
    Ok(found)
}

/// All there is of some rows. `documents`: in the order of their rows.
///
/// # Errors
/// As [`places`].
pub fn units(dir: &Path, documents: &[Rows<'_>]) -> Result<Vec<Vec<Unit>>> {
    let mut found = by_document(documents);
    each(dir, &WHOLE, documents, |at, batch, row| {
        let number = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>();
        let text = batch.column_by_name("text")?.as_string_opt::<i32>()?;
        let themes = CarriedThemes::of(batch)?;
        found[at].push(Unit {
            sentence: number("sentence")?.value(row) as u64,
            start: number("start")?.value(row) as u64,
            end: number("end")?.value(row) as u64,
            text: text.value(row).to_owned(),
            themes: themes.row(row).map(|(id, _)| id.to_owned()).collect(),
        });
        Some(())
    })?;
    Ok(found)
}

fn by_document<T>(documents: &[Rows<'_>]) -> Vec<Vec<T>> {
    documents.iter().map(|rows| Vec::with_capacity(rows.rows.len())).collect()
}

/// Hands every chosen row to `take`, with the place of its document among `documents`.
fn each(
    dir: &Path,
    columns: &[&str],
    documents: &[Rows<'_>],
    mut take: impl FnMut(usize, &RecordBatch, usize) -> Option<()>,
) -> Result<()> {
    let path = dir.join(OutputFile::UnitsParquet.name());
    if !path.is_file() {
        let error = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(form::missing_or(dir, OutputFile::UnitsParquet, error));
    }
    let ranges: Vec<Range<usize>> =
        documents.iter().map(|document| document.rows.clone()).collect();
    let (mut at, mut left, mut is_other) = (0, 0, false);
    if let Some(first) = documents.first() {
        left = first.rows.len();
    }
    selected_batches(&path, columns, &ranges, |batch| {
        let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
        for row in 0..batch.num_rows() {
            while left == 0 {
                at += 1;
                left = documents.get(at)?.rows.len();
            }
            left -= 1;
            is_other |= document.value(row) != documents[at].document;
            take(at, batch, row)?;
        }
        Some(())
    })?;
    match is_other {
        false => Ok(()),
        true => Err(other_units(&path)),
    }
}
