//! The first reading: which bands and sampled runs stand in more than one text.

use std::io;
use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::document::{Date, Document};

use super::minhash::bands;
use super::repeated::Hashes;
use super::windows::{WINDOW_WORDS, winnowed};
use super::words::{runs, words};
use super::{MIN_WORDS, SHINGLE_WORDS};

/// Texts that a rare run stands in, at most: set phrases stand in more.
const RARE: usize = 8;

/// What is kept of a text on the first reading.
#[derive(Debug, Clone)]
pub struct Marks {
    /// The start of its BLAKE3 hash.
    text: u128,
    bands: Vec<u64>,
    /// Hashes of the sampled runs; sorted, without repeats.
    windows: Vec<u64>,
}

impl Marks {
    /// The marks of a document; depends on its text alone.
    pub fn of(document: &Document) -> Self {
        let words = words(&document.text);
        let has_shingles = words.len() >= MIN_WORDS;
        let bands = has_shingles.then(|| bands(&runs(&words, SHINGLE_WORDS)).to_vec());
        let sampled = winnowed(&runs(&words, WINDOW_WORDS));
        let mut windows: Vec<u64> = sampled.into_iter().map(|(hash, _)| hash).collect();
        windows.sort_unstable();
        windows.dedup();
        Marks { text: text_key(&document.text), bands: bands.unwrap_or_default(), windows }
    }
}

/// What a text is known by: the start of its BLAKE3 hash.
pub(super) fn text_key(text: &str) -> u128 {
    let mut head = [0; 16];
    head.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    u128::from_le_bytes(head)
}

/// The number of a day, from 1; `None` for a date that is not known to the day.
pub(super) fn day_number(date: Date) -> Option<u32> {
    let day = jiff::civil::Date::new(date.year, date.month?, date.day?).ok()?;
    let since = day.since(jiff::civil::date(1, 1, 1)).ok()?;
    u32::try_from(since.get_days() + 1).ok()
}

/// The marks of all texts so far; copies of a text count once.
#[derive(Debug, Default)]
pub struct Survey {
    texts: FxHashSet<u128>,
    /// Those that came more than once.
    copied: FxHashSet<u128>,
    bands: Hashes,
    windows: Hashes,
}

impl Survey {
    /// A survey that puts what does not fit in memory into files of a folder; `None`: of the system's.
    pub fn beside(folder: Option<&Path>) -> Self {
        let hashes = || Hashes::beside(folder.map(Path::to_owned));
        Survey { bands: hashes(), windows: hashes(), ..Survey::default() }
    }

    /// Enters the marks of a text.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn enter(&mut self, marks: Marks) -> io::Result<()> {
        if !self.texts.insert(marks.text) {
            self.copied.insert(marks.text);
            return Ok(());
        }
        self.bands.extend(&marks.bands)?;
        self.windows.extend(&marks.windows)
    }

    /// What more than one text has.
    ///
    /// # Errors
    /// Where a file cannot be written or read.
    pub fn finish(self) -> io::Result<Shared> {
        let Survey { texts, copied, bands, windows } = self;
        drop(texts);
        let mut shared = Shared { texts: copied, ..Shared::default() };
        bands.repeated(|hash, _| shared.bands.extend([hash]))?;
        windows.repeated(|hash, n| shared.windows.extend([(hash, n <= RARE)]))?;
        Ok(shared)
    }
}

/// The texts that stand in more than one document, and the bands and sampled runs that stand in more than one text.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    pub(super) texts: FxHashSet<u128>,
    pub(super) bands: FxHashSet<u64>,
    /// For each run whether it is rare.
    pub(super) windows: FxHashMap<u64, bool>,
}

impl Shared {
    /// Whether no text shares anything with another, so that there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.bands.is_empty() && self.windows.is_empty()
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
