//! The second reading: every text, in the order of the corpus, set against those before it; at its end
//! it is decided which of them was said first.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::document::{Date, Document};

use super::events::{Report, same_events};
use super::first::{First, Near};
use super::keys::{RepeatedIds, half, key};
use super::passages::{Same, Stretches};
use super::places::Places;
use super::shelf::Shelf;
use super::similar::Originals;
use super::survey::Shared;
use super::windows::{WINDOW_WORDS, winnowed};
use super::words::{Word, runs, words};
use super::{Copies, MIN_WORDS, SHINGLE_WORDS};

/// Of a document what the search needs: made in parallel, before documents are taken in order.
#[derive(Debug)]
pub struct Trace {
    id: Arc<str>,
    /// Whether another document has the same id.
    is_id_repeated: bool,
    date: Option<Date>,
    /// The key of the text.
    text: u128,
    /// Whether another document has the same text.
    is_copied: bool,
    /// Empty where the text shares no sampled run with another.
    words: Vec<Word>,
    /// Bands that another text has too.
    bands: Vec<u64>,
    /// Sorted, without repeats; empty where nothing is compared by them.
    shingles: Vec<u64>,
    /// Sampled runs that another text has too: (hash, first word).
    sampled: Vec<(u64, u32)>,
    /// The rare ones among them; sorted, without repeats.
    rare: Vec<u64>,
}

impl Trace {
    /// The trace of a document; depends on the document and what is shared alone.
    pub fn of(document: &Document, shared: &Shared) -> Self {
        let words = words(&document.text);
        let mut sampled = winnowed(&runs(&words, WINDOW_WORDS));
        sampled.retain(|&(hash, _)| shared.windows.contains_key(&hash));
        let rare = if shared.has_days { rare(&sampled, shared) } else { Vec::new() };
        let may_report = !rare.is_empty() && document.date.is_some_and(|d| d.day.is_some());
        let (bands, shingles) = compared(&words, shared, may_report);
        let text = key(&document.text);
        Trace {
            id: document.id.as_str().into(),
            is_id_repeated: shared.ids.has(&document.id),
            date: document.date,
            text,
            is_copied: shared.texts.contains(&half(text)),
            words: if sampled.is_empty() { Vec::new() } else { words },
            bands,
            shingles,
            sampled,
            rare,
        }
    }

    /// Whether nothing of it stands in another text.
    fn is_alone(&self) -> bool {
        !self.is_copied && self.bands.is_empty() && self.sampled.is_empty()
    }
}

