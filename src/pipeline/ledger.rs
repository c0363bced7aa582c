//! What became of every record: scored, rejected, or a copy of one before it.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::compare::Counted;
use crate::copies::{Finder, Found, Seen, Shared, Trace};
use crate::document::{Document, Reject, RejectCode, Span};
use crate::report::run::Counts;
use crate::score::ScoredDocument;

use super::stream::Read;

/// What became of every record so far.
#[derive(Default)]
pub(super) struct Ledger {
    pub counts: Counts,
    pub counted: Counted,
    pub rejects: Vec<Reject>,
    /// Looks for near-copies, passages and events; without it only exact copies are found.
    pub finder: Option<Finder>,
    /// For each id its text's hash.
    texts: HashMap<String, blake3::Hash>,
    /// For each text's hash the id of the first document that has it.
    firsts: HashMap<blake3::Hash, String>,
    n_undated: u64,
}

impl Ledger {
    /// A ledger that looks for all kinds of copies. `shared`: what a first reading of the same records
    /// found in more than one text.
    pub fn finding(shared: Shared) -> Self {
        Ledger { finder: Some(Finder::new(shared.into())), ..Ledger::default() }
    }

    /// Enters a batch, in its order, and gives back the documents to be written.
    pub fn enter(&mut self, batch: Vec<Read<ScoredDocument>>) -> Vec<ScoredDocument> {
        self.counts.read += batch.len() as u64;
        let traces = self.traces(&batch);
        let both = batch.into_iter().zip(traces);
        both.filter_map(|(read, trace)| self.enter_traced(read, trace)).collect()
    }

    /// What the search for copies needs of each document, made in parallel.
    fn traces(&self, batch: &[Read<ScoredDocument>]) -> Vec<Option<Trace>> {
        let shared = self.finder.as_ref().map(Finder::shared);
        let trace = |read: &Read<ScoredDocument>| {
            let (scored, shared) = (read.as_ref().ok()?, shared?);
            Some(Trace::of(&scored.document, shared))
        };
        batch.par_iter().map(trace).collect()
    }

    /// Enters a record; only exact copies are found.
    pub fn enter_one(&mut self, read: Read<ScoredDocument>) -> Option<ScoredDocument> {
        self.enter_traced(read, None)
    }

    fn enter_traced(
        &mut self,
        read: Read<ScoredDocument>,
        trace: Option<Trace>,
    ) -> Option<ScoredDocument> {
        let mut scored = match read {
            Ok(scored) => scored,
            Err(reject) => return self.reject(reject),
        };
        let hash = blake3::hash(scored.document.text.as_bytes());
        match self.texts.get(&scored.document.id) {
            Some(known) if *known == hash => {
                self.counts.duplicates += 1;
                return None;
            }
            Some(_) => return self.reject(duplicate_id(&scored.document)),
            None => {}
        }
        self.texts.insert(scored.document.id.clone(), hash);
        match self.firsts.get(&hash) {
            Some(first) => {
                let finder = self.finder.iter_mut();
                finder.for_each(|finder| finder.exact(&scored.document.id, first));
                (scored.duplicate_of, scored.similarity) = (Some(first.clone()), Some(1.0));
            }
            None => {
                self.firsts.insert(hash, scored.document.id.clone());
                let searched = self.finder.as_mut().zip(trace);
                searched.into_iter().for_each(|(finder, trace)| search(finder, trace, &mut scored));
            }
        }
        match scored.duplicate_of {
            Some(_) => self.counts.duplicates += 1,
            None => {
                self.counts.scored += 1;
                self.n_undated += u64::from(scored.period.is_none());
            }
        }
        self.counted.add(&scored);
        Some(scored)
    }

    fn reject(&mut self, reject: Reject) -> Option<ScoredDocument> {
        self.counts.rejected += 1;
        self.rejects.push(reject);
        None
    }

    /// The ledger without what shares are computed from.
    pub fn uncounted(self) -> Self {
        Ledger { counted: Counted::default(), ..self }
    }

    pub fn warnings(&self) -> Option<String> {
        (self.n_undated > 0).then(|| {
            format!(
                "{} of {} documents are in no period: they have no date, or one that is not \
                 precise enough; --date GLOB=DATE or a `date` field gives them one",
                self.n_undated, self.counts.scored
            )
        })
    }
}

/// Marks a document whose text is new with what it repeats.
fn search(finder: &mut Finder, trace: Trace, scored: &mut ScoredDocument) {
    let units: Vec<Span> = scored.units.iter().map(|unit| unit.span).collect();
    let seen = Seen { document: &scored.document, units: &units };
    let Found { near, passages } = finder.find(seen, trace);
    if let Some((original, similarity)) = near {
        (scored.duplicate_of, scored.similarity) = (Some(original.to_string()), Some(similarity));
    }
    for passage in passages {
        for unit in &mut scored.units[passage.units] {
            unit.copy_of.get_or_insert_with(|| passage.original.clone());
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
