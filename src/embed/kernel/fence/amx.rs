//! Tiles by AMX, the matrix unit of Intel's server chips since Sapphire Rapids (Intel, "Architecture Instruction Set
//! Extensions Programming Reference", chapter 3). What is not a product of bytes is that of AVX-512.
//!
//! The unit has eight registers of 16 rows of 64 bytes. Rust has no stable names for its instructions, so they stand
//! here as the assembler writes them.

use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

use super::super::tile::{
    COLUMNS, ColumnGroup, Columns, FEW, FloatTile, Lanes, ROWS, RowGroup, STEP, Tile, Tiles,
};
use super::Work;
use super::x86::floats_avx512;

/// Made only by [`with_amx`], while the registers have the shapes of [`SHAPES`].
struct Amx(());

impl Tiles for Amx {
    /// The unit takes a row's bytes side by side: they stay so, one row after the other.
    #[inline(always)]
    fn put_row(&self, block: &mut [RowGroup], at: usize, bytes: &[[u8; STEP]]) {
        let n_groups = block.len();
        block.as_flattened_mut()[at * n_groups..][..n_groups].copy_from_slice(bytes);
    }

    #[inline(always)]
    fn bytes(&self, rows: &[RowGroup], columns: Columns<'_>, tile: &mut Tile) {
        // SAFETY: whoever holds an `Amx` runs on a machine that has it, with its registers set up.
        unsafe { bytes_amx(rows, columns.groups, tile) }
    }

    #[inline(always)]
    fn floats(&self, rows: &[[f32; FEW]], columns: &[Lanes], tile: &mut FloatTile) {
        // SAFETY: as above; AMX comes with AVX-512.
        unsafe { floats_avx512(rows, columns, tile) }
    }
}

/// Whether the processor has the unit and the system keeps its registers. Linux lends them to a process that asks; what
/// other systems want is not known here.
pub fn is_detected() -> bool {
    const OF_LEAF_7: u32 = 0b11 << 24; // AMX-TILE and AMX-INT8 in edx
    const OF_LEAF_1: u32 = 1 << 27; // OSXSAVE in ecx
    const STATE: u64 = 0b11 << 17; // XTILECFG and XTILEDATA
    let has_unit = __cpuid(0).eax >= 7
        && __cpuid(1).ecx & OF_LEAF_1 != 0
        && __cpuid_count(7, 0).edx & OF_LEAF_7 == OF_LEAF_7;
    // SAFETY: OSXSAVE says that the instruction is there.
    has_unit && unsafe { _xgetbv(0) } & STATE == STATE && may_use()
}

/// Asks Linux for the registers, for this process and its threads; it may be asked again and again.
#[cfg(target_os = "linux")]
fn may_use() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
    const XTILEDATA: i64 = 18;
    let failed: i64;
    // SAFETY: the call reads no memory; the kernel changes the three registers that are named.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => failed,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XTILEDATA,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    failed == 0
}

#[cfg(not(target_os = "linux"))]
fn may_use() -> bool {
    false
}

/// Bytes of a row of a register.
const WIDE: usize = 64;
/// Groups of inputs that go through a register at a time.
const GROUPS: usize = WIDE / STEP;
/// Columns of a register of sums.
const HALF: usize = COLUMNS / 2;

/// The shapes of the registers, as `ldtilecfg` reads them: 0 and 1 hold sums, 2 rows, 3 and 4 columns.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    unused: [u8; 14],
    bytes_a_row: [u16; 16],
    rows: [u8; 16],
}

const SHAPES: Shapes = {
    let (mut bytes_a_row, mut rows) = ([0; 16], [0; 16]);
    let n_rows = [ROWS, ROWS, ROWS, GROUPS, GROUPS];
    let mut register = 0;
    while register < n_rows.len() {
        bytes_a_row[register] = WIDE as u16;
        rows[register] = n_rows[register] as u8;
        register += 1;
    }
    Shapes { palette: 1, start_row: 0, unused: [0; 14], bytes_a_row, rows }
};

