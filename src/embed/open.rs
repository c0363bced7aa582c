//! From what the user writes after `--encoder` to an encoder.

use super::bert::BertEmbedder;
use super::folder::ModelFolder;
use super::static_table::{self, StaticEmbedder};
use super::store::ModelStore;
use super::{Embedder, EncoderChoice, Precision};
use super::{libtorch, reader};
use crate::error::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// The name of the built-in table.
const STATIC: &str = "static";

/// As [`open_at`], at the precision that is the default.
///
/// # Errors
/// As [`open_at`].
pub fn open(name_or_folder: &str, store: &ModelStore) -> Result<Box<dyn Embedder>> {
    let precision = Precision::default();
    open_at(EncoderChoice { name: name_or_folder, precision, device: None }, store)
}

/// Opens an encoder: `static`, a model of the store such as `minilm`, or a folder.
///
/// A name that is known wins over a folder of the same name; `./minilm` is always a folder. A folder
/// holds a BERT model or a relative as sentence-transformers saves it, or a table that [`super::distill`] made.
/// `rust-bert:` before a model or a folder has libtorch compute it.
///
/// # Errors
/// [`Error::Encoder`]: an unknown name (with the nearest known one), a model that is not added, a
/// folder whose files are missing, broken, or do not fit together, naming the file; libtorch or the
/// device where this build or this machine has none. [`Error::Usage`]: a device for another encoder.
pub fn open_at(choice: EncoderChoice<'_>, store: &ModelStore) -> Result<Box<dyn Embedder>> {
    let EncoderChoice { name: name_or_folder, precision, device } = choice;
    if let Some(name) = name_or_folder.strip_prefix(libtorch::PREFIX) {
        return Ok(Box::new(libtorch::load(name_or_folder, || find_files(name, store), device)?));
    }
    if let Some(device) = device {
        return Err(libtorch::not_for(name_or_folder, device));
    }
    if name_or_folder == STATIC {
        return Ok(Box::new(StaticEmbedder::built_in()?));
    }
    if name_or_folder == reader::NAME {
        return Ok(Box::new(reader::built_in(precision)?));
    }
    let mut folder = find(name_or_folder, store)?;
    Ok(match architecture(&mut folder)? {
        Architecture::Transformer => Box::new(BertEmbedder::load(folder, precision)?),
        Architecture::Static => Box::new(StaticEmbedder::load(folder)?),
    })
}

/// Opens an encoder that must be a transformer, at f32: what is made of it is kept.
pub(super) fn open_bert(name_or_folder: &str, store: &ModelStore) -> Result<BertEmbedder> {
    let is_table = || {
        Error::encoder(
            name_or_folder,
            "is a table of token vectors, not a transformer",
            "name a transformer, such as minilm",
        )
    };
    if name_or_folder == STATIC {
        return Err(is_table());
    }
    if name_or_folder == reader::NAME {
        return reader::built_in(Precision::F32);
    }
    let mut folder = find(name_or_folder, store)?;
    match architecture(&mut folder)? {
        Architecture::Transformer => BertEmbedder::load(folder, Precision::F32),
        Architecture::Static => Err(is_table()),
    }
}

/// The kinds of model that a folder can hold.
enum Architecture {
    /// Of the BERT kind, or of one that [`BertEmbedder::load`] refuses by its name.
    Transformer,
    Static,
}

/// By `model_type` of config.json.
fn architecture(folder: &mut ModelFolder) -> Result<Architecture> {
    let file = static_table::CONFIG;
    let bytes = folder.read(file)?;
    let config: Value =
        serde_json::from_slice(&bytes).map_err(|error| folder.fault(file, error))?;
    Ok(match config.get("model_type").and_then(Value::as_str) {
        Some(static_table::MODEL_TYPE) => Architecture::Static,
        _ => Architecture::Transformer,
    })
}

fn find(name_or_folder: &str, store: &ModelStore) -> Result<ModelFolder> {
    if let Some(folder) = store.find(name_or_folder)? {
        return Ok(folder);
    }
    let path = Path::new(name_or_folder);
    if !path.is_dir() {
        return Err(unknown(name_or_folder));
    }
    let whole = path.canonicalize().map_err(|error| Error::io(path, "read", error))?;
    let last = whole.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(ModelFolder::new(last.unwrap_or_else(|| name_or_folder.to_owned()), path))
}

/// As [`find`], for what reads files alone.
fn find_files(name_or_folder: &str, store: &ModelStore) -> Result<ModelFolder> {
    if [STATIC, reader::NAME].contains(&name_or_folder) {
        let hint = "name minilm or a folder with a BERT model, or leave out `rust-bert:`";
        return Err(Error::encoder(name_or_folder, "is built in, not files for libtorch", hint));
    }
    find(name_or_folder, store)
}

fn unknown(name: &str) -> Error {
    let known: Vec<&str> = [STATIC, reader::NAME].into_iter().chain(ModelStore::names()).collect();
    let near = known.iter().copied().map(|k| (distance(name, k), k)).min();
    let meant = match near {
        Some((steps, nearest)) if steps <= 2 => format!("did you mean `{nearest}`? "),
        _ => String::new(),
    };
    let hint = format!(
        "{meant}known: {}; or the path of a folder with a model of the BERT kind; `themeline models list` shows \
         more",
        known.join(", ")
    );
    Error::encoder(name, "is neither a known encoder nor a folder", hint)
}

/// Letters to insert, delete or change to make `a` of `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(100).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn complaint(name: &str) -> (String, String) {
        let store = ModelStore::at(TempDir::new().unwrap().path());
        let error = open(name, &store).err().expect("no such encoder");
        (error.to_string(), error.hint().unwrap_or_default().to_owned())
    }

    #[test]
    fn an_unknown_name_is_told_its_nearest_and_what_is_known() {
        let (message, hint) = complaint("minlm");
        assert_eq!(message, "encoder `minlm`: is neither a known encoder nor a folder");
        assert!(hint.starts_with("did you mean `minilm`?"), "{hint}");
        let (_, hint) = complaint("universal-sentence-encoder");
        assert!(hint.starts_with("known: static, reader, minilm;"), "{hint}");
    }

    #[test]
    fn a_known_model_that_is_not_there_says_how_to_add_it() {
        assert!(complaint("minilm").1.contains("themeline models add minilm"));
    }

    #[test]
    fn a_folder_of_another_architecture_is_refused_by_name() {
        let folder = TempDir::new().unwrap();
        let name = folder.path().to_str().unwrap();
        assert!(complaint(name).0.contains("config.json is missing"));
        std::fs::write(folder.path().join("config.json"), r#"{"model_type": "t5"}"#).unwrap();
        assert!(complaint(name).0.contains("config.json: model_type `t5` is not supported"));
    }

    #[test]
    fn a_folder_opens_under_its_own_name() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tiny-bert/");
        let model = open(path, &ModelStore::at("nowhere")).unwrap();
        assert_eq!((model.name(), model.dimension()), ("tiny-bert", 32));
    }

    #[test]
    fn distance_counts_letters() {
        for (a, b, steps) in [("", "abc", 3), ("static", "statics", 1), ("minilm", "mnilim", 2)] {
            assert_eq!(distance(a, b), steps, "{a} {b}");
        }
    }
}
