//! Near-copies of whole texts: what shares a band is compared, shingle by shingle.

use rustc_hash::FxHashMap;

use super::MIN_SIMILARITY;
use super::minhash::overlap;

/// Originals that one band keeps at most, the earliest; a text has other bands besides.
const MAX_IN_BAND: usize = 1_000;
/// Originals that a text is compared with at most: those that share most bands with it.
const MAX_COMPARED: usize = 100;

/// A text that repeats none before it.
#[derive(Debug)]
struct Original {
    text: u32,
    /// Sorted, without repeats.
    shingles: Vec<u64>,
}

/// The originals so far that may have near-copies.
#[derive(Debug, Default)]
pub(super) struct Originals {
    originals: Vec<Original>,
    by_band: FxHashMap<u64, Vec<u32>>,
}

impl Originals {
    /// The original that a text is a near-copy of, with the part of the shingles that both share; of
    /// several the most similar, of equals the earliest. `shingles`: sorted, without repeats.
    pub fn closest(&self, bands: &[u64], shingles: &[u64]) -> Option<(u32, f64)> {
        let may_be = |index: &u32| {
            let n = self.originals[*index as usize].shingles.len();
            n.min(shingles.len()) as f64 >= MIN_SIMILARITY * n.max(shingles.len()) as f64
        };
        let compared = |index: u32| {
            let original = &self.originals[index as usize];
            (index, overlap(&original.shingles, shingles))
        };
        let is_better = |a: (u32, f64), b: (u32, f64)| a.1 > b.1 || (a.1 == b.1 && a.0 < b.0);
        self.with_bands(bands)
            .into_iter()
            .filter(may_be)
            .take(MAX_COMPARED)
            .map(compared)
            .filter(|(_, similarity)| *similarity >= MIN_SIMILARITY)
            .reduce(|best, next| if is_better(next, best) { next } else { best })
            .map(|(index, similarity)| (self.originals[index as usize].text, similarity))
    }

    /// The originals that share a band, those that share most first, then the earliest.
    fn with_bands(&self, bands: &[u64]) -> Vec<u32> {
        let mut n_shared: FxHashMap<u32, u32> = FxHashMap::default();
        for &index in bands.iter().filter_map(|band| self.by_band.get(band)).flatten() {
            *n_shared.entry(index).or_default() += 1;
        }
        let mut found: Vec<(u32, u32)> = n_shared.into_iter().collect();
        found.sort_unstable_by_key(|&(index, n)| (std::cmp::Reverse(n), index));
        found.into_iter().map(|(index, _)| index).collect()
    }

    /// Adds a text that repeats none. `bands`: those that another text has too.
    pub fn add(&mut self, text: u32, bands: &[u64], shingles: Vec<u64>) {
        let Ok(index) = u32::try_from(self.originals.len()) else { return };
        for &band in bands {
            let of_band = self.by_band.entry(band).or_default();
            if of_band.len() < MAX_IN_BAND {
                of_band.push(index);
            }
        }
        self.originals.push(Original { text, shingles });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_original_counts_and_none_under_the_bound() {
        let mut originals = Originals::default();
        originals.add(0, &[1], (0..100).collect());
        originals.add(1, &[1, 2], (5..105).collect());
        originals.add(2, &[1, 2, 3], (50..150).collect());
        let text: Vec<u64> = (4..104).collect();
        let found = originals.closest(&[1, 2, 3], &text);
        assert_eq!(found, Some((1, 99.0 / 101.0)));
        assert_eq!(originals.closest(&[9], &text), None);
        let half: Vec<u64> = (0..70).collect();
        assert_eq!(originals.closest(&[1, 2, 3], &half), None);
    }
}
