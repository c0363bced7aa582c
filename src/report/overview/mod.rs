//! What a report is made of: a finished folder in one value, as much of it as people look at. The
//! corpus stays in the folder; passages, documents and texts are chosen within a budget.

mod evidence;
pub mod series;
mod shown;
mod texts;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::theme::ThemeModel;
use crate::validate::{self, Validation};

use super::copies::{CopiesTag, CopyRow};
use super::folder::OutputFile;
use super::form;
use super::rows::{RejectRow, RejectsTag};
use super::run::RunFile;
use super::trends::{TrendsFile, TrendsTag};

pub use evidence::DocumentHead;
pub use series::Series;
pub use shown::{Passage, WholeText, between};
pub use texts::Unit;

use evidence::Places;

/// Rows of copies and rejects that are listed.
const MAX_ROWS: usize = 40;

/// A finished folder, to be looked at.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The record of the run.
    pub run: RunFile,
    /// The fitted themes.
    pub model: ThemeModel,
    /// Shares and changes.
    pub trends: TrendsFile,
    /// Shares by theme and period. Places of themes and periods, everywhere here, are those of it.
    pub series: Series,
    /// Documents in the folder.
    pub n_documents: usize,
    /// Passages in `documents.jsonl`.
    pub n_passages: usize,
    /// The documents that are listed, in the order of the corpus.
    pub documents: Vec<Arc<DocumentHead>>,
    /// The best passages, by theme, period and score.
    pub passages: Vec<Passage>,
    /// Whole texts of some documents.
    pub texts: Vec<WholeText>,
    /// What repeats what; by kind.
    pub copies: Listed<CopyRow>,
    /// What could not be read; by code.
    pub rejects: Listed<RejectRow>,
    /// Hand codes against scores. `None`: no `validation.json` is there.
    pub validation: Option<Validation>,
}

/// The first rows of a file of lines, and how many of each kind there are.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The first rows.
    pub rows: Vec<T>,
    /// Rows by kind.
    pub counts: BTreeMap<String, u64>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Listed { rows: Vec::new(), counts: BTreeMap::new() }
    }
}

impl<T> Listed<T> {
    /// All rows of the file.
    pub fn n(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// What a report is about: the record of a run, its themes, and what became of them.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The record of the run.
    pub run: RunFile,
    /// The fitted themes.
    pub model: ThemeModel,
    /// Shares and changes.
    pub trends: TrendsFile,
}

impl Compared {
    /// Reads `themes.json` and `trends.json` of a finished folder.
    ///
    /// # Errors
    /// `Usage` where the folder is no finished run or a file is missing; `Malformed` where one is of
    /// another form.
    pub fn read(dir: &Path) -> Result<Compared> {
        let run = super::read::run_file(dir)?;
        let (path, bytes) = read(dir, OutputFile::Themes)?;
        form::check(&path, &bytes, crate::theme::SCHEMA)?;
        let model = ThemeModel::from_json(&bytes, &path)?;
        let (path, bytes) = read(dir, OutputFile::TrendsJson)?;
        let trends = serde_json::from_slice(&bytes)
            .map_err(|e| form::fault(&path, &bytes, TrendsTag::NAME, &e))?;
        Ok(Compared { run, model, trends })
    }
}

fn read(dir: &Path, file: OutputFile) -> Result<(std::path::PathBuf, Vec<u8>)> {
    Ok((dir.join(file.name()), form::bytes(dir, file)?))
}

impl Overview {
    /// Reads a finished folder.
    ///
    /// # Errors
    /// Those of [`Compared::read`] and [`Overview::gather`].
    pub fn read(dir: &Path) -> Result<Overview> {
        Overview::gather(&[dir], Compared::read(dir)?)
    }

    /// Chooses from the folders that hold the documents what is to be shown of them.
    ///
    /// # Errors
    /// `Usage` where a file is missing; `Io` or `Malformed` where one cannot be read.
    pub fn gather(dirs: &[impl AsRef<Path>], compared: Compared) -> Result<Overview> {
        let Compared { run, model, trends } = compared;
        let series = Series::new(&trends, &model);
        let chosen = evidence::choose(dirs, &places(&series, &trends))?;
        let passages = shown::passages(dirs, &chosen)?;
        let documents = shown::listed(&chosen, &passages);
        let texts = shown::whole_texts(dirs, &documents, &passages)?;
        let (mut copies, mut rejects) = (Listed::default(), Listed::default());
        let mut validation = None;
        for dir in dirs.iter().map(AsRef::as_ref) {
            list(dir, OutputFile::Copies, CopiesTag::NAME, &mut copies, kind_of)?;
            list(dir, OutputFile::Rejects, RejectsTag::NAME, &mut rejects, code_of)?;
            validation = validation.or(validation_of(dir)?);
        }
        let (n_documents, n_passages) = (chosen.n_documents, chosen.n_passages);
        Ok(Overview {
            run,
            model,
            trends,
            series,
            n_documents,
            n_passages,
            documents,
            passages,
            texts,
            copies,
            rejects,
            validation,
        })
    }
}

fn places<'p>(series: &'p Series, trends: &TrendsFile) -> Places<'p> {
    let periods = series.periods.iter().enumerate();
    let periods = periods.map(|(place, period)| (period.label.as_str(), place)).collect();
    let themes = series.themes.iter().enumerate();
    let themes = themes.map(|(place, theme)| (theme.id.as_str(), place)).collect();
    Places { themes, periods, by: trends.by, copies: trends.copies }
}

fn kind_of(row: &CopyRow) -> String {
    name_of(&row.kind)
}

fn code_of(row: &RejectRow) -> String {
    name_of(&row.reject.code)
}

/// The name of a kind as it is written in its file.
fn name_of(kind: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(kind).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Adds the rows of a file of lines; one that is not there has none.
fn list<T: DeserializeOwned>(
    dir: &Path,
    file: OutputFile,
    known: &str,
    listed: &mut Listed<T>,
    kind: impl Fn(&T) -> String,
) -> Result<()> {
    let path = dir.join(file.name());
    let lines = match File::open(&path) {
        Ok(file) => BufReader::new(file).lines(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io(&path, "read", error)),
    };
    for line in lines {
        let line = line.map_err(|e| Error::io(&path, "read", e))?;
        let row: T = serde_json::from_str(&line)
            .map_err(|e| form::fault(&path, line.as_bytes(), known, &e))?;
        *listed.counts.entry(kind(&row)).or_default() += 1;
        if listed.rows.len() < MAX_ROWS {
            listed.rows.push(row);
        }
    }
    Ok(())
}

/// What `themeline validate` left.
fn validation_of(dir: &Path) -> Result<Option<Validation>> {
    let path = dir.join(OutputFile::Validation.name());
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(&path, "read", error)),
    };
    form::check(&path, &bytes, validate::SCHEMA)?;
    let read = serde_json::from_slice(&bytes);
    read.map(Some).map_err(|e| form::fault(&path, &bytes, validate::SCHEMA, &e))
}
