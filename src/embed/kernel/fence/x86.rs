//! Tiles by AVX2, AVX-VNNI and AVX-512.

use std::arch::x86_64::*;

use super::super::tile::{
    COLUMNS, ColumnGroup, Columns, Excess, FEW, FloatTile, LANES, Lanes, ROWS, RowGroup, STEP,
    Tile, Tiles,
};
use super::Work;

/// Made only by [`with_avx2`].
struct Avx2(());

impl Tiles for Avx2 {
    #[inline(always)]
    fn divide(&self, columns: &mut [ColumnGroup]) -> Vec<Excess> {
        divide(columns)
    }

    #[inline(always)]
    fn bytes(&self, rows: &[RowGroup], columns: Columns<'_>, tile: &mut Tile) {
        // SAFETY: whoever holds an `Avx2` runs on a machine that has it.
        unsafe { bytes_avx2(rows, columns, tile) }
    }

    #[inline(always)]
    fn floats(&self, rows: &[[f32; FEW]], columns: &[Lanes], tile: &mut FloatTile) {
        // SAFETY: as above.
        unsafe { floats_avx2(rows, columns, tile) }
    }
}

/// Made only by [`with_avx_vnni`].
struct AvxVnni(());

impl Tiles for AvxVnni {
    #[inline(always)]
    fn bytes(&self, rows: &[RowGroup], columns: Columns<'_>, tile: &mut Tile) {
        // SAFETY: whoever holds an `AvxVnni` runs on a machine that has it.
        unsafe { bytes_avx_vnni(rows, columns.groups, tile) }
    }

    #[inline(always)]
    fn floats(&self, rows: &[[f32; FEW]], columns: &[Lanes], tile: &mut FloatTile) {
        // SAFETY: as above.
        unsafe { floats_avx2(rows, columns, tile) }
    }
}

/// Made only by [`with_avx512`].
struct Avx512(());

impl Tiles for Avx512 {
    #[inline(always)]
    fn bytes(&self, rows: &[RowGroup], columns: Columns<'_>, tile: &mut Tile) {
        // SAFETY: whoever holds an `Avx512` runs on a machine that has it.
        unsafe { bytes_avx512(rows, columns.groups, tile) }
    }

    #[inline(always)]
    fn floats(&self, rows: &[[f32; FEW]], columns: &[Lanes], tile: &mut FloatTile) {
        // SAFETY: as above.
        unsafe { floats_avx512(rows, columns, tile) }
    }
}

#[target_feature(enable = "avx2")]
pub fn with_avx2(work: impl Work) {
    work.run(Avx2(()));
}

#[target_feature(enable = "avx2,avxvnni")]
pub fn with_avx_vnni(work: impl Work) {
    work.run(AvxVnni(()));
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub fn with_avx512(work: impl Work) {
    work.run(Avx512(()));
}

/// Columns of a 512-bit register of sums.
const WIDE: usize = 16;

/// Every row and column of the tile at once: 24 registers of sums, two of weights. `vpdpbusd`
/// adds four products of unsigned with signed bytes to each sum, without saturation.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn bytes_avx512(rows: &[RowGroup], columns: &[ColumnGroup], tile: &mut Tile) {
    let mut sums = [[_mm512_setzero_si512(); COLUMNS / WIDE]; ROWS];
    for (rows, columns) in rows.iter().zip(columns) {
        let weights = load_512(columns);
        for (sums, row) in sums.iter_mut().zip(rows) {
            let row = _mm512_set1_epi32(i32::from_ne_bytes(*row));
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = _mm512_dpbusd_epi32(*sum, row, weights);
            }
        }
    }
    for (row, sums) in tile.iter_mut().zip(sums) {
        for (to, sum) in row.as_chunks_mut::<WIDE>().0.iter_mut().zip(sums) {
            // SAFETY: `to` is 16 writable numbers of 32 bits, as many as the register holds.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), sum) }
        }
    }
}

