//! CSV for spreadsheets and statistics programs: the tables of a finished folder, tidy and flat.
//!
//! The columns come from the types of the rows, as in `datapackage.json`. Rows pass through one by one,
//! but for those of `trends.json` and `themes.json`, which are one object each.

mod columns;
mod folder;
mod rows;

use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::theme::{self, ThemeModel};

use super::copies::{CopiesTag, CopyRow};
use super::folder::OutputFile;
use super::package::{DataPackage, Field, Resource, described, inlined};
use super::rows::{
    DocumentRow, DocumentsTag, RejectRow, RejectsTag, ScoreRow, ScoresTag, UnitRow, UnitsTag,
};
use super::trend_row::TrendRow;
use super::trends::{TrendsFile, TrendsTag};
use super::{package, schema, tables};

use columns::Column;
use rows::CsvRows;

pub use folder::CsvFolder;

/// A table that can be written as CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum CsvTable {
    /// A row is a document, without its themes and passages
    Documents,
    /// A row is a passage behind a document's score for a theme
    Evidence,
    /// A row is a document and a theme
    Scores,
    /// A row is a unit
    Units,
    /// A row is a theme, without its direction
    Themes,
    /// A row is a theme and a period, with the change since the period before
    Trends,
    /// A row is a theme and two periods
    Comparisons,
    /// A row is a change of a theme's level
    ChangePoints,
    /// A row is a document or passage that repeats another
    Copies,
    /// A row is a record that could not be read
    Rejects,
}

