//! Reading from `units.parquet` the units that carry a theme, one after another.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use rayon::prelude::*;

use crate::document::Span;
use crate::error::Result;

use super::ahead;
use super::read::{CarriedThemes, not_units, unit_batch_iter, unit_batches};

/// Columns of `units.parquet` that are read.
const COLUMNS: [&str; 5] = ["document", "start", "end", "text", "themes"];

/// Units that one thread works on at a time.
const PIECE_ROWS: usize = 128;

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

/// Hands every unit that carries a theme to `take`, in the order of the file.
///
/// # Errors
/// `Io` or `Malformed` where the file cannot be read.
pub fn carried_units(units: &Path, mut take: impl FnMut(CarriedUnit<'_>)) -> Result<()> {
    unit_batches(units, &COLUMNS, |batch| of_batch(batch, &mut take))
}

/// As [`carried_units`], but gives to `take` what `work` makes of units, by all threads, where it makes something.
///
/// # Errors
/// Those of [`carried_units`].
pub fn worked_units<W: Send>(
    units: &Path,
    work: impl Fn(&CarriedUnit<'_>) -> Option<W> + Sync,
    mut take: impl FnMut(W) + Send,
) -> Result<()> {
    let piece = |batch: RecordBatch| {
        let mut worked = Vec::new();
        of_batch(&batch, &mut |unit| worked.extend(work(&unit))).ok_or_else(|| not_units(units))?;
        Ok(worked)
    };
    let in_pieces = |batch: RecordBatch| {
        let starts = (0..batch.num_rows()).into_par_iter().step_by(PIECE_ROWS);
        let slice = |start| batch.slice(start, PIECE_ROWS.min(batch.num_rows() - start));
        starts.map(|start| piece(slice(start))).collect::<Result<Vec<Vec<W>>>>()
    };
    ahead::each(unit_batch_iter(units, &COLUMNS)?, in_pieces, |pieces| {
        pieces.into_iter().flatten().for_each(&mut take);
        Ok(())
    })
}

/// `None` where a column is not there or not of its type.
fn of_batch(batch: &RecordBatch, take: &mut impl FnMut(CarriedUnit<'_>)) -> Option<()> {
    let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
    let text = batch.column_by_name("text")?.as_string_opt::<i32>()?;
    let start = batch.column_by_name("start")?.as_primitive_opt::<Int64Type>()?;
    let end = batch.column_by_name("end")?.as_primitive_opt::<Int64Type>()?;
    let themes = CarriedThemes::of(batch)?;
    for row in (0..batch.num_rows()).filter(|row| themes.row(*row).len() > 0) {
        take(CarriedUnit {
            document: document.value(row),
            span: Span { start: start.value(row) as usize, end: end.value(row) as usize },
            text: text.value(row),
            themes: themes.row(row).collect(),
        });
    }
    Some(())
}
