//! One run of a verb: its inputs and encoder, the counts of what became of every record, and where
//! the time went.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::time::Instant;

use serde_json::json;

use crate::codebook::Codebook;
use crate::compare::{self, CompareOptions, Counted};
use crate::config::Config;
use crate::document::{Document, Reject, RejectCode};
use crate::embed::{self, Embedder, EncoderChoice, ModelStore};
use crate::error::{Error, Result};
use crate::ingest::{Inputs, Why};
use crate::report::run::{CodebookUsed, Counts, EncoderUsed, InputRead, RunFile};
use crate::report::trends::TrendsFile;
use crate::report::{
    DocumentsJsonl, ExportOptions, Exporter, Exports, OutputFile, OutputFolder, Rounded, ThemeIds,
    rejects_jsonl,
};
use crate::score::{ScoredDocument, Scorer};
use crate::theme::codes::{self, Code};
use crate::theme::{self, FoundTheme, ThemeModel};

use super::compare::{names, write_trends};
use super::sample::Sample;
use super::stream::{self, Read};

/// About how many bytes of text a unit has: what turns a bound on units into one on bytes.
pub(super) const BYTES_PER_UNIT: usize = 120;

/// A stage of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading the corpus for the sample that themes are fitted on.
    Sample,
    /// Fitting the themes.
    Fit,
    /// Scoring every document.
    Score,
    /// Comparing periods.
    Compare,
    /// Finishing the output.
    Write,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Sample => "sample",
            Stage::Fit => "fit",
            Stage::Score => "score",
            Stage::Compare => "compare",
            Stage::Write => "write",
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
    /// The emergent themes among them.
    pub found: Vec<FoundTheme>,
    /// What the user should know of.
    pub warnings: Vec<String>,
    /// Rejects, where no folder keeps them.
    pub rejects: Vec<Reject>,
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

