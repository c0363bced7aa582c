//! Parquet: `units.parquet`, `scores.parquet`, and in a file of its own `trends.parquet`.
//!
//! The bytes depend on the rows alone. Rows are gathered until they fill a row group (a fixed number
//! of rows, or a fixed number of bytes of text, whichever comes first) and only then encoded, so that
//! the size of the batches that arrive leaves no trace. `created_by` names our version, not that of
//! the library that encodes.
//!
//! Strings are plain UTF-8 for the reader and dictionary-encoded on disk: document and theme ids
//! take almost no space, and data frames do not get categories, which group in surprising ways.
//! Dates are ISO strings at their own precision (`2024-10-15`, `2024-10`, `2024`), since a column
//! of days could not hold a month or a year.

mod memory;
mod trends;

use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder, StructBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::score::{ScoredDocument, ThemeScore, UnitScore};

use super::Exporter;
use super::folder::OutputFile;
use super::rows::{ScoresTag, UnitsTag};
use super::value::{Rounded, ThemeIds};

pub use memory::{ArrowTable, TablesInMemory};
pub use trends::trends_parquet;

/// Most rows in a row group.
pub(super) const GROUP_ROWS: usize = 65_536;
/// Bytes of text after which a row group is closed early, so that long ids cannot fill the memory
/// (or the 2 GiB that a column of strings can hold).
const GROUP_BYTES: usize = 64 << 20;
/// The key under which the name and version of the rows' form stand in the file's metadata.
pub const SCHEMA_KEY: &str = "themeline.schema";

/// The columns of a row group that is being gathered.
trait Columns {
    /// Name and version of the rows' form.
    const SCHEMA: &'static str;

    fn fields() -> Fields;

    /// Takes the gathered rows, one array a field, and starts anew.
    fn take(&mut self) -> Vec<ArrayRef>;
}

/// A Parquet file that is being written, row by row.
struct Table<W: Write + Send, C> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
    columns: C,
    n_rows: usize,
    n_bytes: usize,
}

impl<W: Write + Send, C: Columns + Default> Table<W, C> {
    fn new(out: W) -> io::Result<Self> {
        let schema: SchemaRef = Arc::new(Schema::new(C::fields()));
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties(C::SCHEMA)))?;
        Ok(Table { writer, schema, columns: C::default(), n_rows: 0, n_bytes: 0 })
    }

    /// Counts a row that was just put into the columns, with its bytes of text.
    fn row_added(&mut self, n_bytes: usize) -> io::Result<()> {
        self.n_rows += 1;
        self.n_bytes += n_bytes;
        match self.n_rows >= GROUP_ROWS || self.n_bytes >= GROUP_BYTES {
            true => self.close_group(),
            false => Ok(()),
        }
    }

    fn close_group(&mut self) -> io::Result<()> {
        let arrays = self.columns.take();
        let rows = RecordBatch::try_new(self.schema.clone(), arrays).map_err(io::Error::other)?;
        self.writer.write(&rows)?;
        self.writer.flush()?;
        (self.n_rows, self.n_bytes) = (0, 0);
        Ok(())
    }

    fn finish(mut self) -> io::Result<W> {
        if self.n_rows > 0 {
            self.close_group()?;
        }
        Ok(self.writer.into_inner()?)
    }
}

