//! What is counted of each document, and of what a share is a share.
//!
//! A few numbers stand for a document: its length, its units, and how much of them each theme
//! takes. Every share, interval and test is computed from these, so that the text itself is read
//! once.

use std::ops::Index;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CountedTheme {
    /// Part of the document's text, 0..1.
    pub share: f64,
    /// Units that carry the theme.
    pub n_mentions: u64,
}

/// What a document says of every theme, in the model's order. Those that it does not mention take no memory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CountedThemes {
    n: u32,
    /// Those that it mentions, by their number.
    said: Vec<(u32, CountedTheme)>,
}

/// A theme that is not mentioned.
const UNSAID: CountedTheme = CountedTheme { share: 0.0, n_mentions: 0 };

impl CountedThemes {
    /// The number of themes of the model.
    pub fn n(&self) -> usize {
        self.n as usize
    }

    /// One for each theme.
    pub fn iter(&self) -> impl Iterator<Item = CountedTheme> + '_ {
        let mut said = self.said.iter().peekable();
        let of = move |theme| said.next_if(|(own, _)| *own == theme).map_or(UNSAID, |own| own.1);
        (0..self.n).map(of)
    }

    /// Whether none is mentioned.
    fn are_unsaid(&self) -> bool {
        self.said.iter().all(|(_, theme)| theme.n_mentions == 0)
    }
}

impl FromIterator<CountedTheme> for CountedThemes {
    fn from_iter<I: IntoIterator<Item = CountedTheme>>(all: I) -> Self {
        let mut n = 0;
        let numbered = all.into_iter().inspect(|_| n += 1).zip(0..).map(|(theme, k)| (k, theme));
        let said = numbered.filter(|(_, theme)| *theme != UNSAID).collect();
        CountedThemes { n, said }
    }
}

impl Index<usize> for CountedThemes {
    type Output = CountedTheme;

    fn index(&self, theme: usize) -> &CountedTheme {
        let place = self.said.binary_search_by_key(&theme, |(own, _)| *own as usize);
        place.map_or(&UNSAID, |place| &self.said[place].1)
    }
}

/// A field that says of what kind a document is: its name and value.
pub type Field = (Arc<str>, Arc<str>);

/// What is counted of one document. What many have in common is shared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CountedDocument {
    /// Its id.
    pub id: String,
    /// Label of its period; `None`: it is in no period.
    pub period: Option<Arc<str>>,
    /// Its value of the field that documents are grouped by; `None`: it has none.
    pub group: Option<Arc<str>>,
    /// Documents that it stands for: 1, or more where it is a group of them.
    pub n_documents: u64,
    /// Bytes of its units.
    pub n_bytes: u64,
    /// Number of its units.
    pub n_units: u64,
    /// Units that carry no theme.
    pub n_bare: u64,
    /// What it says of each theme.
    pub themes: CountedThemes,
    /// Part of the text that no theme takes, 0..1.
    pub none_share: f64,
    /// Fields of the document that say of what kind it is, by name.
    pub fields: Arc<[Field]>,
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
        let taken = move |theme| self.taken(measure, theme);
        self.themes.iter().map(taken).chain([self.left(measure)])
    }

    /// The part of its weight that one theme takes; what no theme takes is the last.
    pub(super) fn part(&self, measure: Measure, theme: usize) -> f64 {
        match theme < self.themes.n() {
            true => self.taken(measure, self.themes[theme]),
            false => self.left(measure),
        }
    }

    fn taken(&self, measure: Measure, theme: CountedTheme) -> f64 {
        match measure {
            Measure::Text => theme.share * self.n_bytes as f64,
            Measure::Units => theme.n_mentions as f64,
            Measure::Documents => f64::from(u8::from(theme.n_mentions > 0)),
        }
    }

    fn left(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Text => self.none_share * self.n_bytes as f64,
            Measure::Units => self.n_bare as f64,
            Measure::Documents => f64::from(u8::from(self.themes.are_unsaid())),
        }
    }
}

pub(super) fn six_decimals(x: f64) -> f64 {
    (x * 1e6).round() / 1e6
}

/// Documents that shares are computed from, in memory.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// With copies left out.
    pub documents: Vec<CountedDocument>,
    /// Documents that `documents` leaves out, whole or in part, as they are.
    pub copies: Vec<CountedDocument>,
}

impl Counted {
    /// Adds a document that repeats passages of others. Where nothing is left, it is a copy.
    pub fn add_part(&mut self, whole: CountedDocument, first_said: FirstSaid) {
        self.documents.extend(first_said.counted(&whole));
        self.copies.push(whole);
    }
}
