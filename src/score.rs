//! `ThemeModel` × units → `Scores`: what each unit, and so each document, is about.
//!
//! A unit carries every theme whose score is at or over the theme's threshold. A document's share of
//! a theme is the part of its length (the bytes of its units) that the theme takes; a unit with
//! several themes divides its length among them by score; what no theme takes is `none`.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::codebook::TermMatcher;
use crate::document::{Document, PeriodLength, Span};
use crate::embed::Embedder;
use crate::error::Result;
use crate::ingest::furniture::RepeatedLines;
use crate::ingest::language;
use crate::theme::ThemeModel;
use crate::theme::directions::Directions;
use crate::theme::emergent::EmergentThemes;
use crate::theme::evidence::{self, Gathered};
use crate::theme::passages::Passages;

/// What one unit is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitScore {
    /// Index of the unit's sentence in the document, from 0.
    pub sentence: usize,
    /// The unit's bytes in the document's text.
    pub span: Span,
    /// (theme index in the model, score 0..1), best first; only those at or over the threshold.
    pub themes: Vec<(usize, f32)>,
    /// The cluster that the unit fell into: index of the closest theme of the model; `None` where
    /// it fits none. Without a codebook, the closest theme however far.
    pub cluster: Option<usize>,
    /// Scores for all of the codebook's themes, in its order, 0..1, also those under the threshold.
    pub scores: Vec<f32>,
    /// Id of the earlier document in which a passage with this unit stands, where there is one.
    #[serde(skip)]
    pub copy_of: Option<Arc<str>>,
}

/// How much of a document is about one theme.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ThemeScore {
    /// Part of the text, 0..1.
    pub share: f64,
    /// Probability that the document talks about the theme at all, 0..1.
    pub score: f64,
    /// Units that carry the theme.
    pub n_mentions: u64,
}

/// A unit behind a document's score for a theme.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Theme index in the model.
    pub theme: usize,
    /// Unit index in the document.
    pub unit: usize,
    /// The unit's score for the theme, 0..1.
    pub score: f32,
}

/// A document and its scores, kept together.
#[derive(Debug, Clone)]
pub struct ScoredDocument {
    /// The document as read.
    pub document: Document,
    /// ISO 639-3 code of the language, where it could be told reliably ("eng").
    pub language: Option<Cow<'static, str>>,
    /// Label of the document's period; `None` without a date that is precise enough.
    pub period: Option<String>,
    /// Id of the earlier document with the same text or nearly so, where there is one.
    pub duplicate_of: Option<String>,
    /// How much of the text is the same as that of `duplicate_of`, 0..1.
    pub similarity: Option<f64>,
    /// Number of sentences.
    pub n_sentences: usize,
    /// In the order of the text.
    pub units: Vec<UnitScore>,
    /// One for each theme of the model, in its order.
    pub themes: Vec<ThemeScore>,
    /// Part of the text that no theme takes, 0..1; with the shares of `themes` it sums to 1.
    pub none_share: f64,
    /// By theme in the model's order, best unit first.
    pub evidence: Vec<Evidence>,
}

/// A model made ready to score documents.
pub struct Scorer<'m> {
    model: &'m ThemeModel,
    embedder: &'m dyn Embedder,
    matcher: TermMatcher,
    directions: Directions,
    emergent: EmergentThemes<'m>,
    repeated: RepeatedLines,
    by: PeriodLength,
    max_evidence: usize,
}

impl<'m> Scorer<'m> {
    /// Prepares a model. `by`: length of the periods; `max_evidence`: units kept for a theme of a
    /// document.
    ///
    /// # Errors
    /// `Encoder` where the model was fitted with another one.
    pub fn new(
        model: &'m ThemeModel,
        embedder: &'m dyn Embedder,
        by: PeriodLength,
        max_evidence: usize,
    ) -> Result<Self> {
        model.check_encoder(embedder)?;
        Ok(Scorer {
            model,
            embedder,
            matcher: TermMatcher::new(&model.codebook),
            directions: model.directions(),
            emergent: EmergentThemes::new(&model.themes),
            repeated: RepeatedLines::from_lines(model.repeated_lines.clone()),
            by,
            max_evidence,
        })
    }

