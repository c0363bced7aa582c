//! A tile: the sums of products of a few rows with a few columns, and how both lie in memory for it.

/// Rows of a tile: as many as leave the sums of a tile in the registers of AVX-512.
pub const ROWS: usize = 12;

/// Columns of a tile.
pub const COLUMNS: usize = 32;

/// Inputs that are multiplied at a time.
pub const STEP: usize = 4;

/// The next inputs of each row of a tile. What lies where in a block of them is up to [`Tiles::put_row`].
pub type RowGroup = [[u8; STEP]; ROWS];

/// The weights of the next inputs for each column of a tile.
pub type ColumnGroup = [[i8; STEP]; COLUMNS];

/// The columns of a panel, as [`Tiles::divide`] has left them.
#[derive(Clone, Copy)]
pub struct Columns<'c> {
    pub groups: &'c [ColumnGroup],
    /// What is multiplied apart, and added.
    pub excess: &'c [Excess],
}

/// What was taken from the weights of a group for one column.
pub struct Excess {
    pub group: usize,
    pub column: usize,
    /// The bytes of a [`STEP`] of weights.
    pub weights: i32,
}

/// The sums, row by row.
pub type Tile = [[i32; COLUMNS]; ROWS];

/// Most inputs of a row: above this a sum of products could leave 32 bits, also once the products of
/// a zero point are taken from it (2 × 255 × 127 × 32,768 < 2³¹).
pub const MOST_INPUTS: usize = 32_768;

/// Numbers that go side by side through a wide register, of 32 bits each.
pub const LANES: usize = 16;
pub type Lanes = [f32; LANES];

/// Rows of a tile of f32.
pub const FEW: usize = 8;

/// Sums of f32, row by row.
pub type FloatTile = [Lanes; FEW];

/// The sums of products of a tile, which it replaces.
pub trait Tiles {
    /// Puts the bytes of row `at` into a block of rows, in the order in which `bytes` takes them. One set of instructions
    /// does not read what another has put there.
    #[inline(always)]
    fn put_row(&self, block: &mut [RowGroup], at: usize, bytes: &[[u8; STEP]]) {
        for (group, bytes) in block.iter_mut().zip(bytes) {
            group[at] = *bytes;
        }
    }

    /// Takes from the columns of a panel what is multiplied apart, once for all products.
    #[inline(always)]
    fn divide(&self, _columns: &mut [ColumnGroup]) -> Vec<Excess> {
        Vec::new()
    }

    /// Exact.
    fn bytes(&self, rows: &[RowGroup], columns: Columns<'_>, tile: &mut Tile);

    /// Added one by one in order: the same bits however it is done.
    fn floats(&self, rows: &[[f32; FEW]], columns: &[Lanes], tile: &mut FloatTile);
}

/// Plain arithmetic, for any machine: what every other way must equal.
pub struct Portable;

impl Tiles for Portable {
    fn bytes(&self, rows: &[RowGroup], columns: Columns<'_>, tile: &mut Tile) {
        *tile = [[0; COLUMNS]; ROWS];
        let parts = rows.chunks(EXACT_GROUPS).zip(columns.groups.chunks(EXACT_GROUPS));
        for (rows, columns) in parts {
            let sums = exact_sums(rows, columns);
            for (to, sum) in tile.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
                *to += *sum as i32;
            }
        }
    }

    fn floats(&self, rows: &[[f32; FEW]], columns: &[Lanes], tile: &mut FloatTile) {
        *tile = [[0.0; LANES]; FEW];
        for (row, columns) in rows.iter().zip(columns) {
            for (sums, x) in tile.iter_mut().zip(row) {
                sums.iter_mut().zip(columns).for_each(|(sum, value)| *sum += x * value);
            }
        }
    }
}

/// Groups whose products sum to whole numbers that f32 holds exactly: 4 × 128 × 255 × 127 < 2²⁴. Any
/// machine multiplies f32 side by side; bytes not all.
const EXACT_GROUPS: usize = 128;

fn exact_sums(rows: &[RowGroup], columns: &[ColumnGroup]) -> [[f32; COLUMNS]; ROWS] {
    let mut sums = [[0.0; COLUMNS]; ROWS];
    for (rows, columns) in rows.iter().zip(columns) {
        for input in 0..STEP {
            let mut weights = [0.0; COLUMNS];
            for (weight, column) in weights.iter_mut().zip(columns) {
                *weight = f32::from(column[input]);
            }
            for (sums, row) in sums.iter_mut().zip(rows) {
                let x = f32::from(row[input]);
                sums.iter_mut().zip(&weights).for_each(|(sum, weight)| *sum += x * weight);
            }
        }
    }
    sums
}
