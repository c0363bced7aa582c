//! Hand codes against scores: how well the themes of passages agree with a careful reader, where
//! they do not, and how sure one can be of either.
//!
//! A coded passage has the themes of its units: those that lie in it for the better part. Each
//! theme is then a yes or no for each passage. `docs/validate.md` explains every figure to those
//! who read them.

mod agreement;
mod alpha;
mod bootstrap;
mod calibration;
mod coders;
mod confusion;
mod groups;
mod passage;
mod wrong;

#[cfg(test)]
mod fixture;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::theme::codes::Code;

pub use agreement::{Agreement, AgreementIntervals, FigureIntervals, Figures};
pub use bootstrap::{Interval, Resampling};
pub use calibration::{Bin, Calibration, Reliability};
pub use coders::{CoderAgreement, CoderFile, ThemeAlpha};
pub use confusion::Confusion;
pub use groups::{BiasChange, Drift, Group};
pub use passage::{ScoredText, ScoredTexts, ScoredUnit};
pub use wrong::{Fault, WrongPassage};

use passage::{Judged, Passage};

/// The `schema` of a validation.
pub const SCHEMA: &str = "themeline/validation/1";

/// Fewer documents than this are said to be few.
const FEW_DOCUMENTS: u64 = 30;
/// Fewer documents that have a theme than this are said to be few.
const FEW_WITH_THEME: u64 = 10;
/// Documents that are named where they are not found.
const MAX_NAMED: usize = 5;

/// How codes and scores agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Validation {
    /// Always `themeline/validation/1`.
    pub schema: String,
    /// Number of parts in which documents were left out of the fit and scored by it. Null: the
    /// scores are those of the folder.
    pub leave_out: Option<u64>,
    /// The figures over all passages.
    #[serde(flatten)]
    pub figures: Figures,
    /// Codes whose document is not in the corpus.
    pub n_not_found: u64,
    /// Passages in which no unit lies; they count as scored with no theme.
    pub n_without_units: u64,
    /// Documents among the judged whose codes the themes were fitted with.
    pub n_trained_on: u64,
    /// Resamples behind every interval.
    pub n_resamples: u64,
    /// Agreement between coders. Null: there is one file of codes.
    pub coders: Option<CoderAgreement>,
    /// Which themes are taken for which, the most frequent first.
    pub confusions: Vec<Confusion>,
    /// Whether scores are probabilities. Null: the folder has no scores under the thresholds.
    pub calibration: Option<Calibration>,
    /// Agreement by period of the documents, or by spans of periods. Empty: no document has one.
    pub periods: Vec<Group>,
    /// How errors changed over time. Null: there are fewer than two periods.
    pub drift: Option<Drift>,
    /// Agreement by `source` of the codes or documents. Empty: none has one.
    pub sources: Vec<Group>,
    /// The worst errors: by theme, the most confident first.
    pub wrong: Vec<WrongPassage>,
    /// What the reader of these figures should know of.
    pub warnings: Vec<String>,
}

/// A coder's work: one file of codes.
#[derive(Debug, Clone)]
pub struct Coder {
    /// The file, as given.
    pub file: String,
    /// Its codes.
    pub codes: Vec<Code>,
}

/// How to judge.
#[derive(Debug, Clone, Copy)]
pub struct ValidateOptions {
    /// How documents are drawn for the intervals.
    pub resampling: Resampling,
    /// Most passages shown for a theme and a kind of error.
    pub n_wrong: usize,
}

/// Two codes of one file that speak of the same passage, by their index; the first such pair. Codes
/// with ids of their own speak of different passages, even where the text says a thing twice.
pub fn repeated(codes: &[Code]) -> Option<(usize, usize)> {
    let mut seen = HashMap::new();
    codes.iter().enumerate().find_map(|(index, code)| {
        let first = *seen.entry((&code.id, coders::key(code))).or_insert(index);
        (first != index).then_some((first, index))
    })
}

/// Sets the codes of the first coder against the scores, and all coders against each other.
/// `themes`: the ids that are judged, in the codebook's order.
///
/// # Errors
/// `Usage` where no code's document is among `documents`, or no code's text is in its document.
pub fn validate(
    coders: &[Coder],
    documents: &ScoredTexts,
    themes: &[String],
    options: ValidateOptions,
) -> Result<Validation> {
    let Some(first) = coders.first() else {
        return Err(Error::usage("no codes were given", "give a file of codes with --codes"));
    };
    let judged = passage::judge(&first.codes, documents, themes);
    let n_without_units = check(first, &judged)?;
    let (passages, resampling) = (&judged.passages, options.resampling);
    let mut validation = Validation {
        schema: SCHEMA.to_owned(),
        leave_out: None,
        figures: Figures::of(passages, judged.n_draws, themes, resampling),
        n_not_found: judged.not_found.values().sum(),
        n_without_units,
        n_trained_on: 0,
        n_resamples: resampling.n as u64,
        coders: (coders.len() > 1).then(|| between(coders, documents, themes, resampling)),
        confusions: confusion::confusions(passages, themes),
        calibration: calibration::calibration(passages, themes),
        periods: groups::periods(&judged, themes, resampling),
        drift: groups::drift(&judged, themes, resampling),
        sources: groups::groups(&judged, themes, resampling, Passage::source),
        wrong: wrong::worst(passages, themes, options.n_wrong),
        warnings: Vec::new(),
    };
    validation.warnings = warnings(&validation, &judged);
    Ok(validation)
}

