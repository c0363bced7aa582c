//! What was found: for every document what it repeats, and the rows of `copies.jsonl`.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::Span;

use super::keys::RepeatedIds;
use super::passages::whole_units;
use super::places::Places;
use super::words::words;

/// How one text repeats another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum CopyKind {
    /// The same text, byte for byte.
    Exact,
    /// The same text with small changes.
    Near,
    /// A run of units that stands in another text word for word.
    Passage,
    /// Another report of what an earlier document reports; both count.
    Event,
}

/// A find: a document, or a passage of it, and what it repeats.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyFound {
    /// How it repeats.
    pub kind: CopyKind,
    /// Number of the group, from 1: finds of one kind that go back to the same text.
    pub group: u64,
    /// Id of the document.
    pub document: Arc<str>,
    /// Id of the earlier document.
    pub original: Arc<str>,
    /// How much of the text is the same, 0..1.
    pub similarity: f64,
    /// For a passage its bytes in the document and in the original.
    pub spans: Option<(Span, Span)>,
}

/// What one document repeats.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// Id of the document that counts in its place, and how similar it is to the one it was compared with.
    pub duplicate_of: Option<(Arc<str>, f64)>,
    /// Where it is no copy.
    pub passages: Vec<Repeated>,
}

/// A run of words that was said before.
#[derive(Debug, Clone)]
pub(super) struct Repeated {
    /// Words of the document.
    pub words: Range<usize>,
    /// Id of the document that said it first.
    pub original: Arc<str>,
    /// Where each of the words stands there.
    pub places: Places,
}

/// All that was found.
#[derive(Debug, Default)]
pub struct Copies {
    ids: RepeatedIds,
    by_id: FxHashMap<Arc<str>, Repeats>,
    /// Copies of documents, in the order of the corpus.
    pub(super) documents: Vec<CopyFound>,
    passages: Vec<CopyFound>,
    /// Reports of one event, by date.
    pub(super) events: Vec<CopyFound>,
}

/// Units that repeat a passage, and the id of the document that said it first.
pub type RepeatedUnits = (Range<usize>, Arc<str>);

impl Copies {
    pub(super) fn among(self, ids: RepeatedIds) -> Self {
        Copies { ids, ..self }
    }

    /// Whether a document that is read again may have its id in common with another. Call it once for each.
    pub fn may_share_id(&mut self, id: &str) -> bool {
        self.ids.reread(id)
    }

    /// Whether the documents that were read again are those that were searched.
    pub fn are_of_those_read(&self) -> bool {
        self.ids.are_all_reread()
    }

    pub(super) fn of(&mut self, id: &Arc<str>) -> &mut Repeats {
        self.by_id.entry(id.clone()).or_default()
    }

    /// Id of the document that this one is a copy of, and how similar they are, 0..1.
    pub fn duplicate_of(&self, id: &str) -> Option<(&str, f64)> {
        let (original, similarity) = self.by_id.get(id)?.duplicate_of.as_ref()?;
        Some((original, *similarity))
    }

    /// The passages of a document that were said before, as runs of whole units of it (`units`: their
    /// spans, in order). They are noted; call it once for each document, in the order of the corpus.
    pub fn passages(&mut self, (id, text): (&str, &str), units: &[Span]) -> Vec<RepeatedUnits> {
        let Some(repeats) = self.by_id.get(id).filter(|repeats| !repeats.passages.is_empty())
        else {
            return Vec::new();
        };
        let words = words(text);
        let inner: Vec<Span> = units.iter().map(|unit| worded(*unit, text)).collect();
        let mut runs: Vec<&Repeated> = repeats.passages.iter().collect();
        runs.sort_by_key(|run| (run.words.start, run.words.end));
        let mut found = Vec::new();
        for run in runs {
            let Some((inside, part)) = whole_units(&words, &run.words, &inner) else { continue };
            let own = Span::new(units[inside.start].start, units[inside.end - 1].end);
            let part = part.start - run.words.start..part.end - run.words.start;
            let mut places = run.places.spans().skip(part.start).take(part.len());
            let Some((start, mut end)) = places.next() else { continue };
            places.for_each(|place| end = place.1);
            let there = Span::new(start as usize, end as usize);
            self.passages.push(CopyFound {
                kind: CopyKind::Passage,
                group: 0,
                document: id.into(),
                original: run.original.clone(),
                similarity: 1.0,
                spans: Some((own, there)),
            });
            found.push((inside, run.original.clone()));
        }
        found
    }

