//! What is counted of each document, and of what a share is a share.
//!
//! A few numbers stand for a document: its length, its units, and how much of them each theme
//! takes. Every share, interval and test is computed from these, so that the text itself is read
//! once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::score::ScoredDocument;

use super::first_said::FirstSaid;

/// Of what a share is a share.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// Of the text, by the length of its units; long documents weigh more than short ones.
    #[default]
    Text,
    /// Of the units: those that carry the theme. A unit with two themes counts for both.
    Units,
    /// Of the documents: those that mention the theme in a unit or more; each weighs the same.
    Documents,
}

/// A theme by the names it goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeName {
    /// Its id in the model.
    pub id: String,
    /// Its name, for sentences.
    pub name: String,
}

/// What a document says of one theme.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CountedTheme {
    /// Part of the document's text, 0..1.
    pub share: f64,
    /// Units that carry the theme.
    pub n_mentions: u64,
}

/// What is counted of one document.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedDocument {
    /// Its id.
    pub id: String,
    /// Label of its period; `None`: it is in no period.
    pub period: Option<String>,
    /// Its value of the field that documents are grouped by; `None`: it has none.
    pub group: Option<String>,
    /// Bytes of its units.
    pub n_bytes: u64,
    /// Number of its units.
    pub n_units: u64,
    /// Units that carry no theme.
    pub n_bare: u64,
    /// One for each theme of the model, in its order.
    pub themes: Vec<CountedTheme>,
    /// Part of the text that no theme takes, 0..1.
    pub none_share: f64,
}

impl CountedDocument {
    /// Counts a scored document, in no group. Shares are rounded to the six decimals that files keep,
    /// so that a folder read back gives the same numbers.
    pub fn of(scored: &ScoredDocument) -> Self {
        let themes = scored.themes.iter().map(|theme| CountedTheme {
            share: six_decimals(theme.share),
            n_mentions: theme.n_mentions,
        });
        CountedDocument {
            id: scored.document.id.clone(),
            period: scored.period.clone(),
            group: None,
            n_bytes: scored.units.iter().map(|unit| unit.span.len() as u64).sum(),
            n_units: scored.units.len() as u64,
            n_bare: scored.units.iter().filter(|unit| unit.themes.is_empty()).count() as u64,
            themes: themes.collect(),
            none_share: six_decimals(scored.none_share),
        }
    }

    /// What the document weighs: the denominator of its shares.
    pub(super) fn weight(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Text => self.n_bytes as f64,
            Measure::Units => self.n_units as f64,
            Measure::Documents => 1.0,
        }
    }

    /// The part of its weight that each theme takes, `none` last.
    pub(super) fn parts(&self, measure: Measure) -> impl Iterator<Item = f64> {
        let part = move |theme: &CountedTheme| match measure {
            Measure::Text => theme.share * self.n_bytes as f64,
            Measure::Units => theme.n_mentions as f64,
            Measure::Documents => f64::from(u8::from(theme.n_mentions > 0)),
        };
        let is_bare = self.themes.iter().all(|theme| theme.n_mentions == 0);
        let none = match measure {
            Measure::Text => self.none_share * self.n_bytes as f64,
            Measure::Units => self.n_bare as f64,
            Measure::Documents => f64::from(u8::from(is_bare)),
        };
        self.themes.iter().map(part).chain([none])
    }
}

pub(super) fn six_decimals(x: f64) -> f64 {
    (x * 1e6).round() / 1e6
}

/// The documents that shares are computed from.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// With copies left out, in the order of the corpus.
    pub documents: Vec<CountedDocument>,
    /// Documents that `documents` leaves out, whole or in part, as they are.
    pub copies: Vec<CountedDocument>,
}

impl Counted {
    /// Adds a document.
    pub fn add(&mut self, scored: &ScoredDocument) {
        let whole = CountedDocument::of(scored);
        if scored.duplicate_of.is_some() {
            return self.copies.push(whole);
        }
        match FirstSaid::of(scored) {
            None => self.documents.push(whole),
            Some(first_said) => self.add_part(whole, first_said),
        }
    }

    /// Adds a document that repeats passages of others. Where nothing is left, it is a copy.
    pub fn add_part(&mut self, whole: CountedDocument, first_said: FirstSaid) {
        self.documents.extend(first_said.counted(&whole));
        self.copies.push(whole);
    }
}
