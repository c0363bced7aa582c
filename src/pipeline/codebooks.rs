//! The verb that compares codebooks: `codebook diff`.

use serde::Serialize;

use crate::codebook::Codebook;
use crate::compare::Tally;
use crate::compare::codebooks::{CodebookDiff, DiffTally};
use crate::config::Config;
use crate::document::Document;
use crate::error::Result;
use crate::report::run::Counts;
use crate::score::Scorer;
use crate::theme::{self, FitOptions};

use super::job::{Job, Ledger, Progress, Stage, no_documents};
use super::stream;

fn fit_options(config: &Config) -> FitOptions<'static> {
    FitOptions { codes: &[], max_emergent: 0, seed: config.seed }
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
    let mut job = Job::open("codebook diff", corpus, &config.encoder, config, told)?;
    let sample = job.sample(&[])?;
    told(Stage::Fit, 0);
    let fit = |codebook| theme::fit(&sample, codebook, &*job.embedder, fit_options(config));
    let (before, after) = (fit(before)?, fit(after)?);
    let scorer = |model| Scorer::new(model, &*job.embedder, config.by, 1);
    let (before_scorer, after_scorer) = (scorer(&before)?, scorer(&after)?);
    let both = |document: Document| {
        Ok((before_scorer.score(document.clone())?, after_scorer.score(document)?))
    };
    let mut diff = DiffTally::new(config.by, before.theme_ids(), after.theme_ids(), max_units);
    let mut ledger = Ledger::new(Tally::new(config.by, before.themes.len()));
    stream::each(job.inputs.read(&config.ingest)?, &config.ingest, both, |batch| {
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
        0 => Err(no_documents(ledger.counts.read)),
        _ => Ok(CodebookComparison { counts: ledger.counts, diff: diff.finish() }),
    }
}
