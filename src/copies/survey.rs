//! The first reading: which bands and sampled runs stand in more than one text, and which texts and ids in more
//! than one document.

use std::io;
use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::document::{Date, Document};

use super::keys::{RepeatedIds, half, key};
use super::minhash::bands;
use super::repeated::Hashes;
use super::windows::{WINDOW_WORDS, winnowed};
use super::words::{runs, words};
use super::{MIN_WORDS, SHINGLE_WORDS};

/// Texts that a rare run stands in, at most: set phrases stand in more.
pub(super) const RARE: usize = 8;

/// What is kept of a document on the first reading.
#[derive(Debug, Clone)]
pub struct Marks {
    /// Halves of the keys of the id and the text.
    pub(super) id: u64,
    pub(super) text: u64,
    pub(super) bands: Vec<u64>,
    /// Hashes of the sampled runs; sorted, without repeats.
    pub(super) windows: Vec<u64>,
    has_day: bool,
}

impl Marks {
    /// The marks of a document; depends on its id, text and date alone.
    pub fn of(document: &Document) -> Self {
        let words = words(&document.text);
        let has_shingles = words.len() >= MIN_WORDS;
        let bands = has_shingles.then(|| bands(&runs(&words, SHINGLE_WORDS)).to_vec());
        let sampled = winnowed(&runs(&words, WINDOW_WORDS));
        let mut windows: Vec<u64> = sampled.into_iter().map(|(hash, _)| hash).collect();
        windows.sort_unstable();
        windows.dedup();
        let (id, text) = (half(key(&document.id)), half(key(&document.text)));
        let has_day = document.date.is_some_and(|date| date.day.is_some());
        Marks { id, text, bands: bands.unwrap_or_default(), windows, has_day }
    }
}

/// The number of a day, from 1; `None` for a date that is not known to the day.
pub(super) fn day_number(date: Date) -> Option<u32> {
    let day = jiff::civil::Date::new(date.year, date.month?, date.day?).ok()?;
    let since = day.since(jiff::civil::date(1, 1, 1)).ok()?;
    u32::try_from(since.get_days() + 1).ok()
}

/// The marks of all documents so far; for bands and runs copies of a text count once.
#[derive(Debug)]
pub struct Survey {
    n_documents: u64,
    repeated_ids: RepeatedIds,
    ids: Hashes,
    texts: Hashes,
    bands: Hashes,
    windows: Hashes,
    has_days: bool,
}

impl Survey {
    /// A survey that puts what does not fit in memory into files of a folder; `None`: of the system's.
    pub fn beside(folder: Option<&Path>) -> Self {
        let hashes = |max_places| Hashes::beside(folder.map(Path::to_owned), max_places);
        let (ids, texts) = (hashes(2), hashes(2));
        let (bands, windows) = (hashes(2), hashes(RARE + 1));
        let (n_documents, repeated_ids) = (0, RepeatedIds::default());
        Survey { n_documents, repeated_ids, ids, texts, bands, windows, has_days: false }
    }

    /// Enters the marks of a document.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn enter(&mut self, marks: Marks) -> io::Result<()> {
        let document = self.n_documents;
        self.n_documents += 1;
        self.repeated_ids.count(marks.id);
        self.has_days |= marks.has_day;
        self.ids.extend(document, &[marks.id])?;
        self.texts.extend(document, &[marks.text])?;
        self.bands.extend(marks.text, &marks.bands)?;
        self.windows.extend(marks.text, &marks.windows)
    }

    /// What more than one text or document has.
    ///
    /// # Errors
    /// Where a file cannot be written or read.
    pub fn finish(self) -> io::Result<Shared> {
        let Survey { repeated_ids, ids, texts, bands, windows, has_days, .. } = self;
        let mut shared = Shared { ids: repeated_ids, has_days, ..Shared::default() };
        ids.repeated(|id, _| shared.ids.add(id))?;
        texts.repeated(|text, _| shared.texts.extend([text]))?;
        bands.repeated(|hash, _| shared.bands.extend([hash]))?;
        windows.repeated(|hash, n| shared.windows.extend([(hash, n <= RARE)]))?;
        Ok(shared)
    }
}

/// The ids and texts that stand in more than one document, and the bands and sampled runs that stand in more
/// than one text.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    pub(super) ids: RepeatedIds,
    /// Halves of their keys.
    pub(super) texts: FxHashSet<u64>,
    pub(super) bands: FxHashSet<u64>,
    /// For each run whether it is rare.
    pub(super) windows: FxHashMap<u64, bool>,
    /// Whether a date is known to the day: where none is, there are no reports of one event.
    pub(super) has_days: bool,
}

impl Shared {
    /// Whether no text shares anything with another, so that there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.bands.is_empty() && self.windows.is_empty()
    }

    /// The ids that stand at more than one document.
    pub fn into_ids(self) -> RepeatedIds {
        self.ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_by_the_calendar() {
        let day = |month, day| day_number(Date { year: 2024, month, day });
        let (leap, next) = (day(Some(2), Some(29)).unwrap(), day(Some(3), Some(1)).unwrap());
        assert_eq!(next - leap, 1);
        assert_eq!((day(Some(2), None), day(Some(2), Some(30))), (None, None));
        assert_eq!(day_number(Date { year: 1, month: Some(1), day: Some(1) }), Some(1));
        let last = Date { year: 9999, month: Some(12), day: Some(31) };
        assert!(day_number(last).is_some());
    }
}
