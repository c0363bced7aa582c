//! The boxes of the paper's figure, one struct each: `load` takes the weights, `forward` runs.
//!
//! Matrices hold one token a row, shape `(n_tokens, hidden)`, the windows of a pack end to end. A
//! row of a matrix product does not depend on the other rows, so neither does any window.

use super::config::Config;
use super::weights::Weights;
use crate::embed::kernel::gelu;
use crate::tokenize::TokenBatch;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, Axis, AxisDescription, Slice, Zip};

type Loaded<T> = Result<T, String>;

/// Token ids → vectors: the word's, its position's and the sentence kind's, summed and normalised.
pub(super) struct Embeddings {
    /// `(vocab_size, hidden)`
    words: Array2<f32>,
    /// `(max_position_embeddings, hidden)`, with the vector of sentence kind 0 added: ours is the
    /// only sentence.
    positions: Array2<f32>,
    norm: LayerNorm,
}

impl Embeddings {
    pub fn load(weights: &Weights<'_>, config: &Config) -> Loaded<Self> {
        let matrix = |name: &str, rows| {
            weights.matrix(&format!("embeddings.{name}.weight"), (rows, config.hidden_size))
        };
        let kinds = matrix("token_type_embeddings", config.type_vocab_size)?;
        let positions = matrix("position_embeddings", config.max_position_embeddings)?;
        Ok(Embeddings {
            words: matrix("word_embeddings", config.vocab_size)?,
            positions: positions + kinds.row(0),
            norm: LayerNorm::load(weights, "embeddings.LayerNorm", config)?,
        })
    }

    /// Shape `(n_tokens, hidden)`.
    pub fn forward(&self, pack: &TokenBatch) -> Array2<f32> {
        let mut hidden = Array2::zeros((pack.n_tokens(), self.words.ncols()));
        let tokens = pack.rows().flat_map(|window| window.iter().enumerate());
        for (mut row, (position, &id)) in hidden.rows_mut().into_iter().zip(tokens) {
            row += &self.words.row(id as usize);
            row += &self.positions.row(position);
        }
        self.norm.forward(&mut hidden);
        hidden
    }
}

/// The stack of layers.
pub(super) struct Encoder {
    layers: Vec<Layer>,
}

impl Encoder {
    pub fn load(weights: &Weights<'_>, config: &Config) -> Loaded<Self> {
        let name = |index| format!("encoder.layer.{index}");
        let layers = (0..config.num_hidden_layers)
            .map(|index| Layer::load(weights, &name(index), config))
            .collect::<Loaded<_>>()?;
        Ok(Encoder { layers })
    }

    /// In place, shape `(n_tokens, hidden)`.
    pub fn forward(&self, hidden: &mut Array2<f32>, pack: &TokenBatch) {
        for layer in &self.layers {
            layer.forward(hidden, pack);
        }
    }
}

/// Attention, then the feed-forward block; each is added to its input and normalised.
struct Layer {
    attention: SelfAttention,
    attention_norm: LayerNorm,
    widen: Linear,
    narrow: Linear,
    norm: LayerNorm,
}

impl Layer {
    fn load(weights: &Weights<'_>, name: &str, config: &Config) -> Loaded<Self> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let linear = |part: &str, shape| Linear::load(weights, &format!("{name}.{part}"), shape);
        let norm = |part: &str| LayerNorm::load(weights, &format!("{name}.{part}"), config);
        Ok(Layer {
            attention: SelfAttention::load(weights, &format!("{name}.attention"), config)?,
            attention_norm: norm("attention.output.LayerNorm")?,
            widen: linear("intermediate.dense", (hidden, wide))?,
            narrow: linear("output.dense", (wide, hidden))?,
            norm: norm("output.LayerNorm")?,
        })
    }

    fn forward(&self, hidden: &mut Array2<f32>, pack: &TokenBatch) {
        *hidden += &self.attention.forward(hidden, pack);
        self.attention_norm.forward(hidden);
        let mut wide = self.widen.forward(hidden);
        wide.mapv_inplace(gelu);
        *hidden += &self.narrow.forward(&wide);
        self.norm.forward(hidden);
    }
}

/// Every token of a window looks at every other, in several heads.
struct SelfAttention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    n_heads: usize,
}

