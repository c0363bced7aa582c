//! What is counted of documents, stored in the order in which comparing reads them: so that an archive of any size is
//! compared in the memory of a small one.
//!
//! Every document stands in the rows of its period, and again in those of its group in that period, each in the order of
//! ids; and once in the order in which documents came, which is that of their units ([`Lookup`]).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::iter;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

use super::counted::{CountedDocument, CountedThemes, Field};
use super::side::{Key, Sides};
use super::spool::{Merged, Spooled};

/// What is stored of a document beside its id.
#[derive(Debug, Serialize, Deserialize)]
struct Record<T> {
    /// Number of its period.
    period: Option<u32>,
    /// Number of its group.
    group: Option<u32>,
    /// Number of what its fields say.
    kind: u32,
    n_documents: u64,
    n_bytes: u64,
    n_units: u64,
    n_bare: u64,
    none_share: f64,
    themes: T,
}

/// The bytes of a record; `labels`: the numbers of the document's period and group.
pub(super) fn record(
    document: &CountedDocument,
    (period, group): (Option<u32>, Option<u32>),
    kind: u32,
) -> io::Result<Vec<u8>> {
    let record = Record {
        period,
        group,
        kind,
        n_documents: document.n_documents,
        n_bytes: document.n_bytes,
        n_units: document.n_units,
        n_bare: document.n_bare,
        none_share: document.none_share,
        themes: &document.themes,
    };
    postcard::to_stdvec(&record).map_err(io::Error::other)
}

/// All that was stored.
#[derive(Debug)]
pub(super) struct Store {
    /// By period and group, then by id.
    pub sorted: Spooled,
    /// As they came; the record of one that does not count is empty.
    pub log: Spooled,
    /// Periods and groups, by their numbers.
    pub labels: Vec<Arc<str>>,
    pub fields: Fields,
    /// Why rows ended before their end.
    pub fault: OnceLock<io::Error>,
    /// Where the files are.
    pub folder: Option<PathBuf>,
}

impl Store {
    /// Every pass over rows ends at the first fault, which is kept for this.
    ///
    /// # Errors
    /// `Io` where rows could not be read.
    pub fn check(&self) -> Result<()> {
        match self.fault.get() {
            None => Ok(()),
            Some(fault) => {
                Err(failed(self.folder.clone(), io::Error::new(fault.kind(), fault.to_string())))
            }
        }
    }

    fn fail(&self, fault: io::Error) {
        // The first one is told.
        drop(self.fault.set(fault));
    }
}

/// The error of a file without a name.
pub(super) fn failed(folder: Option<PathBuf>, source: io::Error) -> Error {
    Error::io(folder.unwrap_or_else(std::env::temp_dir), "keep a file that has no name in", source)
}

/// What the fields of documents say, as numbers: there are few kinds of documents, and many of each.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// In order.
    pub names: Vec<Arc<str>>,
    /// For each field its levels, in order.
    levels: Vec<Vec<Arc<str>>>,
    /// For each kind of document the level of each field.
    of_kind: Vec<Vec<Option<usize>>>,
}

impl Fields {
    pub fn new(kinds: &[Arc<[Field]>], is_wanted: impl Fn(&str) -> bool) -> Self {
        let mut found: BTreeMap<&Arc<str>, BTreeSet<&Arc<str>>> = BTreeMap::new();
        for (name, level) in
            kinds.iter().flat_map(|kind| kind.iter()).filter(|(name, _)| is_wanted(name))
        {
            found.entry(name).or_default().insert(level);
        }
        let of_kind = |kind: &Arc<[Field]>| {
            let level = |(name, levels): (&&Arc<str>, &BTreeSet<&Arc<str>>)| {
                let (_, own) = kind.iter().find(|(own, _)| own == *name)?;
                levels.iter().position(|level| *level == own)
            };
            found.iter().map(level).collect()
        };
        let of_kind = kinds.iter().map(of_kind).collect();
        let levels = found.values().map(|levels| levels.iter().copied().cloned().collect());
        Fields {
            levels: levels.collect(),
            names: found.keys().copied().cloned().collect(),
            of_kind,
        }
    }

    /// The level of a kind of document in a field.
    pub fn level(&self, kind: usize, field: usize) -> Option<usize> {
        self.of_kind[kind][field]
    }

    /// The name of a level.
    pub fn name(&self, field: usize, level: usize) -> &str {
        &self.levels[field][level]
    }
}

/// The rows of a period, or of a group in it.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub place: Range<u64>,
    /// Rows.
    pub n: usize,
    /// What it is known by.
    pub key: Key,
}

/// Documents that are read one after the other, in the order of their ids.
#[derive(Debug, Clone)]
pub(super) struct Documents {
    pub store: Arc<Store>,
    pub runs: Vec<Run>,
}

