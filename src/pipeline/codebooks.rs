//! The verbs that look after codebooks: `codebook check` and `codebook diff`.

use serde::Serialize;

use crate::codebook::{Codebook, TermMatcher};
use crate::compare::codebooks::{CodebookDiff, DiffTally};
use crate::config::Config;
use crate::document::Document;
use crate::error::Result;
use crate::ingest::furniture::RepeatedLines;
use crate::report::run::Counts;
use crate::score::Scorer;
use crate::theme::check::{Finding, TermCensus, check};
use crate::theme::{self, FitOptions, ThemeModel};

use super::clock::Clock;
use super::encoder;
use super::job::{Job, Progress, Stage, no_documents};
use super::ledger::Ledger;
use super::stream;

/// What `codebook check` found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CodebookCheck {
    /// Always `themeline/codebook-check/1`.
    pub schema: &'static str,
    /// Id of the codebook.
    pub codebook: String,
    /// Hash (BLAKE3, hex) of its content.
    pub fingerprint: String,
    /// Number of themes.
    pub n_themes: usize,
    /// Number of their terms, weak ones left out.
    pub n_terms: usize,
    /// The encoder that examples were read with.
    pub encoder: String,
    /// Documents in which terms were looked for; null where no corpus was given.
    pub n_documents: Option<u64>,
    /// Records of the corpus that could not be read.
    pub n_rejected: u64,
    /// What its author may want to change, theme by theme.
    pub findings: Vec<Finding>,
}

/// `themeline codebook check`: what may be wrong with the codebook of `config`. `corpus`: inputs on
/// which the themes are fitted and terms looked for; without any, the codebook speaks for itself.
///
/// # Errors
/// A fault in the codebook, and what stops the reading of the corpus as a whole.
pub fn check_codebook(
    corpus: &[String],
    config: &Config,
    told: Progress<'_>,
) -> Result<CodebookCheck> {
    let codebook = Codebook::open(&config.codebook)?;
    if corpus.is_empty() {
        let embedder = encoder::open(config.encoder_choice(), config)?;
        let model = theme::fit(&[], codebook, &*embedder, fit_options(config))?;
        return Ok(checked(&model, (None, 0), check(&model, &*embedder, None)?));
    }
    let mut job = Job::open("codebook check", corpus, config.encoder_choice(), config, told)?;
    let sample = job.sample(&[])?;
    told(Stage::Fit, 0);
    let model = theme::fit(&sample, codebook, &*job.embedder, fit_options(config))?;
    let (census, n_rejected) = census(&job, &model, told)?;
    let findings = check(&model, &*job.embedder, Some(&census))?;
    Ok(checked(&model, (Some(census.n_documents), n_rejected), findings))
}

fn fit_options(config: &Config) -> FitOptions<'static> {
    FitOptions { codes: &[], max_emergent: 0, seed: config.seed }
}

fn checked(
    model: &ThemeModel,
    (n_documents, n_rejected): (Option<u64>, u64),
    findings: Vec<Finding>,
) -> CodebookCheck {
    let themes = &model.codebook.themes;
    CodebookCheck {
        schema: "themeline/codebook-check/1",
        codebook: model.codebook.id.clone(),
        fingerprint: model.codebook_fingerprint.clone(),
        n_themes: themes.len(),
        n_terms: themes.iter().map(|theme| theme.terms.len()).sum(),
        encoder: model.encoder.name.clone(),
        n_documents,
        n_rejected,
        findings,
    }
}

/// How often each term stands in the whole corpus, and the number of records left out.
fn census(job: &Job<'_>, model: &ThemeModel, told: Progress<'_>) -> Result<(TermCensus, u64)> {
    let matcher = TermMatcher::new(&model.codebook);
    let repeated = RepeatedLines::from_lines(model.repeated_lines.clone());
    let (mut all, mut n_read) = (TermCensus::default(), 0);
    let count = |document: Document| Ok(TermCensus::of(&document.text, &matcher, &repeated));
    let options = &job.config.ingest;
    stream::each(job.inputs.read(options)?, options, &Clock::default(), count, |batch| {
        n_read += batch.len() as u64;
        batch.into_iter().flatten().for_each(|census| all.merge(census));
        told(Stage::Score, n_read);
        Ok(())
    })?;
    let n_rejected = n_read - all.n_documents;
    Ok((all, n_rejected))
}

/// What `codebook diff` found, and what became of the records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CodebookComparison {
    /// What became of the records.
    pub counts: Counts,
    /// How the second codebook reads the corpus otherwise.
    #[serde(flatten)]
    pub diff: CodebookDiff,
}

/// `themeline codebook diff`: what changes where `after` reads the inputs in place of `before`.
/// Both are fitted on the same sample with the same seed. `max_units`: changed units listed.
///
/// # Errors
/// A fault in a codebook, and what stops the work as a whole; a bad record does not.
pub fn diff_codebooks(
    (before, after): (&str, &str),
    corpus: &[String],
    config: &Config,
    max_units: usize,
    told: Progress<'_>,
) -> Result<CodebookComparison> {
    let (before, after) = (Codebook::open(before)?, Codebook::open(after)?);
    let mut job = Job::open("codebook diff", corpus, config.encoder_choice(), config, told)?;
    let sample = job.sample(&[])?;
    told(Stage::Fit, 0);
    let fit = |codebook| theme::fit(&sample, codebook, &*job.embedder, fit_options(config));
    let (before, after) = (fit(before)?, fit(after)?);
    let scorer = |model| Scorer::new(model, &*job.embedder, config.by, 1);
    let (before_scorer, after_scorer) = (scorer(&before)?, scorer(&after)?);
    let both = |documents: Vec<Document>| {
        let before = before_scorer.score(documents.clone())?;
        Ok(before.into_iter().zip(after_scorer.score(documents)?).collect())
    };
    let mut diff = DiffTally::new(config.by, before.theme_ids(), after.theme_ids(), max_units);
    let mut ledger = Ledger::default();
    let batches = stream::batches(job.inputs.read(&config.ingest)?);
    stream::each_batch(batches, &config.ingest, &Clock::default(), both, |batch| {
        for read in batch {
            let (first, second) = match read {
                Ok((first, second)) => (Ok(first), Some(second)),
                Err(reject) => (Err(reject), None),
            };
            let first = ledger.enter_one(first).filter(|scored| scored.duplicate_of.is_none());
            if let (Some(first), Some(second)) = (first, second) {
                diff.add(&first, &second);
            }
        }
        told(Stage::Score, ledger.counts.read);
        Ok(())
    })?;
    match ledger.counts.scored {
        0 => Err(no_documents(ledger.counts.read, &ledger.rejects)),
        _ => Ok(CodebookComparison { counts: ledger.counts, diff: diff.finish() }),
    }
}
