//! The first reading: which bands and sampled runs stand in more than one text.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::document::{Date, Document};

use super::minhash::bands;
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
    /// Whether a text came twice.
    has_copies: bool,
    bands: Vec<u64>,
    windows: Vec<u64>,
}

impl Survey {
    /// Enters the marks of a text.
    pub fn enter(&mut self, marks: Marks) {
        match self.texts.insert(marks.text) {
            true => {
                self.bands.extend(marks.bands);
                self.windows.extend(marks.windows);
            }
            false => self.has_copies = true,
        }
    }

    /// What more than one text has.
    pub fn finish(mut self) -> Shared {
        drop(std::mem::take(&mut self.texts));
        self.bands.par_sort_unstable();
        self.windows.par_sort_unstable();
        let repeated = |group: &&[u64]| group.len() > 1;
        let bands = self.bands.chunk_by(|a, b| a == b).filter(repeated);
        let windows = self.windows.chunk_by(|a, b| a == b).filter(repeated);
        Shared {
            has_copies: self.has_copies,
            bands: bands.map(|group| group[0]).collect(),
            windows: windows.map(|group| (group[0], group.len() <= RARE)).collect(),
        }
    }
}

/// The bands and sampled runs that stand in more than one text.
#[derive(Debug, Clone, Default)]
pub struct Shared {
    has_copies: bool,
    pub(super) bands: FxHashSet<u64>,
    /// For each run whether it is rare.
    pub(super) windows: FxHashMap<u64, bool>,
}

impl Shared {
    /// Whether no text shares anything with another, so that there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        !self.has_copies && self.bands.is_empty() && self.windows.is_empty()
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