/// The number of passages without a unit, where the rest can be judged.
fn check(coder: &Coder, judged: &Judged<'_>) -> Result<u64> {
    if judged.passages.is_empty() {
        return Err(Error::usage(
            format!(
                "{}: none of the coded documents is in the folder ({})",
                coder.file,
                named(judged)
            ),
            "score the documents that were coded, under the ids that the codes give as `doc`",
        ));
    }
    let n_without = judged.passages.iter().filter(|passage| passage.span.is_none()).count();
    if n_without == judged.passages.len() {
        return Err(Error::usage(
            format!("{}: no coded passage was found in the text of its document", coder.file),
            "`text` must stand in the document; `start` counts bytes of its text in UTF-8, from 0",
        ));
    }
    Ok(n_without as u64)
}

/// The documents that were not found, the first few by name.
fn named(judged: &Judged<'_>) -> String {
    let shown: Vec<&str> = judged.not_found.keys().take(MAX_NAMED).copied().collect();
    match judged.not_found.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

fn between(
    coders: &[Coder],
    documents: &ScoredTexts,
    themes: &[String],
    resampling: Resampling,
) -> CoderAgreement {
    let mut found = coders::agreement(coders, themes, resampling);
    for (file, coder) in found.files.iter_mut().zip(coders) {
        let judged = passage::judge(&coder.codes, documents, themes);
        let once = Resampling { n: 0, ..resampling };
        file.alpha_with_scores = Figures::of(&judged.passages, judged.n_draws, themes, once).alpha;
    }
    found
}

fn warnings(validation: &Validation, judged: &Judged<'_>) -> Vec<String> {
    let figures = &validation.figures;
    let mut warnings = Vec::new();
    if validation.n_not_found > 0 {
        warnings.push(format!(
            "{} codes name documents that are not in the folder: {}",
            validation.n_not_found,
            named(judged)
        ));
    }
    if validation.n_without_units > 0 {
        warnings.push(format!(
            "in {} coded passages no unit lies (the text is not there, or is page furniture); they \
             count as scored with no theme",
            validation.n_without_units
        ));
    }
    if figures.n_documents < FEW_DOCUMENTS {
        warnings.push(format!(
            "only {} coded documents: with fewer than {FEW_DOCUMENTS}, intervals are too narrow",
            figures.n_documents
        ));
    }
    let few = |(_, a): &(&String, &Agreement)| a.n_coded > 0 && a.n_documents < FEW_WITH_THEME;
    let few: Vec<&str> = figures.themes.iter().filter(few).map(|(id, _)| id.as_str()).collect();
    if !few.is_empty() {
        warnings.push(format!(
            "in fewer than {FEW_WITH_THEME} documents: {}; their figures say little",
            few.join(", ")
        ));
    }
    if validation.coders.as_ref().is_some_and(|coders| coders.n_shared == 0) {
        warnings.push(
            "no passage is in two files of codes; codes of one passage must have the same `doc`, \
             `start` and `text`"
                .to_owned(),
        );
    }
    if validation.calibration.is_none() {
        warnings.push(
            "no calibration: units.parquet has no column `scores`; score the documents again"
                .to_owned(),
        );
    }
    warnings
}

/// A number as it is written: with six decimals, never -0.
fn rounded(x: f64) -> f64 {
    (x * 1e6).round() / 1e6 + 0.0
}

#[cfg(test)]
mod tests {
    use super::fixture::{code, corpus, themes};
    use super::*;

    const OPTIONS: ValidateOptions =
        ValidateOptions { resampling: Resampling { seed: 1, n: 50, n_together: 1 }, n_wrong: 2 };

    fn judged(codes: Vec<Code>) -> Result<Validation> {
        let coder = Coder { file: "codes.jsonl".to_owned(), codes };
        validate(&[coder], &corpus(), &themes(), OPTIONS)
    }

    #[test]
    fn what_could_not_be_judged_is_counted_and_named() {
        let validation = judged(vec![
            code("a", None, "They dined.", &[]),
            code("a", None, "Nowhere to be read.", &["roads"]),
            code("elsewhere", None, "x", &[]),
        ])
        .unwrap();
        assert_eq!((validation.n_not_found, validation.n_without_units), (1, 1));
        let told = validation.warnings.join("\n");
        for said in ["elsewhere", "no unit lies", "only 1 coded documents", "roads"] {
            assert!(told.contains(said), "{said}: {told}");
        }
        assert_eq!(validation.figures.themes["roads"].recall, Some(0.0));
    }

    #[test]
    fn codes_of_another_corpus_are_refused() {
        let error = judged(vec![code("b", None, "x", &[])]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("(b)"), "{error}");
        let error = judged(vec![code("a", None, "Nowhere.", &[])]).unwrap_err();
        assert!(error.hint().unwrap().contains("bytes"), "{error}");
    }

    #[test]
    fn a_passage_coded_twice_is_found() {
        let codes = [
            code("a", Some(0), "One thing.", &[]),
            code("a", Some(11), "One thing.", &[]),
            code("a", Some(0), "One  thing.", &["roads"]),
        ];
        assert_eq!(repeated(&codes), Some((0, 2)));
        assert_eq!(repeated(&codes[..2]), None);
    }
}