#[target_feature(enable = "avx512f")]
fn load_512(columns: &ColumnGroup) -> [__m512i; COLUMNS / WIDE] {
    let halves = columns.as_chunks::<WIDE>().0;
    // SAFETY: each half is 16 groups of 4 readable bytes, as many as the register holds.
    let load = |half: &[[i8; 4]; WIDE]| unsafe { _mm512_loadu_si512(half.as_ptr().cast()) };
    [load(&halves[0]), load(&halves[1])]
}

/// Largest sum of two neighbouring weights, without its sign, at which `vpmaddubsw` is exact whatever the rows:
/// 255 × 128 < 2¹⁵.
const EXACT_PAIR: i32 = 128;

/// Without VNNI products of bytes are added in pairs by `vpmaddubsw`, which saturates at 16 bits: where a pair of weights
/// is too large for it, what is too much is multiplied apart. Of the weights of a transformer few pairs are.
fn divide(columns: &mut [ColumnGroup]) -> Vec<Excess> {
    let mut excess = Vec::new();
    for (group, columns) in columns.iter_mut().enumerate() {
        for (column, own) in columns.iter_mut().enumerate() {
            for at in (0..STEP).step_by(2) {
                let sum = i32::from(own[at]) + i32::from(own[at + 1]);
                if sum.abs() <= EXACT_PAIR {
                    continue;
                }
                // Both have the sign of the sum, and what is left of the first has it too.
                let too_much = (sum - EXACT_PAIR * sum.signum()) as i8;
                own[at] -= too_much;
                let mut weights = [0; STEP];
                weights[at] = too_much.cast_unsigned();
                excess.push(Excess { group, column, weights: i32::from_ne_bytes(weights) });
            }
        }
    }
    excess
}

#[target_feature(enable = "avx2")]
fn bytes_avx2(rows: &[RowGroup], columns: Columns<'_>, tile: &mut Tile) {
    exact_bytes_avx2(rows, columns.groups, tile);
    if !columns.excess.is_empty() {
        add_excess(rows, columns.excess, tile);
    }
}

