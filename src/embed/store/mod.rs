//! The folder of models that were added: listed, brought whole or not at all, removed.

mod fetch;
mod registry;

use super::folder::ModelFolder;
use crate::error::{Error, Result};
use fetch::Sources;
use registry::Model;
use std::path::{Path, PathBuf};

/// Where added models lie, one folder each.
#[derive(Debug, Clone)]
pub struct ModelStore {
    root: PathBuf,
    sources: Sources,
}

/// What is known of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelEntry {
    /// What `--encoder` takes.
    pub name: String,
    /// One line.
    pub description: String,
    /// SPDX identifier of the weights' licence.
    pub licence: String,
    /// Size on disk.
    pub bytes: u64,
    /// Whether it can be used now.
    pub state: ModelState,
}

/// Whether a model can be used now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    /// Part of the program.
    BuiltIn,
    /// In the store, at this folder.
    Added(PathBuf),
    /// Known; [`ModelStore::add`] brings it.
    NotAdded,
}

/// The variable that moves the store.
const VARIABLE: &str = "THEMELINE_MODELS";

/// Stagings that a killed `add` left behind are told by this.
const STAGING: &str = ".staging-";

/// The value of an environment variable as a path; an empty one is none.
pub(super) fn set(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where programs keep what they can make again.
pub(super) fn user_cache() -> Option<PathBuf> {
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .or_else(|| set("LOCALAPPDATA"))
}

impl ModelStore {
    /// The store in folder `root`, which need not be there yet.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        ModelStore { root: root.into(), sources: Sources::default() }
    }

    /// The store that the user means: `folder` (the flag `--models-dir`), else the variable
    /// `THEMELINE_MODELS`, else `themeline/models` in the user's cache folder.
    ///
    /// # Errors
    /// [`Error::Usage`] where none of these is set and there is no home folder either.
    pub fn locate(folder: Option<&Path>) -> Result<Self> {
        let cache = || user_cache().map(|cache| cache.join("themeline").join("models"));
        folder
            .map(Path::to_path_buf)
            .or_else(|| set(VARIABLE))
            .or_else(cache)
            .map(Self::at)
            .ok_or_else(|| {
                Error::usage(
                    "there is no folder to keep models in",
                    format!("set --models-dir, or the variable {VARIABLE}"),
                )
            })
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The built-in encoders, then every model that can be added, in the registry's order.
    pub fn list(&self) -> Vec<ModelEntry> {
        let entry = |model: &Model| ModelEntry {
            name: model.name.clone(),
            description: model.description.clone(),
            licence: model.licence.clone(),
            bytes: model.bytes(),
            state: match self.has(model) {
                true => ModelState::Added(self.folder(model)),
                false => ModelState::NotAdded,
            },
        };
        [super::static_table::entry(), super::reader::entry()]
            .into_iter()
            .chain(registry::models().iter().map(entry))
            .collect()
    }

    /// Brings a model of the registry into the store and gives its folder; one that is already
    /// there, whole, is left alone.
    ///
    /// Every file must have the hash of the registry. The model's folder appears whole or not at
    /// all, whatever happens on the way.
    ///
    /// # Errors
    /// [`Error::Encoder`] for a name that the registry has not, and where no source can be reached:
    /// its hint says what to do by hand. [`Error::Io`] where the store cannot be written.
    pub fn add(&self, name: &str) -> Result<PathBuf> {
        self.bring(known(name)?)
    }

    /// Removes an added model and gives the folder that is no more.
    ///
    /// # Errors
    /// [`Error::Encoder`] where the model is not in the store.
    pub fn remove(&self, name: &str) -> Result<PathBuf> {
        let model = known(name)?;
        let folder = self.folder(model);
        let _lock = self.lock()?;
        match std::fs::remove_dir_all(&folder) {
            Ok(()) => Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::encoder(name, "is not added", "`themeline models list` shows what is"))
            }
            Err(error) => Err(Error::io(folder, "remove", error)),
        }
    }

    /// The folder of an added model, or `None` where the registry does not know the name.
    ///
    /// # Errors
    /// [`Error::Encoder`] where it is known, but not added.
    pub(super) fn find(&self, name: &str) -> Result<Option<ModelFolder>> {
        let Some(model) = registry::models().iter().find(|model| model.name == name) else {
            return Ok(None);
        };
        if !self.has(model) {
            let message = format!("is not in the model store {}", self.root.display());
            let hint = format!("run `themeline models add {name}` once");
            return Err(Error::encoder(name, message, hint));
        }
        Ok(Some(ModelFolder::new(name, self.folder(model)).expecting(model.hashes())))
    }

    /// Names that [`Self::add`] knows.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        registry::models().iter().map(|model| model.name.as_str())
    }

    fn folder(&self, model: &Model) -> PathBuf {
        self.root.join(&model.name)
    }

    /// Whether every file is there; hashes are checked when they are read.
    fn has(&self, model: &Model) -> bool {
        let folder = self.folder(model);
        model.files.iter().all(|file| folder.join(&file.path).is_file())
    }

    /// Whether every file is there and has its hash.
    fn is_whole(&self, model: &Model) -> bool {
        let mut folder =
            ModelFolder::new(&model.name, self.folder(model)).expecting(model.hashes());
        model.files.iter().all(|file| folder.read(&file.path).is_ok())
    }

    fn bring(&self, model: &Model) -> Result<PathBuf> {
        let target = self.folder(model);
        let _lock = self.lock()?;
        if self.is_whole(model) {
            return Ok(target);
        }
        self.sweep()?;
        let staging = tempfile::Builder::new()
            .prefix(STAGING)
            .tempdir_in(&self.root)
            .map_err(|error| Error::io(&self.root, "write to", error))?;
        let folder = staging.path().join(&model.name);
        self.sources.bring(model, &folder, &target)?;
        if target.exists() {
            std::fs::remove_dir_all(&target)
                .map_err(|error| Error::io(&target, "replace", error))?;
        }
        std::fs::rename(&folder, &target).map_err(|error| Error::io(&target, "create", error))?;
        Ok(target)
    }

    /// Held while the store changes, so that two commands do not undo each other.
    fn lock(&self) -> Result<std::fs::File> {
        let path = self.root.join(".lock");
        std::fs::create_dir_all(&self.root)
            .and_then(|()| std::fs::File::create(&path))
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| Error::io(path, "lock", error))
    }

    /// Removes what killed commands left half done; only under the lock.
    fn sweep(&self) -> Result<()> {
        let entries =
            std::fs::read_dir(&self.root).map_err(|error| Error::io(&self.root, "read", error))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(STAGING) {
                std::fs::remove_dir_all(entry.path())
                    .map_err(|error| Error::io(entry.path(), "remove", error))?;
            }
        }
        Ok(())
    }
}

fn known(name: &str) -> Result<&'static Model> {
    registry::models().iter().find(|model| model.name == name).ok_or_else(|| {
        let names: Vec<_> = ModelStore::names().collect();
        let hint =
            format!("known: {}; a folder needs no adding: --encoder FOLDER", names.join(", "));
        Error::encoder(name, "is no model that can be added or removed", hint)
    })
}

#[cfg(test)]
mod tests;
