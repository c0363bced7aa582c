//! The columns of the tables that lie as JSON in a folder, and rows of JSON → a table.
//!
//! A column holds what the field of its name holds (docs/output.md). What has no fixed columns is kept
//! as text: `metadata` of a document is JSON.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use pyo3::PyResult;
use serde_json::Value;
use themeline::report::ArrowTable;

use crate::columns;
use crate::errors::usage;
use crate::table::{Table, arrow_fault};

/// Rows, with the columns of `schema`; fields that it does not name are left out.
pub fn table(mut rows: Vec<Value>, schema: SchemaRef) -> PyResult<Table> {
    rows.iter_mut().for_each(flatten);
    let rows: Vec<Option<&Value>> = rows.iter().map(Some).collect();
    let arrays = schema.fields().iter().map(|field| columns::of_field(&rows, field));
    let arrays = arrays.collect::<Result<Vec<_>, _>>().map_err(|message| {
        usage(message, "run `themeline run` or `themeline score` again into this folder")
    })?;
    let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(arrow_fault)?;
    Ok(ArrowTable { schema, batches: vec![batch] }.into())
}

/// What has no fixed columns becomes text; what no theme takes becomes a number.
fn flatten(row: &mut Value) {
    if let Some(metadata) = row.get_mut("metadata") {
        *metadata = Value::String(metadata.to_string());
    }
    if let Some(share) = row.pointer_mut("/none/share").map(Value::take) {
        row["none_share"] = share;
    }
}

/// `documents.jsonl` but for `themes`, which are the rows of `scores`.
pub fn documents() -> SchemaRef {
    let evidence = [text("theme"), count("start"), count("end"), text("text"), number("score")];
    schema([
        text("id"),
        text_or_null("date"),
        text("date_origin"),
        text_or_null("period"),
        text_or_null("language"),
        text("charset"),
        text("file"),
        count("n_sentences"),
        count("n_units"),
        text_or_null("duplicate_of"),
        number_or_null("similarity"),
        count("n_repeated_units"),
        number("none_share"),
        list("evidence", evidence),
        text("metadata"),
    ])
}

/// `shares` of `trends.json`.
pub fn shares() -> SchemaRef {
    schema([
        text("theme"),
        text("period"),
        text_or_null("group"),
        number_or_null("share"),
        number_or_null("low"),
        number_or_null("high"),
        count("n_documents"),
        count("n_units"),
        number_or_null("se"),
        flag("small"),
        number_or_null("trend"),
        number_or_null("trend_low"),
        number_or_null("trend_high"),
    ])
}

/// `comparisons` of `trends.json`.
pub fn comparisons() -> SchemaRef {
    let part = |name| {
        let columns = [number("difference"), number_or_null("low"), number_or_null("high")];
        Field::new(name, DataType::Struct(Fields::from(columns.to_vec())), false)
    };
    let mix = [text("field"), part("content"), part("mix"), part("turnover"), text("sentence")];
    let robustness = [flag("robust"), text("sentence")];
    let robustness = DataType::Struct(Fields::from(robustness.to_vec()));
    schema([
        text("theme"),
        text("from"),
        text("to"),
        text_or_null("group"),
        number_or_null("difference"),
        number_or_null("low"),
        number_or_null("high"),
        number_or_null("p"),
        number_or_null("q"),
        number_or_null("detectable"),
        text("verdict"),
        text("sentence"),
        number_or_null("share_from"),
        number_or_null("share_to"),
        count("n_documents_from"),
        count("n_documents_to"),
        text("family"),
        list("mix", mix),
        Field::new("robustness", robustness, true),
    ])
}

/// `change_points` of `trends.json`.
pub fn change_points() -> SchemaRef {
    schema([
        text("theme"),
        text_or_null("group"),
        text("period"),
        text("earliest"),
        text("latest"),
        text("from"),
        text("to"),
        number("share_before"),
        number("share_after"),
        number("q"),
        text("sentence"),
    ])
}

/// `copies.jsonl`.
pub fn copies() -> SchemaRef {
    schema([
        text("kind"),
        count("group"),
        text("document"),
        text("original"),
        number("similarity"),
        count_or_null("start"),
        count_or_null("end"),
        count_or_null("original_start"),
        count_or_null("original_end"),
    ])
}

/// `rejects.jsonl`.
pub fn rejects() -> SchemaRef {
    schema([
        text("file"),
        count_or_null("line"),
        count_or_null("byte_offset"),
        count_or_null("record"),
        text_or_null("field"),
        text("code"),
        text("message"),
        text("excerpt"),
    ])
}

/// `themes` of `themes.json` but for their directions.
pub fn themes() -> SchemaRef {
    let exemplar = [text("document"), count("start"), count("end"), text("text"), number("score")];
    let terms = Field::new("element", DataType::Utf8, false);
    schema([
        text("id"),
        text("name"),
        text("kind"),
        count("n_units"),
        number("threshold"),
        Field::new("terms", DataType::List(Arc::new(terms)), false),
        number_or_null("stability"),
        list("exemplars", exemplar),
    ])
}

fn schema<const N: usize>(columns: [Field; N]) -> SchemaRef {
    Arc::new(Schema::new(columns.to_vec()))
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, false)
}

fn text_or_null(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn count(name: &str) -> Field {
    Field::new(name, DataType::Int64, false)
}

fn count_or_null(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

fn number(name: &str) -> Field {
    Field::new(name, DataType::Float64, false)
}

fn number_or_null(name: &str) -> Field {
    Field::new(name, DataType::Float64, true)
}

fn flag(name: &str) -> Field {
    Field::new(name, DataType::Boolean, false)
}

/// A list of objects.
fn list<const N: usize>(name: &str, columns: [Field; N]) -> Field {
    let object = DataType::Struct(Fields::from(columns.to_vec()));
    Field::new(name, DataType::List(Arc::new(Field::new("element", object, false))), false)
}
