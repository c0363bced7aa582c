//! Hand codes against scores: how well the themes of units agree with a careful reader.
//!
//! A coded passage has the themes of its units: those that lie in it for the better part. Each
//! theme is then judged as a yes or no for each passage: precision, recall and F1 (van Rijsbergen
//! 1979). Macro F1 is the mean over themes that the codes have; micro F1 counts all decisions
//! together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::document::Span;
use crate::error::{Error, Result};
use crate::theme::codes::{Code, LocatedUnit, Units};

/// A scored unit, as the output folder has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredUnit {
    /// Its bytes in the document's text.
    pub span: Span,
    /// The bytes themselves.
    pub text: String,
    /// Ids of the themes that it carries.
    pub themes: Vec<String>,
}

/// How codes and scores agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Validation {
    /// Coded passages whose document is in the corpus.
    pub n_passages: usize,
    /// Documents that they lie in.
    pub n_documents: usize,
    /// Coded passages whose document is not in the corpus.
    pub n_not_found: usize,
    /// Mean F1 over the themes that the codes have, 0..1.
    pub macro_f1: f64,
    /// F1 over all decisions together, 0..1.
    pub micro_f1: f64,
    /// Each theme by its id.
    pub themes: BTreeMap<String, Agreement>,
    /// Passages without a theme: in the codes, in the scores, in both.
    pub none: Agreement,
}

/// How codes and scores agree on one theme.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Agreement {
    /// Passages that the codes give the theme.
    pub n_coded: usize,
    /// Passages that the scores give the theme.
    pub n_scored: usize,
    /// Passages that both give it.
    pub n_both: usize,
    /// Part of the scored ones that are coded, 0..1; null where none is scored.
    pub precision: Option<f64>,
    /// Part of the coded ones that are scored, 0..1; null where none is coded.
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall, 0..1; null where the theme is in neither.
    pub f1: Option<f64>,
}

impl Agreement {
    fn add(&mut self, coded: bool, scored: bool) {
        self.n_coded += usize::from(coded);
        self.n_scored += usize::from(scored);
        self.n_both += usize::from(coded && scored);
    }

    fn rated(self) -> Self {
        let part = |of: usize| (of > 0).then(|| self.n_both as f64 / of as f64);
        let either = self.n_coded + self.n_scored;
        Agreement {
            precision: part(self.n_scored),
            recall: part(self.n_coded),
            f1: (either > 0).then(|| 2.0 * self.n_both as f64 / either as f64),
            ..self
        }
    }

    fn sum(self, other: Agreement) -> Agreement {
        Agreement {
            n_coded: self.n_coded + other.n_coded,
            n_scored: self.n_scored + other.n_scored,
            n_both: self.n_both + other.n_both,
            ..Agreement::default()
        }
    }
}

/// Sets codes against the units of each document, by its id. `themes`: the ids that are judged.
///
/// # Errors
/// `Usage` where no code's document is in the corpus.
pub fn validate(
    codes: &[Code],
    documents: &BTreeMap<String, Vec<ScoredUnit>>,
    themes: &[String],
) -> Result<Validation> {
    let mut agreements: BTreeMap<String, Agreement> =
        themes.iter().map(|theme| (theme.clone(), Agreement::default())).collect();
    let (mut none, mut found, mut n_passages) = (Agreement::default(), BTreeSet::new(), 0);
    let mut located: BTreeMap<&str, Units> = BTreeMap::new();
    for code in codes {
        let Some((id, whole)) = code.document(|id| documents.contains_key(id)) else { continue };
        let units = &documents[id];
        let places =
            located.entry(id).or_insert_with(|| Units::new(units.iter().map(located_unit)));
        let carried = places.of_code(code, whole).into_iter().flat_map(|unit| &units[unit].themes);
        let scored: BTreeSet<&str> =
            carried.map(String::as_str).filter(|theme| agreements.contains_key(*theme)).collect();
        for (theme, agreement) in &mut agreements {
            agreement.add(code.themes.contains(theme), scored.contains(theme.as_str()));
        }
        none.add(code.themes.is_empty(), scored.is_empty());
        found.insert(id);
        n_passages += 1;
    }
    if n_passages == 0 {
        return Err(Error::usage(
            "no code's document is in the output folder",
            "score the documents that were coded, with the ids that the codes give as `doc`",
        ));
    }
    let all = agreements.values().copied().fold(Agreement::default(), Agreement::sum).rated();
    let themes: BTreeMap<String, Agreement> =
        agreements.into_iter().map(|(theme, agreement)| (theme, agreement.rated())).collect();
    Ok(Validation {
        n_passages,
        n_documents: found.len(),
        n_not_found: codes.len() - n_passages,
        macro_f1: macro_f1(&themes),
        micro_f1: all.f1.unwrap_or(0.0),
        themes,
        none: none.rated(),
    })
}

