//! `ThemeModel` × units → `Scores`: what each unit, and so each document, is about.
//!
//! A unit carries every theme whose score is at or over the theme's threshold. A document's share of
//! a theme is the part of its length (the bytes of its units) that the theme takes; a unit with
//! several themes divides its length among them by score; what no theme takes is `none`.

use crate::document::{Document, Span};

/// What one unit is about.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitScore {
    /// Index of the unit's sentence in the document, from 0.
    pub sentence: usize,
    /// The unit's bytes in the document's text.
    pub span: Span,
    /// (theme index in the model, score 0..1), best first; only those at or over the threshold.
    pub themes: Vec<(usize, f32)>,
    /// The cluster that the unit fell into: index of the closest theme of the model; `None` where
    /// it fits none.
    pub cluster: Option<usize>,
}

/// How much of a document is about one theme.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ThemeScore {
    /// Part of the text, 0..1.
    pub share: f64,
    /// Probability that the document talks about the theme at all, 0..1.
    pub score: f64,
    /// Units that carry the theme.
    pub n_mentions: u64,
}

/// A unit behind a document's score for a theme.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// Label of the document's period; `None` without a date that is precise enough.
    pub period: Option<String>,
    /// Id of the earlier document with the same text, where there is one.
    pub duplicate_of: Option<String>,
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
