//! Scoring a table: Arrow in, Arrow out, no file between.
//!
//! The columns come in as they lie in memory. Of the text, each document is copied when its turn
//! comes, and a few batches of documents (at most 256 or about 4 MB each) are under way at a time.

use std::path::PathBuf;

use arrow_schema::SchemaRef;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use themeline::config::Config;
use themeline::ingest::Inputs;
use themeline::pipeline::{Outcome, Progress, TableScorer};
use themeline::report::{
    ArrowTable, DocumentsJsonl, Exporter, TablesInMemory, ThemeIds, copies_jsonl, rejects_jsonl,
};
use themeline::{Error, Result};

use crate::errors::{in_words, raised, usage};
use crate::rows;
use crate::table::{Table, batches_of, columns_of, stream};
use crate::themes::Themes;
use crate::work::{at_work, config};

/// A scored table.
#[pyclass(frozen, module = "themeline._themeline")]
pub struct Scored {
    units: ArrowTable,
    scores: ArrowTable,
    /// Lines of `documents.jsonl`.
    documents: Vec<u8>,
    outcome: Outcome,
}

#[pymethods]
impl Scored {
    /// A unit a row, as in `units.parquet`.
    fn units(&self) -> Table {
        self.units.clone().into()
    }

    /// A document and a theme a row, as in `scores.parquet`.
    fn scores(&self) -> Table {
        self.scores.clone().into()
    }

    /// A document a row, as in `documents.jsonl`.
    fn documents(&self, py: Python<'_>) -> PyResult<Table> {
        py.detach(|| lines(&self.documents, rows::documents()))
    }

    /// A row for each record that could not be read.
    fn rejects(&self) -> PyResult<Table> {
        let written = rejects_jsonl(&self.outcome.rejects, Vec::new())?;
        lines(&written, rows::rejects())
    }

    /// A row for each document or passage that repeats another.
    fn copies(&self) -> PyResult<Table> {
        let written = copies_jsonl(&self.outcome.copies, Vec::new())?;
        lines(&written, rows::copies())
    }

    /// What became of the records, as JSON.
    fn counts(&self) -> PyResult<String> {
        Ok(serde_json::json!(self.outcome.counts).to_string())
    }

    /// What the user should know of.
    fn warnings(&self) -> Vec<String> {
        self.outcome.warnings.clone()
    }

    /// Why there are more rejects than allowed, where there are.
    fn too_many_rejects(&self) -> Option<String> {
        self.outcome.check_rejects().err().map(|error| in_words(&error))
    }
}

/// Lines that we wrote ourselves, as a table.
fn lines(bytes: &[u8], schema: SchemaRef) -> PyResult<Table> {
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let rows = lines.map(serde_json::from_slice).collect::<std::result::Result<Vec<_>, _>>();
    rows::table(rows.map_err(|e| PyValueError::new_err(e.to_string()))?, schema)
}

/// Themes with their encoder, opened once, to score one table after another.
#[pyclass(frozen, module = "themeline._themeline")]
pub struct Scorer {
    scorer: TableScorer,
    options: String,
}

#[pymethods]
impl Scorer {
    /// Scores a table, as `score_table`.
    fn score_table(&self, py: Python<'_>, table: Bound<'_, PyAny>) -> PyResult<Scored> {
        let config = config(&self.options, None)?;
        let table = inputs(&table, &config)?;
        at_work(py, &config, None, |progress| scored(table, &self.scorer, &config, progress))
    }
}

/// Opens the encoder for fitted themes.
#[pyfunction]
pub fn open_scorer(py: Python<'_>, themes: &Themes, options: &str) -> PyResult<Scorer> {
    let config = config(options, None)?;
    let scorer = py.detach(|| TableScorer::open(themes.model.clone(), &config));
    Ok(Scorer { scorer: scorer.map_err(|e| raised(&e))?, options: options.to_owned() })
}

/// Scores a table with fitted themes. Options name its columns of text, id and date; the last may be
/// missing.
#[pyfunction]
#[pyo3(signature = (themes, table, options, file=None, told=None))]
pub fn score_table(
    py: Python<'_>,
    themes: &Themes,
    table: Bound<'_, PyAny>,
    options: &str,
    file: Option<PathBuf>,
    told: Option<Py<PyAny>>,
) -> PyResult<Scored> {
    let config = config(options, file.as_deref())?;
    let table = inputs(&table, &config)?;
    let work = |progress: Progress<'_>| {
        let scorer = TableScorer::open(themes.model.clone(), &config)?;
        scored(table, &scorer, &config, progress)
    };
    at_work(py, &config, told, work)
}

/// The columns of a table that are read.
fn inputs(table: &Bound<'_, PyAny>, config: &Config) -> PyResult<Inputs> {
    let stream = stream(table)?;
    let wanted = wanted(&columns_of(&stream), config)?;
    Ok(Inputs::of_table("table", batches_of(stream, &wanted)?))
}

/// The columns to read: text, id and, where there is one, date.
fn wanted<'c>(present: &[String], config: &'c Config) -> PyResult<Vec<&'c str>> {
    let ingest = &config.ingest;
    let named =
        [(&ingest.text_field, "text"), (&ingest.id_field, "id"), (&ingest.date_field, "date")];
    for (column, name) in named {
        let may_be_missing = column == "date";
        if !present.contains(column) && !may_be_missing {
            let columns = present.join("`, `");
            let message =
                format!("the table has no column `{column}`; its columns are `{columns}`");
            return Err(usage(message, &format!("name the right one with `{name}`")));
        }
    }
    Ok(vec![&ingest.text_field, &ingest.id_field, &ingest.date_field])
}

fn scored(
    table: Inputs,
    scorer: &TableScorer,
    config: &Config,
    progress: Progress<'_>,
) -> Result<Scored> {
    let failed = |e| Error::io("table", "keep the scores of", e);
    let ids = ThemeIds::from(scorer.theme_ids().as_slice());
    let mut tables = TablesInMemory::new(ids.clone());
    let mut lines = Box::new(DocumentsJsonl::new(Vec::new(), ids, config.max_evidence));
    let outcome = scorer.score(
        table,
        config,
        |batch| tables.write(batch).and_then(|()| lines.write(batch)).map_err(failed),
        progress,
    )?;
    let (units, scores) = tables.finish().map_err(failed)?;
    Ok(Scored { units, scores, documents: lines.finish().map_err(failed)?, outcome })
}
