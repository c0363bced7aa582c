//! modules.json: what a model of sentence-transformers does with the vectors of a window's tokens.

use super::dense::Dense;
use super::pooling::Pooling;
use super::weight_files::is_inside;
use crate::embed::folder::ModelFolder;
use crate::embed::matrix::normalise;
use crate::error::Result;
use ndarray::Array2;
use serde::Deserialize;

const FILE: &str = "modules.json";

/// Token vectors → one vector a text.
pub(super) struct Modules {
    pub pooling: Pooling,
    /// What pooled vectors go through, in order, up to the last dense layer: every row becomes of length
    /// one in the end anyway.
    steps: Vec<Step>,
}

enum Step {
    Dense(Dense),
    Normalise,
}

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Modules {
    /// For token vectors of `hidden` numbers; the mean where there is no modules.json, as
    /// sentence-transformers does with a plain encoder.
    pub fn load(folder: &mut ModelFolder, hidden: usize) -> Result<Self> {
        let listed: Vec<Module> = folder.json(FILE)?.unwrap_or_default();
        let mut modules = Modules { pooling: Pooling::mean(), steps: Vec::new() };
        for module in &listed {
            modules.add(folder, module, hidden)?;
        }
        while let Some(Step::Normalise) = modules.steps.last() {
            modules.steps.pop();
        }
        Ok(modules)
    }

    fn add(&mut self, folder: &mut ModelFolder, module: &Module, hidden: usize) -> Result<()> {
        let Module { path, kind } = module;
        let kind = kind.rsplit('.').next().unwrap_or_default();
        if !is_inside(path) || (path.is_empty() && kind != "Transformer") {
            return Err(folder.fault(FILE, format!("path `{path}` is not a folder of the model")));
        }
        match kind {
            "Transformer" if path.is_empty() => {}
            "Transformer" => {
                let message = format!("the transformer lies in `{path}`: move it to the top");
                return Err(folder.fault(FILE, message));
            }
            "Pooling" => self.pooling = Pooling::load(folder, path)?,
            "Dense" => {
                let dense = Dense::load(folder, path, self.dimension(hidden))?;
                self.steps.push(Step::Dense(dense));
            }
            "Normalize" => self.steps.push(Step::Normalise),
            "Dropout" => {}
            other => {
                let message = format!(
                    "module `{other}` is not supported: Transformer, Pooling, Dense, Normalize are"
                );
                return Err(folder.fault(FILE, message));
            }
        }
        Ok(())
    }

    /// Numbers of a text's vector, of token vectors of `hidden` numbers.
    pub fn dimension(&self, hidden: usize) -> usize {
        let dense = |step: &Step| match step {
            Step::Dense(dense) => Some(dense.n_outputs()),
            Step::Normalise => None,
        };
        self.steps.iter().rev().find_map(dense).unwrap_or(self.pooling.dimension(hidden))
    }

    /// Whether the length of a pooled vector counts: a dense layer does not just scale what it is
    /// given.
    pub fn need_lengths(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Pooled vectors → vectors of texts, not normalised, shape `(n, dimension)`.
    pub fn finish(&self, mut rows: Array2<f32>) -> Array2<f32> {
        for step in &self.steps {
            match step {
                Step::Dense(dense) => rows = dense.forward(&rows),
                Step::Normalise => {
                    let n_columns = rows.ncols().max(1);
                    let rows = rows.as_slice_mut().unwrap_or_default();
                    rows.chunks_exact_mut(n_columns).for_each(normalise);
                }
            }
        }
        rows
    }
}
