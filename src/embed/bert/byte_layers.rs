//! The layers at 8 bits: linear layers as products of integers, all between them in f32.
//!
//! Weights have a scale an output, and each token a scale and a zero point of its own (Dettmers et
//! al., "LLM.int8()", 2022, call it vector-wise), so a token's numbers do not depend on its company.

use super::config::Config;
use super::weights::Weights;
use crate::embed::kernel::{
    self, Attention, ByteRows, ByteWeights, HeadLayout, Level, OffsetBias, Then,
};
use crate::tokenize::TokenBatch;
use ndarray::Array2;
use rayon::prelude::*;

type Loaded<T> = Result<T, String>;

/// Tokens that go through the feed-forward block together: its middle then stays near the processor.
const WIDE_TOKENS: usize = 96;

/// The stack of layers.
pub(super) struct ByteEncoder {
    layers: Vec<Layer>,
    /// What the middle of a feed-forward block goes through.
    activate: Then,
    n_heads: usize,
    hidden: usize,
    bias: Option<OffsetBias>,
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
    /// `bias` is what attention adds for relative positions.
    pub fn load(
        weights: &Weights<'_>,
        config: &Config,
        bias: Option<OffsetBias>,
        level: Level,
    ) -> Loaded<Self> {
        let layers = (0..config.n_layers)
            .into_par_iter()
            .map(|index| Layer::load(weights, &config.family.layer(index), config, level))
            .collect::<Vec<_>>();
        // Of several faults the first is told, whichever is found first.
        let layers = layers.into_iter().collect::<Loaded<_>>()?;
        let activate = Then::Activate(config.activation);
        let (n_heads, hidden) = (config.n_heads, config.hidden_size);
        Ok(ByteEncoder { layers, activate, n_heads, hidden, bias, level })
    }

    fn layout(&self) -> HeadLayout<'_> {
        HeadLayout { n_heads: self.n_heads, hidden: self.hidden, bias: self.bias.as_ref() }
    }

    /// In place, shape `(n_tokens, hidden)`.
    pub fn forward(&self, hidden: &mut Array2<f32>, pack: &TokenBatch) {
        let mut room = Room::default();
        // A matrix that was just made is in order; one that is not has no rows to compute.
        let Some(hidden) = hidden.as_slice_mut() else { return };
        for layer in &self.layers {
            layer.attend(self, hidden, pack, &mut room);
            layer.feed_forward(self, hidden, &mut room);
        }
    }
}

impl Layer {
    fn load(weights: &Weights<'_>, name: &str, config: &Config, level: Level) -> Loaded<Self> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let linear = |part: &str, (input, output)| {
            let name = format!("{name}.{part}");
            let weight = weights.matrix(&format!("{name}.weight"), (output, input))?;
            Ok::<_, String>((weight, weights.vector(&format!("{name}.bias"), output)?))
        };
        let pack = |(weight, bias): (Array2<f32>, ndarray::Array1<f32>)| {
            ByteWeights::of(level, &weight.into_raw_vec_and_offset().0, &bias.to_vec())
        };
        let norm = |part: &str| LayerNorm::load(weights, &format!("{name}.{part}"), config);
        let names = config.family.names();
        let to_queries = 1.0 / ((hidden / config.n_heads) as f32).sqrt();
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for (part, scale) in [(names.query, to_queries), (names.key, 1.0), (names.value, 1.0)] {
            let (of_part, its_bias) = linear(part, (hidden, hidden))?;
            weight.extend(of_part.iter().map(|x| x * scale));
            bias.extend(its_bias.iter().map(|x| x * scale));
        }
        Ok(Layer {
            joined: ByteWeights::of(level, &weight, &bias)?,
            output: pack(linear(names.output, (hidden, hidden))?)?,
            attention_norm: norm(names.attention_norm)?,
            widen: pack(linear(names.widen, (hidden, wide))?)?,
            narrow: pack(linear(names.narrow, (wide, hidden))?)?,
            norm: norm(names.norm)?,
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
        kernel::linear(rows, &self.joined, Then::Set, joined);
        let mut start = 0;
        for window in pack.rows() {
            let (from, to) = (start * size, (start + window.len()) * size);
            let out = &mut context[from..to];
            attention.forward(level, &joined[3 * from..3 * to], encoder.layout(), out);
            start += window.len();
        }
        rows.set(level, context, size);
        kernel::linear(rows, &self.output, Then::Add, hidden);
        self.attention_norm.forward(level, hidden);
    }

    fn feed_forward(&self, encoder: &ByteEncoder, hidden: &mut [f32], room: &mut Room) {
        let level = encoder.level;
        let (size, wide_size) = (self.narrow.n_outputs(), self.widen.n_outputs());
        for hidden in hidden.chunks_mut(WIDE_TOKENS * size) {
            let wide = &mut room.wide;
            wide.resize(hidden.len() / size * wide_size, 0.0);
            room.rows.set(level, hidden, size);
            kernel::linear(&room.rows, &self.widen, encoder.activate, wide);
            room.rows.set(level, wide, wide_size);
            kernel::linear(&room.rows, &self.narrow, Then::Add, hidden);
            self.norm.forward(level, hidden);
        }
    }
}

impl LayerNorm {
    fn load(weights: &Weights<'_>, name: &str, config: &Config) -> Loaded<Self> {
        let (weight, bias) = weights.norm(name, config.hidden_size)?;
        Ok(LayerNorm { weight: weight.to_vec(), bias: bias.to_vec(), eps: config.layer_norm_eps })
    }

    fn forward(&self, level: Level, hidden: &mut [f32]) {
        kernel::layer_norm(level, hidden, (&self.weight, &self.bias), self.eps);
    }
}