impl SelfAttention {
    fn load(weights: &Weights<'_>, name: &str, config: &Config) -> Loaded<Self> {
        let shape = (config.hidden_size, config.hidden_size);
        let linear = |part: &str| Linear::load(weights, &format!("{name}.{part}"), shape);
        Ok(SelfAttention {
            query: linear("self.query")?,
            key: linear("self.key")?,
            value: linear("self.value")?,
            output: linear("output.dense")?,
            n_heads: config.num_attention_heads,
        })
    }

    /// Shape `(n_tokens, hidden)`.
    fn forward(&self, hidden: &Array2<f32>, pack: &TokenBatch) -> Array2<f32> {
        let size = hidden.ncols() / self.n_heads;
        let query = self.query.forward(hidden) / (size as f32).sqrt();
        let (key, value) = (self.key.forward(hidden), self.value.forward(hidden));
        let mut context = Array2::zeros(hidden.raw_dim());
        let mut start = 0;
        for window in pack.rows() {
            let rows = start..start + window.len();
            for head in 0..self.n_heads {
                let part = |axis: AxisDescription| match axis.axis {
                    Axis(0) => Slice::from(rows.clone()),
                    _ => Slice::from(head * size..(head + 1) * size),
                };
                let look = attend(query.slice_each_axis(part), key.slice_each_axis(part));
                let value = value.slice_each_axis(part);
                general_mat_mul(1.0, &look, &value, 0.0, &mut context.slice_each_axis_mut(part));
            }
            start = rows.end;
        }
        self.output.forward(&context)
    }
}

/// How much each token looks at each other, shape `(n, n)`, rows summing to 1.
fn attend(query: ArrayView2<'_, f32>, key: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut look = query.dot(&key.t());
    for mut row in look.axis_iter_mut(Axis(0)) {
        let highest = row.fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        row.mapv_inplace(|x| (x - highest).exp());
        let total = row.sum();
        row /= total;
    }
    look
}

/// `y = x Wᵀ + b`.
struct Linear {
    /// `(input, output)`, the transpose of what is stored, so that products read it in order.
    weight: Array2<f32>,
    /// `(output)`
    bias: Array1<f32>,
}

impl Linear {
    /// `(input, output)` is the shape of the map.
    fn load(weights: &Weights<'_>, name: &str, (input, output): (usize, usize)) -> Loaded<Self> {
        let weight = weights.matrix(&format!("{name}.weight"), (output, input))?;
        let bias = weights.vector(&format!("{name}.bias"), output)?;
        Ok(Linear { weight: weight.t().as_standard_layout().into_owned(), bias })
    }

    /// `(n_tokens, input)` → `(n_tokens, output)`
    fn forward(&self, x: &Array2<f32>) -> Array2<f32> {
        let mut y = x.dot(&self.weight);
        y += &self.bias;
        y
    }
}

/// Brings each row to mean 0 and variance 1, then scales and shifts it.
struct LayerNorm {
    weight: Array1<f32>,
    bias: Array1<f32>,
    eps: f32,
}

impl LayerNorm {
    fn load(weights: &Weights<'_>, name: &str, config: &Config) -> Loaded<Self> {
        Ok(LayerNorm {
            weight: weights.vector(&format!("{name}.weight"), config.hidden_size)?,
            bias: weights.vector(&format!("{name}.bias"), config.hidden_size)?,
            eps: config.layer_norm_eps as f32,
        })
    }

    fn forward(&self, hidden: &mut Array2<f32>) {
        let n = hidden.ncols() as f32;
        for mut row in hidden.rows_mut() {
            let mean = row.sum() / n;
            row -= mean;
            let variance = row.dot(&row) / n;
            let scale = 1.0 / (variance + self.eps).sqrt();
            Zip::from(&mut row)
                .and(&self.weight)
                .and(&self.bias)
                .for_each(|x, &weight, &bias| *x = *x * scale * weight + bias);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_attends_to_itself_alone_keeps_its_weight() {
        let one = Array2::from_elem((1, 4), 80.0);
        assert_eq!(attend(one.view(), one.view()), Array2::from_elem((1, 1), 1.0));
    }
}