/// Adds four products to each sum, exact for pairs that [`divide`] has left.
#[target_feature(enable = "avx2")]
#[inline]
fn add_products_avx2(sums: __m256i, rows: __m256i, weights: __m256i) -> __m256i {
    let pairs = _mm256_maddubs_epi16(rows, weights);
    _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

/// Rows go side by side through a register, so sums are kept by column until all are there.
#[target_feature(enable = "avx2")]
fn add_excess(rows: &[RowGroup], excess: &[Excess], tile: &mut Tile) {
    let mut sums = [[0; 2 * HALF]; COLUMNS];
    for Excess { group, column, weights } in excess {
        let weights = _mm256_set1_epi32(*weights);
        let (few, rest) = rows[*group].split_at(HALF);
        let (to, to_rest) = sums[*column].split_at_mut(HALF);
        add_products(to, load_bytes_256(few), weights);
        add_products(to_rest, load_bytes_128(rest), weights);
    }
    for (at, row) in tile.iter_mut().enumerate() {
        row.iter_mut().zip(&sums).for_each(|(sum, column)| *sum += column[at]);
    }
}

#[target_feature(enable = "avx2")]
fn add_products(to: &mut [i32], rows: __m256i, weights: __m256i) {
    let to = to.as_chunks_mut::<HALF>().0[0].as_mut_ptr().cast();
    // SAFETY: `to` is 8 numbers of 32 bits, as many as the register holds.
    unsafe {
        let sums = _mm256_loadu_si256(to);
        _mm256_storeu_si256(to, add_products_avx2(sums, rows, weights));
    }
}

/// The rest of the register is 0.
#[target_feature(enable = "avx2")]
fn load_bytes_128(rows: &[[u8; STEP]]) -> __m256i {
    let rows = &rows.as_chunks::<{ HALF / 2 }>().0[0];
    // SAFETY: `rows` is 4 groups of 4 readable bytes, as many as are read.
    _mm256_zextsi128_si256(unsafe { _mm_loadu_si128(rows.as_ptr().cast()) })
}

/// Rows and columns at a time of a 256-bit `vpdpbusd`: 12 registers of sums, two of weights, one of a row. What stands
/// for it takes two more, so that one of sums lies in memory.
const HALF_ROWS: usize = 6;
const HALF_COLUMNS: usize = 16;
/// Columns of a 256-bit register of sums.
const HALF: usize = 8;

/// The tile in four parts, each by 256-bit `vpdpbusd`. The instruction has two forms: that of chips without AVX-512,
/// and that of those with it, on which the tests can run what the others do. Where there is neither,
/// [`add_products_avx2`] stands for it.
macro_rules! bytes_by_halves {
    ($bytes:ident, $part:ident, $features:literal, $dpbusd:ident) => {
        #[target_feature(enable = $features)]
        fn $bytes(rows: &[RowGroup], columns: &[ColumnGroup], tile: &mut Tile) {
            for first_row in (0..ROWS).step_by(HALF_ROWS) {
                for first_column in (0..COLUMNS).step_by(HALF_COLUMNS) {
                    $part(rows, columns, tile, (first_row, first_column));
                }
            }
        }

        #[target_feature(enable = $features)]
        fn $part(
            rows: &[RowGroup],
            columns: &[ColumnGroup],
            tile: &mut Tile,
            (first_row, first_column): (usize, usize),
        ) {
            let mut sums = [[_mm256_setzero_si256(); HALF_COLUMNS / HALF]; HALF_ROWS];
            for (rows, columns) in rows.iter().zip(columns) {
                let columns = &columns[first_column..first_column + HALF_COLUMNS];
                let weights = [load_bytes_256(&columns[..HALF]), load_bytes_256(&columns[HALF..])];
                for (sums, row) in sums.iter_mut().zip(&rows[first_row..first_row + HALF_ROWS]) {
                    let row = _mm256_set1_epi32(i32::from_ne_bytes(*row));
                    for (sum, weights) in sums.iter_mut().zip(weights) {
                        *sum = $dpbusd(*sum, row, weights);
                    }
                }
            }
            for (row, sums) in tile[first_row..].iter_mut().zip(sums) {
                let to = &mut row[first_column..first_column + HALF_COLUMNS];
                for (to, sum) in to.as_chunks_mut::<HALF>().0.iter_mut().zip(sums) {
                    // SAFETY: `to` is 8 writable numbers of 32 bits, as many as the register holds.
                    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), sum) }
                }
            }
        }
    };
}

bytes_by_halves!(exact_bytes_avx2, part_of_exact_bytes_avx2, "avx2", add_products_avx2);
bytes_by_halves!(bytes_avx_vnni, part_of_bytes_avx_vnni, "avx2,avxvnni", _mm256_dpbusd_avx_epi32);
#[cfg(test)]
bytes_by_halves!(
    bytes_avx512_vl,
    part_of_bytes_avx512_vl,
    "avx512vl,avx512vnni",
    _mm256_dpbusd_epi32
);

/// A number of 8 bits.
trait Byte {}
impl Byte for u8 {}
impl Byte for i8 {}

#[target_feature(enable = "avx2")]
fn load_bytes_256<B: Byte>(groups: &[[B; STEP]]) -> __m256i {
    let groups: &[[B; STEP]; HALF] = &groups.as_chunks().0[0];
    // SAFETY: `groups` is 8 groups of 4 readable bytes, as many as the register holds.
    unsafe { _mm256_loadu_si256(groups.as_ptr().cast()) }
}

