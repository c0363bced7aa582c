//! Matrices of bytes in the order in which tiles read them.

use super::Level;
use super::fence::Work;
use super::tile::{
    COLUMNS, ColumnGroup, Columns, Excess, MOST_INPUTS, ROWS, RowGroup, STEP, Tiles,
};
use super::wide;

/// The weights and biases of a linear layer: bytes with a scale a column.
///
/// A column (an output) is divided into 127 steps either side of zero.
pub struct ByteWeights {
    /// Panels of [`COLUMNS`] outputs, each `n_groups` groups.
    groups: Vec<ColumnGroup>,
    n_inputs: usize,
    n_outputs: usize,
    panels: Vec<Panel>,
    level: Level,
}

/// What turns the sums of a panel's columns into outputs; 0 beyond the last output.
pub struct Panel {
    /// Value of one step of the weights.
    pub scales: [f32; COLUMNS],
    pub biases: [f32; COLUMNS],
    /// Sum of the weights, in steps: what a zero point of the rows is multiplied by.
    pub sums: [i32; COLUMNS],
    excess: Vec<Excess>,
}

impl ByteWeights {
    /// From `weight`, shape `(n_outputs, n_inputs)` row by row, and `bias`, shape `(n_outputs)`, for products at a level.
    ///
    /// # Errors
    /// Too many inputs for sums of 32 bits.
    pub fn of(level: Level, weight: &[f32], bias: &[f32]) -> Result<Self, String> {
        let n_outputs = bias.len();
        let n_inputs = weight.len() / n_outputs.max(1);
        if n_inputs > MOST_INPUTS {
            return Err(format!(
                "{n_inputs} inputs are too many for 8-bit integers (at most {MOST_INPUTS}): use \
                 --precision f32"
            ));
        }
        let n_groups = n_inputs.div_ceil(STEP);
        let n_panels = n_outputs.div_ceil(COLUMNS);
        let mut packed = ByteWeights {
            groups: vec![[[0; STEP]; COLUMNS]; n_groups * n_panels],
            n_inputs,
            n_outputs,
            panels: Vec::with_capacity(n_panels),
            level,
        };
        let columns: Vec<&[f32]> = weight.chunks(n_inputs.max(1)).collect();
        for (panel, (columns, biases)) in
            columns.chunks(COLUMNS).zip(bias.chunks(COLUMNS)).enumerate()
        {
            let groups = &mut packed.groups[panel * n_groups..(panel + 1) * n_groups];
            let mut panel = Panel::pack(columns, biases, groups);
            level.run(Divide { groups, excess: &mut panel.excess });
            packed.panels.push(panel);
        }
        Ok(packed)
    }

    pub fn n_inputs(&self) -> usize {
        self.n_inputs
    }

    pub fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    pub fn level(&self) -> Level {
        self.level
    }

    /// Each panel with its weights.
    pub fn panels(&self) -> impl Iterator<Item = (&Panel, Columns<'_>)> {
        let n_groups = self.n_inputs.div_ceil(STEP).max(1);
        let panels = self.panels.iter().zip(self.groups.chunks(n_groups));
        panels.map(|(panel, groups)| (panel, Columns { groups, excess: &panel.excess }))
    }
}

impl Panel {
    fn pack(columns: &[&[f32]], biases: &[f32], groups: &mut [ColumnGroup]) -> Self {
        let mut panel = Panel {
            scales: [0.0; COLUMNS],
            biases: [0.0; COLUMNS],
            sums: [0; COLUMNS],
            excess: Vec::new(),
        };
        panel.biases[..biases.len()].copy_from_slice(biases);
        for (at, column) in columns.iter().enumerate() {
            let largest = column.iter().fold(0.0, |a: f32, x| a.max(x.abs()));
            let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
            panel.scales[at] = scale;
            for (group, weights) in groups.iter_mut().zip(column.chunks(STEP)) {
                for (byte, weight) in group[at].iter_mut().zip(weights) {
                    *byte = (weight / scale).round() as i8;
                    panel.sums[at] += i32::from(*byte);
                }
            }
        }
        panel
    }
}

struct Divide<'a> {
    groups: &'a mut [ColumnGroup],
    excess: &'a mut Vec<Excess>,
}

impl Work for Divide<'_> {
    const OF_BYTES: bool = true;

    #[inline(always)]
    fn run(self, tiles: impl Tiles) {
        *self.excess = tiles.divide(self.groups);
    }
}

/// Rows (tokens) as bytes, each with a scale and a zero point of its own: a row does not depend on
/// its company.
#[derive(Default)]
pub struct ByteRows {
    /// Blocks of [`ROWS`] rows, each `n_groups` groups.
    groups: Vec<RowGroup>,
    n_groups: usize,
    rows: Vec<RowScale>,
}

/// A byte `x` of a row stands for `scale * (x - zero)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowScale {
    pub scale: f32,
    /// 0 to 255
    pub zero: i32,
}

impl ByteRows {
    /// Takes on the rows of `values`, shape `(n_rows, n_inputs)`, for products at the same level.
    pub fn set(&mut self, level: Level, values: &[f32], n_inputs: usize) {
        self.n_groups = n_inputs.div_ceil(STEP);
        let n_blocks = (values.len() / n_inputs).div_ceil(ROWS);
        self.groups.resize(n_blocks * self.n_groups, [[0; STEP]; ROWS]);
        self.rows.clear();
        level.run(Quantise { rows: self, values, n_inputs });
    }

    #[inline(always)]
    fn fill(&mut self, tiles: &impl Tiles, values: &[f32], n_inputs: usize) {
        let mut bytes = vec![[0; STEP]; self.n_groups];
        let blocks = self.groups.chunks_mut(self.n_groups);
        for (block, values) in blocks.zip(values.chunks(n_inputs * ROWS)) {
            for (at, row) in values.chunks(n_inputs).enumerate() {
                self.rows.push(wide::quantise(row, &mut bytes.as_flattened_mut()[..n_inputs]));
                tiles.put_row(block, at, &bytes);
            }
        }
    }

    /// Each block with the scales of its rows.
    pub fn blocks(&self) -> impl Iterator<Item = (&[RowScale], &[RowGroup])> {
        self.rows.chunks(ROWS).zip(self.groups.chunks(self.n_groups.max(1)))
    }
}

struct Quantise<'a> {
    rows: &'a mut ByteRows,
    values: &'a [f32],
    n_inputs: usize,
}

impl Work for Quantise<'_> {
    const OF_BYTES: bool = true;

    #[inline(always)]
    fn run(self, tiles: impl Tiles) {
        self.rows.fill(&tiles, self.values, self.n_inputs);
    }
}
