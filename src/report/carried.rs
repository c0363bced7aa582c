//! Reading from `units.parquet` the units that carry a theme, one after another.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;

use crate::document::Span;
use crate::error::Result;

use super::read::{CarriedThemes, unit_batches};

/// Columns of `units.parquet` that are read.
const COLUMNS: [&str; 5] = ["document", "start", "end", "text", "themes"];

/// A unit that carries a theme or several.
#[derive(Debug, Clone, PartialEq)]
pub struct CarriedUnit<'u> {
    /// Id of the document.
    pub document: &'u str,
    /// Its bytes in the document's text.
    pub span: Span,
    /// The text of these bytes.
    pub text: &'u str,
    /// Ids of the themes, with the unit's score for each, 0..1; one or more.
    pub themes: Vec<(&'u str, f64)>,
}

/// Hands the units that carry a theme to `take`, in the order of the file, a batch of them at a time.
///
/// # Errors
/// `Io` or `Malformed` where the file cannot be read.
pub fn carried_units(units: &Path, mut take: impl FnMut(&[CarriedUnit<'_>])) -> Result<()> {
    unit_batches(units, &COLUMNS, |batch| of_batch(batch, &mut take))
}

/// `None` where a column is not there or not of its type.
fn of_batch(batch: &RecordBatch, take: &mut impl FnMut(&[CarriedUnit<'_>])) -> Option<()> {
    let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
    let text = batch.column_by_name("text")?.as_string_opt::<i32>()?;
    let start = batch.column_by_name("start")?.as_primitive_opt::<Int64Type>()?;
    let end = batch.column_by_name("end")?.as_primitive_opt::<Int64Type>()?;
    let themes = CarriedThemes::of(batch)?;
    let unit = |row: usize| CarriedUnit {
        document: document.value(row),
        span: Span { start: start.value(row) as usize, end: end.value(row) as usize },
        text: text.value(row),
        themes: themes.row(row).collect(),
    };
    let carry = (0..batch.num_rows()).filter(|row| themes.row(*row).len() > 0);
    take(&carry.map(unit).collect::<Vec<_>>());
    Some(())
}
