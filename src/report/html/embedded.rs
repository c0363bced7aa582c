//! What the page's script reads: numbers, passages and texts as JSON. The script shows them as text
//! alone.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::overview::series::{Point, Series};
use crate::report::overview::{DocumentHead, Overview, Passage, Unit, WholeText, between};
use crate::report::trends::Verdict;

use super::slope::Pair;

/// Shares are written as whole numbers of this part: 0.001 %.
const PART: f64 = 1e5;
/// Scores likewise, in thousandths.
const SCORE_PART: f64 = 1e3;

/// The value of `<script type="application/json">`. Themes, periods and documents are named by their
/// places everywhere.
#[derive(Serialize)]
pub struct Embedded<'o> {
    themes: Vec<&'o str>,
    periods: Vec<&'o str>,
    n_documents: Vec<u64>,
    /// By theme, the rest last, then period.
    shares: Vec<Vec<Option<i64>>>,
    low: Vec<Vec<Option<i64>>>,
    high: Vec<Vec<Option<i64>>>,
    /// Theme, from, to, verdict: of what was compared between two periods.
    verdicts: Vec<(usize, usize, usize, usize)>,
    pairs: Vec<EmbeddedPair<'o>>,
    documents: Vec<EmbeddedDocument<'o>>,
    /// Theme, period (-1: none), document, score, and the sentence in three parts.
    passages: Vec<(usize, i64, usize, i64, &'o str, &'o str, &'o str)>,
    /// By document: its units, each with what stands before it.
    texts: BTreeMap<usize, Vec<EmbeddedUnit<'o>>>,
}

#[derive(Serialize)]
struct EmbeddedPair<'o> {
    from: &'o str,
    to: &'o str,
    rows: Vec<EmbeddedChange>,
}

/// Theme, share in the one, in the other, ends of the interval, verdict (-1: not tested).
type EmbeddedChange = (usize, i64, i64, Option<i64>, Option<i64>, i64);

#[derive(Serialize)]
struct EmbeddedDocument<'o> {
    id: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_of: Option<&'o str>,
    file: &'o str,
    n: usize,
    themes: Vec<(usize, i64)>,
}

/// What stands before a unit (a paragraph mark at a new sentence), its words, its themes.
type EmbeddedUnit<'o> = (&'static str, &'o str, Vec<usize>);

impl<'o> Embedded<'o> {
    /// What the script needs of an overview. `pairs`: those that the user named.
    pub fn new(overview: &'o Overview, pairs: &'o [Pair]) -> Self {
        let series = &overview.series;
        let by = |value: &dyn Fn(&Point) -> Option<f64>| -> Vec<Vec<Option<i64>>> {
            let points = series.themes.iter().map(|theme| &theme.points).chain([&series.none]);
            let row = |points: &Vec<Option<Point>>| {
                points.iter().map(|p| p.as_ref().and_then(value).map(parts)).collect()
            };
            points.map(row).collect()
        };
        Embedded {
            themes: series.themes.iter().map(|theme| theme.name.as_str()).collect(),
            periods: series.periods.iter().map(|period| period.label.as_str()).collect(),
            n_documents: series.periods.iter().map(|period| period.n_documents).collect(),
            shares: by(&|point| Some(point.share)),
            low: by(&|point| Some(point.interval?.0)),
            high: by(&|point| Some(point.interval?.1)),
            verdicts: verdicts(overview, series),
            pairs: pairs.iter().map(EmbeddedPair::new).collect(),
            documents: overview.documents.iter().map(|d| EmbeddedDocument::new(d)).collect(),
            passages: overview.passages.iter().filter_map(|p| passage(overview, p)).collect(),
            texts: overview.texts.iter().filter_map(|text| whole(overview, text)).collect(),
        }
    }
}

fn parts(share: f64) -> i64 {
    (share * PART).round() as i64
}

fn number(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Rose => 0,
        Verdict::Fell => 1,
        Verdict::NoEvidence => 2,
        Verdict::TooLittleData => 3,
    }
}

fn verdicts(overview: &Overview, series: &Series) -> Vec<(usize, usize, usize, usize)> {
    let rows = overview.trends.comparisons.iter().filter(|row| row.group.is_none());
    rows.filter_map(|row| {
        let places = (series.period(&row.from)?, series.period(&row.to)?);
        Some((series.theme(&row.theme)?, places.0, places.1, number(row.verdict)))
    })
    .collect()
}

impl<'o> EmbeddedPair<'o> {
    fn new(pair: &'o Pair) -> Self {
        let rows = pair.changes.iter().map(|change| {
            let (low, high) = change.interval.unzip();
            let verdict = change.verdict.map_or(-1, |verdict| number(verdict) as i64);
            let (low, high) = (low.map(parts), high.map(parts));
            (change.theme, parts(change.from), parts(change.to), low, high, verdict)
        });
        EmbeddedPair { from: &pair.from, to: &pair.to, rows: rows.collect() }
    }
}

impl<'o> EmbeddedDocument<'o> {
    fn new(document: &'o DocumentHead) -> Self {
        EmbeddedDocument {
            id: &document.id,
            title: document.title.as_deref(),
            source: document.source.as_deref(),
            date: document.date.as_deref(),
            copy_of: document.duplicate_of.as_deref(),
            file: &document.file,
            n: document.n_units,
            themes: document.themes.iter().map(|(theme, share)| (*theme, parts(*share))).collect(),
        }
    }
}

fn place_of(overview: &Overview, document: &DocumentHead) -> Option<usize> {
    overview.documents.binary_search_by_key(&document.number, |own| own.number).ok()
}

fn passage<'o>(
    overview: &Overview,
    passage: &'o Passage,
) -> Option<(usize, i64, usize, i64, &'o str, &'o str, &'o str)> {
    let period = passage.document.period.map_or(-1, |period| period as i64);
    let document = place_of(overview, &passage.document)?;
    let score = (passage.score * SCORE_PART).round() as i64;
    let words = (passage.before.as_str(), passage.text.as_str(), passage.after.as_str());
    Some((passage.theme, period, document, score, words.0, words.1, words.2))
}

fn whole<'o>(
    overview: &'o Overview,
    text: &'o WholeText,
) -> Option<(usize, Vec<EmbeddedUnit<'o>>)> {
    let unit = |(k, unit): (usize, &'o Unit)| {
        let last = k.checked_sub(1).map(|last| &text.units[last]);
        let space = match last {
            Some(last) if last.sentence == unit.sentence => between(last, unit),
            _ => "¶",
        };
        let themes = unit.themes.iter().filter_map(|id| overview.series.theme(id)).collect();
        (space, unit.text.as_str(), themes)
    };
    let units = text.units.iter().enumerate().map(unit).collect();
    Some((place_of(overview, &text.document)?, units))
}
