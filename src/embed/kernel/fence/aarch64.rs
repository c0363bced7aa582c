//! Tiles by the dot products of NEON.

use std::arch::aarch64::*;
use std::arch::asm;

use super::super::tile::{
    COLUMNS, ColumnGroup, Columns, FEW, FloatTile, LANES, Lanes, ROWS, RowGroup, STEP, Tile, Tiles,
};
use super::Work;

/// Made only by [`with_dot_product`].
struct DotProduct(());

impl Tiles for DotProduct {
    #[inline(always)]
    fn bytes(&self, rows: &[RowGroup], columns: Columns<'_>, tile: &mut Tile) {
        // SAFETY: whoever holds a `DotProduct` runs on a machine that has it.
        unsafe { bytes_dot_product(rows, columns.groups, tile) }
    }

    #[inline(always)]
    fn floats(&self, rows: &[[f32; FEW]], columns: &[Lanes], tile: &mut FloatTile) {
        // SAFETY: as above.
        unsafe { floats_neon(rows, columns, tile) }
    }
}

#[target_feature(enable = "neon,dotprod")]
pub fn with_dot_product(work: impl Work) {
    work.run(DotProduct(()));
}

/// Numbers of a register of sums, and rows or columns of a register of bytes.
const NARROW: usize = 4;
/// Columns at a time: 24 registers of sums, two of what is to be taken from them, two of weights, one of rows.
const FEW_COLUMNS: usize = 8;
/// Registers of columns at a time.
const HALVES: usize = FEW_COLUMNS / NARROW;

#[target_feature(enable = "neon,dotprod")]
fn bytes_dot_product(rows: &[RowGroup], columns: &[ColumnGroup], tile: &mut Tile) {
    for first_column in (0..COLUMNS).step_by(FEW_COLUMNS) {
        part_of_bytes(rows, columns, tile, first_column);
    }
}

/// The instruction multiplies signed bytes alone, so 128 is taken from the bytes of rows, and -128 times the sum of the
/// weights from the sums: all of it exact.
#[target_feature(enable = "neon,dotprod")]
fn part_of_bytes(rows: &[RowGroup], columns: &[ColumnGroup], tile: &mut Tile, first_column: usize) {
    // 128 without a sign, -128 with one; to change its highest bit takes 128 from a byte.
    let half_range = vdupq_n_u8(0x80);
    let mut sums = [[vdupq_n_s32(0); ROWS]; HALVES];
    let mut excess = [vdupq_n_s32(0); HALVES];
    for (rows, columns) in rows.iter().zip(columns) {
        let weights = load_weights(columns, first_column);
        for (excess, weights) in excess.iter_mut().zip(weights) {
            *excess = dot_with_lane::<0>(*excess, weights, vreinterpretq_s8_u8(half_range));
        }
        for (at, few) in rows.as_chunks::<NARROW>().0.iter().enumerate() {
            let few = vreinterpretq_s8_u8(veorq_u8(load_rows(few), half_range));
            for (sums, weights) in sums.iter_mut().zip(weights) {
                let [a, b, c, d] = &mut sums.as_chunks_mut::<NARROW>().0[at];
                *a = dot_with_lane::<0>(*a, weights, few);
                *b = dot_with_lane::<1>(*b, weights, few);
                *c = dot_with_lane::<2>(*c, weights, few);
                *d = dot_with_lane::<3>(*d, weights, few);
            }
        }
    }
    for (at, (sums, excess)) in sums.into_iter().zip(excess).enumerate() {
        let first_column = first_column + at * NARROW;
        for (row, sum) in tile.iter_mut().zip(sums) {
            let to = &mut row[first_column..first_column + NARROW];
            // SAFETY: `to` is 4 writable numbers of 32 bits, as many as the register holds.
            unsafe { vst1q_s32(to.as_mut_ptr(), vsubq_s32(sum, excess)) }
        }
    }
}

/// To each sum the four products of its column's weights with the bytes of the row in a lane.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot_with_lane<const LANE: usize>(
    mut sums: int32x4_t,
    weights: int8x16_t,
    rows: int8x16_t,
) -> int32x4_t {
    // SAFETY: it reads and writes these registers alone; the intrinsic for it is not stable yet.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {weights:v}.16b, {rows:v}.4b[{lane}]",
            sums = inout(vreg) sums,
            weights = in(vreg) weights,
            rows = in(vreg) rows,
            lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

#[target_feature(enable = "neon")]
fn load_rows(rows: &[[u8; STEP]; NARROW]) -> uint8x16_t {
    // SAFETY: `rows` is 4 groups of 4 readable bytes, as many as the register holds.
    unsafe { vld1q_u8(rows.as_ptr().cast()) }
}

#[target_feature(enable = "neon")]
fn load_weights(columns: &ColumnGroup, first: usize) -> [int8x16_t; 2] {
    let few = &columns[first..first + FEW_COLUMNS];
    // SAFETY: each half is 4 groups of 4 readable bytes, as many as the register holds.
    let load = |half: &[[i8; STEP]; NARROW]| unsafe { vld1q_s8(half.as_ptr().cast()) };
    let halves = few.as_chunks::<NARROW>().0;
    [load(&halves[0]), load(&halves[1])]
}

/// Four registers a row, and half of the rows at a time. Products and sums are rounded one by one, as on
/// machines that have no fused pair.
#[target_feature(enable = "neon")]
fn floats_neon(rows: &[[f32; FEW]], columns: &[Lanes], tile: &mut FloatTile) {
    for (half, tile) in tile.as_chunks_mut::<{ FEW / 2 }>().0.iter_mut().enumerate() {
        let mut sums = [[vdupq_n_f32(0.0); LANES / NARROW]; FEW / 2];
        for (row, columns) in rows.iter().zip(columns) {
            let few = &row.as_chunks::<{ FEW / 2 }>().0[half];
            for (at, columns) in columns.as_chunks::<NARROW>().0.iter().enumerate() {
                // SAFETY: `columns` is 4 readable numbers of 32 bits, as many as the register holds.
                let columns = unsafe { vld1q_f32(columns.as_ptr()) };
                for (sums, x) in sums.iter_mut().zip(few) {
                    sums[at] = vaddq_f32(sums[at], vmulq_f32(vdupq_n_f32(*x), columns));
                }
            }
        }
        for (to, sums) in tile.iter_mut().zip(sums) {
            for (to, sum) in to.as_chunks_mut::<NARROW>().0.iter_mut().zip(sums) {
                // SAFETY: `to` is 4 writable numbers of 32 bits, as many as the register holds.
                unsafe { vst1q_f32(to.as_mut_ptr(), sum) }
            }
        }
    }
}
