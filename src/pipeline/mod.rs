//! The verbs, on one screen: what `run`, `fit`, `score`, `compare`, `report`, `export`, `sample` and `validate`
//! do, in order.

mod clock;
mod codebooks;
mod coding;
mod compare;
mod drift;
mod encoder;
mod export;
mod job;
mod kept;
mod ledger;
mod leave_out;
mod report;
mod sample;
mod scores;
mod shard;
mod stream;
mod table;
mod validate;

use std::io::Write;
use std::path::Path;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::ingest::Inputs;
use crate::report::{OutputFile, OutputFolder, SharedFolder, write_whole};
use crate::theme::ThemeModel;
use crate::theme::promote::{self, Promotion};

pub use codebooks::{CodebookCheck, CodebookComparison, check_codebook, diff_codebooks};
pub use coding::{SampleRequest, ToCode, sample};
pub use compare::{CompareRequest, Compared, compare};
pub use export::{ExportRequest, export};
pub use job::{Outcome, Progress, ShardScored, Stage};
pub use kept::{Resumed, command as interrupted_command};
pub use report::{ReportRequest, report};
pub use shard::{Shard, check_shards};
pub use table::{TableScorer, compare_counted};
pub use validate::{ValidateRequest, validate};

use job::Job;

/// `themeline run`: fits themes on the inputs, scores every document, compares periods, and writes
/// the output folder, whole or not at all. What an interrupted run of the same kept in the folder is taken up.
///
/// # Errors
/// What stops the work as a whole; a bad record does not.
pub fn run(inputs: &[String], config: &Config, out: &Path, told: Progress<'_>) -> Result<Outcome> {
    let folder = OutputFolder::create(out)?;
    let work = || {
        let job = Job::open("run", inputs, config.encoder_choice(), config, told)?;
        let mut job = job.keeping(folder.path()).surveying();
        let model = job.fit()?;
        job.score(&model, folder)
    };
    work().map_err(|error| kept::with_next_step(error, out))
}

/// `themeline fit`: fits themes on the inputs and writes them to the file `out`.
///
/// # Errors
/// What stops the work as a whole; a bad record does not.
pub fn fit(
    inputs: &[String],
    config: &Config,
    out: &Path,
    told: Progress<'_>,
) -> Result<ThemeModel> {
    let model = fit_on(Inputs::expand(inputs)?, config, told)?;
    write_whole(out, &model.to_json())?;
    Ok(model)
}

/// [`fit`] on inputs that were found before, such as a table in memory; writes nothing.
///
/// # Errors
/// What stops the work as a whole; a bad record does not.
pub fn fit_on(inputs: Inputs, config: &Config, told: Progress<'_>) -> Result<ThemeModel> {
    Job::on("fit", inputs, config.encoder_choice(), config, told)?.fit()
}

/// `themeline score`: scores the inputs with themes fitted before, never refitting, and writes the
/// output folder, whole or not at all.
///
/// # Errors
/// What stops the work as a whole; a bad record does not.
pub fn score(
    inputs: &[String],
    model: &ThemeModel,
    config: &Config,
    out: &Path,
    told: Progress<'_>,
) -> Result<Outcome> {
    let folder = OutputFolder::create(out)?;
    let encoder = config.encoder_for(model);
    let work = || {
        let job = Job::open("score", inputs, encoder, config, told)?;
        job.keeping(folder.path()).score(model, folder)
    };
    work().map_err(|error| kept::with_next_step(error, out))
}

/// `themeline score --shard`: scores one part of the inputs and keeps what it finds in the output folder. Once all
/// parts are there ([`check_shards`]), [`score`] takes them up.
///
/// # Errors
/// What stops the work as a whole; a bad record does not.
pub fn score_shard(
    inputs: &[String],
    model: &ThemeModel,
    config: &Config,
    (out, shard): (&Path, Shard),
    told: Progress<'_>,
) -> Result<ShardScored> {
    let _folder = SharedFolder::enter(out)?;
    let work = || {
        let job = Job::open("score", inputs, config.encoder_for(model), config, told)?;
        job.keeping(out).score_shard(model, shard, out)
    };
    work().map_err(|error| kept::with_next_step_of_shard(error, out))
}

/// `themeline score -`: scores records as they come and writes the lines of `documents.jsonl` to
/// `out`, in their order, with no folder. Rejects go to `rejected`.
///
/// # Errors
/// What stops the work as a whole; a bad record does not.
pub fn score_stream(
    inputs: &[String],
    model: &ThemeModel,
    config: &Config,
    out: impl Write + Send,
    told: Progress<'_>,
) -> Result<Outcome> {
    let encoder = config.encoder_for(model);
    Job::open("score", inputs, encoder, config, told)?.score_stream(model, out)
}

/// `themeline codebook promote`: writes an emergent theme of a model into a codebook file, behind
/// what stands there, or into a new one. Gives the id that the theme has there.
///
/// # Errors
/// Those of [`promote::promoted`], and `Io` where a file cannot be read or written.
pub fn promote(themes: &Path, promotion: Promotion<'_>, into: &Path) -> Result<String> {
    let model = match themes.is_dir() {
        true => ThemeModel::load(&themes.join(OutputFile::Themes.name()))?,
        false => ThemeModel::load(themes)?,
    };
    let present = match std::fs::read_to_string(into) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Error::io(into, "read", error)),
    };
    let promoted = promote::promoted(&model, promotion, present.as_deref(), into)?;
    write_whole(into, promoted.toml.as_bytes())?;
    Ok(promoted.id)
}
