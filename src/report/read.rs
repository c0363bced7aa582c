//! Reading an output folder back: the units that numbers rest on.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::document::Span;
use crate::error::{Error, Result};
use crate::validate::ScoredUnit;

use super::folder::OutputFile;

const HINT: &str = "run `themeline run` or `themeline score` again into this folder";

/// The units of every document of a finished run, by the document's id.
///
/// # Errors
/// `Usage` where the folder has no `run.json`; `Io` or `Malformed` where `units.parquet` cannot be
/// read.
pub fn units(dir: &Path) -> Result<BTreeMap<String, Vec<ScoredUnit>>> {
    if !dir.join(OutputFile::Run.name()).is_file() {
        let message = format!("{}: not a finished run, it has no run.json", dir.display());
        return Err(Error::usage(message, HINT));
    }
    let path = dir.join(OutputFile::UnitsParquet.name());
    let file = File::open(&path).map_err(|e| Error::io(&path, "read", e))?;
    let malformed = |e: &dyn std::fmt::Display| {
        Error::malformed(&path, (0, 0), format!("not a table of units: {e}"), HINT)
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|e| malformed(&e))?;
    let mut units = BTreeMap::new();
    for batch in reader {
        let batch = batch.map_err(|e| malformed(&e))?;
        add(&batch, &mut units)
            .ok_or_else(|| malformed(&"a column is missing or of another type"))?;
    }
    Ok(units)
}

/// Adds the rows of a batch; `None` where a column is not there or not of its type.
fn add(batch: &RecordBatch, units: &mut BTreeMap<String, Vec<ScoredUnit>>) -> Option<()> {
    let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
    let text = batch.column_by_name("text")?.as_string_opt::<i32>()?;
    let start = batch.column_by_name("start")?.as_primitive_opt::<Int64Type>()?;
    let end = batch.column_by_name("end")?.as_primitive_opt::<Int64Type>()?;
    let themes = batch.column_by_name("themes")?.as_list_opt::<i32>()?;
    for row in 0..batch.num_rows() {
        let cells = themes.value(row);
        let ids = cells.as_struct_opt()?.column_by_name("theme")?.as_string_opt::<i32>()?;
        let unit = ScoredUnit {
            span: Span { start: start.value(row) as usize, end: end.value(row) as usize },
            text: text.value(row).to_owned(),
            themes: (0..ids.len()).map(|k| ids.value(k).to_owned()).collect(),
        };
        units.entry(document.value(row).to_owned()).or_default().push(unit);
    }
    Some(())
}
