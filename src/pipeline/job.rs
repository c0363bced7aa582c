//! One run of a verb: its inputs and encoder, the counts of what became of every record, and where
//! the time went.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use crate::codebook::Codebook;
use crate::compare::CompareOptions;
use crate::config::Config;
use crate::copies::{Copies, CopyFound, Finder, Marks, Shared, Survey, Trace};
use crate::document::{Document, Reject};
use crate::embed::{Embedder, EncoderChoice};
use crate::error::{Error, Result};
use crate::ingest::{Inputs, RawRecord, Records, Why};
use crate::report::overview::Compared;
use crate::report::run::{CodebookUsed, Counts, EncoderUsed, InputRead, RunFile};
use crate::report::table::reject_line;
use crate::report::trends::TrendsFile;
use crate::report::{
    DocumentsJsonl, ExportOptions, Exporter, Exports, OutputFile, OutputFolder, Rounded, ThemeIds,
    copies_jsonl, rejects_jsonl,
};
use crate::score::{ScoredDocument, Scorer};
use crate::theme::codes::{self, Code};
use crate::theme::{self, FoundTheme, ThemeModel, evidence};

use super::clock::{Clock, Part, Timed};
use super::compare::write_trends;
use super::encoder;
use super::kept::{self, Kept, Key, Resumed};
use super::ledger::Ledger;
use super::report::write_report;
use super::sample::Sample;
use super::scores::Scores;
use super::shard::Shard;
use super::stream::{self, Read};

/// Rejects shown where there is nothing else.
const SHOWN_REJECTS: usize = 3;
/// About how many bytes of text a unit has: what turns a bound on units into one on bytes.
pub(super) const BYTES_PER_UNIT: usize = 120;

/// A stage of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading the corpus for the sample that themes are fitted on.
    Sample,
    /// Looking for texts that stand in the corpus more than once.
    Copies,
    /// Fitting the themes.
    Fit,
    /// Scoring every document.
    Score,
    /// Comparing periods.
    Compare,
    /// Finishing the output.
    Write,
    /// Making the page that it is looked at in.
    Report,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Sample => "sample",
            Stage::Copies => "copies",
            Stage::Fit => "fit",
            Stage::Score => "score",
            Stage::Compare => "compare",
            Stage::Write => "write",
            Stage::Report => "report",
        }
    }
}

/// Told of every stage and of the records done in it so far.
pub type Progress<'p> = &'p (dyn Fn(Stage, u64) + Sync);

/// What a finished job has to say to its user.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What became of the records.
    pub counts: Counts,
    /// Shares by period.
    pub trends: TrendsFile,
    /// (id, name) of the themes, in the model's order.
    pub themes: Vec<(String, String)>,
    /// What repeats what: documents and passages in the order of the corpus, then events.
    pub copies: Vec<CopyFound>,
    /// The emergent themes among them.
    pub found: Vec<FoundTheme>,
    /// What the user should know of.
    pub warnings: Vec<String>,
    /// Rejects, where no folder keeps them.
    pub rejects: Vec<Reject>,
    /// What an interrupted run had left. No file tells of it: they are what they would have been.
    pub resumed: Resumed,
    max_reject_rate: f64,
}

impl Outcome {
    /// An error where more records were rejected than allowed; the output is whole all the same.
    ///
    /// # Errors
    /// `TooManyRejects`.
    pub fn check_rejects(&self) -> Result<()> {
        let (rejected, total) = (self.counts.rejected, self.counts.read);
        if rejected as f64 > self.max_reject_rate * total as f64 {
            return Err(Error::TooManyRejects { rejected, total, max_rate: self.max_reject_rate });
        }
        Ok(())
    }
}

/// What became of the records of one part of a scoring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShardScored {
    /// Documents that are scored, copies of others included.
    pub n_documents: u64,
    /// Records that no document could be made of.
    pub n_rejected: u64,
}

impl ShardScored {
    fn enter(&mut self, batch: &[Read<ScoredDocument>]) {
        let n_documents = batch.iter().flatten().count();
        self.n_documents += n_documents as u64;
        self.n_rejected += (batch.len() - n_documents) as u64;
    }
}

/// A verb at work.
pub struct Job<'j> {
    verb: &'static str,
    pub(super) config: &'j Config,
    pub(super) inputs: Inputs,
    pub(super) embedder: Arc<dyn Embedder>,
    told: Progress<'j>,
    timings: Vec<(Stage, f64)>,
    /// Where the time of [`Stage::Score`] went.
    clock: Clock,
    warnings: Vec<String>,
    /// Filled while the sample is drawn, where scoring is to follow.
    survey: Option<Survey>,
    /// Where what is done is kept until the whole is done.
    kept: Option<Kept>,
}

