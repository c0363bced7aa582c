//! Theme heads: one logit a theme from the vectors of a window's tokens.
//!
//! Each theme weighs the tokens by attention of its own (Mullenbach et al., "Explainable Prediction
//! of Medical Codes from Clinical Text", 2018), so that one clause of a list can speak for it.

use super::weights::Weights;
use crate::tokenize::TokenBatch;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Slice};

/// For every theme what it looks for, and what it makes of that.
pub(super) struct ThemeHeads {
    /// `(n_themes, hidden)`: a token's attention is the softmax of its products with these.
    queries: Array2<f32>,
    /// `(n_themes, hidden)`
    outputs: Array2<f32>,
    /// `(n_themes)`
    biases: Array1<f32>,
}

impl ThemeHeads {
    pub fn load(weights: &Weights<'_>, n_themes: usize, hidden: usize) -> Result<Self, String> {
        Ok(ThemeHeads {
            queries: weights.matrix("heads.queries", (n_themes, hidden))?,
            outputs: weights.matrix("heads.outputs", (n_themes, hidden))?,
            biases: weights.vector("heads.biases", n_themes)?,
        })
    }

    /// `(n_tokens, hidden)` → `(n_windows, n_themes)`; every window of `pack` has a token.
    pub fn forward(&self, hidden: &Array2<f32>, pack: &TokenBatch) -> Array2<f32> {
        let (attention, values) = (hidden.dot(&self.queries.t()), hidden.dot(&self.outputs.t()));
        let mut logits = Array2::zeros((pack.n_rows(), self.biases.len()));
        let mut start = 0;
        for (mut row, window) in logits.rows_mut().into_iter().zip(pack.rows()) {
            let tokens = Slice::from(start..start + window.len());
            let part = |matrix| window_of(matrix, tokens);
            row.assign(&(weighted_means(part(&attention), part(&values)) + &self.biases));
            start += window.len();
        }
        logits
    }
}

fn window_of(matrix: &Array2<f32>, tokens: Slice) -> ArrayView2<'_, f32> {
    matrix.slice_axis(Axis(0), tokens)
}

/// For each column the mean of `values` weighted by the softmax of `attention`, both `(n, n_themes)`.
fn weighted_means(attention: ArrayView2<'_, f32>, values: ArrayView2<'_, f32>) -> Array1<f32> {
    let columns = attention.columns().into_iter().zip(values.columns());
    columns.map(|(attention, values)| weighted_mean(attention, values)).collect()
}

fn weighted_mean(attention: ArrayView1<'_, f32>, values: ArrayView1<'_, f32>) -> f32 {
    let largest = attention.fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    let weights = attention.iter().map(|x| (x - largest).exp());
    let (sum, total) = weights
        .zip(values)
        .fold((0.0, 0.0), |(sum, total), (weight, value)| (sum + weight * value, total + weight));
    sum / total
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_theme_reads_the_token_that_it_looks_for_in_each_window() {
        let heads = ThemeHeads {
            queries: array![[100.0, 0.0], [0.0, 0.0]],
            outputs: array![[0.0, 1.0], [1.0, 1.0]],
            biases: array![-2.0, 0.5],
        };
        let mut pack = TokenBatch::default();
        pack.push_with(|ids| ids.extend([7, 8]));
        pack.push_with(|ids| ids.push(9));
        let hidden = array![[1.0, 5.0], [0.0, 9.0], [1.0, 3.0]];
        let logits = heads.forward(&hidden, &pack);
        let expected = array![[3.0, 0.5 + 7.5], [1.0, 0.5 + 4.0]];
        assert!((&logits - &expected).iter().all(|x: &f32| x.abs() < 1e-5), "{logits}");
    }
}
