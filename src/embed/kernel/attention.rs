//! Attention within a window, one head at a time, in f32.

use super::Level;
use super::fence::Work;
use super::tile::{FEW, LANES, Lanes, Tiles};
use super::wide;
use std::ops::Range;

/// How the numbers of a token are divided among heads.
#[derive(Clone, Copy)]
pub struct HeadLayout<'b> {
    pub n_heads: usize,
    /// Numbers of a token, all heads together.
    pub hidden: usize,
    /// What is added to the scores, where the model has it.
    pub bias: Option<&'b OffsetBias>,
}

/// For each head what is added to a token's score for another by how far the other stands after it.
pub struct OffsetBias {
    /// Tokens that it is laid out for, a whole number of chunks and blocks.
    reach: usize,
    /// `(n_heads, 2 * reach)`, from `-reach` to `reach - 1` tokens after.
    values: Vec<f32>,
}

impl OffsetBias {
    /// For windows of at most `n_tokens`; `value` gives it for a head and an offset in tokens, which is
    /// below 0 for what stands before.
    pub fn of(n_heads: usize, n_tokens: usize, value: impl Fn(usize, isize) -> f32) -> Self {
        let reach = n_tokens.next_multiple_of(LANES);
        let offset = |at: usize| at as isize - reach as isize;
        let of_head = |head| (0..2 * reach).map(move |at| (head, offset(at)));
        let values = (0..n_heads).flat_map(of_head).map(|(head, at)| value(head, at)).collect();
        OffsetBias { reach, values }
    }

    /// What is added to the scores of token `query` for tokens `key` and after.
    #[inline(always)]
    pub fn from(&self, head: usize, query: usize, key: usize) -> &[f32] {
        &self.values[(2 * head + 1) * self.reach - query + key..]
    }
}

/// What attention needs to work in; kept from window to window.
#[derive(Default)]
pub struct Attention {
    /// The queries of a head, in blocks of [`FEW`] tokens: `(size, FEW)` each.
    queries: Vec<[f32; FEW]>,
    /// The keys of a head, in chunks of [`LANES`] tokens: `(size, LANES)` each.
    keys: Vec<Lanes>,
    /// The values of a head, in chunks of [`LANES`] numbers: `(n_tokens, LANES)` each.
    values: Vec<Lanes>,
    /// The scores of a block, `(FEW, n_chunks * LANES)`.
    scores: Vec<Lanes>,
    /// The same, `(n_tokens, FEW)`.
    turned: Vec<[f32; FEW]>,
}

/// A window as it lies in memory.
struct Window<'a> {
    room: &'a mut Attention,
    /// A row a token: its queries, keys and values, `3 * hidden` numbers.
    joined: &'a [f32],
    layout: HeadLayout<'a>,
    /// `(n_tokens, hidden)`
    out: &'a mut [f32],
}

impl Attention {
    /// `joined` has a row a token: its queries, keys and values, `3 * hidden` numbers; queries come
    /// divided by the root of the size of a head. What each token takes from the others of its window
    /// goes to `out`, shape `(n_tokens, hidden)`.
    pub fn forward(
        &mut self,
        level: Level,
        joined: &[f32],
        layout: HeadLayout<'_>,
        out: &mut [f32],
    ) {
        level.run(Window { room: self, joined, layout, out });
    }

    /// Lays out queries, keys and values of the head at `part` for the products; 0 beyond the last.
    #[inline(always)]
    fn gather(&mut self, joined: &[f32], hidden: usize, part: Range<usize>) {
        let size = part.len();
        let n = joined.len() / (3 * hidden);
        clear(&mut self.queries, n.div_ceil(FEW) * size, [0.0; FEW]);
        clear(&mut self.keys, n.div_ceil(LANES) * size, [0.0; LANES]);
        clear(&mut self.values, size.div_ceil(LANES) * n, [0.0; LANES]);
        for (token, joined) in joined.chunks_exact(3 * hidden).enumerate() {
            let of_token = |which: usize| &joined[which * hidden..][part.clone()];
            let (block, row) = (token / FEW * size, token % FEW);
            for (queries, query) in self.queries[block..block + size].iter_mut().zip(of_token(0)) {
                queries[row] = *query;
            }
            let (chunk, lane) = (token / LANES * size, token % LANES);
            for (keys, key) in self.keys[chunk..chunk + size].iter_mut().zip(of_token(1)) {
                keys[lane] = *key;
            }
            for (chunk, values) in of_token(2).chunks(LANES).enumerate() {
                self.values[chunk * n + token][..values.len()].copy_from_slice(values);
            }
        }
    }

