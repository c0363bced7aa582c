//! Texts of any length → windows that the model can read, in packs; and back.
//!
//! A text of more tokens than the model reads becomes as few windows as will do, of equal length
//! to within a token, so that none of it is dropped and no window is a mere tail. A text may come in
//! parts, such as the clauses of a sentence: it is read once, and each part is a segment of what was
//! read, so that a part is seen in its context.

use crate::tokenize::{Parted, Specials, TokenBatch};
use ndarray::Array2;
use std::ops::Range;

/// Where the parts of a text lie among its ids, each with its index.
fn parts(text: &Parted) -> impl Iterator<Item = (usize, Range<usize>)> {
    let start = |part: usize| if part == 0 { 0 } else { text.ends[part - 1] };
    text.ends.iter().enumerate().map(move |(part, &end)| (part, start(part)..end))
}

/// Windows that go through the model together.
#[derive(Debug, Default)]
pub(super) struct Pack {
    /// The ids, a row a window.
    pub tokens: TokenBatch,
    /// What is read off them.
    pub segments: Vec<Segment>,
}

/// Tokens of a pack that count towards one row of the result.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub row: usize,
    pub tokens: Range<usize>,
}

/// How much is read at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Most tokens of a window.
    pub max_tokens: usize,
    /// Most tokens of a pack of more than one window.
    pub pack_tokens: usize,
    /// Tokens at the start of a window that do not count towards its text: a prompt's, where the model
    /// was trained so.
    pub skipped: usize,
}

/// The windows of many texts, in order, in packs of limited size.
pub(super) struct Windows {
    packs: Vec<Pack>,
    n_rows: usize,
}

impl Windows {
    /// `specials` go around every window; a text without tokens has no window.
    ///
    /// The rows of the result: one a part, of all texts in order; then one a text of several parts.
    /// The segment of a text is its windows, `specials` and all (or `limits.skipped` fewer); so is that
    /// of a text's only part.
    pub fn of(texts: &[Parted], specials: &Specials, limits: Limits) -> Self {
        let Limits { max_tokens, pack_tokens, skipped } = limits;
        let n_parts = texts.iter().map(|text| text.ends.len()).sum();
        let mut windows = Windows { packs: Vec::new(), n_rows: n_parts };
        let room = max_tokens - specials.before.len() - specials.after.len();
        let mut first_part = 0;
        for text in texts {
            let several = text.ends.len() > 1;
            let whole = if several { windows.n_rows } else { first_part };
            for window in equal_parts(text.ids.len(), room) {
                let read = windows.push(&text.ids[window.clone()], specials, pack_tokens);
                let (pack, first) = (read.0, read.1 + specials.before.len());
                let tokens = read.1 + skipped..pack.tokens.n_tokens();
                pack.segments.push(Segment { row: whole, tokens });
                for (part, ids) in parts(text).filter(|_| several) {
                    let (from, to) = (ids.start.max(window.start), ids.end.min(window.end));
                    if from < to {
                        let tokens = first + from - window.start..first + to - window.start;
                        pack.segments.push(Segment { row: first_part + part, tokens });
                    }
                }
            }
            first_part += text.ends.len();
            windows.n_rows += usize::from(several);
        }
        windows
    }

    /// Adds a window to the last pack, or to a new one where that is full: the pack, and the window's
    /// first token in it.
    fn push(&mut self, ids: &[u32], specials: &Specials, pack_tokens: usize) -> (&mut Pack, usize) {
        let n_tokens = ids.len() + specials.before.len() + specials.after.len();
        let room = |pack: &Pack| pack.tokens.n_tokens() + n_tokens <= pack_tokens;
        if !self.packs.last().is_some_and(room) {
            self.packs.push(Pack::default());
        }
        let pack = self.packs.last_mut().expect("a pack was just made sure of");
        let first = pack.tokens.n_tokens();
        pack.tokens.push_with(|row| {
            row.extend_from_slice(&specials.before);
            row.extend_from_slice(ids);
            row.extend_from_slice(&specials.after);
        });
        (pack, first)
    }

    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// The rows of the result from the pooled segments of each pack: the sum of a row's segments,
    /// each counted once a token. Shape `(n_rows, dimension)`; lengths are left to the caller.
    pub fn join(&self, pooled: &[Array2<f32>], dimension: usize) -> Array2<f32> {
        let mut rows = Array2::zeros((self.n_rows, dimension));
        for (segment, vector) in self.segments().zip(pooled.iter().flat_map(|pack| pack.rows())) {
            rows.row_mut(segment.row).scaled_add(segment.tokens.len() as f32, &vector);
        }
        rows
    }

