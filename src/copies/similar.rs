//! Near-copies of whole texts: what shares a band is compared, shingle by shingle.

use std::io;

use rustc_hash::FxHashMap;

use super::MIN_SIMILARITY;
use super::by_hash::ByHash;
use super::minhash::overlap;
use super::shelf::{Place, Shelf};

/// Originals that one band keeps at most, the earliest; a text has other bands besides.
const MAX_IN_BAND: usize = 1_000;
/// Originals that a text is compared with at most: those that share most bands with it.
const MAX_COMPARED: usize = 100;

/// A text that repeats none before it.
#[derive(Debug)]
struct Original {
    text: u32,
    /// Sorted, without repeats.
    shingles: Place,
}

/// The originals so far that may have near-copies.
#[derive(Debug)]
pub(super) struct Originals {
    originals: Vec<Original>,
    by_band: ByHash<u32>,
}

impl Default for Originals {
    fn default() -> Self {
        Originals { originals: Vec::new(), by_band: ByHash::of_at_most(MAX_IN_BAND) }
    }
}

impl Originals {
    /// The original that a text is a near-copy of, with the part of the shingles that both share; of
    /// several the most similar, of equals the earliest. `shingles`: sorted, without repeats; `shelf`: where those of
    /// the originals lie.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn closest(
        &self,
        bands: &[u64],
        shingles: &[u64],
        shelf: &mut Shelf,
    ) -> io::Result<Option<(u32, f64)>> {
        let may_be = |index: &u32| {
            let n = self.originals[*index as usize].shingles.len();
            n.min(shingles.len()) as f64 >= MIN_SIMILARITY * n.max(shingles.len()) as f64
        };
        let is_better = |a: (u32, f64), b: (u32, f64)| a.1 > b.1 || (a.1 == b.1 && a.0 < b.0);
        let mut closest: Option<(u32, f64)> = None;
        for index in self.with_bands(bands).into_iter().filter(may_be).take(MAX_COMPARED) {
            let own = shelf.get(self.originals[index as usize].shingles)?;
            let next = (index, overlap(&own, shingles));
            if next.1 >= MIN_SIMILARITY && closest.is_none_or(|best| is_better(next, best)) {
                closest = Some(next);
            }
        }
        Ok(closest.map(|(index, similarity)| (self.originals[index as usize].text, similarity)))
    }

    /// The originals that share a band, those that share most first, then the earliest.
    fn with_bands(&self, bands: &[u64]) -> Vec<u32> {
        let mut n_shared: FxHashMap<u32, u32> = FxHashMap::default();
        for &index in bands.iter().flat_map(|&band| self.by_band.of(band)) {
            *n_shared.entry(index).or_default() += 1;
        }
        let mut found: Vec<(u32, u32)> = n_shared.into_iter().collect();
        found.sort_unstable_by_key(|&(index, n)| (std::cmp::Reverse(n), index));
        found.into_iter().map(|(index, _)| index).collect()
    }

    /// Adds a text that repeats none. `bands`: those that another text has too.
    pub fn add(&mut self, text: u32, bands: &[u64], shingles: Place) {
        let Ok(index) = u32::try_from(self.originals.len()) else { return };
        for &band in bands {
            self.by_band.add(band, index);
        }
        self.originals.push(Original { text, shingles });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_original_counts_and_none_under_the_bound() {
        let (mut originals, mut shelf) = (Originals::default(), Shelf::default());
        let lists: [Vec<u64>; 3] = [0..100, 5..105, 50..150].map(Iterator::collect);
        for (text, list) in lists.iter().enumerate() {
            let shingles = shelf.put(list).unwrap();
            originals.add(text as u32, &[1, 2, 3][..=text], shingles);
        }
        let mut closest =
            |bands: &[u64], text: &[u64]| originals.closest(bands, text, &mut shelf).unwrap();
        let text: Vec<u64> = (4..104).collect();
        assert_eq!(closest(&[1, 2, 3], &text), Some((1, 99.0 / 101.0)));
        assert_eq!(closest(&[9], &text), None);
        let half: Vec<u64> = (0..70).collect();
        assert_eq!(closest(&[1, 2, 3], &half), None);
    }
}
