//! What a document says first: its units without those of passages that stood in an earlier one.

use super::counted::{CountedDocument, CountedTheme, six_decimals};

/// The sums over the units that a document says first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FirstSaid {
    n_bytes: u64,
    n_units: u64,
    n_bare: u64,
    /// For each theme its bytes and the units that carry it.
    themes: Vec<(f64, u64)>,
}

impl FirstSaid {
    /// Of no unit yet.
    pub fn new(n_themes: usize) -> Self {
        FirstSaid { themes: vec![(0.0, 0); n_themes], ..FirstSaid::default() }
    }

    /// Adds a unit with its themes and their scores, which divide its length among them. A theme that
    /// the model does not have is passed over.
    pub fn add(&mut self, n_bytes: u64, themes: &[(usize, f64)]) {
        self.n_bytes += n_bytes;
        self.n_units += 1;
        self.n_bare += u64::from(themes.is_empty());
        let sum: f64 = themes.iter().map(|(_, score)| score).sum();
        for &(theme, score) in themes {
            let part = if sum > 0.0 { score / sum } else { 1.0 / themes.len() as f64 };
            if let Some((bytes, n_mentions)) = self.themes.get_mut(theme) {
                *bytes += part * n_bytes as f64;
                *n_mentions += 1;
            }
        }
    }

    /// The document with these units alone; `None` where there is none.
    pub fn counted(self, whole: &CountedDocument) -> Option<CountedDocument> {
        if self.n_units == 0 {
            return None;
        }
        let total = (self.n_bytes as f64).max(1.0);
        let theme = |&(bytes, n_mentions): &(f64, u64)| CountedTheme {
            share: six_decimals(bytes / total),
            n_mentions,
        };
        let taken: f64 = self.themes.iter().map(|(bytes, _)| bytes / total).sum();
        Some(CountedDocument {
            n_bytes: self.n_bytes,
            n_units: self.n_units,
            n_bare: self.n_bare,
            themes: self.themes.iter().map(theme).collect(),
            none_share: six_decimals((1.0 - taken).max(0.0)),
            ..whole.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn shares_are_those_of_the_units_that_are_left() {
        let whole = CountedDocument {
            id: "d".into(),
            period: Some("2020".into()),
            group: None,
            n_documents: 1,
            n_bytes: 1_000,
            n_units: 10,
            n_bare: 4,
            themes: [CountedTheme { share: 0.5, n_mentions: 6 }; 2].into_iter().collect(),
            none_share: 0.0,
            fields: Arc::default(),
        };
        let mut sums = FirstSaid::new(2);
        sums.add(100, &[(0, 0.9), (1, 0.3)]);
        sums.add(60, &[(0, 0.6)]);
        sums.add(40, &[]);
        let found = sums.counted(&whole).unwrap();
        assert_eq!((found.n_bytes, found.n_units, found.n_bare), (200, 3, 1));
        let expected =
            [(0.675, 2), (0.125, 1)].map(|(share, n_mentions)| CountedTheme { share, n_mentions });
        assert_eq!((found.themes, found.none_share), (expected.into_iter().collect(), 0.2));
        assert_eq!((found.id, found.period), (whole.id.clone(), whole.period.clone()));
        assert_eq!(FirstSaid::new(2).counted(&whole), None);
    }
}
