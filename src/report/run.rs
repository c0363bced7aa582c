//! What `run.json` holds: the run itself. Whatever may differ between two runs on the same input
//! (timings, absolute paths, the number of threads) stands here and nowhere else.

use std::io;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rows::schema_tag;
use super::value::{InOrder, Rounded};

schema_tag!(RunTag, "themeline/run/1");

/// `run.json`, whole. It is written last: a folder without it is not a finished run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunFile {
    /// Name and version of this file's form.
    pub schema: RunTag,
    /// Version of themeline that ran.
    pub themeline: String,
    /// The verb: `run`, `score`, ...
    pub command: String,
    /// Every option with its value, defaults included.
    pub options: Value,
    /// Fingerprint of all that decides the results: options that change them, encoder, codebook.
    /// Runs with the same fingerprint on the same input have the same results.
    pub fingerprint: String,
    /// The encoder that turned text into vectors.
    pub encoder: EncoderUsed,
    /// The codebook that the themes come from. Null: the themes were found without one.
    pub codebook: Option<CodebookUsed>,
    /// The files read, in order.
    pub inputs: Vec<InputRead>,
    /// What became of the records; `in` = `scored` + `rejected` + `duplicates` + `filtered`.
    pub counts: Counts,
    /// Wall-clock seconds by stage, in the order of the work.
    pub timings: InOrder<Rounded>,
    /// Where the seconds of the stage `score` went: seconds of work by part (`ingest`, `segment`,
    /// `encode`, `score`, `write`), added up over all threads.
    #[serde(default)]
    #[schemars(required)]
    pub scoring: InOrder<Rounded>,
    /// Threads used. At least 1.
    pub n_threads: u64,
    /// What the user should know of, in words; empty where all is well.
    pub warnings: Vec<String>,
    /// The other files of the folder, by name, as they were when the run ended.
    pub files: Vec<FileWritten>,
}

/// The encoder of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EncoderUsed {
    /// Name, as given by `--encoder`.
    pub name: String,
    /// Hash of its weights and settings.
    pub fingerprint: String,
    /// Length of its vectors. At least 1.
    pub dimension: u64,
}

/// The codebook of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodebookUsed {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Hash of its contents.
    pub fingerprint: String,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputRead {
    /// The file, relative to the input it was found under; `-` for standard input.
    pub file: String,
    /// Its absolute path. Null: it has none (standard input).
    pub path: Option<String>,
    /// Its size in bytes, as it lies (compressed files: compressed).
    pub bytes: u64,
    /// BLAKE3 hash of these bytes, 64 hexadecimal digits.
    pub blake3: String,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileWritten {
    /// Its name in the folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// BLAKE3 hash of its bytes, 64 hexadecimal digits.
    pub blake3: String,
}

/// What became of the records read. No record is dropped silently, so the parts sum to the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Records read.
    #[serde(rename = "in")]
    pub read: u64,
    /// Documents scored, repeated ones not counted.
    pub scored: u64,
    /// Records that could not become a document: the lines of `rejects.jsonl`.
    pub rejected: u64,
    /// Documents that repeat an earlier one.
    pub duplicates: u64,
    /// Documents left out because an option said so.
    pub filtered: u64,
}

impl std::ops::Add for Counts {
    type Output = Counts;

    fn add(self, other: Counts) -> Counts {
        Counts {
            read: self.read + other.read,
            scored: self.scored + other.scored,
            rejected: self.rejected + other.rejected,
            duplicates: self.duplicates + other.duplicates,
            filtered: self.filtered + other.filtered,
        }
    }
}

impl Counts {
    /// An error (`InvalidData`) where the parts do not sum to the whole.
    pub fn check(&self) -> io::Result<()> {
        let accounted = self.scored + self.rejected + self.duplicates + self.filtered;
        if self.read == accounted {
            return Ok(());
        }
        let message = format!("{} records were read but {accounted} accounted for", self.read);
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_must_sum_to_what_was_read() {
        let whole = Counts { read: 10, scored: 6, rejected: 1, duplicates: 2, filtered: 1 };
        assert!(whole.check().is_ok());
        let lost = Counts { read: 11, ..whole }.check().unwrap_err();
        assert_eq!(lost.to_string(), "11 records were read but 10 accounted for");
    }
}