const _: () = assert!(size_of::<Shapes>() == 64 && ROWS <= 16 && HALF * STEP == WIDE);

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub fn with_amx(work: impl Work) {
    // SAFETY: `SHAPES` is of the form that the instruction reads, within the limits of palette 1.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &SHAPES, options(nostack, readonly)) }
    work.run(Amx(()));
    // SAFETY: the instruction reads and writes nothing but the registers, which nobody uses any more.
    unsafe { asm!("tilerelease", options(nostack, nomem)) }
}

/// The inputs that do not fill a register are put into one with zeros, which add nothing.
///
/// # Safety
/// Within [`with_amx`].
#[inline(always)]
unsafe fn bytes_amx(rows: &[RowGroup], columns: &[ColumnGroup], tile: &mut Tile) {
    let (bytes, n_groups) = (rows.as_flattened(), rows.len());
    assert_eq!(n_groups, columns.len(), "rows and columns have as many inputs");
    *tile = [[0; COLUMNS]; ROWS];
    let (whole, rest) = columns.as_chunks::<GROUPS>();
    if !whole.is_empty() {
        // SAFETY: each row has `n_groups` groups, of which `whole` covers the first.
        unsafe { add_products(bytes.as_ptr(), n_groups * STEP, whole, tile) }
    }
    if !rest.is_empty() {
        let mut last_rows = [[[0; STEP]; GROUPS]; ROWS];
        for (last, row) in last_rows.iter_mut().zip(bytes.chunks_exact(n_groups)) {
            last[..rest.len()].copy_from_slice(&row[n_groups - rest.len()..]);
        }
        let mut last_columns = [[[0; STEP]; COLUMNS]; GROUPS];
        last_columns[..rest.len()].copy_from_slice(rest);
        // SAFETY: each row of `last_rows` is `WIDE` bytes, for the one part of columns.
        unsafe { add_products(last_rows.as_flattened().as_ptr(), WIDE, &[last_columns], tile) }
    }
}

/// Adds to the sums of a tile. `tdpbusd` adds four products of unsigned with signed bytes to each sum at a time, without
/// saturation, for all groups of a register.
///
/// # Safety
/// Within [`with_amx`]. [`ROWS`] rows, each `stride` bytes after the one before, have [`WIDE`] readable bytes for each
/// of `columns`, which is not empty.
#[inline(always)]
unsafe fn add_products(
    rows: *const [u8; STEP],
    stride: usize,
    columns: &[[ColumnGroup; GROUPS]],
    tile: &mut Tile,
) {
    // SAFETY: the caller's promise for rows. A part of columns is 16 rows of 128 bytes, of which two registers hold a
    // half each, and the loop goes once over each part; so is a tile, of 12 rows.
    unsafe {
        asm!(
            "tileloadd tmm0, [{tile} + {wide_row} * 1]",
            "tileloadd tmm1, [{tile} + {wide_row} * 1 + 64]",
            "2:",
            "tileloadd tmm2, [{rows} + {stride} * 1]",
            "tileloadd tmm3, [{columns} + {wide_row} * 1]",
            "tileloadd tmm4, [{columns} + {wide_row} * 1 + 64]",
            "tdpbusd tmm0, tmm2, tmm3",
            "tdpbusd tmm1, tmm2, tmm4",
            "add {rows}, 64",
            "add {columns}, 2048",
            "dec {n_parts}",
            "jnz 2b",
            "tilestored [{tile} + {wide_row} * 1], tmm0",
            "tilestored [{tile} + {wide_row} * 1 + 64], tmm1",
            tile = in(reg) tile.as_mut_ptr(),
            wide_row = in(reg) size_of::<ColumnGroup>(),
            rows = inout(reg) rows => _,
            stride = in(reg) stride,
            columns = inout(reg) columns.as_ptr() => _,
            n_parts = inout(reg) columns.len() => _,
            out("tmm0") _,
            out("tmm1") _,
            out("tmm2") _,
            out("tmm3") _,
            out("tmm4") _,
            options(nostack),
        );
    }
}

const _: () = assert!(size_of::<[ColumnGroup; GROUPS]>() == 2048);
const _: () = assert!(size_of::<ColumnGroup>() == 128 && size_of::<[i32; COLUMNS]>() == 128);
