//! The transformer: BERT encoders in the layout of sentence-transformers, in plain Rust.
//!
//! Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2019), with the pooling of
//! Reimers and Gurevych, "Sentence-BERT" (2019). Tokens of many windows are packed end to end:
//! linear layers run over all of them at once, attention within each window, and nothing is padded.

mod byte_layers;
mod config;
mod layers;
mod pooling;
mod theme_heads;
#[cfg(feature = "rust-bert")]
mod torch_layers;
mod weights;
mod windows;

use byte_layers::ByteEncoder;
pub(super) use config::Config;
use layers::{Embeddings, Encoder};
use pooling::Pooling;
use theme_heads::ThemeHeads;
use weights::Weights;
use windows::{Pack, Parted, Segment, Windows};

use super::folder::ModelFolder;
use super::kernel::{self, Level};
use super::{Embedder, EmbeddingMatrix, Heads, NO_TEXT, Precision};
use crate::error::{Error, Result};
use crate::tokenize::{TokenBatch, Tokenizer};
use ndarray::Array2;
use rayon::prelude::*;

/// Tokens that go through the layers together: enough for the matrix products to run at full speed,
/// few enough that the widest layer stays near the processor.
const PACK_TOKENS: usize = 512;

/// Texts that are tokenized by one thread at a time.
const TOKENIZE_TEXTS: usize = 256;

/// A BERT encoder with its tokenizer and pooling.
pub struct BertEmbedder {
    name: String,
    fingerprint: String,
    tokenizer: Tokenizer,
    transformer: Transformer,
    pooling: Pooling,
    heads: Option<(Heads, ThemeHeads)>,
    dimension: usize,
    /// Most tokens of a window, those around the text included.
    max_tokens: usize,
}

/// What makes vectors of tokens.
enum Transformer {
    /// In plain Rust.
    Own(Embeddings, Layers),
    #[cfg(feature = "rust-bert")]
    Libtorch(torch_layers::TorchLayers),
}

/// The layers, by their precision.
enum Layers {
    Int8(ByteEncoder),
    F32(Encoder),
}

impl Layers {
    fn forward(&self, hidden: &mut Array2<f32>, pack: &TokenBatch) {
        match self {
            Layers::Int8(layers) => layers.forward(hidden, pack),
            Layers::F32(layers) => layers.forward(hidden, pack),
        }
    }
}

impl BertEmbedder {
    /// Loads the model in `folder`; `config` is its config.json.
    pub(super) fn load(
        mut folder: ModelFolder,
        config: Config,
        precision: Precision,
    ) -> Result<Self> {
        config.check().map_err(|message| folder.fault("config.json", message))?;
        let pooling = Pooling::load(&mut folder)?;
        let max_tokens = config::max_tokens(&mut folder, &config)?;
        let tokenizer = load_tokenizer(&mut folder, &config, max_tokens)?;
        let bytes = folder.read("model.safetensors")?;
        let (embeddings, layers, heads) = parts(&bytes, &config, (precision, kernel::level()?))
            .map_err(|error| folder.fault("model.safetensors", error))?;
        Ok(BertEmbedder {
            name: folder.name().to_owned(),
            fingerprint: precision.fingerprint(folder.fingerprint()),
            tokenizer,
            transformer: Transformer::Own(embeddings, layers),
            pooling,
            heads: config.themeline_heads.zip(heads),
            dimension: config.hidden_size,
            max_tokens,
        })
    }

    /// Pools each window of a pack; row `i`, of shape `(dimension)`, is window `i`, not normalised.
    pub(super) fn embed_pack(&self, tokens: &TokenBatch) -> Result<Array2<f32>> {
        let mut start = 0;
        let segment = |(row, window): (usize, &[u32])| {
            let tokens = start..start + window.len();
            start = tokens.end;
            Segment { row, tokens }
        };
        let segments: Vec<Segment> = tokens.rows().enumerate().map(segment).collect();
        Ok(self.pooling.forward(&self.hidden(tokens)?, &segments))
    }

    /// Pools each segment of a pack; also its logits, shape `(n_segments, n_themes)`, where there are
    /// heads.
    fn read_pack(&self, pack: &Pack) -> Result<(Array2<f32>, Option<Array2<f32>>)> {
        let hidden = self.hidden(&pack.tokens)?;
        let logits = self.heads.as_ref().map(|(_, heads)| heads.forward(&hidden, &pack.segments));
        Ok((self.pooling.forward(&hidden, &pack.segments), logits))
    }

