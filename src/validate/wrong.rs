//! The worst errors, as sentences to read: a figure says how often, these say why.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codebook::NONE_ID;

use super::passage::Passage;
use super::rounded;

/// How a passage was judged wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// Coded, but not scored.
    Missed,
    /// Scored, but not coded.
    Wrong,
}

/// A passage that was judged wrongly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WrongPassage {
    /// Id of the theme.
    pub theme: String,
    /// Whether the theme was `missed` or is `wrong`.
    pub fault: Fault,
    /// The passage's score for the theme, 0..1. Null: the units have no scores.
    pub score: Option<f64>,
    /// Id of the document.
    pub document: String,
    /// First byte of the passage in the document's text. Null: no unit was found there.
    pub start: Option<u64>,
    /// One past its last byte. Null: no unit was found there.
    pub end: Option<u64>,
    /// The passage, as the codes give it.
    pub text: String,
    /// Ids of all themes that the codes give it; empty: none.
    pub coded: Vec<String>,
    /// Ids of all themes that the scores give it; empty: none.
    pub scored: Vec<String>,
}

/// For each theme (and `none`) at most `n` passages of either fault, the most confident first.
pub(super) fn worst(passages: &[Passage<'_>], themes: &[String], n: usize) -> Vec<WrongPassage> {
    let ids: Vec<&str> = themes.iter().map(String::as_str).chain([NONE_ID]).collect();
    let of_theme = |question: usize| {
        [Fault::Wrong, Fault::Missed].map(|fault| {
            let mut found: Vec<&Passage<'_>> =
                passages.iter().filter(|passage| fault.is_in(passage, question)).collect();
            found.sort_by(|a, b| {
                let by_score = fault.doubt(a, question).total_cmp(&fault.doubt(b, question));
                by_score.then_with(|| {
                    (a.id, a.span.map(|s| s.start)).cmp(&(b.id, b.span.map(|s| s.start)))
                })
            });
            found.truncate(n);
            found.into_iter().map(|p| fault.row(p, question, &ids)).collect::<Vec<_>>()
        })
    };
    (0..ids.len()).flat_map(of_theme).flatten().collect()
}

impl Fault {
    fn is_in(self, passage: &Passage<'_>, question: usize) -> bool {
        match self {
            Fault::Missed => passage.coded[question] && !passage.scored[question],
            Fault::Wrong => passage.scored[question] && !passage.coded[question],
        }
    }

    /// The less, the surer the scores were of this fault.
    fn doubt(self, passage: &Passage<'_>, question: usize) -> f64 {
        let score = passage.scores.get(question).copied().unwrap_or(0.5);
        match self {
            Fault::Missed => score,
            Fault::Wrong => 1.0 - score,
        }
    }

    fn row(self, passage: &Passage<'_>, question: usize, ids: &[&str]) -> WrongPassage {
        let named = |answers: &[bool]| {
            let themes = ids[..ids.len() - 1].iter().zip(answers);
            themes.filter(|(_, yes)| **yes).map(|(id, _)| (*id).to_owned()).collect()
        };
        WrongPassage {
            theme: ids[question].to_owned(),
            fault: self,
            score: passage.scores.get(question).copied().map(rounded),
            document: passage.id.to_owned(),
            start: passage.span.map(|span| span.start as u64),
            end: passage.span.map(|span| span.end as u64),
            text: passage.code.text.clone(),
            coded: named(&passage.coded),
            scored: named(&passage.scored),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{code, corpus, themes};
    use super::super::passage::judge;
    use super::*;

    #[test]
    fn the_most_confident_errors_come_first_in_both_directions() {
        let (documents, themes) = (corpus(), themes());
        let codes = [
            code("a", None, "They agreed on ports;", &["learning"]),
            code("a", None, "and on schools.", &["roads"]),
            code("a", None, "They dined.", &["learning", "roads"]),
        ];
        let judged = judge(&codes, &documents, &themes);
        let rows = worst(&judged.passages, &themes, 1);
        let told = |row: &WrongPassage| (row.theme.clone(), row.fault, row.score, row.start);
        let told: Vec<_> = rows.iter().map(told).collect();
        let row =
            |theme: &str, fault, score, start| (theme.to_owned(), fault, Some(score), Some(start));
        assert_eq!(
            told[..4],
            [
                row("learning", Fault::Wrong, 0.8, 22),
                row("learning", Fault::Missed, 0.0, 38),
                row("roads", Fault::Wrong, 0.9, 0),
                row("roads", Fault::Missed, 0.2, 22),
            ]
        );
        assert_eq!(told.len(), 5, "and `none`, wrongly scored");
        assert_eq!(rows[0].coded, ["roads"]);
        assert_eq!(worst(&judged.passages, &themes, 0), []);
    }
}
