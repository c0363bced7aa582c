//! Two codebooks on one corpus: which units change theme, and what that does to shares.
//!
//! Units do not depend on a codebook, so a document scored with both models has the same units
//! twice. Themes are matched by id. A theme that only one of the codebooks has is absent from the
//! other, not zero in it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::codebook::NONE_ID;
use crate::document::PeriodLength;
use crate::score::{ScoredDocument, UnitScore};

/// How the second codebook reads a corpus otherwise than the first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CodebookDiff {
    /// Always `themeline/codebook-diff/1`.
    pub schema: &'static str,
    /// Length of a period.
    pub by: PeriodLength,
    /// Documents compared, copies left out.
    pub n_documents: u64,
    /// Their units.
    pub n_units: u64,
    /// Units whose themes are not the same.
    pub n_changed: u64,
    /// Ids of themes that only the first codebook has.
    pub only_before: Vec<String>,
    /// Ids of themes that only the second codebook has.
    pub only_after: Vec<String>,
    /// Changes from theme to theme, the most frequent first.
    pub moves: Vec<Move>,
    /// The units that changed most, at most as many as were asked for.
    pub units: Vec<ChangedUnit>,
    /// Shares of themes, over all documents first, then by period.
    pub shares: Vec<ShareChange>,
}

/// Units that lost one theme for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Move {
    /// Theme that was lost; `none` where the units had no theme, null where they lost none.
    pub from: Option<String>,
    /// Theme that was gained; `none` where the units have no theme left, null where they gained none.
    pub to: Option<String>,
    /// Number of units.
    pub n_units: u64,
}

/// A unit whose themes changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangedUnit {
    /// Id of the document.
    pub document: String,
    /// First byte of the unit in the document's text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// The bytes themselves.
    pub text: String,
    /// Themes by the first codebook, best first.
    pub before: Vec<CarriedTheme>,
    /// Themes by the second codebook, best first.
    pub after: Vec<CarriedTheme>,
    /// Largest score of a theme that was lost or gained, 0..1.
    pub size: f32,
}

/// A theme that a unit carries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CarriedTheme {
    /// Theme id.
    pub theme: String,
    /// Score, 0..1.
    pub score: f32,
}

/// The share of one theme by both codebooks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShareChange {
    /// Theme id, or `none`.
    pub theme: String,
    /// Label of the period; null for all documents, dated or not.
    pub period: Option<String>,
    /// Share by the first codebook, 0..1; null where it has no such theme.
    pub before: Option<f64>,
    /// Share by the second codebook, 0..1; null where it has no such theme.
    pub after: Option<f64>,
}

/// Running sums of a comparison; documents are added in the order of the corpus.
#[derive(Debug, Clone)]
pub struct DiffTally {
    by: PeriodLength,
    before: Vec<String>,
    after: Vec<String>,
    max_units: usize,
    n_documents: u64,
    n_units: u64,
    n_changed: u64,
    moves: BTreeMap<(Option<String>, Option<String>), u64>,
    units: Vec<ChangedUnit>,
    /// By period, `None` for all documents.
    sums: BTreeMap<Option<String>, Sums>,
}

#[derive(Debug, Clone)]
struct Sums {
    bytes: f64,
    /// Bytes of each theme by the first codebook, then by the second.
    themes: [Vec<f64>; 2],
}

impl DiffTally {
    /// Nothing yet. `before`, `after`: theme ids of the two models in their order; `max_units`:
    /// changed units that are kept.
    pub fn new(
        by: PeriodLength,
        before: Vec<String>,
        after: Vec<String>,
        max_units: usize,
    ) -> Self {
        DiffTally {
            by,
            before,
            after,
            max_units,
            n_documents: 0,
            n_units: 0,
            n_changed: 0,
            moves: BTreeMap::new(),
            units: Vec::new(),
            sums: BTreeMap::new(),
        }
    }

    /// Adds a document as both models score it; the units of the two are the same.
    pub fn add(&mut self, before: &ScoredDocument, after: &ScoredDocument) {
        self.n_documents += 1;
        self.add_shares(None, before, after);
        if before.period.is_some() {
            self.add_shares(before.period.clone(), before, after);
        }
        for (old, new) in before.units.iter().zip(&after.units) {
            self.n_units += 1;
            self.add_unit(before, old, new);
        }
        self.units.sort_by(|a, b| {
            let by_place = (&a.document, a.start).cmp(&(&b.document, b.start));
            b.size.total_cmp(&a.size).then(by_place)
        });
        self.units.truncate(self.max_units);
    }

