//! A small coded corpus for the tests of this module.

use crate::document::Span;
use crate::theme::codes::Code;

use super::passage::{ScoredText, ScoredTexts, ScoredUnit};

pub fn unit(start: usize, text: &str, themes: &[&str], scores: [f64; 2]) -> ScoredUnit {
    ScoredUnit {
        span: Span::new(start, start + text.len()),
        text: text.to_owned(),
        themes: themes.iter().map(|&theme| theme.to_owned()).collect(),
        scores: scores.to_vec(),
    }
}

pub fn code(doc: &str, start: Option<usize>, text: &str, themes: &[&str]) -> Code {
    Code {
        doc: Some(doc.to_owned()),
        start,
        text: text.to_owned(),
        themes: themes.iter().map(|&theme| theme.to_owned()).collect(),
        ..Code::default()
    }
}

/// One document of three units.
pub fn corpus() -> ScoredTexts {
    let units = vec![
        unit(0, "They agreed on ports;", &["roads"], [0.1, 0.9]),
        unit(22, "and on schools.", &["learning", "emergent-1"], [0.8, 0.2]),
        unit(38, "They dined.", &[], [0.0, 0.3]),
    ];
    ScoredTexts::from([("a".to_owned(), ScoredText { units, ..ScoredText::default() })])
}

pub fn themes() -> Vec<String> {
    vec!["learning".to_owned(), "roads".to_owned()]
}
