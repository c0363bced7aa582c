//! The files that hold the tensors of a module: one, or the several that a large model is cut into.

use super::weights::Weights;
use crate::embed::folder::ModelFolder;
use crate::error::{Error, Result};
use safetensors::SafeTensors;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

const WHOLE: &str = "model.safetensors";
/// Tells which file each tensor of a model in several files is in.
const INDEX: &str = "model.safetensors.index.json";
const PICKLE: &str = "pytorch_model.bin";

/// Name and bytes of each file.
pub(super) struct WeightFiles(Vec<(String, Cow<'static, [u8]>)>);

#[derive(Deserialize)]
struct Index {
    /// Tensor → file
    weight_map: BTreeMap<String, String>,
}

impl WeightFiles {
    /// Those of the module in folder `inside` of the model: `""`, or a path such as `2_Dense`.
    ///
    /// # Errors
    /// Where there are none, with what to do where there is a pickle in their place.
    pub fn read(folder: &mut ModelFolder, inside: &str) -> Result<Self> {
        let path = |file: &str| match inside {
            "" => file.to_owned(),
            _ => format!("{inside}/{file}"),
        };
        let whole = path(WHOLE);
        if let Some(bytes) = folder.read_if_present(&whole)? {
            return Ok(WeightFiles(vec![(whole, bytes)]));
        }
        let Some(index) = folder.json::<Index>(&path(INDEX))? else {
            return Err(missing(folder, &whole, &path(PICKLE)));
        };
        let names: BTreeSet<String> = index.weight_map.into_values().collect();
        let mut files = Vec::new();
        for name in names {
            if !is_inside(&name) {
                let message = format!("file `{name}` leads elsewhere");
                return Err(folder.fault(&path(INDEX), message));
            }
            let bytes = folder.read(&path(&name))?;
            files.push((path(&name), bytes));
        }
        Ok(WeightFiles(files))
    }

    /// # Errors
    /// A file that is not whole, by its name.
    pub fn weights(&self, folder: &ModelFolder) -> Result<Weights<'_>> {
        let tensors = self.0.iter().map(|(name, bytes)| {
            SafeTensors::deserialize(bytes).map_err(|error| {
                let message =
                    format!("not a whole safetensors file ({error}); was the download cut short?");
                folder.fault(name, message)
            })
        });
        tensors.collect::<Result<_>>().map(Weights::of)
    }

    /// The file to name where the tensors are not as they must be.
    pub fn name(&self) -> &str {
        self.0.first().map_or(WHOLE, |(name, _)| name)
    }
}

/// Whether a path out of a file of the model stays in its folder.
pub(super) fn is_inside(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

fn missing(folder: &ModelFolder, file: &str, pickle: &str) -> Error {
    if folder.has(pickle) {
        return Error::encoder(
            folder.name(),
            format!("{file} is missing, and {pickle} is not read: a pickle can run any code"),
            "convert it with Python, then give the new folder: from sentence_transformers import \
             SentenceTransformer; SentenceTransformer(\"OLD\").save_pretrained(\"NEW\")",
        );
    }
    folder.missing(file)
}
