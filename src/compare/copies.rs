//! Whether copies count.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a text that repeats another counts.
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
pub enum Copies {
    /// Copies of documents and repeated passages count nothing: what was said counts where it was
    /// said first.
    #[default]
    Once,
    /// Every document counts, and all of it.
    All,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{
        CompareOptions, Counted, CountedDocument, CountedTheme, Measure, ThemeName, compare,
    };
    use super::*;

    fn document(id: &str, n_bytes: u64, share: f64) -> CountedDocument {
        CountedDocument {
            id: id.into(),
            period: Some("2020".into()),
            group: None,
            n_documents: 1,
            n_bytes,
            n_units: n_bytes / 10,
            n_bare: 0,
            themes: [CountedTheme { share, n_mentions: u64::from(share > 0.0) }]
                .into_iter()
                .collect(),
            none_share: 1.0 - share,
            fields: Arc::default(),
        }
    }

    /// (share, share with copies, documents) of the one theme.
    fn found(measure: Measure, copies: Copies) -> (f64, f64, usize) {
        let counted = Counted {
            documents: vec![document("a", 100, 0.2), document("part", 50, 0.0)],
            copies: vec![document("part", 100, 0.5), document("copy of a", 100, 0.2)],
        };
        let themes = [ThemeName { id: "t".into(), name: "T".into() }];
        let options = CompareOptions { measure, copies, ..CompareOptions::default() };
        let cells = compare(&counted, &themes, &options).unwrap().cells;
        let share = cells[0].shares.as_ref().unwrap()[0].share;
        (share, cells[0].with_copies.as_ref().unwrap()[0], cells[0].documents.list().len())
    }

    #[test]
    fn copies_count_once_and_the_effect_of_that_is_known() {
        let six = |(a, b, n): (f64, f64, usize)| ((a * 1e6).round(), (b * 1e6).round(), n);
        assert_eq!(six(found(Measure::Text, Copies::Once)), (133_333.0, 300_000.0, 2));
        assert_eq!(six(found(Measure::Text, Copies::All)), (300_000.0, 300_000.0, 3));
        assert_eq!(six(found(Measure::Documents, Copies::Once)), (500_000.0, 1_000_000.0, 2));
    }
}