    /// The rows of `copies.jsonl`: copies of documents and passages, each in the order of the corpus,
    /// then events by date.
    pub fn into_rows(self) -> Vec<CopyFound> {
        let Copies { documents, mut passages, mut events, .. } = self;
        let n_groups = documents.iter().map(|row| row.group).max().unwrap_or(0);
        let n_groups = group_passages(&mut passages, n_groups);
        group_events(&mut events, n_groups);
        documents.into_iter().chain(passages).chain(events).collect()
    }
}

/// The part of a span from its first letter or digit to its last.
fn worded(span: Span, text: &str) -> Span {
    let (inner, outside) = (span.of(text), |c: char| !c.is_alphanumeric());
    let start = span.start + (inner.len() - inner.trim_start_matches(outside).len());
    Span { start, end: start.max(span.start + inner.trim_end_matches(outside).len()) }
}

/// Numbers passages on from `n_groups`: those that overlap in a text are of one group. Gives the last
/// number.
fn group_passages(rows: &mut [CopyFound], mut n_groups: u64) -> u64 {
    let mut known: FxHashMap<Arc<str>, Vec<(Span, u64)>> = FxHashMap::default();
    for row in rows {
        let Some((own, there)) = row.spans else { continue };
        let places = [(&row.original, there), (&row.document, own)];
        let overlapping = |(id, span): &(&Arc<str>, Span)| {
            let mut known = known.get(*id)?.iter();
            known.find(|(other, _)| other.overlaps(*span)).map(|(_, group)| *group)
        };
        row.group = places.iter().find_map(overlapping).unwrap_or(n_groups + 1);
        n_groups = n_groups.max(row.group);
        for (id, span) in places {
            let known = known.entry(id.clone()).or_default();
            let holds = |other: &Span| other.start <= span.start && span.end <= other.end;
            if !known.iter().any(|(other, _)| holds(other)) {
                known.push((span, row.group));
            }
        }
    }
    n_groups
}

/// Numbers events on from `n_groups`: reports that go back to one report are of one group.
fn group_events(rows: &mut [CopyFound], mut n_groups: u64) {
    let mut known: FxHashMap<Arc<str>, u64> = FxHashMap::default();
    for row in rows {
        row.group = *known.entry(row.original.clone()).or_insert(n_groups + 1);
        n_groups = n_groups.max(row.group);
        known.insert(row.document.clone(), row.group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_go_back_to_one_text() {
        let row = |kind, document: &str, original: &str, there: Option<(usize, usize)>| CopyFound {
            kind,
            group: 0,
            document: document.into(),
            original: original.into(),
            similarity: 1.0,
            spans: there.map(|(start, end)| (Span::new(0, 50), Span::new(start, end))),
        };
        let mut passages = [
            row(CopyKind::Passage, "p", "a", Some((0, 100))),
            row(CopyKind::Passage, "q", "a", Some((90, 200))),
            row(CopyKind::Passage, "q", "a", Some((300, 400))),
            row(CopyKind::Passage, "r", "p", Some((40, 90))),
        ];
        assert_eq!(group_passages(&mut passages, 5), 6);
        assert_eq!(passages.map(|row| row.group), [6, 6, 6, 6]);
        let mut events = [
            row(CopyKind::Event, "b", "a", None),
            row(CopyKind::Event, "z", "y", None),
            row(CopyKind::Event, "c", "b", None),
        ];
        group_events(&mut events, 6);
        assert_eq!(events.map(|row| row.group), [7, 8, 7]);
    }

    #[test]
    fn a_unit_reaches_from_its_first_letter_to_its_last() {
        let text = "“The ports, and roads.” …";
        assert_eq!(worded(Span::new(0, text.len()), text).of(text), "The ports, and roads");
        assert!(worded(Span::new(text.len() - 3, text.len()), text).is_empty());
    }
}
