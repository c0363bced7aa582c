//! The second reading: every document, in the order of the corpus, set against those before it.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::document::{Document, Span};

use super::events::{Report, same_events};
use super::passages::{Stretches, whole_units};
use super::similar::Originals;
use super::survey::{Shared, day_number, key};
use super::windows::{WINDOW_WORDS, winnowed};
use super::words::{Word, runs, words};
use super::{CopyFound, CopyKind, MIN_WORDS, RepeatedPassage, SHINGLE_WORDS};

/// Of a document what the search needs: made in parallel, before documents are taken in order.
#[derive(Debug, Default)]
pub struct Trace {
    /// Empty where the document shares nothing with another.
    words: Vec<Word>,
    /// Bands that another text has too.
    bands: Vec<u64>,
    /// Sorted, without repeats; empty where nothing is compared by them.
    shingles: Vec<u64>,
    /// Sampled runs that another text has too: (hash, first word).
    sampled: Vec<(u64, u32)>,
    /// Those that stand in documents of the same few days alone.
    of_few_days: Vec<u64>,
}

impl Trace {
    /// The trace of a document; depends on its text and what is shared alone.
    pub fn of(document: &Document, shared: &Shared) -> Self {
        if shared.bands.is_empty() && shared.windows.is_empty() {
            return Trace::default();
        }
        let words = words(&document.text);
        let mut shingles = match words.len() >= MIN_WORDS {
            true => runs(&words, SHINGLE_WORDS),
            false => Vec::new(),
        };
        let mut bands: Vec<u64> = match shingles.is_empty() {
            true => Vec::new(),
            false => super::minhash::bands(&shingles).to_vec(),
        };
        bands.retain(|band| shared.bands.contains(band));
        let mut sampled = winnowed(&runs(&words, WINDOW_WORDS));
        sampled.retain(|&(hash, _)| shared.windows.contains_key(&key(hash)));
        let is_of_few_days = |hash: &u64| shared.windows.get(hash).copied().unwrap_or_default();
        let keys = sampled.iter().map(|&(hash, _)| key(hash));
        let mut of_few_days: Vec<u64> = keys.filter(is_of_few_days).collect();
        of_few_days.sort_unstable();
        of_few_days.dedup();
        match bands.is_empty() && of_few_days.is_empty() {
            true => shingles = Vec::new(),
            false => {
                shingles.sort_unstable();
                shingles.dedup();
            }
        }
        let words = if sampled.is_empty() { Vec::new() } else { words };
        Trace { words, bands, shingles, sampled, of_few_days }
    }
}

/// A document as the search sees it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'d> {
    /// The document.
    pub document: &'d Document,
    /// Its units, in the order of the text.
    pub units: &'d [Span],
}

/// What a document repeats.
#[derive(Debug, Default)]
pub struct Found {
    /// Id of the document that it is a near-copy of, and the part of the shingles that both share.
    pub near: Option<(Arc<str>, f64)>,
    /// Where it is no copy, its passages that stood in earlier documents, in the order of the text.
    pub passages: Vec<RepeatedPassage>,
}

/// The documents so far, as far as later ones may repeat them, and what was found.
#[derive(Debug, Default)]
pub struct Finder {
    shared: Arc<Shared>,
    originals: Originals,
    stretches: Stretches,
    reports: Vec<Report>,
    found: Vec<CopyFound>,
}

impl Finder {
    /// A search for what the first reading saw.
    pub fn new(shared: Arc<Shared>) -> Self {
        Finder { shared, ..Finder::default() }
    }

    /// What more than one text has.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Notes that a document has the same text as an earlier one.
    pub fn exact(&mut self, document: &str, original: &str) {
        self.note(CopyKind::Exact, (document.into(), original.into()), 1.0, None);
    }

    /// What a document repeats; its text must be no exact copy of one before it.
    pub fn find(&mut self, seen: Seen<'_>, trace: Trace) -> Found {
        let id: Arc<str> = seen.document.id.as_str().into();
        let near = self.originals.closest(&trace.bands, &trace.shingles);
        if let Some((original, similarity)) = near {
            let both = (id, original.clone());
            self.note(CopyKind::Near, both, similarity, None);
            return Found { near: Some((original, similarity)), passages: Vec::new() };
        }
        let passages = self.passages(seen, &trace, &id);
        self.keep(seen, trace, id);
        Found { near: None, passages }
    }

