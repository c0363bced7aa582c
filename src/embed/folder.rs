//! A model's folder: reads its files, remembers what was read (the fingerprint), and names the file
//! in every complaint.

use crate::error::{Error, Result};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Name and bytes of a file that is part of the program.
pub(super) type BuiltInFile = (&'static str, &'static [u8]);

/// The files of one model, and the hashes of those read so far.
#[derive(Debug)]
pub(super) struct ModelFolder {
    name: String,
    path: PathBuf,
    /// Files that are part of the program, in place of those on disk.
    built_in: Option<&'static [BuiltInFile]>,
    /// File → hex blake3 that it must have; files not listed may have any.
    expected: BTreeMap<String, String>,
    read: BTreeMap<String, blake3::Hash>,
}

impl ModelFolder {
    /// A folder whose files may hold anything.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        let (name, path) = (name.into(), path.into());
        let (expected, read) = (BTreeMap::new(), BTreeMap::new());
        ModelFolder { name, path, built_in: None, expected, read }
    }

    /// A folder that is part of the program.
    pub fn built_in(name: &str, files: &'static [BuiltInFile]) -> Self {
        let folder = Self::new(name, format!("<built-in {name}>"));
        ModelFolder { built_in: Some(files), ..folder }
    }

    /// The same folder, whose listed files must have the given hex blake3.
    pub fn expecting(self, expected: BTreeMap<String, String>) -> Self {
        ModelFolder { expected, ..self }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bytes of `file`, which must be there.
    pub fn read(&mut self, file: &str) -> Result<Cow<'static, [u8]>> {
        self.read_if_present(file)?.ok_or_else(|| self.missing(file))
    }

    /// The complaint that there is no `file`.
    pub fn missing(&self, file: &str) -> Error {
        let hint = format!(
            "a model folder holds config.json, tokenizer.json and model.safetensors, as \
             sentence-transformers saves them; {file} belongs in {}",
            self.path.display()
        );
        Error::encoder(&self.name, format!("{file} is missing"), hint)
    }

    /// Whether there is a `file`; it is not read.
    pub fn has(&self, file: &str) -> bool {
        match self.built_in {
            Some(files) => files.iter().any(|(name, _)| *name == file),
            None => self.path.join(file).is_file(),
        }
    }

    /// The bytes of `file`, or `None` where there is no such file.
    pub fn read_if_present(&mut self, file: &str) -> Result<Option<Cow<'static, [u8]>>> {
        let path = self.path.join(file);
        let Some(bytes) = self.bytes(file)? else { return Ok(None) };
        let hash = blake3::hash(&bytes);
        if self.expected.get(file).is_some_and(|hex| *hex != hash.to_hex().as_str()) {
            let name = &self.name;
            return Err(Error::encoder(
                name,
                format!("{} is not the file that `{name}` is made of", path.display()),
                format!("run `themeline models add {name}`: it brings spoilt files anew"),
            ));
        }
        self.read.insert(file.to_owned(), hash);
        Ok(Some(bytes))
    }

    fn bytes(&self, file: &str) -> Result<Option<Cow<'static, [u8]>>> {
        if let Some(files) = self.built_in {
            let found = files.iter().find(|(name, _)| *name == file);
            return Ok(found.map(|(_, bytes)| Cow::Borrowed(*bytes)));
        }
        let path = self.path.join(file);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(Cow::Owned(bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(path, "read", error)),
        }
    }

    /// The bytes of the JSON in `file` as a `T`, or `None` where there is no such file.
    pub fn json<T: serde::de::DeserializeOwned>(&mut self, file: &str) -> Result<Option<T>> {
        let Some(bytes) = self.read_if_present(file)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| self.fault(file, error))
    }

    /// Leaves `file` out of the fingerprint: it was read, and says nothing that decides a vector.
    pub fn forget(&mut self, file: &str) {
        self.read.remove(file);
    }

    /// Where `file` lies, in words.
    pub fn place(&self, file: &str) -> String {
        self.path.join(file).display().to_string()
    }

    /// Hex blake3 over the names and hashes of all files read.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (file, hash) in &self.read {
            hasher.update(format!("{file}\0{hash}\n").as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The complaint that `file` is not as it must be.
    pub fn fault(&self, file: &str, message: impl std::fmt::Display) -> Error {
        Error::encoder(
            &self.name,
            format!("{}: {message}", self.place(file)),
            "download or export the model again; `themeline models list` shows those known to work",
        )
    }
}

#[cfg(feature = "rust-bert")]
impl ModelFolder {
    /// The same folder, by a name that tells more.
    pub fn named(self, name: String) -> Self {
        ModelFolder { name, ..self }
    }

    /// Where `file` lies, or would.
    pub fn path_of(&self, file: &str) -> PathBuf {
        self.path.join(file)
    }
}
