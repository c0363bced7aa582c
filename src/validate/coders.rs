//! How well coders agree with each other: the ceiling for what scores can reach against any one of
//! them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::theme::codes::Code;

use super::Coder;
use super::alpha::{Coincidences, alpha, alpha_of_sets};
use super::bootstrap::{Interval, Resampling};
use super::passage::named_document;
use super::rounded;

/// Krippendorff's alpha between coders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CoderAgreement {
    /// Each file of codes, as given.
    pub files: Vec<CoderFile>,
    /// Passages that at least two of the files code.
    pub n_shared: u64,
    /// Over all themes: two sets of themes differ by as many themes as only one of them has.
    pub alpha: ThemeAlpha,
    /// Alpha where two sets of themes agree only if they are the same. Null: nothing to agree on.
    pub alpha_of_sets: Option<f64>,
    /// Each theme as a yes or no, by its id.
    pub themes: BTreeMap<String, ThemeAlpha>,
}

/// A file of codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CoderFile {
    /// The file, as given.
    pub file: String,
    /// Codes in it.
    pub n_codes: u64,
    /// Alpha between these codes and the scores, over all themes. Null: no theme occurs, or no
    /// document of them is scored.
    pub alpha_with_scores: Option<f64>,
}

/// Alpha with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThemeAlpha {
    /// At most 1. Null: the theme is in no shared passage, or in all.
    pub alpha: Option<f64>,
    /// 95 % interval that resamples documents. Null: too few.
    pub interval: Option<Interval>,
}

/// A passage as coders name it: its document, its first byte, its text without white space. Two
/// codes of the same passage have the same key.
pub(super) type Key<'c> = (&'c str, Option<usize>, String);

/// The key of a code.
pub(super) fn key(code: &Code) -> Key<'_> {
    let text = code.text.chars().filter(|c| !c.is_whitespace()).collect();
    (named_document(code), code.start, text)
}

/// A passage that several coders judged.
struct Shared<'c> {
    document: &'c str,
    sets: Vec<Vec<bool>>,
}

/// The agreement of coders; the alpha of each with the scores is left to the caller.
pub(super) fn agreement(
    coders: &[Coder],
    themes: &[String],
    resampling: Resampling,
) -> CoderAgreement {
    let shared = shared(coders, themes);
    let rows = by_document(&shared, themes.len());
    let alphas = |times: &[u32]| {
        let sums = sums(&rows, times, themes.len());
        let of_theme = |theme: usize| alpha(&sums[theme..=theme]);
        (0..themes.len()).map(of_theme).chain([alpha(&sums)]).collect::<Vec<_>>()
    };
    let intervals = resampling.intervals(rows.len(), themes.len() + 1, alphas);
    let values = alphas(&vec![1; rows.len()]);
    let mut found: Vec<ThemeAlpha> = values
        .into_iter()
        .zip(intervals)
        .map(|(value, interval)| ThemeAlpha { alpha: value.map(rounded), interval })
        .collect();
    let over_all = found.pop().unwrap_or(ThemeAlpha { alpha: None, interval: None });
    let sets: Vec<Vec<&[bool]>> =
        shared.iter().map(|passage| passage.sets.iter().map(Vec::as_slice).collect()).collect();
    let file = |coder: &Coder| CoderFile {
        file: coder.file.clone(),
        n_codes: coder.codes.len() as u64,
        alpha_with_scores: None,
    };
    CoderAgreement {
        files: coders.iter().map(file).collect(),
        n_shared: shared.len() as u64,
        alpha: over_all,
        alpha_of_sets: alpha_of_sets(&sets).map(rounded),
        themes: themes.iter().cloned().zip(found).collect(),
    }
}

fn shared<'c>(coders: &'c [Coder], themes: &[String]) -> Vec<Shared<'c>> {
    let mut passages: BTreeMap<Key<'c>, Vec<Vec<bool>>> = BTreeMap::new();
    for code in coders.iter().flat_map(|coder| &coder.codes) {
        let set = themes.iter().map(|theme| code.themes.contains(theme)).collect();
        passages.entry(key(code)).or_default().push(set);
    }
    let several = passages.into_iter().filter(|(_, sets)| sets.len() > 1);
    several.map(|((document, _, _), sets)| Shared { document, sets }).collect()
}

/// For each document the coincidences of every theme.
fn by_document(shared: &[Shared<'_>], n_themes: usize) -> Vec<Vec<Coincidences>> {
    let mut rows: BTreeMap<&str, Vec<Coincidences>> = BTreeMap::new();
    for passage in shared {
        let none = || vec![Coincidences::default(); n_themes];
        let row = rows.entry(passage.document).or_insert_with(none);
        for (theme, sum) in row.iter_mut().enumerate() {
            let n_yes = passage.sets.iter().filter(|set| set[theme]).count();
            *sum += Coincidences::of(n_yes, passage.sets.len());
        }
    }
    rows.into_values().collect()
}

fn sums(rows: &[Vec<Coincidences>], times: &[u32], n_themes: usize) -> Vec<Coincidences> {
    let mut sums = vec![Coincidences::default(); n_themes];
    for (row, &times) in rows.iter().zip(times).filter(|(_, times)| **times > 0) {
        for (sum, &coincidences) in sums.iter_mut().zip(row) {
            *sum += coincidences.times(f64::from(times));
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{code, themes};
    use super::*;

    #[test]
    fn coders_are_compared_on_the_passages_that_they_share() {
        let coder = |file: &str, codes: Vec<Code>| Coder { file: file.to_owned(), codes };
        let first = vec![
            code("a", Some(0), "One thing.", &["roads"]),
            code("a", Some(11), "Another.", &[]),
            code("b", Some(0), "A third.", &["roads", "learning"]),
            code("b", Some(9), "Of the first alone.", &["roads"]),
        ];
        let second = vec![
            code("b", Some(0), "A  third.", &["learning"]),
            code("a", Some(0), "One thing.", &["roads"]),
            code("a", Some(11), "Another.", &[]),
        ];
        let coders = [coder("1.jsonl", first), coder("2.jsonl", second)];
        let resampling = Resampling { seed: 1, n: 50, n_together: 1 };
        let found = agreement(&coders, &themes(), resampling);
        assert_eq!((found.n_shared, found.files[1].n_codes), (3, 3));
        assert_eq!(found.themes["learning"].alpha, Some(1.0));
        // roads: yes-yes, no-no, yes-no: 1 - 5 * 2 / (2 * 3 * 3).
        assert_eq!(found.themes["roads"].alpha, Some(rounded(1.0 - 10.0 / 18.0)));
        assert!(found.alpha.alpha.unwrap() < 1.0 && found.alpha_of_sets.unwrap() < 1.0);
    }
}
