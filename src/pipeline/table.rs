//! Tables in memory: scored with an encoder that is opened once, and compared by what was summed elsewhere.

use std::sync::Arc;

use crate::compare::{self, CompareOptions, Counted, CountedDocument};
use crate::config::Config;
use crate::embed::Embedder;
use crate::error::Result;
use crate::ingest::Inputs;
use crate::report::trends::TrendsFile;
use crate::score::ScoredDocument;
use crate::theme::ThemeModel;

use super::compare::check_options;
use super::encoder;
use super::job::{Job, Outcome, Progress};
use super::scores::names;

/// Fitted themes with their encoder, to score one table after another.
pub struct TableScorer {
    model: Arc<ThemeModel>,
    encoder: Arc<dyn Embedder>,
}

impl TableScorer {
    /// Opens the encoder that the themes were fitted with, or the one that `config` names.
    ///
    /// # Errors
    /// `Encoder` where it cannot be opened, or the themes were fitted with another.
    pub fn open(model: Arc<ThemeModel>, config: &Config) -> Result<Self> {
        let encoder = encoder::open(config.encoder_for(&model), config)?;
        model.check_encoder(&*encoder)?;
        Ok(TableScorer { model, encoder: encoder.into() })
    }

    /// Ids of the themes, in their order.
    pub fn theme_ids(&self) -> Vec<String> {
        self.model.theme_ids()
    }

    /// Scores a table and hands the scored documents to `take`, batch by batch, in their order. Copies are marked as
    /// in a folder; there are no trends.
    ///
    /// # Errors
    /// What stops the work as a whole, and what `take` gives; a bad record does not.
    pub fn score(
        &self,
        table: Inputs,
        config: &Config,
        take: impl FnMut(&[ScoredDocument]) -> Result<()> + Send,
        told: Progress<'_>,
    ) -> Result<Outcome> {
        let job = Job::with("score", table, self.encoder.clone(), config, told);
        job.score_into(&self.model, take)
    }
}

/// Compares the periods of documents that were counted elsewhere, such as on a cluster: single ones, or groups of
/// documents, which vary about a share as documents do. What changed is not looked at closer.
///
/// # Errors
/// `Usage` where an option is out of range, or a period that the user named has no documents.
pub fn compare_counted(
    documents: Vec<CountedDocument>,
    model: &ThemeModel,
    options: &CompareOptions,
) -> Result<TrendsFile> {
    check_options(options)?;
    let counted = Counted { documents, ..Counted::default() };
    Ok(TrendsFile::from(compare::compare(&counted, &names(model), options)?))
}