    /// What the model makes of texts in parts, in the order of [`Windows::of`].
    fn read(&self, texts: &[Parted]) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        let specials = self.tokenizer.specials();
        let windows = Windows::of(texts, specials, self.max_tokens, self.pack_tokens());
        let packs = windows.packs().par_iter().map(|pack| self.read_pack(pack));
        let (pooled, logits): (Vec<_>, Vec<_>) =
            packs.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let vectors = windows.join(&pooled, self.dimension);
        let logits = self.heads().map(|heads| {
            let logits: Vec<_> = logits.into_iter().flatten().collect();
            windows.largest(&logits, heads.labels.len(), NO_TEXT)
        });
        Ok((EmbeddingMatrix::normalised(vectors), logits))
    }

    /// The vectors of all tokens of a pack, shape `(n_tokens, hidden)`.
    fn hidden(&self, pack: &TokenBatch) -> Result<Array2<f32>> {
        match &self.transformer {
            Transformer::Own(embeddings, layers) => {
                let mut hidden = embeddings.forward(pack);
                layers.forward(&mut hidden, pack);
                Ok(hidden)
            }
            #[cfg(feature = "rust-bert")]
            Transformer::Libtorch(layers) => layers.forward(pack),
        }
    }

    fn pack_tokens(&self) -> usize {
        match &self.transformer {
            Transformer::Own(..) => PACK_TOKENS,
            #[cfg(feature = "rust-bert")]
            Transformer::Libtorch(layers) => layers.pack_tokens(),
        }
    }

    /// The tokenizer of the model.
    pub(super) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The ids of each text, without those that stand around it.
    fn tokenize(&self, texts: &[&str]) -> Result<Vec<TokenBatch>> {
        texts
            .par_chunks(TOKENIZE_TEXTS)
            .map(|texts| self.tokenizer.encode(texts))
            .collect::<std::result::Result<_, _>>()
            .map_err(|message| {
                let hint = "its tokenizer.json does not fit the text; use another encoder";
                Error::encoder(&self.name, format!("cannot tokenize: {message}"), hint)
            })
    }
}

impl Embedder for BertEmbedder {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn precision(&self) -> Option<Precision> {
        match self.transformer {
            Transformer::Own(_, Layers::Int8(_)) => Some(Precision::Int8),
            Transformer::Own(_, Layers::F32(_)) => Some(Precision::F32),
            #[cfg(feature = "rust-bert")]
            Transformer::Libtorch(_) => None,
        }
    }

    /// A text of more tokens than the model reads is cut into windows of equal length, whose vectors
    /// are averaged by their number of tokens.
    fn embed(&self, texts: &[&str]) -> Result<EmbeddingMatrix> {
        self.embed_with_logits(texts).map(|(vectors, _)| vectors)
    }

    fn heads(&self) -> Option<&Heads> {
        self.heads.as_ref().map(|(heads, _)| heads)
    }

    /// A text of several windows has a theme where one of them has: the largest logit counts.
    fn embed_with_logits(&self, texts: &[&str]) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        let batches = self.tokenize(texts)?;
        let rows = batches.iter().flat_map(TokenBatch::rows);
        let texts: Vec<Parted> =
            rows.map(|ids| Parted { ids: ids.to_vec(), ends: vec![ids.len()] }).collect();
        self.read(&texts)
    }

    /// A sentence is read once, and a part's vector is pooled from its own tokens: half the work of
    /// reading the parts too, and each part is seen in its context. A model whose first token stands
    /// for the text has none for a part; it reads each by itself.
    fn embed_parts(
        &self,
        sentences: &[Vec<&str>],
    ) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        if self.pooling == Pooling::Cls {
            return super::embed_apart(self, sentences);
        }
        let batches = self.tokenize(&sentences.concat())?;
        let mut rows = batches.iter().flat_map(TokenBatch::rows);
        let mut texts = vec![Parted::default(); sentences.len()];
        for (text, parts) in texts.iter_mut().zip(sentences) {
            for ids in rows.by_ref().take(parts.len()) {
                text.ids.extend_from_slice(ids);
                text.ends.push(text.ids.len());
            }
        }
        self.read(&texts)
    }
}

fn load_tokenizer(
    folder: &mut ModelFolder,
    config: &Config,
    max_tokens: usize,
) -> Result<Tokenizer> {
    let (file, tokenizer) = read_tokenizer(folder)?;
    let specials = tokenizer.specials();
    if tokenizer.max_id() as usize >= config.vocab_size {
        let (id, size) = (tokenizer.max_id(), config.vocab_size);
        let message = format!("token id {id} is outside the {size} rows that config.json tells of");
        return Err(folder.fault(file, message));
    }
    if specials.before.len() + specials.after.len() >= max_tokens {
        let message = format!("special tokens leave no room in a window of {max_tokens} tokens");
        return Err(folder.fault(file, message));
    }
    Ok(tokenizer)
}

/// The file that tells of the tokens, and what it tells: vocab.txt where it stands in place of
/// tokenizer.json.
fn read_tokenizer(folder: &mut ModelFolder) -> Result<(&'static str, Tokenizer)> {
    const JSON: &str = "tokenizer.json";
    const LIST: &str = "vocab.txt";
    let json = folder.read_if_present(JSON)?;
    if let (None, Some(list)) = (&json, folder.read_if_present(LIST)?) {
        let tokenizer =
            Tokenizer::from_list(&list).map_err(|message| folder.fault(LIST, message))?;
        return Ok((LIST, tokenizer));
    }
    let json = folder.read(JSON)?;
    let tokenizer = Tokenizer::from_json(&json).map_err(|message| folder.fault(JSON, message))?;
    Ok((JSON, tokenizer))
}

type Parts = (Embeddings, Layers, Option<ThemeHeads>);

fn parts(
    bytes: &[u8],
    config: &Config,
    (precision, level): (Precision, Level),
) -> std::result::Result<Parts, String> {
    let weights = Weights::read(bytes)?;
    let heads = config.themeline_heads.as_ref();
    let heads =
        heads.map(|heads| ThemeHeads::load(&weights, heads.labels.len(), config.hidden_size));
    let layers = match precision {
        Precision::Int8 => Layers::Int8(ByteEncoder::load(&weights, config, level)?),
        Precision::F32 => Layers::F32(Encoder::load(&weights, config)?),
    };
    Ok((Embeddings::load(&weights, config)?, layers, heads.transpose()?))
}

#[cfg(test)]
mod tests;
