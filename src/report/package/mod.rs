//! `datapackage.json`: what every file of a folder is, and what every column means, as a Data Package
//! (version 2.0 of the standard, <https://datapackage.org>) that other programs can read.
//!
//! Nothing is listed here a second time: the fields come from the JSON Schemas of the types that write
//! the rows, and the columns of Parquet files from the schemas that these are written with. It says
//! nothing of a run, so that it is the same for all folders with the same files; sizes and hashes stand
//! in `run.json`.

mod fields;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::theme::ThemeModel;
use crate::validate::Validation;

use super::copies::CopyRow;
use super::folder::OutputFile;
use super::rows::{DocumentRow, RejectRow, ScoreRow, UnitRow};
use super::run::RunFile;
use super::trend_row::TrendRow;
use super::trends::TrendsFile;
use super::{parquet, schema};

pub use fields::{Constraints, Field};
pub(super) use fields::{described, inlined, of_columns, of_row};

/// The profile of a package: all that the standard asks of it.
const PACKAGE: &str = "https://datapackage.org/profiles/2.0/datapackage.json";
/// The profile of a resource.
const RESOURCE: &str = "https://datapackage.org/profiles/2.0/dataresource.json";
/// The profile of a table's schema.
const TABLE: &str = "https://datapackage.org/profiles/2.0/tableschema.json";

/// `datapackage.json`, whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataPackage {
    #[serde(rename = "$schema")]
    profile: &'static str,
    name: &'static str,
    title: String,
    description: String,
    resources: Vec<Resource>,
}

impl DataPackage {
    /// A package by its name for programs, and a title and description for people.
    pub(super) fn new(
        name: &'static str,
        (title, description): (impl Into<String>, impl Into<String>),
        resources: Vec<Resource>,
    ) -> Self {
        let (title, description) = (title.into(), description.into());
        DataPackage { profile: PACKAGE, name, title, description, resources }
    }
}

/// A file of a package.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resource {
    #[serde(rename = "$schema")]
    profile: &'static str,
    name: String,
    path: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    description: String,
    format: &'static str,
    mediatype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<TableSchema>,
    /// No part of the standard, whose schemas are for tables alone.
    #[serde(rename = "jsonSchema", skip_serializing_if = "Option::is_none")]
    json_schema: Option<Value>,
}

/// How the bytes of a file are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jsonl,
    Json,
    Parquet,
    Html,
    Csv,
}

impl Format {
    /// Format and media type.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Format::Jsonl => ("jsonl", "application/jsonl"),
            Format::Json => ("json", "application/json"),
            Format::Parquet => ("parquet", "application/vnd.apache.parquet"),
            Format::Html => ("html", "text/html"),
            Format::Csv => ("csv", "text/csv"),
        }
    }
}

impl Resource {
    fn new(path: &str, format: Format, description: String) -> Self {
        let (name, mediatype) = format.names();
        Resource {
            profile: RESOURCE,
            name: path.to_owned(),
            path: path.to_owned(),
            kind: None,
            description,
            format: name,
            mediatype,
            encoding: (format != Format::Parquet).then_some("utf-8"),
            schema: None,
            json_schema: None,
        }
    }

    /// A file of rows. In CSV an empty field is null; elsewhere null is null, and an empty text a text.
    pub(super) fn table(
        path: &str,
        format: Format,
        description: String,
        fields: Vec<Field>,
    ) -> Self {
        let missing = if format == Format::Csv { vec![""] } else { Vec::new() };
        let schema = TableSchema { profile: TABLE, fields, missing_values: missing };
        let plain = Resource::new(path, format, description);
        Resource { kind: Some("table"), schema: Some(schema), ..plain }
    }
}

/// The columns of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableSchema {
    #[serde(rename = "$schema")]
    profile: &'static str,
    fields: Vec<Field>,
    #[serde(rename = "missingValues")]
    missing_values: Vec<&'static str>,
}

/// The package of an output folder with these files.
pub fn of_folder(files: &BTreeSet<OutputFile>) -> DataPackage {
    let described = files.iter().filter(|file| **file != OutputFile::DataPackage);
    let title = "Themes in dated documents";
    let about = "What themeline found: how much of each document is about each theme, how that changed \
                 over time, and the passages behind every number. run.json says what was read and how, \
                 and holds the size and hash of every file. Null means that a value is absent or \
                 unknown, never zero; offsets count bytes of UTF-8.";
    DataPackage::new("themeline-output", (title, about), described.map(|&f| resource(f)).collect())
}