    fn add_unit(&mut self, document: &ScoredDocument, old: &UnitScore, new: &UnitScore) {
        let (before, after) = (named(&self.before, old), named(&self.after, new));
        let lost = missing(&before, &after);
        let gained = missing(&after, &before);
        let changed = lost.iter().chain(&gained).map(|carried| carried.score);
        let Some(size) = changed.reduce(f32::max) else { return };
        self.n_changed += 1;
        let sides = (ends(&lost, before.is_empty()), ends(&gained, after.is_empty()));
        for from in &sides.0 {
            for to in &sides.1 {
                *self.moves.entry((from.clone(), to.clone())).or_default() += 1;
            }
        }
        self.units.push(ChangedUnit {
            document: document.document.id.clone(),
            start: old.span.start,
            end: old.span.end,
            text: old.span.of(&document.document.text).to_owned(),
            before,
            after,
            size,
        });
    }

    fn add_shares(
        &mut self,
        period: Option<String>,
        before: &ScoredDocument,
        after: &ScoredDocument,
    ) {
        let bytes = before.units.iter().map(|unit| unit.span.len()).sum::<usize>() as f64;
        let zeros = || [vec![0.0; self.before.len()], vec![0.0; self.after.len()]];
        let new = || Sums { bytes: 0.0, themes: zeros() };
        let sums = self.sums.entry(period).or_insert_with(new);
        sums.bytes += bytes;
        for (side, scored) in sums.themes.iter_mut().zip([before, after]) {
            for (sum, theme) in side.iter_mut().zip(&scored.themes) {
                *sum += theme.share * bytes;
            }
        }
    }

    /// What was found.
    pub fn finish(self) -> CodebookDiff {
        let only = |these: &[String], those: &[String]| {
            these.iter().filter(|id| !those.contains(id)).cloned().collect::<Vec<_>>()
        };
        let mut moves: Vec<Move> = self
            .moves
            .iter()
            .map(|((from, to), &n)| Move { from: from.clone(), to: to.clone(), n_units: n })
            .collect();
        moves.sort_by_key(|found| std::cmp::Reverse(found.n_units));
        CodebookDiff {
            schema: "themeline/codebook-diff/1",
            by: self.by,
            n_documents: self.n_documents,
            n_units: self.n_units,
            n_changed: self.n_changed,
            only_before: only(&self.before, &self.after),
            only_after: only(&self.after, &self.before),
            moves,
            shares: self.shares(),
            units: self.units,
        }
    }

    fn shares(&self) -> Vec<ShareChange> {
        let mut ids = self.before.clone();
        ids.extend(self.after.iter().filter(|id| !self.before.contains(id)).cloned());
        ids.push(NONE_ID.to_owned());
        let with_text = self.sums.iter().filter(|(_, sums)| sums.bytes > 0.0);
        let rows = |(period, sums): (&Option<String>, &Sums)| {
            let row = |theme: &String| ShareChange {
                theme: theme.clone(),
                period: period.clone(),
                before: sums.share(0, &self.before, theme),
                after: sums.share(1, &self.after, theme),
            };
            ids.iter().map(row).collect::<Vec<_>>()
        };
        with_text.flat_map(rows).collect()
    }
}

impl Sums {
    /// The share of a theme on one side, 0..1; `None` where that side has no such theme.
    fn share(&self, side: usize, ids: &[String], theme: &str) -> Option<f64> {
        let themes = &self.themes[side];
        let bytes = match ids.iter().position(|id| id == theme) {
            Some(index) => themes[index],
            None if theme == NONE_ID => self.bytes - themes.iter().sum::<f64>(),
            None => return None,
        };
        Some((bytes / self.bytes).clamp(0.0, 1.0))
    }
}

fn named(ids: &[String], unit: &UnitScore) -> Vec<CarriedTheme> {
    let carried = unit.themes.iter();
    carried.map(|&(theme, score)| CarriedTheme { theme: ids[theme].clone(), score }).collect()
}

/// The themes of `these` that are not among `those`.
fn missing(these: &[CarriedTheme], those: &[CarriedTheme]) -> Vec<CarriedTheme> {
    let known = |carried: &&CarriedTheme| those.iter().any(|other| other.theme == carried.theme);
    these.iter().filter(|carried| !known(carried)).cloned().collect()
}