    /// The repeated passages of a document, which is then added for later ones.
    fn passages(&mut self, seen: Seen<'_>, trace: &Trace, id: &Arc<str>) -> Vec<RepeatedPassage> {
        let text = &seen.document.text;
        let same = self.stretches.same(&trace.words, &trace.sampled);
        let inner: Vec<Span> = match same.is_empty() {
            true => Vec::new(),
            false => seen.units.iter().map(|unit| worded(*unit, text)).collect(),
        };
        let mut passages = Vec::new();
        for run in &same {
            let Some((units, words)) = whole_units(&trace.words, run, &inner) else { continue };
            let own = Span::new(seen.units[units.start].start, seen.units[units.end - 1].end);
            let (original, span) = self.stretches.original(run, &words);
            let both = (id.clone(), original.clone());
            self.note(CopyKind::Passage, both, 1.0, Some((own, span)));
            passages.push(RepeatedPassage { units, original });
        }
        self.stretches.add(id, &trace.words, &trace.sampled, &same);
        passages
    }

    fn keep(&mut self, seen: Seen<'_>, trace: Trace, id: Arc<str>) {
        let day = seen.document.date.and_then(day_number);
        if let (Some(day), false) = (day, trace.of_few_days.is_empty()) {
            let (runs, shingles) = (trace.of_few_days, trace.shingles.clone());
            self.reports.push(Report { id: id.clone(), day, runs, shingles });
        }
        if !trace.bands.is_empty() {
            self.originals.add(id, &trace.bands, trace.shingles);
        }
    }

    fn note(
        &mut self,
        kind: CopyKind,
        (document, original): (Arc<str>, Arc<str>),
        similarity: f64,
        spans: Option<(Span, Span)>,
    ) {
        self.found.push(CopyFound { kind, group: 0, document, original, similarity, spans });
    }

    /// All that was found: documents and passages in the order of the corpus, then events.
    pub fn finish(mut self) -> Vec<CopyFound> {
        for same in same_events(std::mem::take(&mut self.reports)) {
            self.note(CopyKind::Event, (same.report, same.earlier), same.similarity, None);
        }
        grouped(self.found)
    }
}

/// The part of a span from its first letter or digit to its last.
fn worded(span: Span, text: &str) -> Span {
    let (inner, outside) = (span.of(text), |c: char| !c.is_alphanumeric());
    let start = span.start + (inner.len() - inner.trim_start_matches(outside).len());
    Span { start, end: start.max(span.start + inner.trim_end_matches(outside).len()) }
}

/// What a group goes back to: copies of a document; reports of an event; a place in a document.
#[derive(PartialEq, Eq, Hash)]
enum Root {
    Document(Arc<str>),
    Event(Arc<str>),
}

/// Numbers the groups in the order in which they come up.
fn grouped(mut found: Vec<CopyFound>) -> Vec<CopyFound> {
    let mut groups: FxHashMap<Root, u64> = FxHashMap::default();
    let mut passages: FxHashMap<Arc<str>, Vec<(Span, u64)>> = FxHashMap::default();
    let mut n_groups = 0;
    for copy in &mut found {
        let mut new = || {
            n_groups += 1;
            n_groups
        };
        copy.group = match (copy.kind, copy.spans) {
            (CopyKind::Passage, Some((_, span))) => {
                let known = passages.entry(copy.original.clone()).or_default();
                let same = known.iter_mut().find(|(other, _)| other.overlaps(span));
                match same {
                    Some((_, group)) => *group,
                    None => {
                        let group = new();
                        known.push((span, group));
                        group
                    }
                }
            }
            (kind, _) => {
                let root = if kind == CopyKind::Event { Root::Event } else { Root::Document };
                let group = *groups.entry(root(copy.original.clone())).or_insert_with(new);
                groups.insert(root(copy.document.clone()), group);
                group
            }
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_go_back_to_one_text() {
        let row = |kind, document: &str, original: &str, span: Option<(usize, usize)>| CopyFound {
            kind,
            group: 0,
            document: document.into(),
            original: original.into(),
            similarity: 1.0,
            spans: span.map(|(start, end)| (Span::new(0, 9), Span::new(start, end))),
        };
        let rows = vec![
            row(CopyKind::Near, "b", "a", None),
            row(CopyKind::Passage, "p", "a", Some((0, 100))),
            row(CopyKind::Exact, "c", "b", None),
            row(CopyKind::Passage, "q", "a", Some((90, 200))),
            row(CopyKind::Passage, "q", "a", Some((300, 400))),
            row(CopyKind::Event, "b", "a", None),
            row(CopyKind::Event, "d", "b", None),
        ];
        let groups: Vec<u64> = grouped(rows).iter().map(|row| row.group).collect();
        assert_eq!(groups, [1, 2, 1, 2, 3, 4, 4]);
    }

    #[test]
    fn a_unit_reaches_from_its_first_letter_to_its_last() {
        let text = "“The ports, and roads.” …";
        assert_eq!(worded(Span::new(0, text.len()), text).of(text), "The ports, and roads");
        assert!(worded(Span::new(text.len() - 3, text.len()), text).is_empty());
    }
}
