//! Files of a finished folder that are not there, or of a form that this version does not know.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::report::folder::OutputFile;

/// The one field by which any of our files says what form it has.
#[derive(Deserialize)]
struct Tagged {
    schema: String,
}

/// Reads a file of the folder, whole.
///
/// # Errors
/// `Usage` naming the file where it is not there; `Io` where it cannot be read.
pub fn bytes(dir: &Path, file: OutputFile) -> Result<Vec<u8>> {
    let path = dir.join(file.name());
    std::fs::read(&path).map_err(|error| missing_or(dir, file, error))
}

/// What to say where a file of the folder cannot be opened.
pub fn missing_or(dir: &Path, file: OutputFile, error: std::io::Error) -> Error {
    if error.kind() != std::io::ErrorKind::NotFound {
        return Error::io(dir.join(file.name()), "read", error);
    }
    Error::usage(
        format!("{}: {} is missing, which the report is made of", dir.display(), file.name()),
        "put it back, or run `themeline run` or `themeline score` again into this folder; what \
         `compare --out` wrote has a report already",
    )
}

/// The fault of a file that cannot be read as `known` (`themeline/run/1`): a later form is told from
/// a broken file.
pub fn fault(path: &Path, text: &[u8], known: &str, error: &serde_json::Error) -> Error {
    let place = (error.line(), error.column());
    if let Some(found) = later_form(text, known) {
        return later(path, &found, known);
    }
    let hint = "run `themeline run` or `themeline score` again into this folder";
    Error::malformed(path, place, format!("not of the form `{known}`: {error}"), hint)
}

/// Refuses a text that says to be `known` in another version.
///
/// # Errors
/// `Malformed` naming both.
pub fn check(path: &Path, text: &[u8], known: &str) -> Result<()> {
    match later_form(text, known) {
        Some(found) => Err(later(path, &found, known)),
        None => Ok(()),
    }
}

/// What to say of a file that is `known` in a later version.
pub fn later(path: &Path, found: &str, known: &str) -> Error {
    let message = format!(
        "its schema is `{found}`, written by a later version of themeline; this one reads `{known}`"
    );
    Error::malformed(path, (0, 0), message, "update themeline, or run it again into this folder")
}

/// The form that a text says to have, where it is `known` in another version.
fn later_form(text: &[u8], known: &str) -> Option<String> {
    let found = serde_json::from_slice::<Tagged>(text).ok()?.schema;
    let name = |form: &str| form.rsplit_once('/').map(|(name, _)| name.to_owned());
    (found != known && name(&found) == name(known)).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::run::RunFile;

    fn said(text: &str) -> String {
        let error = serde_json::from_str::<RunFile>(text).unwrap_err();
        fault(Path::new("d/run.json"), text.as_bytes(), "themeline/run/1", &error).to_string()
    }

    #[test]
    fn a_later_form_is_told_from_a_broken_file() {
        let later = said(r#"{"schema": "themeline/run/2", "new": 1}"#);
        assert_eq!(
            later,
            "d/run.json: its schema is `themeline/run/2`, written by a later version of themeline; \
             this one reads `themeline/run/1`"
        );
        assert!(said(r#"{"schema": "themeline/run/1"}"#).contains("not of the form"));
        assert!(said("{").starts_with("d/run.json:1:1"));
    }
}
