//! Which themes are taken for which, where a passage may have several.
//!
//! Themes that codes and scores share are right and left aside. Of a passage's others, each that
//! was missed is paired with each that was wrongly scored. Where there is nothing on one side to
//! pair with, the partner is `none` if that side gives the passage no theme at all, else nothing:
//! the theme was missed, or added, beside others that are right.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codebook::NONE_ID;

use super::passage::Passage;

/// Passages in which one theme stands for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confusion {
    /// The theme that was coded and missed; `none`: the codes give the passage no theme. Null: all
    /// themes coded were scored, and `scored` is one too many.
    pub coded: Option<String>,
    /// The theme that was wrongly scored; `none`: the scores give the passage no theme. Null: no
    /// theme was wrongly scored, and `coded` is one too few.
    pub scored: Option<String>,
    /// Passages. At least 1.
    pub n: u64,
}

/// All confusions, the most frequent first.
pub(super) fn confusions(passages: &[Passage<'_>], themes: &[String]) -> Vec<Confusion> {
    let mut counts: BTreeMap<(Option<&str>, Option<&str>), u64> = BTreeMap::new();
    for passage in passages {
        let missed = only(&passage.coded, &passage.scored, themes);
        let wrong = only(&passage.scored, &passage.coded, themes);
        if missed.is_empty() && wrong.is_empty() {
            continue;
        }
        for &coded in &partners(missed, &passage.coded) {
            for &scored in &partners(wrong.clone(), &passage.scored) {
                *counts.entry((coded, scored)).or_default() += 1;
            }
        }
    }
    let row = |((coded, scored), n): ((Option<&str>, Option<&str>), u64)| Confusion {
        coded: coded.map(str::to_owned),
        scored: scored.map(str::to_owned),
        n,
    };
    let mut rows: Vec<Confusion> = counts.into_iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.n));
    rows
}

/// Themes that one side has and the other has not; `none` is no theme.
fn only<'t>(has: &[bool], lacks: &[bool], themes: &'t [String]) -> Vec<&'t str> {
    let answers = has.iter().zip(lacks).zip(themes);
    let only = answers.filter(|((has, lacks), _)| **has && !**lacks);
    only.map(|(_, theme)| theme.as_str()).collect()
}

/// What stands on one side of the pairs. `answers`: all that the side says.
fn partners<'t>(themes: Vec<&'t str>, answers: &[bool]) -> Vec<Option<&'t str>> {
    match themes.is_empty() {
        true => vec![answers.last().is_some_and(|none| *none).then_some(NONE_ID)],
        false => themes.into_iter().map(Some).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{code, unit};
    use super::super::passage::{ScoredText, ScoredTexts, judge};
    use super::*;

    fn of(coded: &[&str], scored: &[&str]) -> Vec<(Option<String>, Option<String>, u64)> {
        let units = vec![unit(0, "A passage.", scored, [0.0; 2])];
        let text = ScoredText { units, ..ScoredText::default() };
        let documents = ScoredTexts::from([("a".to_owned(), text)]);
        let themes = ["a", "b", "c"].map(str::to_owned);
        let codes = [code("a", Some(0), "A passage.", coded)];
        let judged = judge(&codes, &documents, &themes);
        let rows = confusions(&judged.passages, &themes).into_iter();
        rows.map(|row| (row.coded, row.scored, row.n)).collect()
    }

    #[test]
    fn what_is_missed_is_paired_with_what_is_wrong() {
        let some = |theme: &str| Some(theme.to_owned());
        assert_eq!(of(&["a"], &["b"]), [(some("a"), some("b"), 1)]);
        assert_eq!(of(&["a", "c"], &["b", "c"]), [(some("a"), some("b"), 1)]);
        assert_eq!(of(&["a"], &[]), [(some("a"), some("none"), 1)]);
        assert_eq!(of(&[], &["a"]), [(some("none"), some("a"), 1)]);
        assert_eq!(of(&["a", "b"], &["b"]), [(some("a"), None, 1)]);
        assert_eq!(of(&["b"], &["a", "b"]), [(None, some("a"), 1)]);
        assert_eq!(of(&["a", "b"], &["a", "b"]), []);
        assert_eq!(of(&[], &[]), []);
        let two = [(some("a"), some("b"), 1), (some("a"), some("c"), 1)];
        assert_eq!(of(&["a"], &["b", "c"]), two);
    }
}
