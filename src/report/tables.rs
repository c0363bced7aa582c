//! Reading the tables of an output folder: each file named where it is missing, of another form, or
//! written by a later version.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchReader};
use arrow_schema::{DataType, Fields};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

use super::folder::OutputFile;
use super::form;
use super::parquet::{ArrowTable, SCHEMA_KEY};
use super::read::HINT;

/// A Parquet table of a finished run; `form` is its schema, such as `themeline/scores/1`.
///
/// # Errors
/// `Usage` where the folder has no such file, `Malformed` where it is no table, or of another form.
pub fn parquet_table(dir: &Path, file: OutputFile, form: &str) -> Result<ArrowTable> {
    let (path, reader) = opened(dir, file, form)?;
    let schema = reader.schema();
    let batches = reader.collect::<std::result::Result<_, _>>().map_err(|e| no_table(&path, &e))?;
    Ok(ArrowTable { schema, batches })
}

/// Hands a Parquet table of a finished run to `take`, batch by batch.
///
/// # Errors
/// As [`parquet_table`], and what `take` gives.
pub fn each_batch(
    dir: &Path,
    (file, form): (OutputFile, &str),
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let (path, mut reader) = opened(dir, file, form)?;
    reader.try_for_each(|batch| take(&batch.map_err(|e| no_table(&path, &e))?))
}

/// A Parquet table that is of the form `form`, to be read from its start.
fn opened(dir: &Path, file: OutputFile, form: &str) -> Result<(PathBuf, ParquetRecordBatchReader)> {
    let (path, source) = open(dir, file)?;
    let metadata =
        ArrowReaderMetadata::load(&source, Default::default()).map_err(|e| no_table(&path, &e))?;
    let notes = metadata.metadata().file_metadata().key_value_metadata();
    let found = notes.into_iter().flatten().find(|note| note.key == SCHEMA_KEY);
    check_form(&path, found.and_then(|note| note.value.as_deref()), form)?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(source, metadata)
        .with_batch_size(super::parquet::GROUP_ROWS)
        .build()
        .map_err(|e| no_table(&path, &e))?;
    Ok((path, reader))
}

fn no_table(path: &Path, fault: &dyn std::fmt::Display) -> Error {
    Error::malformed(path, (0, 0), format!("not a table: {fault}"), HINT)
}

/// The lines of a JSON Lines file of a finished run.
///
/// # Errors
/// As [`parquet_table`], with the line.
pub fn json_lines(dir: &Path, file: OutputFile, form: &str) -> Result<Vec<Value>> {
    let mut rows = Vec::new();
    each_line(dir, (file, form), |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}

/// Hands the lines of a JSON Lines file of a finished run to `take`, one after another.
///
/// # Errors
/// As [`json_lines`], and what `take` gives.
pub fn each_line(
    dir: &Path,
    (file, form): (OutputFile, &str),
    mut take: impl FnMut(Value) -> Result<()>,
) -> Result<()> {
    let (path, source) = open(dir, file)?;
    for (n, line) in BufReader::new(source).lines().enumerate() {
        let line = line.map_err(|e| Error::io(&path, "read", e))?;
        take(parsed(&path, line.as_bytes(), n, form)?)?;
    }
    Ok(())
}

/// A file of a finished run that is one JSON object.
///
/// # Errors
/// As [`parquet_table`], with line and column.
pub fn json_object(dir: &Path, file: OutputFile, form: &str) -> Result<Value> {
    let (path, _) = open(dir, file)?;
    let bytes = std::fs::read(&path).map_err(|e| Error::io(&path, "read", e))?;
    parsed(&path, &bytes, 0, form)
}

fn parsed(path: &Path, bytes: &[u8], n_before: usize, form: &str) -> Result<Value> {
    let row: Value = serde_json::from_slice(bytes).map_err(|e| {
        let place = (n_before + e.line(), e.column());
        Error::malformed(path, place, format!("not JSON: {e}"), HINT)
    })?;
    check_form(path, row.get("schema").and_then(Value::as_str), form)?;
    Ok(row)
}

fn open(dir: &Path, file: OutputFile) -> Result<(PathBuf, File)> {
    let path = dir.join(file.name());
    match File::open(&path) {
        Ok(source) => Ok((path, source)),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let message = format!("{}: it has no {}", dir.display(), file.name());
            Err(Error::usage(message, HINT))
        }
        Err(e) => Err(Error::io(path, "read", e)),
    }
}

/// Refuses a file whose `schema` is not the one that we read, and says so where it is a later one.
fn check_form(path: &Path, found: Option<&str>, known: &str) -> Result<()> {
    let message = match found {
        Some(found) if found == known => return Ok(()),
        Some(found) if is_later(found, known) => {
            return Err(form::later(path, found, known));
        }
        Some(found) => format!("its schema is `{found}`, not `{known}`"),
        None => format!("it says no schema; expected `{known}`"),
    };
    Err(Error::malformed(path, (0, 0), message, HINT))
}

/// Whether both are of one name, and `found` has the larger number.
fn is_later(found: &str, known: &str) -> bool {
    let split = |form: &str| {
        let (name, number) = form.rsplit_once('/')?;
        Some((name.to_owned(), number.parse::<u32>().ok()?))
    };
    split(found).zip(split(known)).is_some_and(|(f, k)| f.0 == k.0 && f.1 > k.1)
}

/// The rows of a batch as JSON objects.
pub fn rows_of(batch: &RecordBatch) -> impl Iterator<Item = Value> {
    (0..batch.num_rows()).map(|row| object(batch.schema_ref().fields(), batch.columns(), row))
}

fn object(fields: &Fields, columns: &[ArrayRef], row: usize) -> Value {
    let cells = fields.iter().zip(columns);
    let cells = cells.map(|(field, column)| (field.name().clone(), cell(column, row)));
    Value::Object(cells.collect::<Map<_, _>>())
}

/// A cell of one of the types that our tables have; any other is null.
fn cell(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            (0..items.len()).map(|item| cell(&items, item)).collect()
        }
        DataType::Struct(fields) => object(fields, column.as_struct().columns(), row),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(error: Error) -> String {
        format!("{error}; {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn a_missing_table_and_one_of_another_form_are_named_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let read = || json_lines(dir.path(), OutputFile::Rejects, "themeline/rejects/1");
        let missing = said(read().unwrap_err());
        assert!(missing.contains("it has no rejects.jsonl; run `themeline run`"), "{missing}");
        let write = |text: &str| std::fs::write(dir.path().join("rejects.jsonl"), text).unwrap();
        for (line, words) in [
            (r#"{"schema": "themeline/rejects/2"}"#, "later version of themeline"),
            (r#"{"schema": "themeline/rejects/2"}"#, "; update themeline"),
            (r#"{"schema": "themeline/units/9"}"#, "is `themeline/units/9`, not"),
            ("{}", "says no schema"),
            ("{", "rejects.jsonl:1:1: not JSON"),
        ] {
            write(line);
            let said = said(read().unwrap_err());
            assert!(said.contains(words), "{said}");
        }
        write("{\"schema\": \"themeline/rejects/1\", \"file\": \"a\"}\n");
        assert_eq!(read().unwrap()[0]["file"], "a");
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("scores.parquet"), "PAR1").unwrap();
        let read = parquet_table(dir.path(), OutputFile::Scores, "themeline/scores/1");
        assert!(said(read.unwrap_err()).contains("scores.parquet: not a table"));
    }
}
