//! The file of units to code: written by `sample`, filled in by a person, read by `compare`.
//!
//! A line says where a unit stands and with what probability it was drawn, and nothing of what the
//! scores say of it: a coder who knows them agrees with them.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codebook::NONE_ID;
use crate::compare::CountedDocument;
use crate::document::PeriodLength;
use crate::error::{Error, Result};

use super::rows::schema_tag;

schema_tag!(ToCodeTag, "themeline/to-code/1");

/// What to do about a line that `sample` did not write.
const HINT: &str = "draw units with `themeline sample DIR --out to-code.jsonl`, and fill in `themes` of \
                    its lines";

/// One line of `to-code.jsonl`: a unit for a person to code. `themes` is what they fill in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ToCodeRow")]
pub struct ToCodeRow<'a> {
    /// Name and version of this row's form.
    pub schema: ToCodeTag,
    /// Id of the document.
    pub doc: Cow<'a, str>,
    /// Number of the unit in the document, from 0.
    pub unit: u64,
    /// Offset of the unit's first byte in the document's text (UTF-8).
    pub start: u64,
    /// Offset one past its last byte.
    pub end: u64,
    /// The unit, which is to be coded: exactly the bytes `start..end` of the text.
    pub text: Cow<'a, str>,
    /// The text of the sentences before it, of its own and of the one after it, to understand the unit
    /// by; not to be coded.
    pub context: Cow<'a, str>,
    /// Ids of the unit's themes; empty where it has none. Null: not yet coded.
    #[serde(deserialize_with = "Option::deserialize")]
    pub themes: Option<BTreeSet<String>>,
    /// Label of the document's period.
    pub period: Cow<'a, str>,
    /// Length of the periods that the sample was drawn by.
    pub by: PeriodLength,
    /// Number of the stratum that the unit was drawn from; numbers are dealt out at random.
    pub stratum: u64,
    /// Probability of the unit to be drawn, over 0, at most 1.
    #[schemars(range(min = 0, max = 1))]
    pub probability: f64,
    /// Stands for all units that could have been drawn: their documents and numbers.
    pub frame: Cow<'a, str>,
}

/// Lines of a file of codes, each with its number, from 1.
pub type CodedLines = Vec<(usize, ToCodeRow<'static>)>;

/// The lines as bytes.
///
/// # Errors
/// `Io`, which cannot be.
pub fn to_jsonl(rows: &[ToCodeRow<'_>]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut out, row).map_err(|e| Error::io("-", "write", e.into()))?;
        out.push(b'\n');
    }
    Ok(out)
}

/// Reads lines that `sample` wrote and a person filled in. `themes`: the ids that may be given.
///
/// # Errors
/// `Io` where the file cannot be read; `Malformed` naming the line for one that was not drawn, has an
/// unknown theme or a probability out of range, or codes a unit again.
pub fn read(path: &Path, themes: &[String]) -> Result<CodedLines> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "read", e))?;
    let mut rows: CodedLines = Vec::new();
    let mut seen: HashMap<(String, u64), usize> = HashMap::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row = row(path, n + 1, line, themes)?;
        let first = *seen.entry((row.doc.to_string(), row.unit)).or_insert(n + 1);
        if first != n + 1 {
            return Err(Error::malformed(
                path,
                (n + 1, 0),
                format!("the unit of line {first} again"),
                "keep one line a unit; set coders against each other with `themeline validate`, and \
                 agree on one code",
            ));
        }
        rows.push((n + 1, row));
    }
    match rows.is_empty() {
        true => Err(Error::malformed(path, (0, 0), "it has no lines", HINT)),
        false => Ok(rows),
    }
}

fn row(path: &Path, line: usize, json: &str, themes: &[String]) -> Result<ToCodeRow<'static>> {
    let malformed = |column: usize, message: String, hint: &str| {
        Err(Error::malformed(path, (line, column), message, hint))
    };
    let value: serde_json::Value = match serde_json::from_str(json) {
        Ok(value) => value,
        Err(e) => return malformed(e.column(), format!("not JSON: {e}"), HINT),
    };
    if value.get("probability").is_none_or(serde_json::Value::is_null) {
        let message = "it has no `probability` with which the unit was drawn; codes of units that \
                       were picked in another way cannot correct shares";
        return malformed(0, message.to_owned(), HINT);
    }
    let mut row: ToCodeRow<'static> = match serde_json::from_value(value) {
        Ok(row) => row,
        Err(e) => return malformed(0, format!("not a line that was drawn: {e}"), HINT),
    };
    if !(row.probability > 0.0 && row.probability <= 1.0) {
        let message = format!("probability {} is not over 0 and at most 1", row.probability);
        return malformed(0, message, "leave all but `themes` of a line as it was drawn");
    }
    let mut coded = row.themes.iter().flatten();
    let unknown = coded.find(|theme| *theme != NONE_ID && !themes.contains(theme)).cloned();
    match unknown {
        Some(theme) => malformed(
            0,
            format!("theme `{theme}` is not in the codebook"),
            &format!("its themes are: {}", themes.join(", ")),
        ),
        None => {
            if let Some(themes) = &mut row.themes {
                themes.remove(NONE_ID);
            }
            Ok(row)
        }
    }
}

/// Stands for the units of documents: those that a sample was drawn from, if it is the same.
pub fn frame_of<'d>(documents: impl IntoIterator<Item = &'d CountedDocument>) -> String {
    let mut sizes: Vec<(&str, u64)> =
        documents.into_iter().map(|document| (&*document.id, document.n_units)).collect();
    sizes.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for (id, n_units) in sizes {
        hasher.update(&(id.len() as u64).to_le_bytes()).update(id.as_bytes());
        hasher.update(&n_units.to_le_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
