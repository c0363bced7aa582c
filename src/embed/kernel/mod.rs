//! Products of matrices of 8-bit integers, exact, at the speed of the processor.
//!
//! A linear layer of a transformer as ONNX Runtime and others compute it at 8 bits: weights with a
//! scale a column, rows with a scale and a zero point each, sums in 32-bit integers. Since sums of
//! integers are exact, every set of instructions gives the same bits, and so does every machine.

mod activation;
mod attention;
mod fence;
mod packed;
mod rows;
mod tile;
mod wide;

pub use activation::Activation;
pub use attention::{Attention, HeadLayout, OffsetBias};
pub use fence::Level;
pub use packed::{ByteRows, ByteWeights};
pub use rows::{ByteTable, add_rows, products};

use crate::error::{Error, Result};
use fence::Work;
use packed::{Panel, RowScale};
use tile::{COLUMNS, ROWS, Tiles};

/// Names a level slower than the machine's best, to test or measure it.
const VARIABLE: &str = "THEMELINE_KERNEL";

/// The best level of this machine, or the one that `THEMELINE_KERNEL` names (`portable`; `avx2`,
/// `avx-vnni`, `avx512`, `amx`; `dotprod` on ARM). Results are the same.
///
/// # Errors
/// [`Error::Usage`] where the variable names none that this machine has.
pub fn level() -> Result<Level> {
    let Ok(name) = std::env::var(VARIABLE) else { return Ok(Level::best()) };
    let levels = Level::all();
    let known: Vec<&str> = levels.iter().map(|level| level.name()).collect();
    let hint =
        format!("this machine has {}; without the variable it takes the best", known.join(", "));
    levels
        .into_iter()
        .find(|level| level.name() == name)
        .ok_or_else(|| Error::usage(format!("{VARIABLE}={name} is not to be had here"), hint))
}

/// What becomes of a linear layer's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// They replace what was there.
    Set,
    /// As `Set`, through a function.
    Activate(Activation),
    /// They are added to what was there.
    Add,
}

/// The linear layer `weights` of `rows`, which are to be of the same level: `out` has shape `(n_rows, n_outputs)`.
pub fn linear(rows: &ByteRows, weights: &ByteWeights, then: Then, out: &mut [f32]) {
    weights.level().run(Linear { rows, weights, then, out });
}

/// Brings each row of `values` to mean 0 and variance 1, then scales and shifts it.
pub fn layer_norm(level: Level, values: &mut [f32], (weight, bias): (&[f32], &[f32]), eps: f32) {
    level.run(LayerNorm { values, weight, bias, eps });
}

struct LayerNorm<'a> {
    values: &'a mut [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    eps: f32,
}

impl Work for LayerNorm<'_> {
    #[inline(always)]
    fn run(self, _: impl Tiles) {
        wide::layer_norm(self.values, self.weight, self.bias, self.eps);
    }
}

struct Linear<'a> {
    rows: &'a ByteRows,
    weights: &'a ByteWeights,
    then: Then,
    out: &'a mut [f32],
}

impl Work for Linear<'_> {
    const OF_BYTES: bool = true;

    #[inline(always)]
    fn run(self, tiles: impl Tiles) {
        let n_outputs = self.weights.n_outputs();
        let mut tile = [[0; COLUMNS]; ROWS];
        for (at, (panel, columns)) in self.weights.panels().enumerate() {
            let first = at * COLUMNS;
            let outputs = first..(first + COLUMNS).min(n_outputs);
            let out_blocks = self.out.chunks_mut(n_outputs * ROWS);
            for ((scales, rows), out) in self.rows.blocks().zip(out_blocks) {
                tiles.bytes(rows, columns, &mut tile);
                let out = out.chunks_mut(n_outputs).map(|row| &mut row[outputs.clone()]);
                for ((sums, scale), out) in tile.iter().zip(scales).zip(out) {
                    panel.finish(sums, *scale, self.then, out);
                }
            }
        }
    }
}

impl Panel {
    /// Sums of a row → outputs.
    #[inline(always)]
    fn finish(&self, sums: &[i32; COLUMNS], row: RowScale, then: Then, out: &mut [f32]) {
        let mut values = [0.0; COLUMNS];
        for column in 0..COLUMNS {
            let exact = sums[column].wrapping_sub(row.zero.wrapping_mul(self.sums[column]));
            values[column] = exact as f32 * (self.scales[column] * row.scale) + self.biases[column];
        }
        // A whole panel by a loop of fixed length, the last one number by number.
        match out.first_chunk_mut::<COLUMNS>() {
            Some(out) => give(&values, then, out),
            None => give(&values, then, out),
        }
    }
}

/// Loops, not `map`: what a method of an array calls is compiled for any machine.
#[inline(always)]
fn give(values: &[f32; COLUMNS], then: Then, out: &mut [f32]) {
    match then {
        Then::Set => out.iter_mut().zip(values).for_each(|(out, value)| *out = *value),
        Then::Activate(function) => {
            out.iter_mut().zip(values).for_each(|(out, value)| *out = *value);
            function.over(out);
        }
        Then::Add => out.iter_mut().zip(values).for_each(|(out, value)| *out += value),
    }
}

#[cfg(test)]
mod tests;