    /// As [`Self::join`], each row divided by the number of its tokens, so that it is as long as what
    /// was pooled; and whether it has any.
    pub fn average(&self, pooled: &[Array2<f32>], dimension: usize) -> (Array2<f32>, Vec<bool>) {
        let mut rows = self.join(pooled, dimension);
        let mut n_tokens = vec![0; self.n_rows];
        self.segments().for_each(|segment| n_tokens[segment.row] += segment.tokens.len());
        for (mut row, &n) in rows.rows_mut().into_iter().zip(&n_tokens) {
            row /= n.max(1) as f32;
        }
        (rows, n_tokens.iter().map(|&n| n > 0).collect())
    }

    /// The rows of the result from a row a segment: the largest value of each column; `empty` in a
    /// row without tokens. Shape `(n_rows, n_columns)`.
    pub fn largest(&self, read: &[Array2<f32>], n_columns: usize, empty: f32) -> Array2<f32> {
        let mut rows = Array2::from_elem((self.n_rows, n_columns), empty);
        for (segment, values) in self.segments().zip(read.iter().flat_map(|pack| pack.rows())) {
            let mut row = rows.row_mut(segment.row);
            row.zip_mut_with(&values, |most, &value| *most = most.max(value));
        }
        rows
    }

    fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.packs.iter().flat_map(|pack| &pack.segments)
    }
}

/// Cuts `n` ids into the fewest parts of at most `most`, equal to within one; nothing into none.
fn equal_parts(n: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let n_parts = n.div_ceil(most);
    let cut = move |part: usize| part * n / n_parts;
    (0..n_parts).map(move |part| cut(part)..cut(part + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn parts_tile_the_text_and_differ_by_at_most_one() {
        for length in [0, 1, 5, 6, 7, 12, 13, 999, 1000] {
            let parts: Vec<_> = equal_parts(length, 6).collect();
            assert_eq!(
                parts.iter().cloned().flatten().collect::<Vec<_>>(),
                Vec::from_iter(0..length)
            );
            assert_eq!(parts.len(), length.div_ceil(6));
            let sizes = || parts.iter().map(|part| part.len());
            assert!(sizes().max().unwrap_or(0) <= 6);
            assert!(sizes().max().unwrap_or(0) - sizes().min().unwrap_or(0) <= 1);
        }
    }

    fn limits(max_tokens: usize, pack_tokens: usize) -> Limits {
        Limits { max_tokens, pack_tokens, skipped: 0 }
    }

    fn parted(parts: &[&[u32]]) -> Parted {
        let mut text = Parted::default();
        for part in parts {
            text.ids.extend_from_slice(part);
            text.ends.push(text.ids.len());
        }
        text
    }

    #[test]
    fn windows_go_home_to_their_text_weighted_by_tokens() {
        let specials = Specials { before: vec![101], after: vec![102] };
        let texts = [parted(&[&[1, 2, 3]]), parted(&[&[]]), parted(&[&[4]])];
        let windows = Windows::of(&texts, &specials, limits(4, 7));
        let rows = |pack: &Pack| pack.tokens.rows().map(<[u32]>::to_vec).collect();
        let packs: Vec<Vec<Vec<u32>>> = windows.packs().iter().map(rows).collect();
        assert_eq!(packs, [vec![vec![101, 1, 102], vec![101, 2, 3, 102]], vec![vec![101, 4, 102]]]);
        let pooled = [array![[1.0, 0.0], [0.0, 1.0]], array![[2.0, 2.0]]];
        assert_eq!(windows.join(&pooled, 2), array![[3.0, 4.0], [0.0, 0.0], [6.0, 6.0]]);
        let (means, has_tokens) = windows.average(&pooled, 2);
        assert_eq!(means, array![[3.0 / 7.0, 4.0 / 7.0], [0.0, 0.0], [2.0, 2.0]]);
        assert_eq!(has_tokens, [true, false, true]);
        let largest = array![[1.0, 1.0], [-9.0, -9.0], [2.0, 2.0]];
        assert_eq!(windows.largest(&pooled, 2, -9.0), largest);
    }

    #[test]
    fn a_part_is_the_tokens_of_its_own_in_every_window_that_has_some() {
        let specials = Specials { before: vec![101], after: vec![102] };
        // Four ids a window: the second part, ids 3 to 5, lies in both; the third has no tokens.
        let texts = [parted(&[&[9]]), parted(&[&[1, 2, 3], &[4, 5, 6], &[], &[7]])];
        let windows = Windows::of(&texts, &specials, limits(6, 100));
        let [pack] = windows.packs() else { panic!("one pack") };
        let segment = |row, tokens| Segment { row, tokens };
        let expected = [
            segment(0, 0..3),
            segment(5, 3..8),
            segment(1, 4..7),
            segment(5, 8..14),
            segment(2, 9..12),
            segment(4, 12..13),
        ];
        assert_eq!(pack.segments, expected);
        assert_eq!(
            windows.join(&[Array2::ones((6, 1))], 1),
            array![[3.], [3.], [3.], [0.], [1.], [11.]]
        );
    }
}
