//! The files of an output folder: their names, and how one is written before it is moved in.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::report::run::FileWritten;

/// The files of an output folder.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutputFile {
    /// `documents.jsonl`
    Documents,
    /// `units.parquet`
    UnitsParquet,
    /// `units.jsonl`
    UnitsJsonl,
    /// `scores.parquet`
    Scores,
    /// `themes.json`
    Themes,
    /// `trends.json`
    TrendsJson,
    /// `trends.parquet`
    TrendsParquet,
    /// `copies.jsonl`
    Copies,
    /// `rejects.jsonl`
    Rejects,
    /// `validation.json`; written by `themeline validate` alone.
    Validation,
    /// `report.html`
    Report,
    /// `datapackage.json`; written by [`OutputFolder::commit`] and [`OutputFolder::amend`].
    DataPackage,
    /// `run.json`; written by [`OutputFolder::commit`] alone.
    Run,
}

impl OutputFile {
    /// All of them, in the order of the contract.
    pub const ALL: [OutputFile; 13] = [
        OutputFile::Documents,
        OutputFile::UnitsParquet,
        OutputFile::UnitsJsonl,
        OutputFile::Scores,
        OutputFile::Themes,
        OutputFile::TrendsJson,
        OutputFile::TrendsParquet,
        OutputFile::Copies,
        OutputFile::Rejects,
        OutputFile::Validation,
        OutputFile::Report,
        OutputFile::DataPackage,
        OutputFile::Run,
    ];

    /// The name in the folder.
    pub fn name(self) -> &'static str {
        match self {
            OutputFile::Documents => "documents.jsonl",
            OutputFile::UnitsParquet => "units.parquet",
            OutputFile::UnitsJsonl => "units.jsonl",
            OutputFile::Scores => "scores.parquet",
            OutputFile::Themes => "themes.json",
            OutputFile::TrendsJson => "trends.json",
            OutputFile::TrendsParquet => "trends.parquet",
            OutputFile::Copies => "copies.jsonl",
            OutputFile::Rejects => "rejects.jsonl",
            OutputFile::Validation => "validation.json",
            OutputFile::Report => "report.html",
            OutputFile::DataPackage => "datapackage.json",
            OutputFile::Run => "run.json",
        }
    }
}

/// A file in staging. What is written to it is counted and hashed on the way.
#[derive(Debug)]
pub struct StagedFile {
    file: OutputFile,
    target: PathBuf,
    out: BufWriter<Hashed>,
}

/// A file, and the hash of what was written to it; under the buffer, for whole blocks are hashed many times as fast as
/// words are.
#[derive(Debug)]
struct Hashed {
    staged: File,
    hasher: blake3::Hasher,
}

impl StagedFile {
    pub(super) fn new(file: OutputFile, target: PathBuf, staged: File) -> Self {
        let hashed = Hashed { staged, hasher: blake3::Hasher::new() };
        StagedFile { file, target, out: BufWriter::with_capacity(1 << 16, hashed) }
    }

    pub(super) fn file(&self) -> OutputFile {
        self.file
    }

    /// Where the file will be once the folder is committed.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Brings the bytes to the disk.
    pub(super) fn close(self) -> Result<FileWritten> {
        let StagedFile { file, target, out } = self;
        let Hashed { hasher, .. } = out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|hashed| hashed.staged.sync_all().map(|()| hashed))
            .map_err(|source| Error::io(target, "write", source))?;
        let (bytes, blake3) = (hasher.count(), hasher.finalize().to_hex().to_string());
        Ok(FileWritten { name: file.name().to_owned(), bytes, blake3 })
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.staged.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.staged.flush()
    }
}