/// The sampled runs that stand in few texts, each once.
fn rare(sampled: &[(u64, u32)], shared: &Shared) -> Vec<u64> {
    let hashes = sampled.iter().map(|&(hash, _)| hash);
    let mut found: Vec<u64> =
        hashes.filter(|hash| shared.windows.get(hash).is_some_and(|&is_rare| is_rare)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The bands that another text has too, and the shingles where there are such bands or `is_needed`.
fn compared(words: &[Word], shared: &Shared, is_needed: bool) -> (Vec<u64>, Vec<u64>) {
    if words.len() < MIN_WORDS || (shared.bands.is_empty() && !is_needed) {
        return (Vec::new(), Vec::new());
    }
    let mut shingles = runs(words, SHINGLE_WORDS);
    let mut bands = super::minhash::bands(&shingles).to_vec();
    bands.retain(|band| shared.bands.contains(band));
    if bands.is_empty() && !is_needed {
        return (bands, Vec::new());
    }
    shingles.sort_unstable();
    shingles.dedup();
    (bands, shingles)
}

/// When a document said what it says: by date, those without one last, then in the order of the corpus.
pub(super) type When = (bool, Option<Date>, u64);

/// A document of a text.
#[derive(Debug, Clone)]
pub(super) struct Holder {
    pub id: Arc<str>,
    pub when: When,
}

/// A run of words that two texts have in common.
#[derive(Debug, Clone)]
pub(super) struct Common {
    /// For the two texts the number and the words.
    pub sides: [(u32, Range<usize>); 2],
    /// Where they stand in the second text.
    pub places: Places,
    /// Where they stand in the first, if that one was said before the second.
    pub own: Option<Places>,
}

/// The texts so far, as far as later ones may repeat them, and what was found.
#[derive(Debug)]
pub struct Finder {
    /// Documents with an id of their own so far.
    n_documents: u64,
    /// The keys of those ids so far that stand at more than one document.
    ids: FxHashSet<u128>,
    /// Of the texts that stand in more than one document.
    by_key: FxHashMap<u128, u32>,
    originals: Originals,
    /// Those of originals and reports.
    shingles: Shelf,
    stretches: Stretches,
    reports: Vec<Report>,
    first: First,
}

impl Finder {
    /// One that puts what does not fit in memory into files of a folder; `None`: of the system's.
    pub fn beside(folder: Option<&Path>) -> Self {
        let folder = folder.map(Path::to_owned);
        Finder {
            n_documents: 0,
            ids: FxHashSet::default(),
            by_key: FxHashMap::default(),
            originals: Originals::default(),
            shingles: Shelf::beside(folder.clone()),
            stretches: Stretches::beside(folder),
            reports: Vec::new(),
            first: First::default(),
        }
    }

    /// Takes in the next document of the corpus. One whose id was there before is passed over; so is one
    /// that nothing is to be found of.
    ///
    /// # Errors
    /// Where a file cannot be written or read.
    pub fn take(&mut self, trace: Trace) -> io::Result<()> {
        if trace.is_id_repeated && !self.ids.insert(key(&trace.id)) {
            return Ok(());
        }
        self.n_documents += 1;
        if trace.is_alone() {
            return Ok(());
        }
        let when = (trace.date.is_none(), trace.date, self.n_documents);
        let holder = Holder { id: trace.id.clone(), when };
        if let Some(text) = self.by_key.get(&trace.text) {
            self.first.again(*text, holder);
            return Ok(());
        }
        let text = self.first.new_text(holder);
        if trace.is_copied {
            self.by_key.insert(trace.text, text);
        }
        self.search(text, trace)
    }

    fn search(&mut self, text: u32, trace: Trace) -> io::Result<()> {
        let closest = self.originals.closest(&trace.bands, &trace.shingles, &mut self.shingles)?;
        if let Some((original, similarity)) = closest {
            self.first.near.push(Near { text, original, similarity });
            if self.first.is_before(text, original) {
                // It may be the one that counts, so what it repeats of others is of interest.
                self.note_common(text, &trace, |other| other != original)?;
            }
            return Ok(());
        }
        let same = self.note_common(text, &trace, |_| true)?;
        self.stretches.add(text, &trace.words, &trace.sampled, &same)?;
        let shingles = self.shingles.put(&trace.shingles)?;
        if !trace.rare.is_empty() {
            self.reports.push(Report { text, runs: trace.rare.into(), shingles });
        }
        if !trace.bands.is_empty() {
            self.originals.add(text, &trace.bands, shingles);
        }
        Ok(())
    }

    /// Notes the runs of words that a text has in common with earlier ones, and gives them.
    fn note_common(
        &mut self,
        text: u32,
        trace: &Trace,
        with: impl Fn(u32) -> bool,
    ) -> io::Result<Vec<Same>> {
        let same = self.stretches.same(&trace.words, &trace.sampled)?;
        for run in &same {
            let mut common = self.stretches.common(run, text)?;
            let other = common.sides[1].0;
            let is_before = self.first.is_before(text, other);
            common.own = is_before.then(|| Places::of(&trace.words[run.words.clone()]));
            self.first.common.extend(with(other).then_some(common));
        }
        Ok(same)
    }

    /// All that was found. `ids`: those that stand at more than one document.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn finish(self, ids: RepeatedIds) -> io::Result<Copies> {
        let Finder { reports, first, by_key, originals, stretches, mut shingles, .. } = self;
        drop((by_key, originals, stretches));
        let events = same_events(reports, &mut shingles, |text| first.day(text))?;
        Ok(first.settled(events).among(ids))
    }
}