impl<'j> Job<'j> {
    /// Finds the inputs and opens the encoder.
    pub fn open(
        verb: &'static str,
        inputs: &[String],
        encoder: EncoderChoice<'_>,
        config: &'j Config,
        told: Progress<'j>,
    ) -> Result<Self> {
        Job::on(verb, Inputs::expand(inputs)?, encoder, config, told)
    }

    /// Opens the encoder for inputs that were found before.
    pub fn on(
        verb: &'static str,
        inputs: Inputs,
        encoder: EncoderChoice<'_>,
        config: &'j Config,
        told: Progress<'j>,
    ) -> Result<Self> {
        let encoder = encoder::open(encoder, config)?;
        Ok(Job::with(verb, inputs, encoder.into(), config, told))
    }

    /// With an encoder that is open, for inputs that were found before.
    pub fn with(
        verb: &'static str,
        inputs: Inputs,
        embedder: Arc<dyn Embedder>,
        config: &'j Config,
        told: Progress<'j>,
    ) -> Self {
        let warnings = skipped_warning(&inputs).into_iter().collect();
        let (timings, clock) = (Vec::new(), Clock::default());
        let (survey, kept) = (None, None);
        Job { verb, config, inputs, embedder, told, timings, clock, warnings, survey, kept }
    }

    /// Keeps what is done in the folder, and takes up what an interrupted run kept there.
    pub fn keeping(mut self, out: &Path) -> Self {
        self.kept = Some(Kept::beside(out, self.config.command.clone()));
        self
    }

    /// Looks for copies while the sample is drawn, since scoring is to follow.
    pub fn surveying(mut self) -> Self {
        self.survey = Some(self.new_survey());
        self
    }

    /// Fits themes on a sample of the inputs.
    pub fn fit(&mut self) -> Result<ThemeModel> {
        let codebook = Codebook::open(&self.config.codebook)?;
        let themes: Vec<String> = codebook.themes.iter().map(|theme| theme.id.clone()).collect();
        let codes = self.config.codes.as_deref().map(|path| codes::read(path, &themes));
        let codes = codes.transpose()?.unwrap_or_default();
        let sample = self.timed(Stage::Sample, |job| job.sample(&codes))?;
        self.timed(Stage::Fit, |job| {
            let options = theme::FitOptions {
                codes: &codes,
                max_emergent: job.config.max_emergent,
                seed: job.config.seed,
            };
            let encoder = job.timed_encoder();
            let Some(kept) = &job.kept else {
                return theme::fit(&sample, codebook, &encoder, options);
            };
            let key = job.key_of_themes(&sample, &codebook)?;
            kept.themes(&key, || theme::fit(&sample, codebook, &encoder, options))
        })
    }

    /// A hash of all that the fitted themes follow from.
    fn key_of_themes(&self, sample: &[Document], codebook: &Codebook) -> Result<Key> {
        let mut key = kept::key("themes", &*self.embedder);
        kept::add(&mut key, json!(codebook).to_string().as_bytes());
        kept::add(&mut key, &(self.config.max_emergent as u64).to_le_bytes());
        kept::add(&mut key, &self.config.seed.to_le_bytes());
        if let Some(codes) = &self.config.codes {
            let codes = std::fs::read(codes).map_err(|e| Error::io(codes, "read", e))?;
            kept::add(&mut key, &codes);
        }
        sample.iter().for_each(|document| kept::add(&mut key, document.id.as_bytes()));
        Ok(kept::key_of_texts(key, sample))
    }

    /// An error where the work is to end before it is done.
    fn check(&self) -> Result<()> {
        self.config.stop.check()?;
        self.config.memory.check()
    }

