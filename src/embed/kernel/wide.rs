//! What stands between the products, in plain Rust over slices that the compiler makes wide.
//!
//! Sums are kept in sixteen lanes and joined in one order, no product is fused with a sum, and `exp`
//! is our own, so that the result is the same bits whatever the instructions.

use super::packed::RowScale;
use super::tile::{LANES, Lanes};

/// Adding and taking off 1.5 × 2²³ rounds to the nearest whole number, half to even.
const ROUND: f32 = 12_582_912.0;

/// A row as bytes, its range divided into 255 steps; the range always holds 0.
#[inline(always)]
pub fn quantise(row: &[f32], bytes: &mut [u8]) -> RowScale {
    let (lowest, highest) = range(row);
    let width = highest - lowest;
    if width <= 0.0 {
        bytes.fill(0);
        return RowScale { scale: 0.0, zero: 0 };
    }
    let steps = 255.0 / width;
    let zero = (-lowest * steps + ROUND) - ROUND;
    for (byte, x) in bytes.iter_mut().zip(row) {
        let step = at_most(at_least(x * steps + zero, 0.0), 255.0);
        *byte = (step + ROUND).to_bits() as u8;
    }
    RowScale { scale: width / 255.0, zero: zero as i32 }
}

/// The least and the greatest of the values and 0.
#[inline(always)]
fn range(row: &[f32]) -> (f32, f32) {
    let (mut lowest, mut highest) = ([0.0; LANES], [0.0; LANES]);
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            lowest[lane] = at_most(lowest[lane], chunk[lane]);
            highest[lane] = at_least(highest[lane], chunk[lane]);
        }
    }
    let lowest = lowest.iter().chain(rest).fold(0.0, |a, &b| at_most(a, b));
    (lowest, highest.iter().chain(rest).fold(0.0, |a, &b| at_least(a, b)))
}

/// `max`, as one instruction.
#[inline(always)]
fn at_least(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn at_most(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
pub fn join(lanes: Lanes) -> f32 {
    lanes.iter().sum()
}

/// Sum of `value` over a row.
#[inline(always)]
fn sum(row: &[f32], value: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += value(chunk[lane]);
        }
    }
    join(sums) + rest.iter().map(|&x| value(x)).sum::<f32>()
}

/// Brings each row of `values` to mean 0 and variance 1, then scales and shifts it.
#[inline(always)]
pub fn layer_norm(values: &mut [f32], weight: &[f32], bias: &[f32], eps: f32) {
    let n = weight.len() as f32;
    for row in values.chunks_mut(weight.len()) {
        let mean = sum(row, |x| x) / n;
        let variance = sum(row, |x| (x - mean) * (x - mean)) / n;
        let scale = 1.0 / (variance + eps).sqrt();
        for ((x, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
            *x = (*x - mean) * scale * weight + bias;
        }
    }
}

/// Turns scores into `exp(score - highest)` in place; their sum. Never below 1.
#[inline(always)]
pub fn exponentials(scores: &mut [f32]) -> f32 {
    let mut highest = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = scores.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            highest[lane] = at_least(highest[lane], chunk[lane]);
        }
    }
    let highest = highest.iter().chain(rest).fold(f32::NEG_INFINITY, |a, &b| at_least(a, b));
    for score in scores.iter_mut() {
        *score = exp(*score - highest);
    }
    sum(scores, |x| x)
}

/// `eˣ` for x of 0 and below, within 3 parts in 10 million; 0 below -87.
///
/// `2ⁿ eʳ` with `n` whole and `r` within ln 2 / 2 of zero, by the series of `eʳ` to its seventh power.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let whole = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let series = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let power = series.iter().fold(0.0, |y, c| y * r + c);
    let scale = f32::from_bits(((at_least(whole, -127.0) + 127.0 + ROUND).to_bits() & 0xff) << 23);
    if x < -87.0 { 0.0 } else { power * scale }
}

/// `x Φ(x)`, with Φ the normal distribution function.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// `x Φ(x)` with Φ by the hyperbolic tangent: `(1 + tanh y) / 2` is the logistic function of `2 y`.
#[inline(always)]
pub fn gelu_tanh(x: f32) -> f32 {
    const ROOT: f32 = 0.797_884_6; // √(2 / π)
    x * sigmoid(2.0 * ROOT * (x + 0.044715 * x * x * x))
}

#[inline(always)]
pub fn relu(x: f32) -> f32 {
    at_least(x, 0.0)
}

/// `1 / (1 + e⁻ˣ)`, by the exponential of what is below 0 only.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let small = exp(-x.abs());
    let above = 1.0 / (1.0 + small);
    if x < 0.0 { small * above } else { above }
}

/// The hyperbolic tangent, within 3e-7 of the true value.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let small = exp(-2.0 * x.abs());
    let above = (1.0 - small) / (1.0 + small);
    if x < 0.0 { -above } else { above }
}

/// The error function by a quotient of polynomials in x² (the minimax fit used by Eigen); within
/// 5e-7 of the true value everywhere.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const BELOW: [f32; 5] =
        [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2];
    let x = at_most(at_least(x, -4.0), 4.0);
    let square = x * x;
    let above = ABOVE.iter().fold(0.0, |y, c| y * square + c);
    x * above / BELOW.iter().fold(0.0, |y, c| y * square + c)
}
