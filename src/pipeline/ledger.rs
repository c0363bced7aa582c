//! What became of every record: scored, rejected, or a copy of one before it.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use crate::copies::{Copies, CopyFound};
use crate::document::{Document, Reject, RejectCode, Span};
use crate::report::run::Counts;
use crate::score::ScoredDocument;

use super::stream::Read;

/// The language that terms and clause rules are made for.
const ENGLISH: &str = "eng";

/// The start of a BLAKE3 hash: of millions of texts no two have the same.
type HashStart = [u64; 2];

fn hash_start(text: &str) -> HashStart {
    let hash = blake3::hash(text.as_bytes());
    let (halves, _) = hash.as_bytes().as_chunks();
    [0, 1].map(|half| u64::from_le_bytes(halves[half]))
}

/// What became of every record so far.
#[derive(Default)]
pub(super) struct Ledger {
    pub counts: Counts,
    pub rejects: Vec<Reject>,
    /// What the documents repeat; where it is unknown only exact copies are found.
    pub copies: Option<Copies>,
    /// For the start of each id's hash that of its text's.
    texts: FxHashMap<HashStart, u64>,
    /// For the start of each text's hash the id of the first document that has it.
    firsts: FxHashMap<HashStart, Box<str>>,
    n_undated: u64,
    /// Documents in languages other than English, by code.
    n_foreign: BTreeMap<String, u64>,
}

impl Ledger {
    /// A ledger of documents whose copies are known.
    pub fn with_copies(copies: Copies) -> Self {
        Ledger { copies: Some(copies), ..Ledger::default() }
    }

    /// Enters a batch, in its order, and gives back the documents to be written.
    pub fn enter(&mut self, batch: Vec<Read<ScoredDocument>>) -> Vec<ScoredDocument> {
        self.counts.read += batch.len() as u64;
        batch.into_iter().filter_map(|read| self.enter_one(read)).collect()
    }

    pub fn enter_one(&mut self, read: Read<ScoredDocument>) -> Option<ScoredDocument> {
        let mut scored = match read {
            Ok(scored) => scored,
            Err(reject) => return self.reject(reject),
        };
        let hash = hash_start(&scored.document.text);
        match self.texts.entry(hash_start(&scored.document.id)) {
            Entry::Occupied(known) if *known.get() == hash[0] => {
                self.counts.duplicates += 1;
                return None;
            }
            Entry::Occupied(_) => return self.reject(duplicate_id(&scored.document)),
            Entry::Vacant(new) => drop(new.insert(hash[0])),
        }
        match &mut self.copies {
            Some(copies) => mark(&mut scored, copies),
            None => self.mark_exact(&mut scored, hash),
        }
        match scored.duplicate_of {
            Some(_) => self.counts.duplicates += 1,
            None => {
                self.counts.scored += 1;
                self.n_undated += u64::from(scored.period.is_none());
                let foreign = scored.language.iter().filter(|code| *code != ENGLISH);
                foreign.for_each(|code| *self.n_foreign.entry(code.to_string()).or_default() += 1);
            }
        }
        Some(scored)
    }

    /// Marks a document whose text came before.
    fn mark_exact(&mut self, scored: &mut ScoredDocument, hash: HashStart) {
        match self.firsts.get(&hash) {
            Some(first) => {
                (scored.duplicate_of, scored.similarity) = (Some(first.to_string()), Some(1.0));
            }
            None => drop(self.firsts.insert(hash, scored.document.id.as_str().into())),
        }
    }

    fn reject(&mut self, reject: Reject) -> Option<ScoredDocument> {
        self.counts.rejected += 1;
        self.rejects.push(reject);
        None
    }

    /// What is left of it when all is entered; the memory that entering took is given back.
    pub fn close(self) -> (Counts, Vec<Reject>, Vec<CopyFound>) {
        let copies = self.copies.map_or_else(Vec::new, Copies::into_rows);
        (self.counts, self.rejects, copies)
    }

    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.undated().into_iter().chain(self.foreign())
    }

    fn foreign(&self) -> Option<String> {
        let n: u64 = self.n_foreign.values().sum();
        let codes: Vec<String> =
            self.n_foreign.iter().map(|(code, n)| format!("{code} {n}")).collect();
        (n > 0).then(|| {
            format!(
                "{n} of {} documents are not in English ({}): the built-in encoders, terms and clause \
                 rules know no other language, so look at their evidence",
                self.counts.scored,
                codes.join(", ")
            )
        })
    }

    fn undated(&self) -> Option<String> {
        (self.n_undated > 0).then(|| {
            format!(
                "{} of {} documents are in no period: they have no date, or one that is not \
                 precise enough; --date GLOB=DATE or a `date` field gives them one",
                self.n_undated, self.counts.scored
            )
        })
    }
}

/// Marks a document with what it repeats.
fn mark(scored: &mut ScoredDocument, copies: &mut Copies) {
    let id = &scored.document.id;
    if let Some((original, similarity)) = copies.duplicate_of(id) {
        (scored.duplicate_of, scored.similarity) = (Some(original.to_owned()), Some(similarity));
        return;
    }
    let units: Vec<Span> = scored.units.iter().map(|unit| unit.span).collect();
    for (repeated, original) in copies.passages((id, &scored.document.text), &units) {
        for unit in &mut scored.units[repeated] {
            unit.copy_of.get_or_insert_with(|| original.clone());
        }
    }
}

fn duplicate_id(document: &Document) -> Reject {
    let place = &document.place;
    Reject {
        file: place.file.to_string(),
        line: place.line,
        byte_offset: place.byte_offset,
        record: Some(place.record),
        field: Some("id".to_owned()),
        code: RejectCode::DuplicateId,
        message: "this id was used before for another text; give every document an id of its own"
            .to_owned(),
        excerpt: crate::report::table::visible(&document.id).chars().take(120).collect(),
    }
}
