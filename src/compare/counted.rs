//! What is counted of each document, and of what a share is a share.
//!
//! A few numbers stand for a document: its length, its units, and how much of them each theme
//! takes. Every share, interval and test is computed from these, so that the text itself is read
//! once.

use std::collections::HashMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::copies::Copies;
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
    /// Fields of the document that say of what kind it is, by name: (name, value).
    pub fields: Vec<(Arc<str>, Arc<str>)>,
}

impl CountedDocument {
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
    /// The period of each document that counts in one, by its id.
    pub fn periods(&self, copies: Copies) -> HashMap<&str, &str> {
        let documents = self.of(copies).into_iter();
        documents.filter_map(|d| Some((d.id.as_str(), d.period.as_deref()?))).collect()
    }

    /// Adds a document that repeats passages of others. Where nothing is left, it is a copy.
    pub fn add_part(&mut self, whole: CountedDocument, first_said: FirstSaid) {
        self.documents.extend(first_said.counted(&whole));
        self.copies.push(whole);
    }
}
