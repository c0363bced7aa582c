//! The models that can be brought, and the hashes of their files: models/registry.toml.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// One entry of the registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub name: String,
    pub description: String,
    pub licence: String,
    pub hub: Hub,
    pub package: Package,
    #[serde(rename = "file")]
    pub files: Vec<File>,
}

/// Where the Hugging Face hub has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hub {
    pub repository: String,
    pub revision: String,
}

/// Where pip has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Package {
    pub name: String,
    pub version: String,
    /// The folder inside the wheel.
    pub folder: String,
}

/// One file of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Below the model's folder, with `/`.
    pub path: String,
    pub bytes: u64,
    /// Hex; what a file is checked against.
    pub blake3: String,
    /// Hex; for people, whose tools know it.
    pub sha256: String,
}

impl Model {
    /// File → hex blake3.
    pub fn hashes(&self) -> BTreeMap<String, String> {
        self.files.iter().map(|file| (file.path.clone(), file.blake3.clone())).collect()
    }

    /// Size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

#[derive(Deserialize)]
struct Registry {
    model: Vec<Model>,
}

static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    let text = include_str!("../../../models/registry.toml");
    toml::from_str::<Registry>(text).expect("a test reads the registry that is built in").model
});

/// Every model of the registry.
pub(super) fn models() -> &'static [Model] {
    &MODELS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_complete_and_stays_in_its_folder() {
        assert!(models().iter().any(|model| model.name == "minilm"));
        for file in models().iter().flat_map(|model| &model.files) {
            let is_hash = |hex: &str| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
            assert!(is_hash(&file.blake3) && is_hash(&file.sha256), "{}", file.path);
            assert!(!file.path.contains("..") && !file.path.starts_with('/'));
        }
    }
}
