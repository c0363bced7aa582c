//! Sums of rows of a table of bytes, all that an encoder without layers computes; and products of
//! rows, which say how near two vectors are.

use super::Level;
use super::fence::Work;
use super::tile::{LANES, Tiles};
use super::wide::join;

/// Numbers of a row that are summed at a time, so that their sums stay in registers.
const WIDE: usize = 64;

/// Rows of `sum.len()` numbers of 8 bits with a sign, and a scale for each row, `(n_rows)`.
#[derive(Debug, Clone, Copy)]
pub struct ByteTable<'t> {
    pub bytes: &'t [u8],
    pub scales: &'t [f32],
}

impl<'t> ByteTable<'t> {
    /// Row `id`, of so many numbers.
    pub fn row(self, id: usize, dimension: usize) -> &'t [u8] {
        &self.bytes[id * dimension..(id + 1) * dimension]
    }
}

/// Adds the rows `ids` to `sum`, each times its scale, one by one in their order: the same bits
/// whatever the instructions, and whether they are added in one call or in several.
pub fn add_rows(level: Level, table: ByteTable<'_>, ids: &[u32], sum: &mut [f32]) {
    level.run(AddRows { table, ids, sum });
}

struct AddRows<'a> {
    table: ByteTable<'a>,
    ids: &'a [u32],
    sum: &'a mut [f32],
}

impl Work for AddRows<'_> {
    #[inline(always)]
    fn run(self, _: impl Tiles) {
        let dimension = self.sum.len();
        let (wide, rest) = self.sum.as_chunks_mut::<WIDE>();
        let n_wide = wide.len();
        for (at, sums) in wide.iter_mut().enumerate() {
            let mut kept = *sums;
            for &id in self.ids {
                let start = id as usize * dimension + at * WIDE;
                let row = &self.table.bytes[start..start + WIDE];
                add(&mut kept, row, self.table.scales[id as usize]);
            }
            *sums = kept;
        }
        for &id in self.ids {
            let start = id as usize * dimension + n_wide * WIDE;
            let row = &self.table.bytes[start..start + rest.len()];
            add(rest, row, self.table.scales[id as usize]);
        }
    }
}

#[inline(always)]
fn add(sums: &mut [f32], row: &[u8], scale: f32) {
    for (sum, &byte) in sums.iter_mut().zip(row) {
        *sum += scale * f32::from(byte as i8);
    }
}

/// The product of each of `rows` with each of `others`, all of `dimension` numbers: `out` has shape
/// `(n_rows, n_others)`. The same bits whatever the instructions.
pub fn products(level: Level, rows: &[f32], others: &[f32], dimension: usize, out: &mut [f32]) {
    level.run(Products { rows, others, dimension, out });
}

struct Products<'a> {
    rows: &'a [f32],
    others: &'a [f32],
    dimension: usize,
    out: &'a mut [f32],
}

impl Work for Products<'_> {
    #[inline(always)]
    fn run(self, _: impl Tiles) {
        let n_others = self.others.len() / self.dimension.max(1);
        let rows = self.rows.chunks_exact(self.dimension.max(1));
        for (row, out) in rows.zip(self.out.chunks_exact_mut(n_others.max(1))) {
            let others = self.others.chunks_exact(self.dimension.max(1));
            for (other, out) in others.zip(out) {
                *out = product(row, other);
            }
        }
    }
}

#[inline(always)]
fn product(a: &[f32], b: &[f32]) -> f32 {
    let ((wide_a, rest_a), (wide_b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in wide_a.iter().zip(wide_b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (lane, (a, b)) in rest_a.iter().zip(rest_b).enumerate() {
        sums[lane] += a * b;
    }
    join(sums)
}