/// What there is to know of a file.
fn resource(file: OutputFile) -> Resource {
    let lines =
        |row: Value| Resource::table(file.name(), Format::Jsonl, described(&row), of_row(&row));
    let columns = |row: Value| {
        let columns = parquet::columns(file).unwrap_or_default();
        let fields = of_columns(&columns, &of_row(&row));
        Resource::table(file.name(), Format::Parquet, described(&row), fields)
    };
    let whole = |schema: Value| {
        let plain = Resource::new(file.name(), Format::Json, described(&schema));
        Resource { json_schema: Some(schema), ..plain }
    };
    match file {
        OutputFile::Documents => lines(schema::of::<DocumentRow<'static>>()),
        OutputFile::UnitsParquet => columns(schema::of::<UnitRow<'static>>()),
        OutputFile::UnitsJsonl => lines(schema::of::<UnitRow<'static>>()),
        OutputFile::Scores => columns(schema::of::<ScoreRow<'static>>()),
        OutputFile::Themes => whole(schema::of::<ThemeModel>()),
        OutputFile::TrendsJson => whole(schema::of::<TrendsFile>()),
        OutputFile::TrendsParquet => columns(schema::of::<TrendRow>()),
        OutputFile::Copies => lines(schema::of::<CopyRow>()),
        OutputFile::Rejects => lines(schema::of::<RejectRow>()),
        OutputFile::Validation => whole(schema::of::<Validation>()),
        OutputFile::Report => Resource::new(
            file.name(),
            Format::Html,
            "The page that people look at: one file, which asks no network for anything."
                .to_owned(),
        ),
        OutputFile::DataPackage => {
            Resource::new(file.name(), Format::Json, "This description.".to_owned())
        }
        OutputFile::Run => whole(schema::of::<RunFile>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All tables of a folder that has every file.
    fn tables() -> impl Iterator<Item = (String, Vec<Field>)> {
        let package = of_folder(&OutputFile::ALL.into_iter().collect());
        let tables =
            package.resources.into_iter().filter_map(|file| Some((file.path, file.schema?)));
        tables.map(|(path, schema)| (path, schema.fields))
    }

    fn field(table: &str, name: &str) -> Field {
        let (_, fields) = tables().find(|(path, _)| path == table).unwrap();
        fields.into_iter().find(|field| field.name == name).unwrap()
    }

    #[test]
    fn a_field_says_what_it_is_in_which_unit_and_range_and_what_null_means() {
        let mut n_fields = 0;
        for (path, fields) in tables() {
            for Field { name, kind, description, constraints } in fields {
                let place = format!("{path}: {name}: {description}");
                n_fields += 1;
                assert!(description.len() > 10 && kind != "any", "{place}");
                assert!(constraints.required || description.contains("Null"), "{place}");
                let says_range = [
                    "0..1",
                    "-1..1",
                    "At least",
                    "rom 0",
                    "rom 1",
                    "Offset",
                    "over 0",
                    "Null as for",
                ];
                if ["number", "integer"].contains(&kind) {
                    assert!(says_range.iter().any(|range| description.contains(range)), "{place}");
                    assert!(constraints.minimum.is_some(), "{place}");
                    assert!(constraints.maximum.is_some() || kind == "integer", "{place}");
                }
            }
        }
        assert!(n_fields > 80, "only {n_fields} fields");
    }

    #[test]
    fn columns_of_parquet_files_have_the_types_and_nulls_of_the_rows_that_describe_them() {
        let rows = [
            (OutputFile::UnitsParquet, schema::of::<UnitRow<'static>>()),
            (OutputFile::Scores, schema::of::<ScoreRow<'static>>()),
            (OutputFile::TrendsParquet, schema::of::<TrendRow>()),
        ];
        for (file, row) in rows {
            let described: Vec<Field> =
                of_row(&row).into_iter().filter(|field| field.name != "schema").collect();
            let columns = of_columns(&parquet::columns(file).unwrap(), &described);
            assert_eq!(columns.len(), described.len(), "{}", file.name());
            for column in columns {
                assert!(described.contains(&column), "{}: {column:?}", file.name());
            }
        }
    }

    #[test]
    fn ranges_and_lists_of_values_come_from_the_types() {
        let share = serde_json::to_value(field("scores.parquet", "share")).unwrap();
        let whole = serde_json::json!({
            "name": "share", "type": "number",
            "description": "Part of the document's text that the theme takes, 0..1.",
            "constraints": {"required": true, "minimum": 0, "maximum": 1},
        });
        assert_eq!(share, whole);
        let verdict = field("trends.parquet", "verdict");
        assert_eq!(verdict.kind, "string");
        assert!(!verdict.constraints.required);
        let said = ["rose", "fell", "no evidence of change", "too little data"];
        assert_eq!(verdict.constraints.values.unwrap(), said);
        let id = field("documents.jsonl", "id");
        assert_eq!((id.kind, id.constraints.values), ("string", None));
    }

    #[test]
    fn what_is_nested_is_described_too() {
        let themes = field("units.parquet", "themes").constraints.json_schema.unwrap();
        let score = &themes["items"]["properties"]["score"];
        assert_eq!((&score["maximum"], &themes["type"]), (&1.into(), &"array".into()));
        let cell = field("documents.jsonl", "themes").constraints.json_schema.unwrap();
        assert!(cell["additionalProperties"]["properties"]["n_mentions"].is_object());
        assert!(!cell.to_string().contains("$ref"));
    }
}