    /// Scores documents, by all threads. The scores of each depend on the document and the model alone.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn score(&self, documents: Vec<Document>) -> Result<Vec<ScoredDocument>> {
        evidence::by_runs(documents, |run: Vec<Document>| {
            let passages = run.iter().map(|document| self.read(document)).collect();
            self.score_read(run, passages)
        })
    }

    /// The units of a document.
    pub fn read(&self, document: &Document) -> Passages {
        Passages::read(&document.text, &self.repeated)
    }

    /// [`Self::score`] of a run of documents whose units were read before, by one thread.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn score_read(
        &self,
        documents: Vec<Document>,
        passages: Vec<Passages>,
    ) -> Result<Vec<ScoredDocument>> {
        let gathered =
            Gathered::read(passages, &self.matcher, &self.model.codebook, self.embedder)?;
        let scored = |(document, gathered)| self.scored(document, &gathered);
        Ok(documents.into_iter().zip(gathered).map(scored).collect())
    }

    fn scored(&self, document: Document, gathered: &Gathered) -> ScoredDocument {
        let units = self.unit_scores(gathered);
        let themes = self.theme_scores(gathered, &units);
        let taken: f64 = themes.iter().map(|theme| theme.share).sum();
        ScoredDocument {
            language: language::detect(&document.text).map(Cow::Borrowed),
            period: self.by.of(document.date),
            duplicate_of: None,
            similarity: None,
            n_sentences: gathered.passages.n_sentences(),
            none_share: (1.0 - taken).max(0.0),
            evidence: evidence(&units, self.model.themes.len(), self.max_evidence),
            themes,
            units: units.into_iter().map(|unit| unit.carried).collect(),
            document,
        }
    }

    fn unit_scores(&self, gathered: &Gathered) -> Vec<Scored> {
        let n_seeded = self.model.n_seeded();
        let features = gathered.features(&self.directions);
        let probability =
            |(row, features)| self.model.joint.probability(row % n_seeded.max(1), features);
        let scores: Vec<f32> = features.iter().enumerate().map(probability).collect();
        let unit = |index: usize| {
            let seeded = &scores[index * n_seeded..(index + 1) * n_seeded];
            let all = self.with_emergent(gathered, index, seeded.to_vec());
            let carried = self.carried(&all);
            let passage = &gathered.passages.units()[index];
            let carries = carried.first().map(|&(theme, _)| theme);
            let cluster = carries.or_else(|| self.closest(&all));
            let (sentence, span) = (passage.sentence, passage.span);
            let (scores, copy_of) = (seeded.to_vec(), None);
            let carried = UnitScore { sentence, span, themes: carried, cluster, scores, copy_of };
            Scored { carried, all }
        };
        (0..gathered.n_units()).map(unit).collect()
    }

    /// The scores of a unit for the codebook's themes, followed by those for the emergent ones,
    /// which are 0 where a theme of the codebook takes the unit.
    fn with_emergent(&self, gathered: &Gathered, unit: usize, mut scores: Vec<f32>) -> Vec<f32> {
        let free = scores.iter().zip(&self.model.themes).all(|(s, theme)| *s < theme.threshold);
        match free {
            true => scores.extend(self.emergent.scores(gathered.unit_vector(unit))),
            false => scores.resize(self.model.themes.len(), 0.0),
        }
        scores
    }

    /// The themes that reach their threshold, best first (ties in the model's order); of the
    /// emergent ones the best alone.
    fn carried(&self, scores: &[f32]) -> Vec<(usize, f32)> {
        let n_seeded = self.model.n_seeded();
        let (seeded, emergent) = scores.split_at(n_seeded);
        let reached = |&(theme, score): &(usize, f32)| score >= self.model.themes[theme].threshold;
        let mut carried: Vec<(usize, f32)> =
            seeded.iter().copied().enumerate().filter(reached).collect();
        carried.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        carried.extend(self.emergent.carried(emergent).map(|k| (n_seeded + k, emergent[k])));
        carried
    }

    /// Where there is no codebook, the theme that a unit lies closest to although it does not reach
    /// its threshold: then themes divide the whole corpus.
    fn closest(&self, scores: &[f32]) -> Option<usize> {
        let scored = scores.iter().copied().enumerate().filter(|(_, score)| *score > 0.0);
        let best = scored.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(theme, _)| theme).filter(|_| self.model.n_seeded() == 0)
    }

    fn theme_scores(&self, gathered: &Gathered, units: &[Scored]) -> Vec<ThemeScore> {
        let mut themes = vec![ThemeScore::default(); self.model.themes.len()];
        let total: usize = gathered.passages.units().iter().map(|unit| unit.span.len()).sum();
        for unit in units {
            for (theme, &score) in themes.iter_mut().zip(&unit.all) {
                theme.score = theme.score.max(f64::from(score));
            }
            let sum: f64 = unit.carried.themes.iter().map(|&(_, score)| f64::from(score)).sum();
            for &(theme, score) in &unit.carried.themes {
                let bytes = unit.carried.span.len() as f64 * f64::from(score) / sum;
                themes[theme].share += bytes / total as f64;
                themes[theme].n_mentions += 1;
            }
        }
        themes
    }
}

/// A unit with its scores for all themes, also those that it does not carry.
struct Scored {
    carried: UnitScore,
    all: Vec<f32>,
}

/// The units behind each theme, best first (ties in the order of the text), at most `max` a theme.
fn evidence(units: &[Scored], n_themes: usize, max: usize) -> Vec<Evidence> {
    let mut of_theme: Vec<Vec<Evidence>> = vec![Vec::new(); n_themes];
    for (unit, scored) in units.iter().enumerate() {
        for &(theme, score) in &scored.carried.themes {
            of_theme[theme].push(Evidence { theme, unit, score });
        }
    }
    for list in &mut of_theme {
        list.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.unit.cmp(&b.unit)));
        list.truncate(max);
    }
    of_theme.concat()
}
