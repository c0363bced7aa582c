//! Fitted themes: made by `fit`, kept in `themes.json`, given to `score`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pyo3::prelude::*;
use serde_json::json;
use themeline::ingest::Inputs;
use themeline::pipeline;
use themeline::report::OutputFile;
use themeline::theme::{FittedTheme, ThemeModel};

use crate::errors::raised;
use crate::rows;
use crate::table::{Table, batches_of, columns_of, stream};
use crate::work::{at_work, config};

/// Fitted themes.
#[pyclass(frozen, module = "themeline._themeline")]
pub struct Themes {
    pub model: Arc<ThemeModel>,
}

impl From<ThemeModel> for Themes {
    fn from(model: ThemeModel) -> Self {
        Themes { model: Arc::new(model) }
    }
}

#[pymethods]
impl Themes {
    /// The text of `themes.json`.
    fn to_json(&self) -> PyResult<String> {
        Ok(String::from_utf8(self.model.to_json())?)
    }

    /// The themes, a row each.
    fn table(&self) -> PyResult<Table> {
        let rows = self.model.themes.iter().map(row).collect();
        rows::table(rows, rows::themes())
    }

    /// The ids of the themes, in their order.
    fn ids(&self) -> Vec<String> {
        self.model.theme_ids()
    }

    /// What the themes were fitted on and with, in words.
    fn origin(&self) -> String {
        let (on, encoder) = (&self.model.fitted_on, &self.model.encoder.name);
        format!("{} units of {} documents, encoder {encoder}", on.n_units, on.n_documents)
    }
}

fn row(theme: &FittedTheme) -> serde_json::Value {
    json!({
        "id": theme.id, "name": theme.name, "kind": theme.kind, "n_units": theme.n_units,
        "threshold": shortest(theme.threshold), "terms": theme.terms,
        "stability": theme.emergence.as_ref().map(|emergence| shortest(emergence.stability)),
        "exemplars": theme.exemplars,
    })
}

/// A number as `themes.json` writes it: 0.3, not 0.30000001192092896.
fn shortest(x: f32) -> f64 {
    x.to_string().parse().unwrap_or_else(|_| f64::from(x))
}

/// Themes of a `themes.json`, or of the folder that `run` wrote.
#[pyfunction]
pub fn load_themes(path: PathBuf) -> PyResult<Themes> {
    let path = if path.is_dir() { path.join(OutputFile::Themes.name()) } else { path };
    Ok(ThemeModel::load(&path).map_err(|e| raised(&e))?.into())
}

/// Fits themes on files.
#[pyfunction]
#[pyo3(signature = (inputs, options, file=None, told=None))]
pub fn fit(
    py: Python<'_>,
    inputs: Vec<String>,
    options: &str,
    file: Option<PathBuf>,
    told: Option<Py<PyAny>>,
) -> PyResult<Themes> {
    fit_with(py, || Inputs::expand(&inputs), (options, file.as_deref()), told)
}

/// Fits themes on a table.
#[pyfunction]
#[pyo3(signature = (table, options, file=None, told=None))]
pub fn fit_table(
    py: Python<'_>,
    table: Bound<'_, PyAny>,
    options: &str,
    file: Option<PathBuf>,
    told: Option<Py<PyAny>>,
) -> PyResult<Themes> {
    let stream = stream(&table)?;
    let names = columns_of(&stream);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let batches = batches_of(stream, &names)?;
    fit_with(py, || Ok(Inputs::of_table("table", batches)), (options, file.as_deref()), told)
}

fn fit_with(
    py: Python<'_>,
    inputs: impl FnOnce() -> themeline::Result<Inputs> + Send,
    (options, file): (&str, Option<&Path>),
    told: Option<Py<PyAny>>,
) -> PyResult<Themes> {
    let config = config(options, file)?;
    let fit = |progress: pipeline::Progress<'_>| pipeline::fit_on(inputs()?, &config, progress);
    Ok(at_work(py, &config, told, fit)?.into())
}