/// Where the rows of a table stand.
enum Source {
    /// A file of lines.
    Lines(OutputFile, &'static str),
    /// A list in each line of `documents.jsonl`.
    InDocuments(&'static str),
    /// A Parquet file.
    Parquet(OutputFile, &'static str),
    /// A list in a file that is one object.
    Within(OutputFile, &'static str, &'static str),
}

impl Source {
    fn file(&self) -> OutputFile {
        match self {
            Source::Lines(file, _) | Source::Parquet(file, _) | Source::Within(file, ..) => *file,
            Source::InDocuments(_) => OutputFile::Documents,
        }
    }
}

impl CsvTable {
    /// All of them, in the order of the package.
    pub const ALL: [CsvTable; 10] = [
        CsvTable::Documents,
        CsvTable::Evidence,
        CsvTable::Scores,
        CsvTable::Units,
        CsvTable::Themes,
        CsvTable::Trends,
        CsvTable::Comparisons,
        CsvTable::ChangePoints,
        CsvTable::Copies,
        CsvTable::Rejects,
    ];

    /// Name of the table.
    pub fn name(self) -> &'static str {
        match self {
            CsvTable::Documents => "documents",
            CsvTable::Evidence => "evidence",
            CsvTable::Scores => "scores",
            CsvTable::Units => "units",
            CsvTable::Themes => "themes",
            CsvTable::Trends => "trends",
            CsvTable::Comparisons => "comparisons",
            CsvTable::ChangePoints => "change_points",
            CsvTable::Copies => "copies",
            CsvTable::Rejects => "rejects",
        }
    }

    /// Name of its file.
    pub fn file_name(self) -> String {
        format!("{}.csv", self.name())
    }

    /// The file of the output folder that its rows stand in.
    pub fn file(self) -> OutputFile {
        self.source().file()
    }

    fn source(self) -> Source {
        let in_trends = |list| Source::Within(OutputFile::TrendsJson, TrendsTag::NAME, list);
        match self {
            CsvTable::Documents => Source::Lines(OutputFile::Documents, DocumentsTag::NAME),
            CsvTable::Evidence => Source::InDocuments("evidence"),
            CsvTable::Scores => Source::Parquet(OutputFile::Scores, ScoresTag::NAME),
            CsvTable::Units => Source::Parquet(OutputFile::UnitsParquet, UnitsTag::NAME),
            CsvTable::Themes => Source::Within(OutputFile::Themes, theme::SCHEMA, "themes"),
            CsvTable::Trends => Source::Parquet(OutputFile::TrendsParquet, TrendsTag::NAME),
            CsvTable::Comparisons => in_trends("comparisons"),
            CsvTable::ChangePoints => in_trends("change_points"),
            CsvTable::Copies => Source::Lines(OutputFile::Copies, CopiesTag::NAME),
            CsvTable::Rejects => Source::Lines(OutputFile::Rejects, RejectsTag::NAME),
        }
    }

    /// The schema of a row, every part of it standing alone.
    fn row(self) -> Value {
        let documents = schema::of::<DocumentRow<'static>>;
        let (whole, list) = match self {
            CsvTable::Documents => (documents(), None),
            CsvTable::Evidence => (documents(), Some("evidence")),
            CsvTable::Scores => (schema::of::<ScoreRow<'static>>(), None),
            CsvTable::Units => (schema::of::<UnitRow<'static>>(), None),
            CsvTable::Themes => (schema::of::<ThemeModel>(), Some("themes")),
            CsvTable::Trends => (schema::of::<TrendRow>(), None),
            CsvTable::Comparisons => (schema::of::<TrendsFile>(), Some("comparisons")),
            CsvTable::ChangePoints => (schema::of::<TrendsFile>(), Some("change_points")),
            CsvTable::Copies => (schema::of::<CopyRow>(), None),
            CsvTable::Rejects => (schema::of::<RejectRow>(), None),
        };
        let whole = inlined(&whole, &whole);
        match list {
            Some(list) => whole["properties"][list]["items"].clone(),
            None => whole,
        }
    }

    /// Fields of a row that are no columns: its form, and what has a table of its own or would fill cells
    /// with hundreds of numbers.
    fn left_out(self) -> &'static [&'static str] {
        match self {
            CsvTable::Documents => &["schema", "themes", "evidence"],
            CsvTable::Themes => &["direction"],
            _ => &["schema"],
        }
    }

    fn columns(self) -> Vec<Column> {
        let own = columns::of_row(&self.row(), self.left_out());
        let document = (self == CsvTable::Evidence).then(document_column);
        document.into_iter().chain(own).collect()
    }

    /// What there is to know of its file.
    fn resource(self) -> Resource {
        let fields = self.columns().into_iter().map(|column| column.field).collect();
        Resource::table(&self.file_name(), package::Format::Csv, described(&self.row()), fields)
    }
}

/// The column that leads from a passage to its document.
fn document_column() -> Column {
    let id = package::of_row(&schema::of::<DocumentRow<'static>>());
    let id = id.into_iter().find(|field| field.name == "id");
    let named = |id: Field| Field { name: DOCUMENT.to_owned(), ..id };
    Column::of(named(id.unwrap_or_else(|| Field::new(DOCUMENT, &Value::Null))))
}

/// Name of that column.
const DOCUMENT: &str = "document";

/// Writes a table of a finished folder; gives the writer back, and the number of rows. `is_raw`: text is
/// written as it is, also where a spreadsheet would take it for a formula.
///
/// # Errors
/// Those of [`tables`]: a file that is missing, or of another form; `Io` for `target` where `out` refuses.
pub fn write_table<W: Write>(
    dir: &Path,
    table: CsvTable,
    is_raw: bool,
    (out, target): (W, &Path),
) -> Result<(W, u64)> {
    let failed = |source: io::Error| Error::io(target, "write", source);
    let columns = table.columns();
    let mut rows = CsvRows::new(out, &columns, is_raw).map_err(failed)?;
    each_row(dir, table.source(), |row| rows.push(row).map_err(failed))?;
    let n_rows = rows.n_rows;
    Ok((rows.finish().map_err(failed)?, n_rows))
}

fn each_row(dir: &Path, source: Source, mut take: impl FnMut(&Value) -> Result<()>) -> Result<()> {
    match source {
        Source::Lines(file, form) => tables::each_line(dir, (file, form), |row| take(&row)),
        Source::InDocuments(list) => {
            let lines = (OutputFile::Documents, DocumentsTag::NAME);
            tables::each_line(dir, lines, |document| {
                listed(&document, list).try_for_each(|row| take(&of_document(row, &document)))
            })
        }
        Source::Parquet(file, form) => tables::each_batch(dir, (file, form), |batch| {
            tables::rows_of(batch).try_for_each(|row| take(&row))
        }),
        Source::Within(file, form, list) => {
            let whole = tables::json_object(dir, file, form)?;
            listed(&whole, list).try_for_each(take)
        }
    }
}

fn listed<'v>(whole: &'v Value, list: &str) -> impl Iterator<Item = &'v Value> {
    whole.get(list).and_then(Value::as_array).into_iter().flatten()
}

/// A row with the id of the document that it stands in.
fn of_document(row: &Value, document: &Value) -> Value {
    let mut row = row.clone();
    if let Some(cells) = row.as_object_mut() {
        cells.insert(DOCUMENT.to_owned(), document.get("id").cloned().unwrap_or_default());
    }
    row
}

/// What the files of an export are.
pub fn package(tables: &[CsvTable], is_raw: bool) -> DataPackage {
    let guard = match is_raw {
        true => "Text is as it was: a spreadsheet may take a cell for a formula.",
        false => {
            "Text that a spreadsheet would take for a formula has an apostrophe in front \
             (`themeline export --raw` writes it without)."
        }
    };
    let about = format!(
        "Tables of an output folder of themeline as CSV (RFC 4180, UTF-8, with a header). An empty field is \
         null; lists and objects are JSON text. {guard}"
    );
    let resources = tables.iter().map(|table| table.resource()).collect();
    DataPackage::new(folder::NAME, ("Themes in dated documents: tables", about), resources)
}