/// A register a row. Products and sums are rounded one by one: a fused pair would give other bits
/// than machines that have none.
#[target_feature(enable = "avx512f")]
pub fn floats_avx512(rows: &[[f32; FEW]], columns: &[Lanes], tile: &mut FloatTile) {
    let mut sums = [_mm512_setzero_ps(); FEW];
    for (row, columns) in rows.iter().zip(columns) {
        // SAFETY: `columns` is 16 readable numbers of 32 bits, as many as the register holds.
        let columns = unsafe { _mm512_loadu_ps(columns.as_ptr()) };
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum = _mm512_add_ps(*sum, _mm512_mul_ps(_mm512_set1_ps(*x), columns));
        }
    }
    for (to, sum) in tile.iter_mut().zip(sums) {
        // SAFETY: `to` is 16 writable numbers of 32 bits, as many as the register holds.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), sum) }
    }
}

/// Two registers a row, and half of the rows at a time.
#[target_feature(enable = "avx2")]
fn floats_avx2(rows: &[[f32; FEW]], columns: &[Lanes], tile: &mut FloatTile) {
    for (half, tile) in tile.as_chunks_mut::<{ FEW / 2 }>().0.iter_mut().enumerate() {
        let mut sums = [[_mm256_setzero_ps(); 2]; FEW / 2];
        for (row, columns) in rows.iter().zip(columns) {
            let columns = load_256(columns);
            for (sums, x) in sums.iter_mut().zip(&row.as_chunks::<{ FEW / 2 }>().0[half]) {
                let x = _mm256_set1_ps(*x);
                for (sum, columns) in sums.iter_mut().zip(columns) {
                    *sum = _mm256_add_ps(*sum, _mm256_mul_ps(x, columns));
                }
            }
        }
        for (to, sums) in tile.iter_mut().zip(sums) {
            for (to, sum) in to.as_chunks_mut::<{ LANES / 2 }>().0.iter_mut().zip(sums) {
                // SAFETY: `to` is 8 writable numbers of 32 bits, as the register holds.
                unsafe { _mm256_storeu_ps(to.as_mut_ptr(), sum) }
            }
        }
    }
}

#[target_feature(enable = "avx2")]
fn load_256(columns: &Lanes) -> [__m256; 2] {
    let halves = columns.as_chunks::<{ LANES / 2 }>().0;
    // SAFETY: each half is 8 readable numbers of 32 bits, as many as the register holds.
    let load = |half: &[f32; LANES / 2]| unsafe { _mm256_loadu_ps(half.as_ptr()) };
    [load(&halves[0]), load(&halves[1])]
}

#[cfg(test)]
mod tests {
    use super::super::super::tile::Portable;
    use super::*;

    #[test]
    fn halves_are_exact_in_the_form_of_chips_with_avx512_too() {
        if !is_x86_feature_detected!("avx512vl") || !is_x86_feature_detected!("avx512vnni") {
            eprintln!("SKIPPED: this machine has no VNNI of 256 bits in the form of AVX-512");
            return;
        }
        let byte = |n: usize| (n * 89 + n / 7 * 31) as u8;
        let row = |n: usize| std::array::from_fn(|r| std::array::from_fn(|i| byte(n + 5 * r + i)));
        let column =
            |n: usize| std::array::from_fn(|c| std::array::from_fn(|i| byte(n + 3 * c + i) as i8));
        for n_groups in [0, 1, 2, 7, 130] {
            let rows: Vec<RowGroup> = (0..n_groups).map(|n| row(STEP * n)).collect();
            let columns: Vec<ColumnGroup> = (0..n_groups).map(|n| column(STEP * n + 1)).collect();
            let (mut found, mut expected) = ([[1; COLUMNS]; ROWS], [[2; COLUMNS]; ROWS]);
            // SAFETY: the machine was seen to have it.
            unsafe { bytes_avx512_vl(&rows, &columns, &mut found) };
            let columns = Columns { groups: &columns, excess: &[] };
            Portable.bytes(&rows, columns, &mut expected);
            assert_eq!(found, expected);
        }
    }
}