    fn timed_encoder(&self) -> Timed<'_> {
        Timed { encoder: &*self.embedder, clock: &self.clock, stop: &self.config.stop }
    }

    /// A sample of the inputs, with the documents of `codes` in it first.
    pub(super) fn sample(&mut self, codes: &[Code]) -> Result<Vec<Document>> {
        let coded: HashSet<&str> =
            codes.iter().flat_map(|c| [&c.id, &c.doc]).flatten().map(String::as_str).collect();
        let max_bytes = self.config.sample_units.saturating_mul(BYTES_PER_UNIT);
        let mut sample = Sample::new(self.config.seed, max_bytes);
        let (key, mut n) = (sample.key(), 0);
        let mut survey = self.survey.take();
        let is_surveyed = survey.is_some();
        let rank = |document: Document| {
            let marks = is_surveyed.then(|| Marks::of(&document));
            let is_coded = coded.contains(document.id.as_str());
            let rank = if is_coded { Sample::first_rank } else { Sample::rank };
            Ok((rank(&key, &document.text), marks, document))
        };
        let (records, clock) = (self.inputs.read(&self.config.ingest)?, Clock::default());
        let mut rejects = Vec::new();
        stream::each(records, &self.config.ingest, &clock, rank, |batch| {
            n += batch.len() as u64;
            for read in batch {
                match read {
                    Ok((rank, marks, document)) => {
                        if let Some((survey, marks)) = survey.as_mut().zip(marks) {
                            survey.enter(marks).map_err(|e| self.survey_failed(e))?;
                        }
                        sample.offer(rank, document);
                    }
                    Err(reject) if rejects.len() < SHOWN_REJECTS => rejects.push(reject),
                    Err(_) => {}
                }
            }
            (self.told)(Stage::Sample, n);
            self.check()
        })?;
        self.survey = survey;
        let sample = sample.into_documents();
        if sample.is_empty() {
            return Err(no_documents(n, &rejects));
        }
        Ok(sample)
    }

    /// What stands in the inputs more than once: as the survey saw it while the sample was drawn, or on
    /// a reading of its own.
    fn shared(&mut self) -> Result<Shared> {
        let survey = match self.survey.take() {
            Some(survey) => survey,
            None => {
                let mut survey = self.new_survey();
                let enter = |marks| survey.enter(marks).map_err(|e| self.survey_failed(e));
                self.each(|document| Marks::of(&document), enter)?;
                survey
            }
        };
        survey.finish().map_err(|e| self.survey_failed(e))
    }

    fn new_survey(&self) -> Survey {
        Survey::beside(self.folder())
    }

    /// Where to put what does not fit in memory; `None`: into the system's folder.
    fn folder(&self) -> Option<&Path> {
        self.kept.as_ref().map(Kept::out)
    }

    fn survey_failed(&self, source: std::io::Error) -> Error {
        let folder = self.folder().map_or_else(std::env::temp_dir, Path::to_owned);
        Error::io(folder, "write a file that has no name in", source)
    }

    /// What the documents of the inputs repeat of each other.
    fn copies(&mut self) -> Result<Copies> {
        self.timed(Stage::Copies, |job| {
            let (shared, mut finder) = (job.shared()?, Finder::beside(job.folder()));
            if !shared.is_empty() {
                let take = |trace| finder.take(trace).map_err(|e| job.survey_failed(e));
                job.each(|document| Trace::of(&document, &shared), take)?;
            }
            finder.finish(shared.into_ids()).map_err(|e| job.survey_failed(e))
        })
    }

    /// Does `work` on every document in parallel, and gives the results to `take` in order.
    fn each<T: Send>(
        &self,
        work: impl Fn(Document) -> T + Sync,
        mut take: impl FnMut(T) -> Result<()> + Send,
    ) -> Result<()> {
        let (mut n, options) = (0, &self.config.ingest);
        stream::each(
            self.inputs.read(options)?,
            options,
            &Clock::default(),
            |document| Ok(work(document)),
            |batch| {
                n += batch.len() as u64;
                batch.into_iter().flatten().try_for_each(&mut take)?;
                (self.told)(Stage::Copies, n);
                self.check()
            },
        )
    }

    /// Scores every document of the inputs into a folder.
    pub fn score(mut self, model: &ThemeModel, mut folder: OutputFolder) -> Result<Outcome> {
        let ids = ThemeIds::from(model.theme_ids().as_slice());
        let options = ExportOptions {
            evidence_per_theme: self.config.max_evidence,
            units_jsonl: self.config.units_jsonl,
        };
        let mut exports = Exports::open(&mut folder, &ids, options)?;
        let ledger = Ledger::with_copies(self.copies()?);
        let ledger = self.timed(Stage::Score, |job| {
            let records = job.inputs.read(&job.config.ingest)?;
            job.score_each(model, records, ledger, |batch| exports.write(batch))
        })?;
        exports.finish(&mut folder)?;
        let dirs = [folder.staging().to_owned()];
        let scores = Scores { dirs: &dirs, model };
        let outcome = self.timed(Stage::Compare, |job| job.outcome(scores, ledger))?;
        self.timed(Stage::Write, |_| write_rest(&mut folder, model, &outcome))?;
        self.timed(Stage::Report, |job| {
            let run = job.run_file(model, &outcome)?;
            let compared = Compared { run, model: model.clone(), trends: outcome.trends.clone() };
            write_report(&mut folder, &dirs, compared)
        })?;
        folder.commit(self.run_file(model, &outcome)?)?;
        Ok(outcome)
    }

    /// Scores every document of the inputs, once, into lines of `documents.jsonl`.
    pub fn score_stream(self, model: &ThemeModel, out: impl Write + Send) -> Result<Outcome> {
        let ids = ThemeIds::from(model.theme_ids().as_slice());
        let mut lines = Box::new(DocumentsJsonl::new(out, ids, self.config.max_evidence));
        let failed = |source| Error::io("-", "write", source);
        let records = self.inputs.read_once(&self.config.ingest);
        let write = |batch: &[ScoredDocument]| lines.write(batch).map_err(failed);
        let ledger = self.score_each(model, records, Ledger::default(), write)?;
        lines.finish().and_then(|mut out| out.flush()).map_err(failed)?;
        self.outcome(Scores { dirs: &[], model }, ledger)
    }

    /// Scores every document of the inputs, copies marked, and hands them to `take` in their order.
    pub fn score_into(
        mut self,
        model: &ThemeModel,
        take: impl FnMut(&[ScoredDocument]) -> Result<()> + Send,
    ) -> Result<Outcome> {
        let ledger = Ledger::with_copies(self.copies()?);
        let ledger = self.timed(Stage::Score, |job| {
            let records = job.inputs.read(&job.config.ingest)?;
            job.score_each(model, records, ledger, take)
        })?;
        self.outcome(Scores { dirs: &[], model }, ledger)
    }

    /// Scores one part of the inputs and keeps it in the folder `out`, for a merge to take up.
    pub fn score_shard(self, model: &ThemeModel, shard: Shard, out: &Path) -> Result<ShardScored> {
        let mut counted = ShardScored::default();
        let records = self.inputs.read(&self.config.ingest)?;
        let batches = stream::batches(records).enumerate();
        let own = batches.filter(|(index, _)| shard.has(*index)).map(|(_, batch)| batch);
        self.score_batches(model, own, |batch| {
            counted.enter(&batch);
            (self.told)(Stage::Score, counted.n_documents + counted.n_rejected);
            Ok(())
        })?;
        shard.finish(out, self.key_of_scores(model).finalize().to_hex().as_str())?;
        Ok(counted)
    }

    fn score_each(
        &self,
        model: &ThemeModel,
        records: Records,
        mut ledger: Ledger,
        mut write: impl FnMut(&[ScoredDocument]) -> Result<()> + Send,
    ) -> Result<Ledger> {
        self.score_batches(model, stream::batches(records), |batch| {
            self.clock.time(Part::Write, || write(&ledger.enter(batch)))?;
            (self.told)(Stage::Score, ledger.counts.read);
            Ok(())
        })?;
        Ok(ledger)
    }

    /// Scores the documents of batches and hands them to `take` in their order.
    fn score_batches(
        &self,
        model: &ThemeModel,
        batches: impl Iterator<Item = Vec<Read<RawRecord>>> + Send,
        mut take: impl FnMut(Vec<Read<ScoredDocument>>) -> Result<()> + Send,
    ) -> Result<()> {
        let (by, max_evidence) = (self.config.by, self.config.max_evidence);
        let (clock, encoder) = (&self.clock, self.timed_encoder());
        let scorer = Scorer::new(model, &encoder, by, max_evidence)?;
        let score_run = |run: Vec<Document>| {
            let read = || run.iter().map(|document| scorer.read(document)).collect();
            let passages = clock.time(Part::Segment, read);
            clock.time(Part::Score, || scorer.score_read(run, passages))
        };
        let score = |batch: Vec<Document>| evidence::by_runs(batch, score_run);
        let kept = self.kept.as_ref().map(|kept| (kept, self.key_of_scores(model)));
        let work = |batch| match &kept {
            Some((kept, key)) => kept.scored(key.clone(), batch, by, score),
            None => score(batch),
        };
        stream::each_batch(batches, &self.config.ingest, clock, work, |batch| {
            take(batch)?;
            self.check()
        })
    }

    /// A hash of all that scores follow from but the texts.
    fn key_of_scores(&self, model: &ThemeModel) -> Key {
        let mut key = kept::key("scores", &*self.embedder);
        kept::add(&mut key, &model.to_json());
        kept::add(&mut key, &(self.config.max_evidence as u64).to_le_bytes());
        key
    }

    fn outcome(&self, scores: Scores<'_>, ledger: Ledger) -> Result<Outcome> {
        if ledger.counts.scored == 0 {
            return Err(no_documents(ledger.counts.read, &ledger.rejects));
        }
        let model = scores.model;
        let mut warnings = self.warnings.clone();
        warnings.extend(ledger.warnings());
        let (counts, rejects, copies) = ledger.close();
        warnings.extend(model.emptiness().map(str::to_owned));
        let options = CompareOptions {
            by: self.config.by,
            copies: self.config.copies,
            seed: self.config.seed,
            ..CompareOptions::default()
        };
        let room = scores.dirs.first().map(|dir| dir.as_path());
        let (sides, _) = scores.sides(&options, room)?;
        Ok(Outcome {
            counts,
            trends: scores.trends(&sides, None)?,
            themes: model.themes.iter().map(|t| (t.id.clone(), t.name.clone())).collect(),
            copies,
            found: model.found(),
            warnings,
            rejects,
            resumed: self.kept.as_ref().map(Kept::resumed).unwrap_or_default(),
            max_reject_rate: self.config.max_reject_rate,
        })
    }

    fn run_file(&self, model: &ThemeModel, outcome: &Outcome) -> Result<RunFile> {
        let codebook = &model.codebook;
        let timings = self.timings.iter().map(|(stage, s)| (stage.name().into(), Rounded::new(*s)));
        let scoring = self.clock.seconds().map(|(part, s)| (part.name().into(), Rounded::new(s)));
        let inputs = self.inputs.files().iter().map(input_read).collect::<Result<Vec<_>>>()?;
        Ok(RunFile {
            schema: Default::default(),
            themeline: env!("CARGO_PKG_VERSION").to_owned(),
            command: self.verb.to_owned(),
            options: json!(self.config.options),
            fingerprint: self.config.fingerprint(&model.to_json()),
            encoder: EncoderUsed {
                name: self.embedder.name().to_owned(),
                fingerprint: self.embedder.fingerprint().to_owned(),
                dimension: self.embedder.dimension() as u64,
            },
            codebook: (model.n_seeded() > 0).then(|| CodebookUsed {
                id: codebook.id.clone(),
                version: codebook.version.clone(),
                fingerprint: model.codebook_fingerprint.clone(),
            }),
            inputs,
            counts: outcome.counts,
            timings: timings.collect(),
            scoring: scoring.into_iter().collect(),
            n_threads: rayon::current_num_threads() as u64,
            warnings: outcome.warnings.clone(),
            files: Vec::new(),
        })
    }

    fn timed<T>(&mut self, stage: Stage, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        (self.told)(stage, 0);
        let start = Instant::now();
        let done = work(self);
        self.timings.push((stage, start.elapsed().as_secs_f64()));
        done
    }
}

