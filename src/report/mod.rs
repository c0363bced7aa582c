//! From scores to bytes: the rows that users hold in their hands, one file a format, and the folder
//! that holds them whole or not at all.
//!
//! Exporters are pure: values in, bytes out, to any [`Write`]. They take documents batch by batch,
//! so that a corpus need not fit the memory, and leave the same bytes whatever the batches were.
//! Where the bytes lie, and when they count, is the business of [`folder`].

pub mod value;
pub mod rows;
pub mod closer;
pub mod emergence;
pub mod trends;
pub mod trend_row;
pub mod run;
pub mod jsonl;
pub mod copies;
pub mod parquet;
pub mod schema;
pub mod package;
pub mod folder;
pub mod table;
pub mod validation;
mod ahead;
mod form;
pub mod read;
pub mod tables;
pub mod counted;
pub mod csv;
pub mod carried;
pub mod sole_terms;
pub mod units;
pub mod to_code;
pub mod corrected;
pub mod changes;
mod courses;
pub mod overview;
pub mod html;

#[cfg(test)]
mod fixture;

use std::io::{self, Write};
use std::path::PathBuf;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::score::ScoredDocument;

pub use copies::copies_jsonl;
pub use folder::{KEPT_FOLDER, OutputFile, OutputFolder, SharedFolder, StagedFile, write_whole};
pub use jsonl::{DocumentsJsonl, UnitsJsonl, json_file, rejects_jsonl};
pub use parquet::{ArrowTable, ScoresParquet, TablesInMemory, UnitsParquet, trends_parquet};
pub use schema::schema;
pub use value::{InOrder, Rounded, ThemeIds};

/// A format of the scored documents. `W` is where the bytes go.
pub trait Exporter<W: Write> {
    /// Writes a batch of documents, in their order.
    ///
    /// # Errors
    /// What the writer says; `InvalidData` for a document that does not fit the model, or a
    /// number that is not finite.
    fn write(&mut self, documents: &[ScoredDocument]) -> io::Result<()>;

    /// Writes what is left and gives the writer back, which then has all bytes of the file.
    fn finish(self: Box<Self>) -> io::Result<W>;
}

/// Which files are written, and what goes into them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportOptions {
    /// Most passages for each theme of a document in `documents.jsonl`.
    pub evidence_per_theme: usize,
    /// Whether to write `units.jsonl` too.
    pub units_jsonl: bool,
}

/// The exporters of an output folder, open side by side: `documents.jsonl`, `units.parquet`,
/// `scores.parquet` and, where asked for, `units.jsonl`.
pub struct Exports {
    open: Vec<OpenExport>,
}

type BoxedExporter = Box<dyn Exporter<StagedFile> + Send>;

struct OpenExport {
    target: PathBuf,
    exporter: BoxedExporter,
}

impl Exports {
    /// Opens every file, before long work begins.
    pub fn open(
        folder: &mut OutputFolder,
        themes: &ThemeIds,
        options: ExportOptions,
    ) -> Result<Self> {
        let mut exports = Exports { open: Vec::new() };
        exports.add(folder, OutputFile::Documents, |out| {
            Ok(Box::new(DocumentsJsonl::new(out, themes.clone(), options.evidence_per_theme)))
        })?;
        exports.add(folder, OutputFile::UnitsParquet, |out| {
            Ok(Box::new(UnitsParquet::new(out, themes.clone())?))
        })?;
        exports.add(folder, OutputFile::Scores, |out| {
            Ok(Box::new(ScoresParquet::new(out, themes.clone())?))
        })?;
        if options.units_jsonl {
            exports.add(folder, OutputFile::UnitsJsonl, |out| {
                Ok(Box::new(UnitsJsonl::new(out, themes.clone())))
            })?;
        }
        Ok(exports)
    }

    fn add(
        &mut self,
        folder: &mut OutputFolder,
        file: OutputFile,
        make: impl FnOnce(StagedFile) -> io::Result<BoxedExporter>,
    ) -> Result<()> {
        let staged = folder.file(file)?;
        let target = staged.target().to_path_buf();
        let exporter = make(staged).map_err(|source| Error::io(&target, "write", source))?;
        self.open.push(OpenExport { target, exporter });
        Ok(())
    }

    /// Writes a batch of documents to every file, the files in parallel.
    pub fn write(&mut self, documents: &[ScoredDocument]) -> Result<()> {
        self.open.par_iter_mut().try_for_each(|open| {
            open.exporter
                .write(documents)
                .map_err(|source| Error::io(&open.target, "write", source))
        })
    }

    /// Ends every file and hands it to the folder.
    pub fn finish(self, folder: &mut OutputFolder) -> Result<()> {
        self.open.into_iter().try_for_each(|OpenExport { target, exporter }| {
            let staged = exporter.finish().map_err(|source| Error::io(target, "write", source))?;
            folder.keep(staged)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{corpus, run_file, themes};

    /// The bytes of every file but `run.json`, written in batches of `size`.
    fn written(documents: &[ScoredDocument], size: usize) -> Vec<(String, Vec<u8>)> {
        let root = tempfile::tempdir().unwrap();
        let mut folder = OutputFolder::create(root.path()).unwrap();
        let options = ExportOptions { evidence_per_theme: 2, units_jsonl: true };
        let mut exports = Exports::open(&mut folder, &themes(), options).unwrap();
        documents.chunks(size).for_each(|batch| exports.write(batch).unwrap());
        exports.finish(&mut folder).unwrap();
        folder.commit(run_file()).unwrap();
        let names = ["documents.jsonl", "scores.parquet", "units.jsonl", "units.parquet"];
        names.map(|name| (name.to_owned(), std::fs::read(root.path().join(name)).unwrap())).into()
    }

    #[test]
    fn the_bytes_are_the_same_whatever_the_batches() {
        // More units than fit one row group, in a number that no batch size divides.
        let documents = corpus(5_501);
        let n_units: usize = documents.iter().map(|d| d.units.len()).sum();
        assert!(n_units > parquet::GROUP_ROWS);
        let whole = written(&documents, documents.len());
        for size in [1, 7, 1_000] {
            for ((name, bytes), (_, expected)) in written(&documents, size).iter().zip(&whole) {
                assert!(bytes == expected, "{name} differs with batches of {size}");
            }
        }
    }

    #[test]
    fn a_document_of_another_model_is_refused_with_its_file_and_id() {
        let root = tempfile::tempdir().unwrap();
        let mut folder = OutputFolder::create(root.path()).unwrap();
        let options = ExportOptions { evidence_per_theme: 2, units_jsonl: false };
        let mut exports = Exports::open(&mut folder, &themes(), options).unwrap();
        let spoil: [fn(&mut ScoredDocument); 4] = [
            |d| d.themes.truncate(2),
            |d| d.units[0].cluster = Some(99),
            |d| d.units[0].span.end = 1 << 40,
            |d| d.evidence[0].unit = 99,
        ];
        for spoil in spoil {
            let mut documents = corpus(1);
            spoil(&mut documents[0]);
            let error = exports.write(&documents).unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.starts_with("document \"d0\": "), "{cause}");
        }
        let mut documents = corpus(1);
        documents[0].themes[0].share = f64::NAN;
        assert!(exports.write(&documents).is_err());
    }
}