fn properties(schema: &str) -> WriterProperties {
    WriterProperties::builder()
        .set_created_by(concat!("themeline version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_key_value_metadata(Some(vec![KeyValue::new(SCHEMA_KEY.to_owned(), schema.to_owned())]))
        .build()
}

/// The columns of a file of the folder. `None`: it is no Parquet file.
pub(super) fn columns(file: OutputFile) -> Option<Fields> {
    match file {
        OutputFile::UnitsParquet => Some(UnitColumns::fields()),
        OutputFile::Scores => Some(ScoreColumns::fields()),
        OutputFile::TrendsParquet => Some(trends::TrendColumns::fields()),
        _ => None,
    }
}

fn required(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, false)
}

fn optional(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

fn taken(builder: &mut impl ArrayBuilder) -> ArrayRef {
    builder.finish()
}

/// Writes `units.parquet`: the columns of [`super::rows::UnitRow`] but for `schema`;
/// `themes` is a list of structs.
pub struct UnitsParquet<W: Write + Send> {
    table: Table<W, UnitColumns>,
    themes: ThemeIds,
}

impl<W: Write + Send> UnitsParquet<W> {
    /// Writes the head of the file.
    pub fn new(out: W, themes: ThemeIds) -> io::Result<Self> {
        Ok(UnitsParquet { table: Table::new(out)?, themes })
    }
}

impl<W: Write + Send> Exporter<W> for UnitsParquet<W> {
    fn write(&mut self, documents: &[ScoredDocument]) -> io::Result<()> {
        for scored in documents {
            self.themes.check(scored)?;
            for unit in scored.units.iter().enumerate() {
                let n_bytes = self.table.columns.push(scored, unit, &self.themes)?;
                self.table.row_added(n_bytes)?;
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<W> {
        self.table.finish()
    }
}

struct UnitColumns {
    document: StringBuilder,
    unit: Int64Builder,
    sentence: Int64Builder,
    start: Int64Builder,
    end: Int64Builder,
    text: StringBuilder,
    themes: ListBuilder<StructBuilder>,
    cluster: StringBuilder,
    scores: ListBuilder<Float64Builder>,
    copy_of: StringBuilder,
}

fn theme_fields() -> Fields {
    Fields::from(vec![required("theme", DataType::Utf8), required("score", DataType::Float64)])
}

fn score_element() -> Field {
    required("element", DataType::Float64)
}

fn theme_element() -> Field {
    required("element", DataType::Struct(theme_fields()))
}

impl Default for UnitColumns {
    fn default() -> Self {
        UnitColumns {
            document: StringBuilder::new(),
            unit: Int64Builder::new(),
            sentence: Int64Builder::new(),
            start: Int64Builder::new(),
            end: Int64Builder::new(),
            text: StringBuilder::new(),
            themes: ListBuilder::new(StructBuilder::from_fields(theme_fields(), 0))
                .with_field(theme_element()),
            cluster: StringBuilder::new(),
            scores: ListBuilder::new(Float64Builder::new()).with_field(score_element()),
            copy_of: StringBuilder::new(),
        }
    }
}

impl UnitColumns {
    /// Adds a row; returns its bytes of text.
    fn push(
        &mut self,
        scored: &ScoredDocument,
        (index, unit): (usize, &UnitScore),
        themes: &ThemeIds,
    ) -> io::Result<usize> {
        let (id, text) = (&scored.document.id, unit.span.of(&scored.document.text));
        self.document.append_value(id);
        self.unit.append_value(index as i64);
        self.sentence.append_value(unit.sentence as i64);
        self.start.append_value(unit.span.start as i64);
        self.end.append_value(unit.span.end as i64);
        self.text.append_value(text);
        for &(theme, score) in &unit.themes {
            self.push_theme(themes.get(theme), score.into())?;
        }
        self.themes.append(true);
        let cluster = unit.cluster.map(|theme| themes.get(theme));
        self.cluster.append_option(cluster);
        for &score in &unit.scores {
            self.scores.values().append_value(Rounded::coarse(f64::from(score)).finite()?);
        }
        self.scores.append(true);
        let copy_of = unit.copy_of.as_deref();
        self.copy_of.append_option(copy_of);
        let n_theme_bytes: usize = unit.themes.iter().map(|&(t, _)| themes.get(t).len()).sum();
        let n_id_bytes = cluster.map_or(0, str::len) + copy_of.map_or(0, str::len);
        Ok(id.len() + text.len() + n_theme_bytes + n_id_bytes)
    }

    fn push_theme(&mut self, theme: &str, score: Rounded) -> io::Result<()> {
        let row = self.themes.values();
        row.field_builder::<StringBuilder>(0).expect("the first field is text").append_value(theme);
        row.field_builder::<Float64Builder>(1)
            .expect("the second field is a number")
            .append_value(score.finite()?);
        row.append(true);
        Ok(())
    }
}

impl Columns for UnitColumns {
    const SCHEMA: &'static str = UnitsTag::NAME;

    fn fields() -> Fields {
        Fields::from(vec![
            required("document", DataType::Utf8),
            required("unit", DataType::Int64),
            required("sentence", DataType::Int64),
            required("start", DataType::Int64),
            required("end", DataType::Int64),
            required("text", DataType::Utf8),
            required("themes", DataType::List(Arc::new(theme_element()))),
            optional("cluster", DataType::Utf8),
            required("scores", DataType::List(Arc::new(score_element()))),
            optional("copy_of", DataType::Utf8),
        ])
    }

    fn take(&mut self) -> Vec<ArrayRef> {
        vec![
            taken(&mut self.document),
            taken(&mut self.unit),
            taken(&mut self.sentence),
            taken(&mut self.start),
            taken(&mut self.end),
            taken(&mut self.text),
            taken(&mut self.themes),
            taken(&mut self.cluster),
            taken(&mut self.scores),
            taken(&mut self.copy_of),
        ]
    }
}

/// Writes `scores.parquet`: the columns of [`super::rows::ScoreRow`], a row for every document and
/// theme.
pub struct ScoresParquet<W: Write + Send> {
    table: Table<W, ScoreColumns>,
    themes: ThemeIds,
}

impl<W: Write + Send> ScoresParquet<W> {
    /// Writes the head of the file.
    pub fn new(out: W, themes: ThemeIds) -> io::Result<Self> {
        Ok(ScoresParquet { table: Table::new(out)?, themes })
    }
}

impl<W: Write + Send> Exporter<W> for ScoresParquet<W> {
    fn write(&mut self, documents: &[ScoredDocument]) -> io::Result<()> {
        for scored in documents {
            self.themes.check(scored)?;
            let date = scored.document.date.map(|date| date.to_string());
            for (theme, cell) in self.themes.iter().zip(&scored.themes) {
                let n_bytes = self.table.columns.push(scored, date.as_deref(), (theme, cell))?;
                self.table.row_added(n_bytes)?;
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<W> {
        self.table.finish()
    }
}

#[derive(Default)]
struct ScoreColumns {
    document: StringBuilder,
    date: StringBuilder,
    period: StringBuilder,
    duplicate_of: StringBuilder,
    theme: StringBuilder,
    share: Float64Builder,
    score: Float64Builder,
    n_mentions: Int64Builder,
}

impl ScoreColumns {
    /// Adds a row; returns its bytes of text.
    fn push(
        &mut self,
        scored: &ScoredDocument,
        date: Option<&str>,
        (theme, cell): (&str, &ThemeScore),
    ) -> io::Result<usize> {
        let (id, duplicate_of) = (&scored.document.id, scored.duplicate_of.as_deref());
        self.document.append_value(id);
        self.date.append_option(date);
        self.period.append_option(scored.period.as_deref());
        self.duplicate_of.append_option(duplicate_of);
        self.theme.append_value(theme);
        self.share.append_value(Rounded::new(cell.share).finite()?);
        self.score.append_value(Rounded::new(cell.score).finite()?);
        self.n_mentions.append_value(cell.n_mentions as i64);
        Ok(id.len() + duplicate_of.map_or(0, str::len) + theme.len())
    }
}

impl Columns for ScoreColumns {
    const SCHEMA: &'static str = ScoresTag::NAME;

    fn fields() -> Fields {
        Fields::from(vec![
            required("document", DataType::Utf8),
            optional("date", DataType::Utf8),
            optional("period", DataType::Utf8),
            optional("duplicate_of", DataType::Utf8),
            required("theme", DataType::Utf8),
            required("share", DataType::Float64),
            required("score", DataType::Float64),
            required("n_mentions", DataType::Int64),
        ])
    }

    fn take(&mut self) -> Vec<ArrayRef> {
        vec![
            taken(&mut self.document),
            taken(&mut self.date),
            taken(&mut self.period),
            taken(&mut self.duplicate_of),
            taken(&mut self.theme),
            taken(&mut self.share),
            taken(&mut self.score),
            taken(&mut self.n_mentions),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{corpus, themes};
    use crate::report::rows::{ScoreRow, UnitRow, UnitThemeCell};
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int64Type};
    use arrow_array::{Array, StructArray};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    /// Reads a file back: its rows, its number of row groups and its `themeline.schema`.
    pub(super) fn read(bytes: &[u8]) -> (Vec<RecordBatch>, usize, String) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let meta = reader.metadata().file_metadata();
        assert_eq!(meta.created_by(), Some("themeline version 0.1.0"));
        let schema = meta.key_value_metadata().unwrap().iter().find(|kv| kv.key == SCHEMA_KEY);
        let schema = schema.unwrap().value.clone().unwrap();
        let n_groups = reader.metadata().num_row_groups();
        (reader.build().unwrap().map(Result::unwrap).collect(), n_groups, schema)
    }

    pub(super) fn text<'a>(rows: &'a RecordBatch, column: &str, i: usize) -> Option<&'a str> {
        let column = rows.column_by_name(column).unwrap().as_string::<i32>();
        column.is_valid(i).then(|| column.value(i))
    }

    pub(super) fn count(rows: &RecordBatch, column: &str, i: usize) -> u64 {
        rows.column_by_name(column).unwrap().as_primitive::<Int64Type>().value(i) as u64
    }

    pub(super) fn number(rows: &RecordBatch, column: &str, i: usize) -> Option<Rounded> {
        let column = rows.column_by_name(column).unwrap().as_primitive::<Float64Type>();
        column.is_valid(i).then(|| column.value(i).into())
    }

    fn unit_row(rows: &RecordBatch, i: usize) -> UnitRow<'_> {
        let themes: StructArray =
            rows.column_by_name("themes").unwrap().as_list::<i32>().value(i).as_struct().clone();
        let scores = rows.column_by_name("scores").unwrap().as_list::<i32>().value(i);
        let cell = |k: usize| UnitThemeCell {
            theme: themes.column(0).as_string::<i32>().value(k).to_owned().into(),
            score: themes.column(1).as_primitive::<Float64Type>().value(k).into(),
        };
        UnitRow {
            schema: UnitsTag::V1,
            document: text(rows, "document", i).unwrap().into(),
            unit: count(rows, "unit", i),
            sentence: count(rows, "sentence", i),
            start: count(rows, "start", i),
            end: count(rows, "end", i),
            text: text(rows, "text", i).unwrap().into(),
            themes: (0..themes.len()).map(cell).collect(),
            cluster: text(rows, "cluster", i).map(Into::into),
            scores: scores
                .as_primitive::<Float64Type>()
                .values()
                .iter()
                .map(|&x| x.into())
                .collect(),
            copy_of: text(rows, "copy_of", i).map(Into::into),
        }
    }

    fn score_row(rows: &RecordBatch, i: usize) -> ScoreRow<'_> {
        ScoreRow {
            document: text(rows, "document", i).unwrap().into(),
            date: text(rows, "date", i).map(Into::into),
            period: text(rows, "period", i).map(Into::into),
            duplicate_of: text(rows, "duplicate_of", i).map(Into::into),
            theme: text(rows, "theme", i).unwrap().into(),
            share: number(rows, "share", i).unwrap(),
            score: number(rows, "score", i).unwrap(),
            n_mentions: count(rows, "n_mentions", i),
        }
    }

    fn exported(mut exporter: Box<dyn Exporter<Vec<u8>>>, corpus: &[ScoredDocument]) -> Vec<u8> {
        exporter.write(corpus).unwrap();
        exporter.finish().unwrap()
    }

    #[test]
    fn units_read_back_as_they_were() {
        let (corpus, themes) = (corpus(20), themes());
        let bytes = exported(Box::new(UnitsParquet::new(vec![], themes.clone()).unwrap()), &corpus);
        let (batches, _, schema) = read(&bytes);
        assert_eq!(schema, "themeline/units/1");
        let row = |batch| (0..RecordBatch::num_rows(batch)).map(move |i| unit_row(batch, i));
        let rows: Vec<UnitRow<'_>> = batches.iter().flat_map(row).collect();
        let units = corpus.iter().flat_map(|d| d.units.iter().enumerate().map(move |u| (d, u)));
        let expected: Vec<UnitRow<'_>> =
            units.map(|(d, unit)| UnitRow::new(d, unit, &themes)).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn scores_read_back_as_they_were() {
        let (corpus, themes) = (corpus(20), themes());
        let bytes =
            exported(Box::new(ScoresParquet::new(vec![], themes.clone()).unwrap()), &corpus);
        let (batches, _, schema) = read(&bytes);
        assert_eq!(schema, "themeline/scores/1");
        let row = |batch| (0..RecordBatch::num_rows(batch)).map(move |i| score_row(batch, i));
        let rows: Vec<ScoreRow<'_>> = batches.iter().flat_map(row).collect();
        let cells = corpus.iter().flat_map(|d| themes.iter().zip(&d.themes).map(move |c| (d, c)));
        let expected = cells.map(|(scored, (theme, cell))| ScoreRow {
            document: (&scored.document.id).into(),
            date: scored.document.date.map(|date| date.to_string().into()),
            period: scored.period.as_deref().map(Into::into),
            duplicate_of: scored.duplicate_of.as_deref().map(Into::into),
            theme: theme.into(),
            share: cell.share.into(),
            score: cell.score.into(),
            n_mentions: cell.n_mentions,
        });
        assert_eq!(rows, expected.collect::<Vec<_>>());
    }

    #[test]
    fn long_ids_close_a_row_group_early() {
        let mut corpus = corpus(6);
        let n_rows = corpus.iter().map(|d| d.units.len()).sum::<usize>();
        corpus.iter_mut().for_each(|d| d.document.id = "x".repeat(GROUP_BYTES * 3 / 2 / n_rows));
        let bytes = exported(Box::new(UnitsParquet::new(vec![], themes()).unwrap()), &corpus);
        let (batches, n_groups, _) = read(&bytes);
        assert_eq!(n_groups, 2);
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), n_rows);
    }

    #[test]
    fn a_table_without_rows_is_still_a_table() {
        let bytes = exported(Box::new(ScoresParquet::new(vec![], themes()).unwrap()), &[]);
        let (batches, n_groups, _) = read(&bytes);
        assert!(batches.is_empty() && n_groups == 0);
    }
}
