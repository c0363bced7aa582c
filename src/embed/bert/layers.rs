//! The boxes of the paper's figure, one struct each: `load` takes the weights, `forward` runs.
//!
//! Matrices hold one token a row, shape `(n_tokens, hidden)`, the windows of a pack end to end. A
//! row of a matrix product does not depend on the other rows, so neither does any window.

use super::config::Config;
use super::weights::Weights;
use crate::embed::kernel::{Activation, OffsetBias};
use crate::tokenize::TokenBatch;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, Axis, AxisDescription, Slice, Zip};
use rayon::prelude::*;

type Loaded<T> = Result<T, String>;

/// Token ids → vectors: the word's, its position's and the sentence kind's (where the family has them),
/// summed and normalised.
pub(super) struct Embeddings {
    /// `(vocab_size, hidden)`
    words: Array2<f32>,
    /// `(n_positions, hidden)`, with the vector of sentence kind 0 added: ours is the only sentence.
    positions: Array2<f32>,
    /// The position of a window's first token.
    first: usize,
    /// A padding token in the text itself stands at the position of its id and is not counted.
    padding: Option<u32>,
    norm: LayerNorm,
}

impl Embeddings {
    pub fn load(weights: &Weights<'_>, config: &Config) -> Loaded<Self> {
        let matrix = |name: &str, rows| {
            weights.matrix(&format!("embeddings.{name}.weight"), (rows, config.hidden_size))
        };
        let mut positions = matrix("position_embeddings", config.n_positions)?;
        if config.n_sentence_kinds > 0 {
            positions += &matrix("token_type_embeddings", config.n_sentence_kinds)?.row(0);
        }
        Ok(Embeddings {
            words: matrix("word_embeddings", config.vocab_size)?,
            positions,
            first: config.first_position(),
            padding: config.padding,
            norm: LayerNorm::load(weights, "embeddings.LayerNorm", config)?,
        })
    }

    /// Shape `(n_tokens, hidden)`.
    pub fn forward(&self, pack: &TokenBatch) -> Array2<f32> {
        let mut hidden = Array2::zeros((pack.n_tokens(), self.words.ncols()));
        let tokens = pack.rows().flat_map(|window| self.placed(window));
        for (mut row, (position, id)) in hidden.rows_mut().into_iter().zip(tokens) {
            row += &self.words.row(id as usize);
            row += &self.positions.row(position);
        }
        self.norm.forward(&mut hidden);
        hidden
    }

    /// Each token of a window with its position.
    fn placed(&self, window: &[u32]) -> impl Iterator<Item = (usize, u32)> {
        let mut next = self.first;
        window.iter().map(move |&id| {
            if self.padding == Some(id) {
                return (id as usize, id);
            }
            next += 1;
            (next - 1, id)
        })
    }
}

/// The stack of layers.
pub(super) struct Encoder {
    layers: Vec<Layer>,
    bias: Option<OffsetBias>,
}

impl Encoder {
    /// `bias` is what attention adds for relative positions.
    pub fn load(weights: &Weights<'_>, config: &Config, bias: Option<OffsetBias>) -> Loaded<Self> {
        let layers = (0..config.n_layers)
            .into_par_iter()
            .map(|index| Layer::load(weights, &config.family.layer(index), config))
            .collect::<Vec<_>>();
        // Of several faults the first is told, whichever is found first.
        let layers = layers.into_iter().collect::<Loaded<_>>()?;
        Ok(Encoder { layers, bias })
    }

    /// In place, shape `(n_tokens, hidden)`.
    pub fn forward(&self, hidden: &mut Array2<f32>, pack: &TokenBatch) {
        for layer in &self.layers {
            layer.forward(hidden, pack, self.bias.as_ref());
        }
    }
}

/// Attention, then the feed-forward block; each is added to its input and normalised.
struct Layer {
    attention: SelfAttention,
    attention_norm: LayerNorm,
    widen: Linear,
    activation: Activation,
    narrow: Linear,
    norm: LayerNorm,
}

impl Layer {
    fn load(weights: &Weights<'_>, name: &str, config: &Config) -> Loaded<Self> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let linear = |part: &str, shape| Linear::load(weights, &format!("{name}.{part}"), shape);
        let norm = |part: &str| LayerNorm::load(weights, &format!("{name}.{part}"), config);
        let names = config.family.names();
        Ok(Layer {
            attention: SelfAttention::load(weights, name, config)?,
            attention_norm: norm(names.attention_norm)?,
            widen: linear(names.widen, (hidden, wide))?,
            activation: config.activation,
            narrow: linear(names.narrow, (wide, hidden))?,
            norm: norm(names.norm)?,
        })
    }

    fn forward(&self, hidden: &mut Array2<f32>, pack: &TokenBatch, bias: Option<&OffsetBias>) {
        *hidden += &self.attention.forward(hidden, pack, bias);
        self.attention_norm.forward(hidden);
        let mut wide = self.widen.forward(hidden);
        // What was just made is in order.
        self.activation.over(wide.as_slice_mut().unwrap_or_default());
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
        let names = config.family.names();
        Ok(SelfAttention {
            query: linear(names.query)?,
            key: linear(names.key)?,
            value: linear(names.value)?,
            output: linear(names.output)?,
            n_heads: config.n_heads,
        })
    }

    /// Shape `(n_tokens, hidden)`.
    fn forward(
        &self,
        hidden: &Array2<f32>,
        pack: &TokenBatch,
        bias: Option<&OffsetBias>,
    ) -> Array2<f32> {
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
                let (query, key) = (query.slice_each_axis(part), key.slice_each_axis(part));
                let look = attend(query, key, bias.map(|bias| (bias, head)));
                let value = value.slice_each_axis(part);
                general_mat_mul(1.0, &look, &value, 0.0, &mut context.slice_each_axis_mut(part));
            }
            start = rows.end;
        }
        self.output.forward(&context)
    }
}

/// How much each token looks at each other, shape `(n, n)`, rows summing to 1; with the bias of a head.
fn attend(
    query: ArrayView2<'_, f32>,
    key: ArrayView2<'_, f32>,
    bias: Option<(&OffsetBias, usize)>,
) -> Array2<f32> {
    let mut look = query.dot(&key.t());
    for (token, mut row) in look.axis_iter_mut(Axis(0)).enumerate() {
        if let Some((bias, head)) = bias {
            row.iter_mut().zip(bias.from(head, token, 0)).for_each(|(score, more)| *score += more);
        }
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
        let (weight, bias) = weights.norm(name, config.hidden_size)?;
        Ok(LayerNorm { weight, bias, eps: config.layer_norm_eps })
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
        assert_eq!(attend(one.view(), one.view(), None), Array2::from_elem((1, 1), 1.0));
    }
}
