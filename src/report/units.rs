//! Reading units of an output folder back: the bare facts of all of them, that a sample is drawn from,
//! and all there is of a few.

use std::collections::HashMap;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};

use crate::document::Span;
use crate::error::Result;

use super::folder::OutputFile;
use super::read::{CarriedThemes, unit_batches};

/// Columns that a sample is drawn by.
const HEADS: [&str; 4] = ["document", "unit", "themes", "copy_of"];
/// Columns of a unit that was drawn.
const WHOLE: [&str; 7] = ["document", "unit", "sentence", "start", "end", "text", "themes"];

/// A unit as `units.parquet` has it.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundUnit {
    /// Its number in the document, from 0.
    pub unit: u64,
    /// Number of its sentence in the document, from 0.
    pub sentence: u64,
    /// Its bytes in the document's text.
    pub span: Span,
    /// The bytes themselves.
    pub text: String,
    /// Ids of the themes that it carries, with their scores, best first.
    pub themes: Vec<(String, f64)>,
}

/// Tells the document, number and themes of every unit that repeats no other document's.
///
/// # Errors
/// `Io` or `Malformed` where `units.parquet` cannot be read.
pub fn each_head(dir: &Path, mut tell: impl FnMut(&str, u64, &[(&str, f64)])) -> Result<()> {
    unit_batches(&dir.join(OutputFile::UnitsParquet.name()), &HEADS, |batch| {
        let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
        let unit = batch.column_by_name("unit")?.as_primitive_opt::<Int64Type>()?;
        let themes = CarriedThemes::of(batch)?;
        // The column came later than the others.
        let copy_of = batch.column_by_name("copy_of");
        let is_first = |row: &usize| copy_of.is_none_or(|column| column.is_null(*row));
        for row in (0..batch.num_rows()).filter(is_first) {
            let carried: Vec<(&str, f64)> = themes.row(row).collect();
            tell(document.value(row), unit.value(row) as u64, &carried);
        }
        Some(())
    })
}

/// All units of some documents, in the order of the text.
///
/// # Errors
/// As [`each_head`].
pub fn of_documents<'d>(
    dir: &Path,
    documents: impl IntoIterator<Item = &'d str>,
) -> Result<HashMap<String, Vec<FoundUnit>>> {
    let mut found: HashMap<String, Vec<FoundUnit>> =
        documents.into_iter().map(|id| (id.to_owned(), Vec::new())).collect();
    unit_batches(&dir.join(OutputFile::UnitsParquet.name()), &WHOLE, |batch| {
        add(batch, &mut found)
    })?;
    Ok(found)
}

fn add(batch: &RecordBatch, found: &mut HashMap<String, Vec<FoundUnit>>) -> Option<()> {
    let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
    let text = batch.column_by_name("text")?.as_string_opt::<i32>()?;
    let number = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<Int64Type>();
    let (unit, sentence) = (number("unit")?, number("sentence")?);
    let (start, end) = (number("start")?, number("end")?);
    let themes = CarriedThemes::of(batch)?;
    for row in 0..batch.num_rows() {
        let Some(units) = found.get_mut(document.value(row)) else { continue };
        units.push(FoundUnit {
            unit: unit.value(row) as u64,
            sentence: sentence.value(row) as u64,
            span: Span { start: start.value(row) as usize, end: end.value(row) as usize },
            text: text.value(row).to_owned(),
            themes: themes.row(row).map(|(id, score)| (id.to_owned(), score)).collect(),
        });
    }
    Some(())
}
