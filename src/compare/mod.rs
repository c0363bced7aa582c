//! Scores by period → [`Trends`]: how much of the text of each period is about each theme.
//!
//! A share is a ratio of sums: the bytes that the theme takes in all documents of the period over
//! the bytes of all their units. Copies count once, documents without a date are in no period, and
//! a period without documents is absent, not zero.

pub mod codebooks;

use std::collections::BTreeMap;

use crate::document::PeriodLength;
use crate::score::ScoredDocument;

/// The share of one theme in one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Theme id, or `none`.
    pub theme: String,
    /// Label of the period.
    pub period: String,
    /// Part of the period's text, 0..1; all themes and `none` of a period sum to 1.
    pub share: f64,
    /// Documents of the period, copies left out.
    pub n_documents: u64,
    /// Units of those documents.
    pub n_units: u64,
}

/// Shares in the order of the model's themes, `none` last, and for each theme of the periods.
#[derive(Debug, Clone, PartialEq)]
pub struct Trends {
    /// How time is divided.
    pub by: PeriodLength,
    /// One row for each period and theme.
    pub shares: Vec<Share>,
}

/// Running sums by period; documents are added in the order of the corpus.
#[derive(Debug, Clone)]
pub struct Tally {
    by: PeriodLength,
    n_themes: usize,
    periods: BTreeMap<String, PeriodSums>,
}

#[derive(Debug, Clone)]
struct PeriodSums {
    n_documents: u64,
    n_units: u64,
    /// Bytes of all units.
    bytes: f64,
    /// Bytes that each theme takes, in the model's order.
    theme_bytes: Vec<f64>,
}

impl Tally {
    /// An empty tally for a model of `n_themes` themes.
    pub fn new(by: PeriodLength, n_themes: usize) -> Self {
        Tally { by, n_themes, periods: BTreeMap::new() }
    }

    /// Adds a document; copies and documents without a period count nothing.
    pub fn add(&mut self, scored: &ScoredDocument) {
        let (Some(period), None) = (&scored.period, &scored.duplicate_of) else { return };
        let sums = self.periods.entry(period.clone()).or_insert_with(|| PeriodSums {
            n_documents: 0,
            n_units: 0,
            bytes: 0.0,
            theme_bytes: vec![0.0; self.n_themes],
        });
        let bytes: usize = scored.units.iter().map(|unit| unit.span.len()).sum();
        sums.n_documents += 1;
        sums.n_units += scored.units.len() as u64;
        sums.bytes += bytes as f64;
        for (sum, theme) in sums.theme_bytes.iter_mut().zip(&scored.themes) {
            *sum += theme.share * bytes as f64;
        }
    }

    /// The shares of the periods seen. `themes`: the model's theme ids, in its order.
    pub fn trends(&self, themes: &[String]) -> Trends {
        let mut shares: Vec<(usize, Share)> = self
            .periods
            .iter()
            .flat_map(|(period, sums)| sums.shares(period, themes).into_iter().enumerate())
            .collect();
        shares.sort_by_key(|(theme, _)| *theme);
        Trends { by: self.by, shares: shares.into_iter().map(|(_, share)| share).collect() }
    }
}

impl PeriodSums {
    fn shares(&self, period: &str, themes: &[String]) -> Vec<Share> {
        if self.bytes == 0.0 {
            return Vec::new();
        }
        let none = self.bytes - self.theme_bytes.iter().sum::<f64>();
        let ids = themes.iter().map(String::as_str).chain(["none"]);
        let row = |(theme, bytes): (&str, f64)| Share {
            theme: theme.to_owned(),
            period: period.to_owned(),
            share: (bytes / self.bytes).clamp(0.0, 1.0),
            n_documents: self.n_documents,
            n_units: self.n_units,
        };
        ids.zip(self.theme_bytes.iter().copied().chain([none])).map(row).collect()
    }
}
