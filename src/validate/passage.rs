//! Coded passages set beside the scores of their units.
//!
//! A passage has the themes of its units: those that lie in it for the better part, or the one that
//! it is a part of. Its probability of a theme is that of its best unit; its probability of no theme
//! at all is the product of the probabilities that it lacks each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::document::Span;
use crate::theme::codes::{Code, LocatedUnit, Units};

/// A scored unit.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredUnit {
    /// Its bytes in the document's text.
    pub span: Span,
    /// The bytes themselves.
    pub text: String,
    /// Ids of the themes that it carries.
    pub themes: Vec<String>,
    /// Its scores for the codebook's themes, 0..1, in the codebook's order; empty where they are not
    /// known.
    pub scores: Vec<f64>,
}

/// A scored document that codes speak of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScoredText {
    /// Label of its period, where it is in one.
    pub period: Option<String>,
    /// Its `source`, where it has one.
    pub source: Option<String>,
    /// Id of the document whose text it repeats, where it repeats one.
    pub copy_of: Option<String>,
    /// Its units, in the order of the text.
    pub units: Vec<ScoredUnit>,
}

/// Scored documents by their ids.
pub type ScoredTexts = BTreeMap<String, ScoredText>;

/// A coded passage with its scores. Yes and no are one a theme, in the codebook's order, and one
/// more for `none`.
#[derive(Debug, Clone)]
pub(super) struct Passage<'p> {
    /// The code.
    pub code: &'p Code,
    /// Id of its document.
    pub id: &'p str,
    /// Its document.
    pub document: &'p ScoredText,
    /// Number of its document; copies of one text have one number.
    pub draw: usize,
    /// Where its units lie; `None` where it has none.
    pub span: Option<Span>,
    /// What the coder said.
    pub coded: Vec<bool>,
    /// What the scores say.
    pub scored: Vec<bool>,
    /// Probabilities; empty where there are no units, or they have no scores.
    pub scores: Vec<f64>,
}

impl<'p> Passage<'p> {
    /// Value of the field `source` of the code, else of the document.
    pub fn source(&self) -> Option<&'p str> {
        let of_code = self.code.source.as_ref().and_then(|source| source.as_str());
        of_code.or(self.document.source.as_deref())
    }
}

/// The passages of a file of codes, and what could not be judged.
#[derive(Debug, Clone)]
pub(super) struct Judged<'p> {
    /// In the order of the file.
    pub passages: Vec<Passage<'p>>,
    /// Numbers that documents have.
    pub n_draws: usize,
    /// Documents that codes name and the scores lack, each with the number of its codes.
    pub not_found: BTreeMap<&'p str, u64>,
}

/// Finds the units of every code. `themes`: ids, in the codebook's order.
pub(super) fn judge<'p>(
    codes: &'p [Code],
    documents: &'p ScoredTexts,
    themes: &[String],
) -> Judged<'p> {
    let mut judged = Judged { passages: vec![], n_draws: 0, not_found: BTreeMap::new() };
    let mut places: HashMap<&str, Units> = HashMap::new();
    let mut draws: HashMap<&str, usize> = HashMap::new();
    for code in codes {
        let Some((id, whole)) = code.document(|id| documents.contains_key(id)) else {
            *judged.not_found.entry(named_document(code)).or_default() += 1;
            continue;
        };
        let Some((id, document)) = documents.get_key_value(id) else { continue };
        let located = || document.units.iter().map(located_unit);
        let units = places.entry(id).or_insert_with(|| Units::new(located()));
        let units: Vec<&ScoredUnit> =
            units.of_code(code, whole).into_iter().map(|unit| &document.units[unit]).collect();
        let n_draws = draws.len();
        let text = document.copy_of.as_deref().unwrap_or(id);
        let draw = *draws.entry(text).or_insert(n_draws);
        judged.passages.push(passage(code, (id, document, draw), &units, themes));
    }
    judged.n_draws = draws.len();
    judged
}

/// The document that a code names, as given.
pub(super) fn named_document(code: &Code) -> &str {
    code.doc.as_deref().or(code.id.as_deref()).unwrap_or_default()
}

fn passage<'p>(
    code: &'p Code,
    (id, document, draw): (&'p str, &'p ScoredText, usize),
    units: &[&ScoredUnit],
    themes: &[String],
) -> Passage<'p> {
    let carried: BTreeSet<&String> = units.iter().flat_map(|unit| &unit.themes).collect();
    let coded = themes.iter().map(|theme| code.themes.contains(theme)).collect();
    let scored = themes.iter().map(|theme| carried.contains(theme)).collect();
    let ends = units.first().zip(units.last());
    Passage {
        code,
        id,
        document,
        draw,
        span: ends.map(|(first, last)| Span::new(first.span.start, last.span.end)),
        coded: with_none(coded),
        scored: with_none(scored),
        scores: probabilities(units, themes.len()),
    }
}

fn with_none(mut answers: Vec<bool>) -> Vec<bool> {
    let any = answers.contains(&true);
    answers.push(!any);
    answers
}

fn probabilities(units: &[&ScoredUnit], n_themes: usize) -> Vec<f64> {
    if units.is_empty() || units.iter().any(|unit| unit.scores.len() != n_themes) {
        return Vec::new();
    }
    let best = |theme: usize| units.iter().map(|unit| unit.scores[theme]).fold(0.0, f64::max);
    let mut best: Vec<f64> = (0..n_themes).map(best).collect();
    best.push(best.iter().map(|score| 1.0 - score).product());
    best
}

fn located_unit(unit: &ScoredUnit) -> LocatedUnit<'_> {
    LocatedUnit { span: unit.span, text: &unit.text }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{code, corpus, themes};
    use super::*;

    #[test]
    fn a_passage_has_the_themes_and_the_best_scores_of_its_units() {
        let (documents, themes) = (corpus(), themes());
        let codes = [
            code("a", Some(0), "They agreed on ports; and on schools.", &["roads"]),
            code("a", None, "They  dined.", &["roads"]),
            code("elsewhere", None, "x", &[]),
        ];
        let judged = judge(&codes, &documents, &themes);
        assert_eq!(judged.not_found, BTreeMap::from([("elsewhere", 1)]));
        let [both, dined] = &judged.passages[..] else { panic!("{judged:?}") };
        assert_eq!(both.scored, [true, true, false]);
        assert_eq!(both.coded, [false, true, false]);
        assert_eq!(both.span, Some(Span::new(0, 37)));
        assert_eq!(both.scores[..2], [0.8, 0.9]);
        assert!((both.scores[2] - 0.2 * 0.1).abs() < 1e-12);
        assert_eq!((dined.coded[2], dined.scored[2]), (false, true));
        assert_eq!(judged.n_draws, 1);
    }

    #[test]
    fn a_code_can_name_a_whole_document_by_its_id() {
        let documents = corpus();
        let mut whole = code("elsewhere", None, "anything", &["learning"]);
        whole.id = Some("a".to_owned());
        let (whole, themes) = ([whole], themes());
        let judged = judge(&whole, &documents, &themes);
        assert_eq!(judged.passages[0].scored, [true, true, false]);
    }

    #[test]
    fn copies_are_one_draw() {
        let mut documents = corpus();
        let copy = ScoredText { copy_of: Some("a".to_owned()), ..documents["a"].clone() };
        documents.insert("b".to_owned(), copy);
        let codes = [code("b", None, "They dined.", &[]), code("a", None, "They dined.", &[])];
        let themes = themes();
        let judged = judge(&codes, &documents, &themes);
        assert_eq!((judged.passages.len(), judged.n_draws), (2, 1));
    }
}
