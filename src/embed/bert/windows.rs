//! Texts of any length → windows that the model can read, in packs; and back.
//!
//! A text of more tokens than the model reads becomes as few windows as will do, of equal length
//! to within a token, so that none of it is dropped and no window is a mere tail.

use crate::tokenize::{Specials, TokenBatch};
use ndarray::Array2;

/// The windows of many texts, in order, in packs of limited size.
pub(super) struct Windows {
    packs: Vec<TokenBatch>,
    /// For each window in order: its text, and its tokens (those around the text included).
    origins: Vec<(usize, usize)>,
}

impl Windows {
    /// `rows` are the ids of each text without `specials`, which go around every window; a text
    /// without tokens has no window. `max_tokens` bounds a window, and `pack_tokens` a pack of more
    /// than one.
    pub fn of<'a>(
        rows: impl Iterator<Item = &'a [u32]>,
        specials: &Specials,
        max_tokens: usize,
        pack_tokens: usize,
    ) -> Self {
        let around = specials.before.len() + specials.after.len();
        let mut windows = Windows { packs: Vec::new(), origins: Vec::new() };
        for (text, ids) in rows.enumerate() {
            for part in equal_parts(ids, max_tokens - around) {
                windows.origins.push((text, part.len() + around));
                windows.pack_for(part.len() + around, pack_tokens).push_with(|pack| {
                    pack.extend_from_slice(&specials.before);
                    pack.extend_from_slice(part);
                    pack.extend_from_slice(&specials.after);
                });
            }
        }
        windows
    }

    /// The last pack, if it has room for `n_tokens`, or else a new one.
    fn pack_for(&mut self, n_tokens: usize, pack_tokens: usize) -> &mut TokenBatch {
        let room = |pack: &TokenBatch| pack.n_tokens() + n_tokens <= pack_tokens;
        if !self.packs.last().is_some_and(room) {
            self.packs.push(TokenBatch::default());
        }
        self.packs.last_mut().expect("a pack was just made sure of")
    }

    pub fn packs(&self) -> &[TokenBatch] {
        &self.packs
    }

    /// One row a text from the pooled rows of each pack: the sum of its windows, each counted once a
    /// token. Shape `(n_texts, dimension)`; lengths are left to the caller.
    pub fn join(&self, pooled: &[Array2<f32>], n_texts: usize, dimension: usize) -> Array2<f32> {
        let mut rows = Array2::zeros((n_texts, dimension));
        let windows = pooled.iter().flat_map(|pack| pack.rows());
        for (window, &(text, n_tokens)) in windows.zip(&self.origins) {
            rows.row_mut(text).scaled_add(n_tokens as f32, &window);
        }
        rows
    }

    /// One row a text from a row a window: the largest value of each column; `empty` in the row of a
    /// text without windows. Shape `(n_texts, n_columns)`.
    pub fn largest(
        &self,
        windows: &[Array2<f32>],
        shape: (usize, usize),
        empty: f32,
    ) -> Array2<f32> {
        let mut rows = Array2::from_elem(shape, empty);
        let windows = windows.iter().flat_map(|pack| pack.rows());
        for (window, &(text, _)) in windows.zip(&self.origins) {
            rows.row_mut(text).zip_mut_with(&window, |most, &value| *most = most.max(value));
        }
        rows
    }
}

/// Cuts into the fewest parts of at most `most` ids, equal to within one; nothing into none.
fn equal_parts(ids: &[u32], most: usize) -> impl Iterator<Item = &[u32]> {
    let n_parts = ids.len().div_ceil(most);
    let cut = move |part: usize| part * ids.len() / n_parts;
    (0..n_parts).map(move |part| &ids[cut(part)..cut(part + 1)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn parts_tile_the_text_and_differ_by_at_most_one() {
        let ids: Vec<u32> = (0..1000).collect();
        for length in [0, 1, 5, 6, 7, 12, 13, 999, 1000] {
            let parts: Vec<_> = equal_parts(&ids[..length], 6).collect();
            assert_eq!(parts.concat(), &ids[..length]);
            assert_eq!(parts.len(), length.div_ceil(6));
            let sizes = || parts.iter().map(|part| part.len());
            assert!(sizes().max().unwrap_or(0) <= 6);
            assert!(sizes().max().unwrap_or(0) - sizes().min().unwrap_or(0) <= 1);
        }
    }

    #[test]
    fn windows_go_home_to_their_text_weighted_by_tokens() {
        let specials = Specials { before: vec![101], after: vec![102] };
        let texts: [&[u32]; 3] = [&[1, 2, 3], &[], &[4]];
        let windows = Windows::of(texts.into_iter(), &specials, 4, 7);
        let packs: Vec<Vec<&[u32]>> = windows.packs().iter().map(|p| p.rows().collect()).collect();
        assert_eq!(packs, [vec![&[101, 1, 102][..], &[101, 2, 3, 102]], vec![&[101, 4, 102]]]);
        let pooled = [array![[1.0, 0.0], [0.0, 1.0]], array![[2.0, 2.0]]];
        assert_eq!(windows.join(&pooled, 3, 2), array![[3.0, 4.0], [0.0, 0.0], [6.0, 6.0]]);
        let largest = array![[1.0, 1.0], [-9.0, -9.0], [2.0, 2.0]];
        assert_eq!(windows.largest(&pooled, (3, 2), -9.0), largest);
    }
}
