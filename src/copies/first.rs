//! Which of several texts that say the same said it first: the one of the earliest date, those without
//! a date last, and of equals the first in the order of the corpus.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::events::SameEvent;
use super::finder::{Common, Holder, When};
use super::survey::day_number;
use super::{Copies, CopyFound, CopyKind, Repeated};

/// A text that is nearly the same as an earlier one of the corpus.
#[derive(Debug, Clone, Copy)]
pub(super) struct Near {
    pub text: u32,
    pub original: u32,
    /// Part of the shingles that both share, 0..1.
    pub similarity: f64,
}

/// All texts with the documents that hold them, and what they have in common.
#[derive(Debug, Default)]
pub(super) struct First {
    /// For each text the document that says it first.
    texts: Vec<Holder>,
    /// The other documents of the same text.
    others: Vec<(u32, Holder)>,
    pub near: Vec<Near>,
    pub common: Vec<Common>,
}

impl First {
    /// Adds a text; gives its number.
    pub fn new_text(&mut self, holder: Holder) -> u32 {
        self.texts.push(holder);
        (self.texts.len() - 1) as u32
    }

    /// Adds another document of a text.
    pub fn again(&mut self, text: u32, mut holder: Holder) {
        let first = &mut self.texts[text as usize];
        if holder.when < first.when {
            std::mem::swap(first, &mut holder);
        }
        self.others.push((text, holder));
    }

    /// Whether a text was said before another, as far as is known.
    pub fn is_before(&self, text: u32, other: u32) -> bool {
        self.when(text) < self.when(other)
    }

    fn when(&self, text: u32) -> When {
        self.texts[text as usize].when
    }

    /// The number of the day on which a text was said first, where it is known to the day.
    pub fn day(&self, text: u32) -> Option<u32> {
        self.when(text).1.and_then(day_number)
    }

    fn id(&self, text: u32) -> &Arc<str> {
        &self.texts[text as usize].id
    }

    /// What every document repeats.
    pub fn settled(mut self, events: Vec<SameEvent>) -> Copies {
        let near = self.near_copies();
        let root = |text: u32| {
            let up = |text: u32| near.get(&text).map(|&(original, _)| original);
            let mut top = text;
            while let Some(next) = up(top) {
                top = next;
            }
            top
        };
        let mut copies = Copies::default();
        self.add_documents(&mut copies, &near, root);
        for same in events {
            let (report, earlier) = (root(same.report), root(same.earlier));
            let row = self.row(CopyKind::Event, (report, earlier), same.similarity);
            copies.events.push(row);
        }
        for (text, passage) in self.repeated(|text| near.contains_key(&text)) {
            copies.of(self.id(text)).passages.push(passage);
        }
        copies
    }

    /// For each near-copy the text that it was compared with, and how similar they are. Of an original
    /// and its near-copies the first said is none; where that is not the original, the original is a
    /// copy of it, and the others are copies of the original, with which they were compared.
    fn near_copies(&mut self) -> FxHashMap<u32, (u32, f64)> {
        let mut found: FxHashMap<u32, (u32, f64)> = FxHashMap::default();
        let mut of_original: BTreeMap<u32, Vec<Near>> = BTreeMap::new();
        for near in std::mem::take(&mut self.near) {
            of_original.entry(near.original).or_default().push(near);
        }
        for (original, copies) in of_original {
            let earliest = copies.iter().min_by_key(|near| self.when(near.text)).copied();
            let first = earliest.filter(|near| self.is_before(near.text, original));
            for near in copies {
                found.insert(near.text, (original, near.similarity));
            }
            if let Some(first) = first {
                found.remove(&first.text);
                found.insert(original, (first.text, first.similarity));
            }
        }
        found
    }

    /// Adds the documents that repeat another, in the order of the corpus.
    fn add_documents(
        &self,
        copies: &mut Copies,
        near: &FxHashMap<u32, (u32, f64)>,
        root: impl Fn(u32) -> u32,
    ) {
        let near = near.iter().map(|(&text, &(original, similarity))| {
            let holder = &self.texts[text as usize];
            (holder, CopyKind::Near, original, similarity)
        });
        let exact = self.others.iter().map(|(text, other)| (other, CopyKind::Exact, *text, 1.0));
        let mut all: Vec<_> = near.chain(exact).collect();
        all.sort_by_key(|(holder, ..)| holder.when.2);
        let mut groups: FxHashMap<u32, u64> = FxHashMap::default();
        for (holder, kind, original, similarity) in all {
            let n_groups = groups.len() as u64;
            let counts = root(original);
            let group = *groups.entry(counts).or_insert(n_groups + 1);
            let (document, original) = (holder.id.clone(), self.id(original).clone());
            copies.of(&document).duplicate_of = Some((self.id(counts).clone(), similarity));
            let spans = None;
            copies.documents.push(CopyFound { kind, group, document, original, similarity, spans });
        }
    }

    fn row(&self, kind: CopyKind, (text, original): (u32, u32), similarity: f64) -> CopyFound {
        let (document, original) = (self.id(text).clone(), self.id(original).clone());
        CopyFound { kind, group: 0, document, original, similarity, spans: None }
    }

    /// For each repeated run of words the text that repeats it. A run goes back to the earlier text of
    /// the corpus; where the later one is of an earlier date, it is the other way round, but only once
    /// for each place, and not where one of them is a near-copy, which counts nothing.
    fn repeated(&mut self, is_copy: impl Fn(u32) -> bool) -> Vec<(u32, Repeated)> {
        let mut common = std::mem::take(&mut self.common);
        let later = |common: &Common| common.sides[0].0;
        common.sort_by_key(|common| self.when(later(common)));
        let mut turned: FxHashMap<u32, Vec<Range<usize>>> = FxHashMap::default();
        let settled = |common: Common| {
            let [(text, words), (original, place)] = common.sides;
            let taken = turned.entry(original).or_default();
            let is_free = !taken.iter().any(|t| t.start < place.end && place.start < t.end);
            let both_count = !is_copy(text) && !is_copy(original);
            let own = common.own.filter(|_| is_free && both_count);
            match own.filter(|_| self.is_before(text, original)) {
                Some(own) => {
                    taken.push(place.clone());
                    let first = self.id(text).clone();
                    (original, Repeated { words: place, original: first, places: own })
                }
                None => {
                    let first = self.id(original).clone();
                    (text, Repeated { words, original: first, places: common.places })
                }
            }
        };
        common.into_iter().map(settled).collect()
    }
}