fn located_unit(unit: &ScoredUnit) -> LocatedUnit<'_> {
    LocatedUnit { span: unit.span, text: &unit.text }
}

fn macro_f1(themes: &BTreeMap<String, Agreement>) -> f64 {
    let coded = themes.values().filter(|agreement| agreement.n_coded > 0);
    let (sum, n) = coded.fold((0.0, 0), |(sum, n), a| (sum + a.f1.unwrap_or(0.0), n + 1));
    if n == 0 { 0.0 } else { sum / f64::from(n) }
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["theme", "coded", "scored", "precision", "recall", "F1"];
        writeln!(f, "{}", row(header.map(str::to_owned)))?;
        let none = ("none".to_owned(), self.none);
        let themes = self.themes.iter().map(|(theme, agreement)| (theme.clone(), *agreement));
        for (theme, agreement) in themes.chain([none]) {
            let rate = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.3}"));
            let (coded, scored) = (agreement.n_coded.to_string(), agreement.n_scored.to_string());
            let rates = [agreement.precision, agreement.recall, agreement.f1].map(rate);
            let [precision, recall, f1] = rates;
            writeln!(f, "{}", row([theme, coded, scored, precision, recall, f1]))?;
        }
        writeln!(
            f,
            "macro F1 {:.3}, micro F1 {:.3}, over {} passages of {} documents",
            self.macro_f1, self.micro_f1, self.n_passages, self.n_documents
        )?;
        match self.n_not_found {
            0 => Ok(()),
            n => writeln!(f, "{n} codes name a document that is not in the folder"),
        }
    }
}

fn row(cells: [String; 6]) -> String {
    let [theme, rest @ ..] = cells;
    rest.iter().fold(format!("{theme:<16}"), |line, cell| line + &format!("{cell:>10}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(start: usize, text: &str, themes: &[&str]) -> ScoredUnit {
        ScoredUnit {
            span: Span::new(start, start + text.len()),
            text: text.to_owned(),
            themes: themes.iter().map(|&theme| theme.to_owned()).collect(),
        }
    }

    fn code(doc: &str, start: Option<usize>, text: &str, themes: &[&str]) -> Code {
        Code {
            id: None,
            doc: Some(doc.to_owned()),
            start,
            text: text.to_owned(),
            themes: themes.iter().map(|&theme| theme.to_owned()).collect(),
        }
    }

    fn corpus() -> BTreeMap<String, Vec<ScoredUnit>> {
        let units = vec![
            unit(0, "They agreed on ports;", &["roads"]),
            unit(22, "and on schools.", &["learning", "emergent-1"]),
            unit(38, "They dined.", &[]),
        ];
        BTreeMap::from([("a".to_owned(), units)])
    }

    fn themes() -> Vec<String> {
        vec!["learning".to_owned(), "roads".to_owned()]
    }

    #[test]
    fn a_passage_has_the_themes_of_its_units() {
        let codes = [
            code("a", Some(0), "They agreed on ports; and on schools.", &["roads", "learning"]),
            code("a", None, "They  dined.", &["roads"]),
            code("b", None, "elsewhere", &[]),
        ];
        let validation = validate(&codes, &corpus(), &themes()).unwrap();
        assert_eq!((validation.n_passages, validation.n_not_found), (2, 1));
        assert_eq!(validation.themes["learning"].f1, Some(1.0));
        assert_eq!(validation.themes["roads"].recall, Some(0.5));
        assert_eq!(validation.themes["roads"].precision, Some(1.0));
        assert!((validation.macro_f1 - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        assert_eq!((validation.none.n_coded, validation.none.n_scored), (0, 1));
    }

    #[test]
    fn a_code_can_name_a_whole_document_by_its_id() {
        let mut whole = code("elsewhere", None, "anything", &["learning"]);
        whole.id = Some("a".to_owned());
        let validation = validate(&[whole], &corpus(), &themes()).unwrap();
        assert_eq!(validation.themes["learning"].f1, Some(1.0));
        assert_eq!(validation.themes["roads"].precision, Some(0.0));
    }

    #[test]
    fn codes_of_another_corpus_are_refused() {
        let error = validate(&[code("b", None, "x", &[])], &corpus(), &themes()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
}