/// A verb at work.
pub struct Job<'j> {
    verb: &'static str,
    pub(super) config: &'j Config,
    pub(super) inputs: Inputs,
    pub(super) embedder: Box<dyn Embedder>,
    told: Progress<'j>,
    timings: Vec<(Stage, f64)>,
    warnings: Vec<String>,
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
        let inputs = Inputs::expand(inputs)?;
        let embedder = embed::open_at(encoder, &ModelStore::locate(config.models_dir.as_deref())?)?;
        let warnings = skipped_warning(&inputs).into_iter().collect();
        Ok(Job { verb, config, inputs, embedder, told, timings: Vec::new(), warnings })
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
            theme::fit(&sample, codebook, &*job.embedder, options)
        })
    }

    /// A sample of the inputs, with the documents of `codes` in it first.
    pub(super) fn sample(&mut self, codes: &[Code]) -> Result<Vec<Document>> {
        let coded: HashSet<&str> =
            codes.iter().flat_map(|c| [&c.id, &c.doc]).flatten().map(String::as_str).collect();
        let max_bytes = self.config.sample_units.saturating_mul(BYTES_PER_UNIT);
        let mut sample = Sample::new(self.config.seed, max_bytes);
        let (key, mut n) = (sample.key(), 0);
        let rank = |document: Document| {
            let is_coded = coded.contains(document.id.as_str());
            let rank = if is_coded { Sample::first_rank } else { Sample::rank };
            Ok((rank(&key, &document.text), document))
        };
        stream::each(self.inputs.read(&self.config.ingest)?, &self.config.ingest, rank, |batch| {
            n += batch.len() as u64;
            batch.into_iter().flatten().for_each(|(rank, doc)| sample.offer(rank, doc));
            (self.told)(Stage::Sample, n);
            Ok(())
        })?;
        let sample = sample.into_documents();
        if sample.is_empty() {
            return Err(no_documents(n));
        }
        Ok(sample)
    }

    /// Scores every document of the inputs into a folder.
    pub fn score(mut self, model: &ThemeModel, mut folder: OutputFolder) -> Result<Outcome> {
        let ids = ThemeIds::from(model.theme_ids().as_slice());
        let options = ExportOptions {
            evidence_per_theme: self.config.max_evidence,
            units_jsonl: self.config.units_jsonl,
        };
        let mut exports = Exports::open(&mut folder, &ids, options)?;
        let ledger = self.timed(Stage::Score, |job| {
            job.score_each(model, job.inputs.read(&job.config.ingest)?, |batch| {
                exports.write(batch)
            })
        })?;
        let outcome = self.timed(Stage::Compare, |job| job.outcome(model, ledger))?;
        self.timed(Stage::Write, |_| {
            exports.finish(&mut folder)?;
            write_rest(&mut folder, model, &outcome)
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
        let mut ledger =
            self.score_each(model, records, |batch| lines.write(batch).map_err(failed))?;
        ledger.counted = Counted::default();
        lines.finish().and_then(|mut out| out.flush()).map_err(failed)?;
        self.outcome(model, ledger)
    }

    fn score_each(
        &self,
        model: &ThemeModel,
        records: crate::ingest::Records,
        mut write: impl FnMut(&[ScoredDocument]) -> Result<()> + Send,
    ) -> Result<Ledger> {
        let (by, max_evidence) = (self.config.by, self.config.max_evidence);
        let scorer = Scorer::new(model, &*self.embedder, by, max_evidence)?;
        let mut ledger = Ledger::default();
        let score = |document| scorer.score(document);
        stream::each(records, &self.config.ingest, score, |batch| {
            write(&ledger.enter(batch))?;
            (self.told)(Stage::Score, ledger.counts.read);
            Ok(())
        })?;
        Ok(ledger)
    }

    fn outcome(&self, model: &ThemeModel, ledger: Ledger) -> Result<Outcome> {
        if ledger.counts.scored == 0 {
            return Err(no_documents(ledger.counts.read));
        }
        let mut warnings = self.warnings.clone();
        warnings.extend(ledger.warnings());
        warnings.extend(model.emptiness().map(str::to_owned));
        let options = CompareOptions {
            by: self.config.by,
            seed: self.config.seed,
            ..CompareOptions::default()
        };
        let trends = compare::compare(&ledger.counted, &names(model), &options)?;
        Ok(Outcome {
            counts: ledger.counts,
            trends: TrendsFile::from(&trends),
            themes: model.themes.iter().map(|t| (t.id.clone(), t.name.clone())).collect(),
            found: model.found(),
            warnings,
            rejects: ledger.rejects,
            max_reject_rate: self.config.max_reject_rate,
        })
    }

    fn run_file(&self, model: &ThemeModel, outcome: &Outcome) -> Result<RunFile> {
        let codebook = &model.codebook;
        let timings = self.timings.iter().map(|(stage, s)| (stage.name().into(), Rounded::new(*s)));
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

/// What became of every record so far.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) counts: Counts,
    counted: Counted,
    rejects: Vec<Reject>,
    /// For each id its text's hash.
    texts: HashMap<String, blake3::Hash>,
    /// For each text's hash the id of the first document that has it.
    firsts: HashMap<blake3::Hash, String>,
    n_undated: u64,
}

impl Ledger {
    /// Enters a batch, in its order, and gives back the documents to be written.
    fn enter(&mut self, batch: Vec<Read<ScoredDocument>>) -> Vec<ScoredDocument> {
        self.counts.read += batch.len() as u64;
        batch.into_iter().filter_map(|read| self.enter_one(read)).collect()
    }

    pub(super) fn enter_one(&mut self, read: Read<ScoredDocument>) -> Option<ScoredDocument> {
        let mut scored = match read {
            Ok(scored) => scored,
            Err(reject) => return self.reject(reject),
        };
        let hash = blake3::hash(scored.document.text.as_bytes());
        match self.texts.get(&scored.document.id) {
            Some(known) if *known == hash => {
                self.counts.duplicates += 1;
                return None;
            }
            Some(_) => return self.reject(duplicate_id(&scored.document)),
            None => {}
        }
        self.texts.insert(scored.document.id.clone(), hash);
        match self.firsts.get(&hash) {
            Some(first) => {
                self.counts.duplicates += 1;
                scored.duplicate_of = Some(first.clone());
            }
            None => {
                self.counts.scored += 1;
                self.n_undated += u64::from(scored.period.is_none());
                self.firsts.insert(hash, scored.document.id.clone());
            }
        }
        self.counted.add(&scored);
        Some(scored)
    }

    fn reject(&mut self, reject: Reject) -> Option<ScoredDocument> {
        self.counts.rejected += 1;
        self.rejects.push(reject);
        None
    }

    fn warnings(&self) -> Option<String> {
        (self.n_undated > 0).then(|| {
            format!(
                "{} of {} documents are in no period: they have no date, or one that is not \
                 precise enough; --date GLOB=DATE or a `date` field gives them one",
                self.n_undated, self.counts.scored
            )
        })
    }
}

fn duplicate_id(document: &Document) -> Reject {
    let place = &document.place;
    Reject {
        file: place.file.to_string(),
        line: place.line,
        byte_offset: place.byte_offset,
        record: Some(place.record),
        field: Some("id".to_owned()),
        code: RejectCode::DuplicateId,
        message: "this id was used before for another text; give every document an id of its own"
            .to_owned(),
        excerpt: crate::report::table::visible(&document.id).chars().take(120).collect(),
    }
}

pub(super) fn no_documents(n_records: u64) -> Error {
    Error::usage(
        format!("no document could be read ({n_records} records, all rejected)"),
        "look at the first messages above; `--text-field`, `--date-format` and `--id-field` say \
         how records are read",
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
    folder.write(OutputFile::Rejects, |out| rejects_jsonl(&outcome.rejects, out))
}
