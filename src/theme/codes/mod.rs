//! Hand codes: which themes a reader gave to which passages, and where these lie among units.
//!
//! `fit` learns from codes and `validate` judges by them; both find a code's units here.

mod locate;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::codebook::NONE_ID;
use crate::error::{Error, Result};

pub use locate::{LocatedUnit, Units};

/// A coded passage: one line of a file of codes. Other fields are allowed and left alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Code {
    /// Id of the code; names the document where `doc` is not there or not in the corpus.
    #[serde(default)]
    pub id: Option<String>,
    /// Id of the document.
    #[serde(default)]
    pub doc: Option<String>,
    /// First byte of the passage in the document's text; where it is missing, `text` is searched.
    #[serde(default)]
    pub start: Option<usize>,
    /// The passage.
    pub text: String,
    /// Ids of its themes; empty, or `none` alone, where it has none.
    pub themes: BTreeSet<String>,
    /// Where the passage comes from; text, for `validate` to tell sources apart.
    #[serde(default)]
    pub source: Option<serde_json::Value>,
}

impl Code {
    /// The document that the code speaks of, among those that are `known`, and whether it speaks of
    /// it as a whole.
    pub fn document(&self, known: impl Fn(&str) -> bool) -> Option<(&str, bool)> {
        match (self.doc.as_deref(), self.id.as_deref()) {
            (Some(doc), _) if known(doc) => Some((doc, false)),
            (_, Some(id)) if known(id) => Some((id, true)),
            _ => None,
        }
    }
}

/// Reads a file of codes, one JSON object a line. `themes`: the ids that may be given.
///
/// # Errors
/// `Io` where it cannot be read; `Malformed` naming the line for one that is no code or gives a
/// theme that is not among `themes`.
pub fn read(path: &Path, themes: &[String]) -> Result<Vec<Code>> {
    Ok(read_lines(path, themes)?.into_iter().map(|(_, code)| code).collect())
}

/// As [`read`], each code with the number of its line, from 1. Lines whose `themes` is null are not yet
/// coded, and left out.
///
/// # Errors
/// As [`read`].
pub fn read_lines(path: &Path, themes: &[String]) -> Result<Vec<(usize, Code)>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "read", e))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let code = |(n, line)| Ok(code(path, n + 1, line, themes)?.map(|code| (n + 1, code)));
    let codes: Vec<Option<(usize, Code)>> = lines.map(code).collect::<Result<_>>()?;
    let codes: Vec<(usize, Code)> = codes.into_iter().flatten().collect();
    if codes.is_empty() {
        return Err(Error::malformed(path, (0, 0), "it has no codes", FORM));
    }
    Ok(codes)
}

/// Of a line, whether it is coded.
#[derive(Deserialize)]
struct Themes {
    // Not `default`: a line without the field is no code.
    #[serde(deserialize_with = "Option::deserialize")]
    themes: Option<serde::de::IgnoredAny>,
}

/// How many lines of a file of codes are not yet coded.
///
/// # Errors
/// `Io` where it cannot be read.
pub fn n_uncoded(path: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "read", e))?;
    let is_uncoded = |line: &&str| {
        serde_json::from_str::<Themes>(line).is_ok_and(|themes| themes.themes.is_none())
    };
    Ok(text.lines().filter(is_uncoded).count() as u64)
}

const FORM: &str =
    r#"a line is {"doc": "ID", "start": BYTE, "text": "SENTENCE", "themes": ["ID", ...]}"#;

/// `None` where the line is not yet coded.
fn code(path: &Path, line: usize, json: &str, themes: &[String]) -> Result<Option<Code>> {
    let malformed = |e: serde_json::Error| {
        Error::malformed(path, (line, e.column()), format!("no code: {e}"), FORM)
    };
    if serde_json::from_str::<Themes>(json).is_ok_and(|themes| themes.themes.is_none()) {
        return Ok(None);
    }
    let mut code: Code = serde_json::from_str(json).map_err(malformed)?;
    code.themes.remove(NONE_ID);
    match code.themes.iter().find(|theme| !themes.contains(theme)) {
        Some(unknown) => Err(Error::malformed(
            path,
            (line, 0),
            format!("theme `{unknown}` is not in the model"),
            format!("its themes are: {}", themes.join(", ")),
        )),
        None => Ok(Some(code)),
    }
}