/// No record became a document; `rejects` has the first of them.
pub(super) fn no_documents(n_records: u64, rejects: &[Reject]) -> Error {
    let mut message = match n_records {
        0 => "there is no record in the input".to_owned(),
        1 => "no document could be read: the one record was rejected".to_owned(),
        n => format!("no document could be read: all {n} records were rejected"),
    };
    for reject in rejects.iter().take(SHOWN_REJECTS) {
        message.push_str(&format!("\n  {}", reject_line(reject)));
    }
    Error::usage(
        message,
        "mend the input; `--text-field`, `--date-field`, `--date-format` and `--id-field` say how records \
         are read",
    )
}

fn skipped_warning(inputs: &Inputs) -> Option<String> {
    let unread: Vec<_> = inputs.skipped().iter().filter(|s| s.why != Why::Output).collect();
    let first = unread.first()?;
    Some(format!("{} files were left unread, such as {}", unread.len(), first.name))
}

fn input_read(file: &crate::ingest::InputFile) -> Result<InputRead> {
    let fingerprint = file.fingerprint()?;
    let path = std::path::absolute(file.path()?).ok();
    let is_stdin = file.name() == "-";
    Ok(InputRead {
        file: file.name().to_owned(),
        path: path.filter(|_| !is_stdin).map(|path| path.to_string_lossy().into_owned()),
        bytes: fingerprint.n_bytes,
        blake3: fingerprint.blake3.clone(),
    })
}

fn write_rest(folder: &mut OutputFolder, model: &ThemeModel, outcome: &Outcome) -> Result<()> {
    folder.write(OutputFile::Themes, |mut out| {
        out.write_all(&model.to_json())?;
        Ok(out)
    })?;
    write_trends(folder, &outcome.trends)?;
    folder.write(OutputFile::Copies, |out| copies_jsonl(&outcome.copies, out))?;
    folder.write(OutputFile::Rejects, |out| rejects_jsonl(&outcome.rejects, out))
}
