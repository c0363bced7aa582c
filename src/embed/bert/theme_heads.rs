//! Theme heads: one logit a theme from the vectors of a segment's tokens.
//!
//! Each theme weighs the tokens by attention of its own (Mullenbach et al., "Explainable Prediction
//! of Medical Codes from Clinical Text", 2018), so that one clause of a list can speak for it.

use super::weights::Weights;
use super::windows::Segment;
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

    /// `(n_tokens, hidden)` → `(n_segments, n_themes)`; every segment has a token.
    pub fn forward(&self, hidden: &Array2<f32>, segments: &[Segment]) -> Array2<f32> {
        let (attention, values) = (hidden.dot(&self.queries.t()), hidden.dot(&self.outputs.t()));
        let mut logits = Array2::zeros((segments.len(), self.biases.len()));
        for (mut row, segment) in logits.rows_mut().into_iter().zip(segments) {
            let of = |matrix| tokens_of(matrix, segment);
            row.assign(&(weighted_means(of(&attention), of(&values)) + &self.biases));
        }
        logits
    }
}

fn tokens_of<'m>(matrix: &'m Array2<f32>, segment: &Segment) -> ArrayView2<'m, f32> {
    matrix.slice_axis(Axis(0), Slice::from(segment.tokens.clone()))
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
    fn a_theme_reads_the_token_that_it_looks_for_in_each_segment() {
        let heads = ThemeHeads {
            queries: array![[100.0, 0.0], [0.0, 0.0]],
            outputs: array![[0.0, 1.0], [1.0, 1.0]],
            biases: array![-2.0, 0.5],
        };
        let segments = [Segment { row: 0, tokens: 0..2 }, Segment { row: 1, tokens: 2..3 }];
        let hidden = array![[1.0, 5.0], [0.0, 9.0], [1.0, 3.0]];
        let logits = heads.forward(&hidden, &segments);
        let expected = array![[3.0, 0.5 + 7.5], [1.0, 0.5 + 4.0]];
        assert!((&logits - &expected).iter().all(|x: &f32| x.abs() < 1e-5), "{logits}");
    }
}