/// One side of a unit's moves: its themes that changed, `none` where it had no theme at all, and
/// `None` where it only kept themes.
fn ends(changed: &[CarriedTheme], had_none: bool) -> Vec<Option<String>> {
    match (changed, had_none) {
        ([], true) => vec![Some(NONE_ID.to_owned())],
        ([], false) => vec![None],
        (changed, _) => changed.iter().map(|carried| Some(carried.theme.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{DateOrigin, Document, Place, Span};
    use crate::score::ThemeScore;

    const TEXT: &str = "Ports. Schools. Dinner.";
    const SPANS: [(usize, usize); 3] = [(0, 6), (7, 15), (16, 23)];

    /// A document of three units with the themes given for each, and the shares of two themes.
    fn scored(
        period: Option<&str>,
        units: [&[(usize, f32)]; 3],
        shares: [f64; 2],
    ) -> ScoredDocument {
        let unit = |(themes, (start, end)): (&&[(usize, f32)], (usize, usize))| UnitScore {
            sentence: 0,
            span: Span::new(start, end),
            themes: themes.to_vec(),
            cluster: None,
            scores: vec![],
            copy_of: None,
        };
        let place = Place { file: "-".into(), line: None, byte_offset: None, record: 1 };
        ScoredDocument {
            document: Document {
                id: "d".to_owned(),
                text: TEXT.to_owned(),
                date: None,
                date_origin: DateOrigin::None,
                charset: "UTF-8",
                metadata: serde_json::Map::new(),
                place,
            },
            language: None,
            period: period.map(str::to_owned),
            duplicate_of: None,
            similarity: None,
            n_sentences: 3,
            units: units.iter().zip(SPANS).map(unit).collect(),
            themes: shares.map(|share| ThemeScore { share, ..ThemeScore::default() }).to_vec(),
            none_share: 1.0 - shares.iter().sum::<f64>(),
            evidence: Vec::new(),
        }
    }

    fn ids(names: [&str; 2]) -> Vec<String> {
        names.map(str::to_owned).to_vec()
    }

    fn diff(period: Option<&str>) -> CodebookDiff {
        let (before, after) = (ids(["roads", "schools"]), ids(["roads", "trade"]));
        let mut tally = DiffTally::new(PeriodLength::Year, before, after, 2);
        let old = scored(period, [&[(0, 0.9)], &[(1, 0.7)], &[]], [0.3, 0.4]);
        let new = scored(period, [&[(0, 0.8), (1, 0.6)], &[], &[(1, 0.95)]], [0.2, 0.5]);
        tally.add(&old, &new);
        tally.finish()
    }

    #[test]
    fn moves_name_what_was_lost_and_gained() {
        let diff = diff(None);
        assert_eq!((diff.n_units, diff.n_changed), (3, 3));
        let name = |end: &Option<String>| end.clone().unwrap_or_else(|| "kept".to_owned());
        let moves: Vec<String> = diff
            .moves
            .iter()
            .map(|m| format!("{}>{} {}", name(&m.from), name(&m.to), m.n_units))
            .collect();
        assert_eq!(moves, ["kept>trade 1", "none>trade 1", "schools>none 1"]);
        assert_eq!(
            (diff.only_before, diff.only_after),
            (vec!["schools".into()], vec!["trade".into()])
        );
    }

    #[test]
    fn the_largest_changes_are_kept_with_the_way_back_to_the_text() {
        let units = diff(None).units;
        let shown: Vec<(&str, f32)> = units.iter().map(|u| (u.text.as_str(), u.size)).collect();
        assert_eq!(shown, [("Dinner.", 0.95), ("Schools.", 0.7)]);
        assert!(units.iter().all(|unit| TEXT[unit.start..unit.end] == unit.text));
    }

    #[test]
    fn a_theme_that_a_codebook_lacks_is_absent_not_zero() {
        let diff = diff(Some("2020"));
        let share = |theme: &str, period: Option<&str>| {
            let found =
                diff.shares.iter().find(|s| s.theme == theme && s.period.as_deref() == period);
            found.map(|share| (share.before, share.after)).unwrap()
        };
        assert_eq!(share("schools", None), (Some(0.4), None));
        assert_eq!(share("trade", Some("2020")), (None, Some(0.5)));
        let (before, after) = share("none", Some("2020"));
        assert!((before.unwrap() - 0.3).abs() < 1e-9 && (after.unwrap() - 0.3).abs() < 1e-9);
    }

    #[test]
    fn the_same_scores_change_nothing() {
        let mut tally = DiffTally::new(PeriodLength::Year, ids(["a", "b"]), ids(["a", "b"]), 9);
        let same = scored(None, [&[(0, 0.9)], &[(1, 0.7)], &[]], [0.3, 0.4]);
        tally.add(&same, &same);
        let diff = tally.finish();
        assert_eq!((diff.n_changed, diff.moves.len(), diff.units.len()), (0, 0, 0));
        assert!(diff.shares.iter().all(|share| share.before == share.after));
    }
}
