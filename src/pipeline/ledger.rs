//! What became of every record: scored, rejected, or a copy of one before it.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use crate::copies::{self, Copies, CopyFound};
use crate::document::{Document, Reject, RejectCode, Span};
use crate::report::run::Counts;
use crate::score::ScoredDocument;

use super::stream::Read;

/// The language that terms and clause rules are made for.
const ENGLISH: &str = "eng";

/// What became of every record so far.
#[derive(Default)]
pub(super) struct Ledger {
    pub counts: Counts,
    pub rejects: Vec<Reject>,
    /// What the documents repeat; where it is unknown only exact copies are found.
    pub copies: Option<Copies>,
    /// For the start of an id's hash that of its text's; of ids that are known to stand at one document nothing is
    /// kept.
    texts: FxHashMap<u128, u128>,
    /// For the start of each text's hash the id of the first document that has it.
    firsts: FxHashMap<u128, Box<str>>,
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
        match self.before(&scored.document) {
            Some(Before::SameText) => {
                self.counts.duplicates += 1;
                return None;
            }
            Some(Before::OtherText) => return self.reject(duplicate_id(&scored.document)),
            None => {}
        }
        match &mut self.copies {
            Some(copies) => mark(&mut scored, copies),
            None => self.mark_exact(&mut scored),
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

    /// What came before under the id of a document.
    fn before(&mut self, document: &Document) -> Option<Before> {
        if self.copies.as_mut().is_some_and(|copies| !copies.may_share_id(&document.id)) {
            return None;
        }
        let text = copies::key(&document.text);
        match self.texts.entry(copies::key(&document.id)) {
            Entry::Occupied(known) if *known.get() == text => Some(Before::SameText),
            Entry::Occupied(_) => Some(Before::OtherText),
            Entry::Vacant(new) => {
                new.insert(text);
                None
            }
        }
    }

    /// Marks a document whose text came before.
    fn mark_exact(&mut self, scored: &mut ScoredDocument) {
        let hash = copies::key(&scored.document.text);
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
        self.undated().into_iter().chain(self.foreign()).chain(self.changed())
    }

    /// Ids that came twice are known of the documents that were searched for copies.
    fn changed(&self) -> Option<String> {
        let has_changed = self.copies.as_ref().is_some_and(|copies| !copies.are_of_those_read());
        has_changed.then(|| {
            "the input changed while it was read: documents were scored that were not searched for copies, or \
             the other way round, and an id that was given twice may count twice; give the command again"
                .to_owned()
        })
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

/// A document that came before with the same id.
enum Before {
    SameText,
    OtherText,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::copies::{Finder, Marks, Survey, Trace};
    use crate::document::{DateOrigin, Place};

    fn document(id: &str, text: &str) -> Document {
        Document {
            id: id.to_owned(),
            text: text.to_owned(),
            date: None,
            date_origin: DateOrigin::None,
            charset: "UTF-8",
            metadata: serde_json::Map::new(),
            place: Place { file: "-".into(), line: None, byte_offset: None, record: 1 },
        }
    }

    fn scored(document: &Document) -> ScoredDocument {
        ScoredDocument {
            document: document.clone(),
            language: None,
            period: None,
            duplicate_of: None,
            similarity: None,
            n_sentences: 0,
            units: Vec::new(),
            themes: Vec::new(),
            none_share: 1.0,
            evidence: Vec::new(),
        }
    }

    fn knowing(corpus: &[Document]) -> Ledger {
        let (mut survey, mut finder) = (Survey::beside(None), Finder::beside(None));
        corpus.iter().for_each(|document| survey.enter(Marks::of(document)).unwrap());
        let shared = survey.finish().unwrap();
        corpus.iter().for_each(|document| finder.take(Trace::of(document, &shared)).unwrap());
        Ledger::with_copies(finder.finish(shared.into_ids()).unwrap())
    }

    /// For each document what is written of it: the id of the one that it is a copy of, if it is one.
    fn entered(ledger: &mut Ledger, corpus: &[Document]) -> Vec<Option<Option<String>>> {
        let enter = |document| Some(ledger.enter_one(Ok(scored(document)))?.duplicate_of);
        corpus.iter().map(enter).collect()
    }

    /// The same, from a list of all documents so far; with the numbers of duplicates and rejects.
    fn expected(corpus: &[Document]) -> (Vec<Option<Option<String>>>, u64, u64) {
        let (mut ids, mut firsts): (BTreeMap<&str, &str>, BTreeMap<&str, &str>) =
            Default::default();
        let (mut said, mut n_duplicates, mut n_rejected) = (Vec::new(), 0, 0);
        for Document { id, text, .. } in corpus {
            match ids.get(&**id) {
                Some(known) => {
                    n_duplicates += u64::from(known == text);
                    n_rejected += u64::from(known != text);
                    said.push(None);
                }
                None => {
                    ids.insert(id, text);
                    let first = firsts.get(&**text).map(|first| (*first).to_owned());
                    n_duplicates += u64::from(first.is_some());
                    firsts.entry(text).or_insert(id);
                    said.push(Some(first));
                }
            }
        }
        (said, n_duplicates, n_rejected)
    }

    proptest! {
        #[test]
        fn an_id_that_comes_again_is_a_duplicate_with_its_text_and_a_reject_with_another(
            picks in prop::collection::vec((0_u8..8, 0_u8..5), 1..20),
        ) {
            let document = |&(id, text): &(u8, u8)| {
                document(&format!("id-{id}"), &format!("What is said in text {text}."))
            };
            let corpus: Vec<Document> = picks.iter().map(document).collect();
            let (said, n_duplicates, n_rejected) = expected(&corpus);
            for mut ledger in [knowing(&corpus), Ledger::default()] {
                prop_assert_eq!(&entered(&mut ledger, &corpus), &said);
                prop_assert_eq!(ledger.counts.duplicates, n_duplicates);
                prop_assert_eq!((ledger.counts.rejected, ledger.rejects.len() as u64), (n_rejected, n_rejected));
                prop_assert_eq!(ledger.changed(), None);
            }
        }
    }

    #[test]
    fn of_ids_that_stand_once_nothing_is_kept_and_a_changed_input_is_told_of() {
        let [a, b, c] = ["a", "b", "c"].map(|id| document(id, &format!("The text of {id}.")));
        let corpus = [a.clone(), b.clone(), a.clone(), c.clone()];
        let mut ledger = knowing(&corpus);
        entered(&mut ledger, &corpus);
        assert_eq!((ledger.texts.len(), ledger.firsts.len(), ledger.changed()), (1, 0, None));
        for other in
            [&corpus[..3], &[a.clone(), b.clone(), a.clone(), b.clone(), c][..], &[a, b][..]]
        {
            let mut ledger = knowing(&corpus);
            entered(&mut ledger, other);
            assert!(ledger.changed().unwrap().contains("changed"));
        }
    }
}
