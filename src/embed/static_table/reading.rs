//! Sentences → sums of rows: the part of the encoder that runs for every word of a corpus.
//!
//! A sentence of several parts is read once: its row is the sum of those of its parts, which is the row
//! of the parts joined by a space but for rounding. What a thread needs lies on a [`Desk`] that is used
//! again.

use super::token_heads::TokenHeads;
use super::{StaticEmbedder, UNKNOWN};
use crate::embed::EmbeddingMatrix;
use crate::embed::kernel::add_rows;
use crate::embed::matrix::normalise;
use crate::tokenize::{SeenWords, WordPiece};
use ndarray::Array2;
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Sentences that one thread reads at a time.
pub(super) const CHUNK: usize = 256;

/// Desks that stand free; there are never more than threads that read at once.
#[derive(Debug, Default)]
pub(super) struct Desks(Mutex<Vec<Desk>>);

impl Desks {
    fn with<T>(&self, work: impl FnOnce(&mut Desk) -> T) -> T {
        let free = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut desk = free().pop().unwrap_or_default();
        let done = work(&mut desk);
        free().push(desk);
        done
    }
}

/// What one thread reads with.
#[derive(Debug, Default)]
struct Desk {
    words: SeenWords,
    /// The known tokens of a part.
    ids: Vec<u32>,
    /// What the tokens of a part, and of a sentence, say of the themes: see [`TokenHeads::add`].
    of_part: Vec<f32>,
    of_whole: Vec<f32>,
}

impl Desk {
    fn tokenize(&mut self, pieces: &WordPiece, part: &str) {
        self.ids.clear();
        self.words.encode(pieces, part, &mut self.ids);
        self.ids.retain(|&id| id != UNKNOWN);
    }
}

/// Rows to be filled, one after the other.
struct Rows<'r> {
    vectors: &'r mut [f32],
    logits: &'r mut [f32],
    /// Numbers of a vector, and of a row of logits.
    width: (usize, usize),
}

/// One of them: `(dimension)`, and `(n_themes)`.
struct Row<'r> {
    vector: &'r mut [f32],
    logits: &'r mut [f32],
}

impl<'r> Rows<'r> {
    /// The next `n`, which are these no more.
    fn take(&mut self, n: usize) -> Rows<'r> {
        let (dimension, n_themes) = self.width;
        let vectors = self.vectors.split_off_mut(..n * dimension).unwrap_or_default();
        let logits = self.logits.split_off_mut(..n * n_themes).unwrap_or_default();
        Rows { vectors, logits, width: self.width }
    }

    fn next(&mut self) -> Row<'r> {
        let Rows { vectors: vector, logits, .. } = self.take(1);
        Row { vector, logits }
    }
}

impl StaticEmbedder {
    /// The rows of sentences in parts, as [`crate::embed::Embedder::embed_parts`] orders them, and what
    /// the heads say of each.
    pub(super) fn read<'t, S: AsRef<[&'t str]> + Sync>(
        &self,
        sentences: &[S],
    ) -> (EmbeddingMatrix, Option<Array2<f32>>) {
        let n_themes = self.heads.as_ref().map_or(0, TokenHeads::n_themes);
        let (n_parts, n_whole) = n_rows(sentences);
        let mut vectors = Array2::zeros((n_parts + n_whole, self.dimension));
        let mut logits = Array2::zeros((n_parts + n_whole, n_themes));
        let mut whole = Rows {
            vectors: vectors.as_slice_mut().unwrap_or_default(),
            logits: logits.as_slice_mut().unwrap_or_default(),
            width: (self.dimension, n_themes),
        };
        let mut parts = whole.take(n_parts);
        let chunk = |chunk| {
            let (n_parts, n_whole) = n_rows(chunk);
            (chunk, parts.take(n_parts), whole.take(n_whole))
        };
        let chunks: Vec<_> = sentences.chunks(CHUNK).map(chunk).collect();
        chunks.into_par_iter().for_each(|(sentences, mut parts, mut whole)| {
            self.desks.with(|desk| {
                let each = sentences.iter().map(AsRef::as_ref);
                each.for_each(|sentence| self.read_one(sentence, desk, &mut parts, &mut whole));
            });
        });
        (EmbeddingMatrix::from_normalised(vectors), self.heads.as_ref().map(|_| logits))
    }

    /// Fills the next row of `parts` for each part, and the next of `whole` for a sentence of several.
    fn read_one(
        &self,
        sentence: &[&str],
        desk: &mut Desk,
        parts: &mut Rows<'_>,
        whole: &mut Rows<'_>,
    ) {
        let mut whole = (sentence.len() > 1).then(|| whole.next());
        self.begin(&mut desk.of_whole);
        for part in sentence {
            desk.tokenize(&self.pieces, part);
            let row = parts.next();
            self.begin(&mut desk.of_part);
            self.add(&desk.ids, row.vector, &mut desk.of_part);
            if let Some(whole) = &mut whole {
                add_to(whole.vector, row.vector);
                add_to(&mut desk.of_whole, &desk.of_part);
            }
            self.finish(row, &desk.of_part);
        }
        if let Some(whole) = whole {
            self.finish(whole, &desk.of_whole);
        }
    }

    /// Empties the sums of what tokens say of themes.
    fn begin(&self, of_themes: &mut Vec<f32>) {
        of_themes.clear();
        of_themes.resize(self.heads.as_ref().map_or(0, TokenHeads::n_sums), 0.0);
    }

    fn add(&self, ids: &[u32], vector: &mut [f32], of_themes: &mut [f32]) {
        add_rows(self.level, self.byte_table(), ids, vector);
        if let Some(heads) = &self.heads {
            heads.add(ids, |id| self.byte_table().row(id, self.dimension), of_themes);
        }
    }

    fn finish(&self, row: Row<'_>, of_themes: &[f32]) {
        normalise(row.vector);
        if let Some(heads) = &self.heads {
            heads.logits(of_themes, row.logits);
        }
    }
}

fn add_to(sum: &mut [f32], values: &[f32]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

/// Parts of the sentences, and sentences of several.
fn n_rows<'t, S: AsRef<[&'t str]>>(sentences: &[S]) -> (usize, usize) {
    let parts = || sentences.iter().map(|sentence| sentence.as_ref().len());
    (parts().sum(), parts().filter(|&n| n > 1).count())
}
