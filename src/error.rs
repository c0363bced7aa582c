//! What can go wrong, with its place.
//!
//! An error names the path, line or record, the field and the cause, each once, and what to do
//! next. `Display` gives the place and the fault, `source` the cause beneath it (never repeated in
//! `Display`), [`Error::hint`] the next step. A fault in one record of the input is no `Error`: it
//! is a [`crate::document::Reject`], and the rest of the corpus goes on.

use std::path::{Path, PathBuf};

/// The result of every fallible call of this library.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that ends a command early.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused: `action` is what was tried, such as "read" or "create".
    #[error("{}: cannot {action}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The verb, in the infinitive.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The command line, the configuration or the input as a whole cannot be used as given.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do instead.
        hint: String,
    },
    /// A file that must have a given form (codebook, configuration, model, codes) does not.
    #[error("{}{}: {message}", path.display(), at(*line, *column))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, from 1; 0 where the fault has no line.
        line: usize,
        /// Column, from 1; 0 where the fault has no column.
        column: usize,
        /// What is wrong.
        message: String,
        /// What to do instead.
        hint: String,
    },
    /// An encoder is missing, or its files do not fit together.
    #[error("encoder `{name}`: {message}")]
    Encoder {
        /// The name or folder that the user gave.
        name: String,
        /// What is wrong.
        message: String,
        /// What to do next.
        hint: String,
    },
    /// The work finished, but more records were rejected than allowed.
    #[error(
        "{rejected} of {total} records were rejected, more than the allowed {:.2} %",
        max_rate * 100.0
    )]
    TooManyRejects {
        /// Records rejected.
        rejected: u64,
        /// Records read.
        total: u64,
        /// The allowed rate, 0..1.
        max_rate: f64,
    },
    /// More memory is needed than is allowed.
    #[error(
        "{} of memory are needed, and --memory allows {}",
        size(*needed),
        size(*limit)
    )]
    Memory {
        /// Bytes that are held.
        needed: u64,
        /// Bytes that are allowed.
        limit: u64,
        /// What to do next, where what was done is kept.
        kept: Option<String>,
    },
    /// The work was asked to end before it was done.
    #[error("stopped by {}", signal_name(*signal))]
    Interrupted {
        /// Number of the signal.
        signal: u8,
        /// What to do next, where what was done is kept.
        kept: Option<String>,
    },
}

/// A size as users write it: `2.0 GB`.
fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().si().to_string()
}

fn signal_name(signal: u8) -> String {
    match signal {
        2 => "SIGINT".to_owned(),
        15 => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    }
}

fn at(line: usize, column: usize) -> String {
    match (line, column) {
        (0, _) => String::new(),
        (line, 0) => format!(":{line}"),
        (line, column) => format!(":{line}:{column}"),
    }
}

impl Error {
    /// An I/O error at `path`, while doing `action` ("read", "create", ...).
    pub fn io(path: impl AsRef<Path>, action: &'static str, source: std::io::Error) -> Self {
        Error::Io { path: path.as_ref().to_path_buf(), action, source }
    }

    /// A usage error with its next step.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Error::Usage { message: message.into(), hint: hint.into() }
    }

    /// An encoder error with its next step.
    pub fn encoder(
        name: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Error::Encoder { name: name.into(), message: message.into(), hint: hint.into() }
    }

    /// A file of the wrong form; `line` and `column` count from 1, 0 means unknown.
    pub fn malformed(
        path: impl AsRef<Path>,
        (line, column): (usize, usize),
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Error::Malformed {
            path: path.as_ref().to_path_buf(),
            line,
            column,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// What to do next, where that is not plain from the message.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Error::Usage { hint, .. }
            | Error::Malformed { hint, .. }
            | Error::Encoder { hint, .. } => Some(hint),
            Error::TooManyRejects { .. } => Some(
                "read rejects.jsonl in the output folder; mend the input, or allow more with \
                 --max-reject-rate",
            ),
            Error::Interrupted { kept, .. } => {
                Some(kept.as_deref().unwrap_or("nothing was written; start it again"))
            }
            Error::Memory { kept, .. } => Some(kept.as_deref().unwrap_or(
                "allow more, or score the documents in parts, each into a folder of its own, and `compare` \
                 the folders; or in parts on several machines (--shard)",
            )),
            Error::Io { .. } => None,
        }
    }

    /// The exit code of the contract: 1 failed and can be resumed, 2 usage or configuration,
    /// 3 finished with too many rejects, 128 + the number of a signal that ended it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Io { .. } | Error::Memory { .. } => 1,
            Error::Usage { .. } | Error::Malformed { .. } | Error::Encoder { .. } => 2,
            Error::TooManyRejects { .. } => 3,
            Error::Interrupted { signal, .. } => 128u8.saturating_add(*signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_file_reads_path_line_column_message() {
        let error = Error::malformed("a.toml", (3, 7), "unknown key `term`", "write `terms`");
        assert_eq!(error.to_string(), "a.toml:3:7: unknown key `term`");
        assert_eq!(error.hint(), Some("write `terms`"));
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn an_io_error_does_not_repeat_its_cause() {
        let cause = std::io::Error::other("disk on fire");
        let error = Error::io("out", "create", cause);
        assert_eq!(error.to_string(), "out: cannot create");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "disk on fire");
    }
}
