//! The layers at 8 bits: linear layers as products of integers, all between them in f32.
//!
//! Weights have a scale an output, and each token a scale and a zero point of its own (Dettmers et
//! al., "LLM.int8()", 2022, call it vector-wise), so a token's numbers do not depend on its company.

use super::config::Config;
use super::weights::Weights;
use crate::embed::kernel::{self, Attention, ByteRows, ByteWeights, Level, Then};
use crate::tokenize::TokenBatch;
use ndarray::Array2;

type Loaded<T> = Result<T, String>;

/// Tokens that go through the feed-forward block together: its middle then stays near the processor.
const WIDE_TOKENS: usize = 96;

/// The stack of layers.
pub(super) struct ByteEncoder {
    layers: Vec<Layer>,
    n_heads: usize,
    level: Level,
}

/// Attention, then the feed-forward block; each is added to its input and normalised.
struct Layer {
    /// Queries, keys and values in one: `hidden` inputs, `3 * hidden` outputs.
    joined: ByteWeights,
    output: ByteWeights,
    attention_norm: LayerNorm,
    widen: ByteWeights,
    narrow: ByteWeights,
    norm: LayerNorm,
}

struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

/// What a pack is computed in; kept from layer to layer.
#[derive(Default)]
struct Room {
    rows: ByteRows,
    /// `(n_tokens, 3 * hidden)`
    joined: Vec<f32>,
    /// `(n_tokens, hidden)`
    context: Vec<f32>,
    /// `(WIDE_TOKENS, intermediate)`
    wide: Vec<f32>,
    attention: Attention,
}

impl ByteEncoder {
    pub fn load(weights: &Weights<'_>, config: &Config, level: Level) -> Loaded<Self> {
        let name = |index| format!("encoder.layer.{index}");
        let layers = (0..config.num_hidden_layers)
            .map(|index| Layer::load(weights, &name(index), config))
            .collect::<Loaded<_>>()?;
        Ok(ByteEncoder { layers, n_heads: config.num_attention_heads, level })
    }

    /// The same, computed with other instructions.
    #[cfg(test)]
    pub fn at(self, level: Level) -> Self {
        ByteEncoder { level, ..self }
    }

    /// In place, shape `(n_tokens, hidden)`.
    pub fn forward(&self, hidden: &mut Array2<f32>, pack: &TokenBatch) {
        let mut room = Room::default();
        // A matrix that was just made is in order; one that is not has no rows to compute.
        let Some(hidden) = hidden.as_slice_mut() else { return };
        for layer in &self.layers {
            layer.attend(self, hidden, pack, &mut room);
            layer.feed_forward(self.level, hidden, &mut room);
        }
    }
}

impl Layer {
    fn load(weights: &Weights<'_>, name: &str, config: &Config) -> Loaded<Self> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let linear = |part: &str, (input, output)| {
            let name = format!("{name}.{part}");
            let weight = weights.matrix(&format!("{name}.weight"), (output, input))?;
            Ok::<_, String>((weight, weights.vector(&format!("{name}.bias"), output)?))
        };
        let pack = |(weight, bias): (Array2<f32>, ndarray::Array1<f32>)| {
            ByteWeights::of(&weight.into_raw_vec_and_offset().0, &bias.to_vec())
        };
        let norm = |part: &str| LayerNorm::load(weights, &format!("{name}.{part}"), config);
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for part in ["query", "key", "value"] {
            let size = hidden / config.num_attention_heads;
            let scale = if part == "query" { 1.0 / (size as f32).sqrt() } else { 1.0 };
            let (of_part, its_bias) = linear(&format!("attention.self.{part}"), (hidden, hidden))?;
            weight.extend(of_part.iter().map(|x| x * scale));
            bias.extend(its_bias.iter().map(|x| x * scale));
        }
        Ok(Layer {
            joined: ByteWeights::of(&weight, &bias)?,
            output: pack(linear("attention.output.dense", (hidden, hidden))?)?,
            attention_norm: norm("attention.output.LayerNorm")?,
            widen: pack(linear("intermediate.dense", (hidden, wide))?)?,
            narrow: pack(linear("output.dense", (wide, hidden))?)?,
            norm: norm("output.LayerNorm")?,
        })
    }

    fn attend(
        &self,
        encoder: &ByteEncoder,
        hidden: &mut [f32],
        pack: &TokenBatch,
        room: &mut Room,
    ) {
        let (level, size) = (encoder.level, self.joined.n_inputs());
        let Room { rows, joined, context, attention, .. } = room;
        joined.resize(3 * hidden.len(), 0.0);
        context.resize(hidden.len(), 0.0);
        rows.set(level, hidden, size);
        kernel::linear(level, rows, &self.joined, Then::Set, joined);
        let mut start = 0;
        for window in pack.rows() {
            let (from, to) = (start * size, (start + window.len()) * size);
            let out = &mut context[from..to];
            attention.forward(level, &joined[3 * from..3 * to], (encoder.n_heads, size), out);
            start += window.len();
        }
        rows.set(level, context, size);
        kernel::linear(level, rows, &self.output, Then::Add, hidden);
        self.attention_norm.forward(level, hidden);
    }

    fn feed_forward(&self, level: Level, hidden: &mut [f32], room: &mut Room) {
        let (size, wide_size) = (self.narrow.n_outputs(), self.widen.n_outputs());
        for hidden in hidden.chunks_mut(WIDE_TOKENS * size) {
            let wide = &mut room.wide;
            wide.resize(hidden.len() / size * wide_size, 0.0);
            room.rows.set(level, hidden, size);
            kernel::linear(level, &room.rows, &self.widen, Then::Gelu, wide);
            room.rows.set(level, wide, wide_size);
            kernel::linear(level, &room.rows, &self.narrow, Then::Add, hidden);
            self.norm.forward(level, hidden);
        }
    }
}

impl LayerNorm {
    fn load(weights: &Weights<'_>, name: &str, config: &Config) -> Loaded<Self> {
        Ok(LayerNorm {
            weight: weights.vector(&format!("{name}.weight"), config.hidden_size)?.to_vec(),
            bias: weights.vector(&format!("{name}.bias"), config.hidden_size)?.to_vec(),
            eps: config.layer_norm_eps as f32,
        })
    }

    fn forward(&self, level: Level, hidden: &mut [f32]) {
        kernel::layer_norm(level, hidden, (&self.weight, &self.bias), self.eps);
    }
}
