//! The verbs that work on files and folders, and the command itself.

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::prelude::*;
use serde_json::Value;
use themeline::config::Config;
use themeline::pipeline::{self, Outcome, Progress};
use themeline::report::copies::CopiesTag;
use themeline::report::rows::{DocumentsTag, RejectsTag, ScoresTag, UnitsTag};
use themeline::report::trends::TrendsTag;
use themeline::report::{OutputFile, read, tables};

use crate::errors::{in_words, raised, usage};
use crate::rows;
use crate::table::Table;
use crate::themes::Themes;
use crate::work::{at_work, config};

/// What a verb has to say once it is done: its warnings, and why there are too many rejects.
type Said = (Vec<String>, Option<String>);

/// `themeline run`.
#[pyfunction]
#[pyo3(signature = (inputs, out, options, file=None, told=None))]
pub fn run(
    py: Python<'_>,
    inputs: Vec<String>,
    out: PathBuf,
    options: &str,
    file: Option<PathBuf>,
    told: Option<Py<PyAny>>,
) -> PyResult<Said> {
    let work =
        |config: &Config, progress: Progress<'_>| pipeline::run(&inputs, config, &out, progress);
    into_folder(py, config(options, file.as_deref())?, told, work)
}

/// `themeline score`.
#[pyfunction]
#[pyo3(signature = (themes, inputs, out, options, told=None))]
pub fn score(
    py: Python<'_>,
    themes: &Themes,
    inputs: Vec<String>,
    out: PathBuf,
    options: &str,
    told: Option<Py<PyAny>>,
) -> PyResult<Said> {
    let work = |config: &Config, progress: Progress<'_>| {
        pipeline::score(&inputs, &themes.model, config, &out, progress)
    };
    into_folder(py, config(options, None)?, told, work)
}

fn into_folder(
    py: Python<'_>,
    config: Config,
    told: Option<Py<PyAny>>,
    work: impl FnOnce(&Config, Progress<'_>) -> themeline::Result<Outcome> + Send,
) -> PyResult<Said> {
    let outcome = at_work(py, &config, told, |progress| work(&config, progress))?;
    let too_many = outcome.check_rejects().err().map(|error| in_words(&error));
    Ok((outcome.warnings, too_many))
}

/// The text of the `run.json` of a finished run.
#[pyfunction]
pub fn run_json(dir: PathBuf) -> PyResult<String> {
    let run = read::run_file(&dir).map_err(|e| raised(&e))?;
    serde_json::to_string(&run).map_err(|e| usage(e.to_string(), "run it again"))
}

/// A table of a finished run, by its name.
#[pyfunction]
pub fn read_table(py: Python<'_>, dir: PathBuf, name: &str) -> PyResult<Table> {
    let parquet = |file, form| {
        let table = py.detach(|| tables::parquet_table(&dir, file, form));
        table.map(Table::from).map_err(|e| raised(&e))
    };
    let lines = |file, form, schema| {
        let rows = py.detach(|| tables::json_lines(&dir, file, form)).map_err(|e| raised(&e))?;
        py.detach(|| rows::table(rows, schema))
    };
    let of_trends = |list: &str, schema| {
        let mut trends = tables::json_object(&dir, OutputFile::TrendsJson, TrendsTag::NAME)
            .map_err(|e| raised(&e))?;
        let rows = match trends.get_mut(list).map(Value::take) {
            Some(Value::Array(rows)) => rows,
            _ => Vec::new(),
        };
        rows::table(rows, schema)
    };
    match name {
        "scores" => parquet(OutputFile::Scores, ScoresTag::NAME),
        "units" => parquet(OutputFile::UnitsParquet, UnitsTag::NAME),
        "trends" => parquet(OutputFile::TrendsParquet, TrendsTag::NAME),
        "documents" => lines(OutputFile::Documents, DocumentsTag::NAME, rows::documents()),
        "rejects" => lines(OutputFile::Rejects, RejectsTag::NAME, rows::rejects()),
        "copies" => lines(OutputFile::Copies, CopiesTag::NAME, rows::copies()),
        "comparisons" => of_trends("comparisons", rows::comparisons()),
        "change_points" => of_trends("change_points", rows::change_points()),
        _ => Err(usage(format!("no table is named `{name}`"), "see help(themeline.Run)")),
    }
}

/// The names of the options, as the command line and TOML have them (`text_field` for `--text-field`).
#[pyfunction]
pub fn option_names() -> PyResult<Vec<String>> {
    let unknown = serde_json::from_str::<themeline::config::Options>("{\"\": 0}");
    let listed = unknown.err().map(|e| e.to_string()).unwrap_or_default();
    let names = listed.split('`').skip(1).step_by(2).filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

/// The command line; gives its exit code.
#[pyfunction]
pub fn command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| themeline::cli::main_with(arguments))
}