impl Documents {
    /// The number of rows: documents, and groups of documents.
    pub fn n(&self) -> usize {
        self.runs.iter().map(|run| run.n).sum()
    }

    pub fn rows(&self) -> Reader<'_> {
        let places = self.runs.iter().map(|run| run.place.clone());
        Reader::new(&self.store, self.store.sorted.merged(places))
    }

    /// Hands every document to `take`.
    pub fn each(&self, mut take: impl FnMut(&StoredDocument)) {
        let mut rows = self.rows();
        while let Some(row) = rows.next() {
            take(row);
        }
    }

    /// Hands to `take` what others say of these documents: those of the same id and period.
    pub fn each_in(&self, others: &Sides, mut take: impl FnMut(&CountedDocument)) {
        for run in &self.runs {
            let Some(there) = others.of.get(&(None, run.key.1.clone())) else { continue };
            let mut there = there.documents.rows();
            let place = iter::once(run.place.clone());
            let mut own = Reader::new(&self.store, self.store.sorted.merged(place));
            let mut next = there.next();
            while let Some(row) = own.next() {
                while next.is_some_and(|other| other.document.id < row.document.id) {
                    next = there.next();
                }
                if let Some(other) = next.filter(|other| other.document.id == row.document.id) {
                    take(&other.document);
                }
            }
        }
    }
}

/// A document as it was stored.
#[derive(Debug, Default)]
pub(super) struct StoredDocument {
    /// Without its fields.
    pub document: CountedDocument,
    /// What its fields say.
    pub kind: usize,
    /// Whether it counts; if not, its id is all there is.
    pub counts: bool,
}

impl StoredDocument {
    /// Takes on what a row says.
    fn read(&mut self, (id, record): (&[u8], &[u8]), labels: &[Arc<str>]) -> io::Result<()> {
        let fault = |_| io::Error::from(io::ErrorKind::InvalidData);
        let document = &mut self.document;
        document.id.clear();
        document.id.push_str(std::str::from_utf8(id).map_err(|_| io::ErrorKind::InvalidData)?);
        self.counts = !record.is_empty();
        if !self.counts {
            return Ok(());
        }
        let record: Record<CountedThemes> = postcard::from_bytes(record).map_err(fault)?;
        set(&mut document.period, record.period, labels);
        set(&mut document.group, record.group, labels);
        self.kind = record.kind as usize;
        document.n_documents = record.n_documents;
        document.n_bytes = record.n_bytes;
        document.n_units = record.n_units;
        document.n_bare = record.n_bare;
        document.none_share = record.none_share;
        document.themes = record.themes;
        Ok(())
    }
}

/// Sets a label where it is another: most follow one like them, and counting who shares a label takes time.
fn set(own: &mut Option<Arc<str>>, number: Option<u32>, labels: &[Arc<str>]) {
    let new = number.and_then(|number| labels.get(number as usize));
    let is_same = match (&own, new) {
        (Some(own), Some(new)) => Arc::ptr_eq(own, new),
        (None, None) => true,
        _ => false,
    };
    if !is_same {
        *own = new.cloned();
    }
}

/// Reads documents one after the other, in the memory of one.
#[derive(Debug)]
pub(super) struct Reader<'s> {
    store: &'s Store,
    rows: Merged<'s>,
    row: StoredDocument,
}

impl<'s> Reader<'s> {
    fn new(store: &'s Store, rows: Merged<'s>) -> Self {
        Reader { store, rows, row: StoredDocument::default() }
    }

    /// The next document; `None` after the last, and where no more could be read ([`Store::check`]).
    pub fn next(&mut self) -> Option<&StoredDocument> {
        self.advance().then_some(&self.row)
    }

    fn advance(&mut self) -> bool {
        let read = match self.rows.next() {
            Ok(Some(row)) => self.row.read(row, &self.store.labels).map(|()| true),
            Ok(None) => Ok(false),
            Err(fault) => Err(fault),
        };
        read.unwrap_or_else(|fault| {
            self.store.fail(fault);
            self.rows = self.store.log.merged(iter::empty());
            false
        })
    }
}

/// Finds documents by their ids, in the order in which they came: that is the order of units, which goes on from the last
/// one found.
#[derive(Debug)]
pub(super) struct Lookup<'s>(Reader<'s>);

impl<'s> Lookup<'s> {
    /// Among the documents of a place in the log.
    pub fn new(store: &'s Store, place: Range<u64>) -> Self {
        Lookup(Reader::new(store, store.log.merged(iter::once(place))))
    }

    /// The document, if it counts; without its fields.
    pub fn find(&mut self, id: &str) -> Option<&CountedDocument> {
        while self.0.row.document.id != *id {
            self.0.next()?;
        }
        self.0.row.counts.then_some(&self.0.row.document)
    }
}
