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

/// As [`read`], each code with the number of its line, from 1.
///
/// # Errors
/// As [`read`].
pub fn read_lines(path: &Path, themes: &[String]) -> Result<Vec<(usize, Code)>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "read", e))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let code = |(n, line)| Ok((n + 1, code(path, n + 1, line, themes)?));
    let codes: Vec<(usize, Code)> = lines.map(code).collect::<Result<_>>()?;
    if codes.is_empty() {
        return Err(Error::malformed(path, (0, 0), "it has no codes", FORM));
    }
    Ok(codes)
}

const FORM: &str =
    r#"a line is {"doc": "ID", "start": BYTE, "text": "SENTENCE", "themes": ["ID", ...]}"#;

fn code(path: &Path, line: usize, json: &str, themes: &[String]) -> Result<Code> {
    let mut code: Code = serde_json::from_str(json)
        .map_err(|e| Error::malformed(path, (line, e.column()), format!("no code: {e}"), FORM))?;
    code.themes.remove(NONE_ID);
    match code.themes.iter().find(|theme| !themes.contains(theme)) {
        Some(unknown) => Err(Error::malformed(
            path,
            (line, 0),
            format!("theme `{unknown}` is not in the model"),
            format!("its themes are: {}", themes.join(", ")),
        )),
        None => Ok(code),
    }
}