    /// The scores of block `block` of the queries, with the bias of a head, each
    /// `exp(score - highest of its row)`; by what to divide each row.
    #[inline(always)]
    fn score(
        &mut self,
        tiles: &impl Tiles,
        (block, size, n): (usize, usize, usize),
        bias: Option<(&OffsetBias, usize)>,
    ) -> [f32; FEW] {
        let queries = &self.queries[block * size..(block + 1) * size];
        let n_chunks = n.div_ceil(LANES);
        let mut tile = [[0.0; LANES]; FEW];
        for (chunk, keys) in self.keys.chunks_exact(size).enumerate() {
            tiles.floats(queries, keys, &mut tile);
            if let Some((bias, head)) = bias {
                for (row, lanes) in tile.iter_mut().enumerate() {
                    let more = bias.from(head, block * FEW + row, chunk * LANES);
                    lanes.iter_mut().zip(more).for_each(|(score, more)| *score += more);
                }
            }
            for (row, lanes) in tile.iter().enumerate() {
                self.scores[row * n_chunks + chunk] = *lanes;
            }
        }
        let mut totals = [0.0; FEW];
        for (row, total) in totals.iter_mut().enumerate() {
            let scores = self.scores[row * n_chunks..(row + 1) * n_chunks].as_flattened_mut();
            *total = wide::exponentials(&mut scores[..n]);
            for (turned, score) in self.turned.iter_mut().zip(&scores[..n]) {
                turned[row] = *score;
            }
        }
        totals
    }
}

fn clear<T: Copy>(room: &mut Vec<T>, length: usize, zero: T) {
    room.clear();
    room.resize(length, zero);
}

impl Work for Window<'_> {
    #[inline(always)]
    fn run(mut self, tiles: impl Tiles) {
        let HeadLayout { n_heads, hidden, bias } = self.layout;
        let size = hidden / n_heads;
        let n = self.out.len() / hidden;
        clear(&mut self.room.scores, FEW * n.div_ceil(LANES), [0.0; LANES]);
        clear(&mut self.room.turned, n, [0.0; FEW]);
        for head in 0..n_heads {
            let part = head * size..(head + 1) * size;
            self.room.gather(self.joined, hidden, part.clone());
            let bias = bias.map(|bias| (bias, head));
            for block in 0..n.div_ceil(FEW) {
                let totals = self.room.score(&tiles, (block, size, n), bias);
                self.mix(&tiles, (block, n), totals, part.clone());
            }
        }
    }
}

impl Window<'_> {
    /// Sums of the values of all tokens, each times its score, for the tokens of a block.
    #[inline(always)]
    fn mix(
        &mut self,
        tiles: &impl Tiles,
        (block, n): (usize, usize),
        totals: [f32; FEW],
        part: Range<usize>,
    ) {
        let mut tile = [[0.0; LANES]; FEW];
        let hidden = self.layout.hidden;
        let out = &mut self.out[block * FEW * hidden..];
        for (chunk, values) in self.room.values.chunks_exact(n).enumerate() {
            tiles.floats(&self.room.turned, values, &mut tile);
            let from = part.start + chunk * LANES;
            let to = part.end.min(from + LANES);
            let rows = out.chunks_exact_mut(hidden).zip(&tile).zip(totals);
            for ((out, sums), total) in rows {
                let share = 1.0 / total;
                out[from..to].iter_mut().zip(sums).for_each(|(out, sum)| *out = sum * share);
            }
        }
    }
}
