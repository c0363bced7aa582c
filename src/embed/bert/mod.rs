//! The transformer: BERT encoders in the layout of sentence-transformers, in plain Rust.
//!
//! Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2019), with the pooling of
//! Reimers and Gurevych, "Sentence-BERT" (2019). Tokens of many windows are packed end to end:
//! linear layers run over all of them at once, attention within each window, and nothing is padded.

mod config;
mod layers;
mod pooling;
mod weights;
mod windows;

pub(super) use config::Config;
use layers::{Embeddings, Encoder};
use pooling::Pooling;
use weights::Weights;
use windows::Windows;

use super::folder::ModelFolder;
use super::{Embedder, EmbeddingMatrix};
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
    embeddings: Embeddings,
    encoder: Encoder,
    pooling: Pooling,
    dimension: usize,
    /// Most tokens of a window, those around the text included.
    max_tokens: usize,
}

impl BertEmbedder {
    /// Loads the model in `folder`; `config` is its config.json.
    pub(super) fn load(mut folder: ModelFolder, config: Config) -> Result<Self> {
        config.check().map_err(|message| folder.fault("config.json", message))?;
        let pooling = Pooling::load(&mut folder)?;
        let max_tokens = config::max_tokens(&mut folder, &config)?;
        let tokenizer = load_tokenizer(&mut folder, &config, max_tokens)?;
        let bytes = folder.read("model.safetensors")?;
        let (embeddings, encoder) =
            layers(&bytes, &config).map_err(|error| folder.fault("model.safetensors", error))?;
        Ok(BertEmbedder {
            name: folder.name().to_owned(),
            fingerprint: folder.fingerprint(),
            tokenizer,
            embeddings,
            encoder,
            pooling,
            dimension: config.hidden_size,
            max_tokens,
        })
    }

    /// Pools each window of a pack; row `i`, of shape `(dimension)`, is window `i`, not normalised.
    pub(super) fn embed_pack(&self, pack: &TokenBatch) -> Array2<f32> {
        let mut hidden = self.embeddings.forward(pack);
        self.encoder.forward(&mut hidden, pack);
        self.pooling.forward(&hidden, pack)
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

    /// A text of more tokens than the model reads is cut into windows of equal length, whose vectors
    /// are averaged by their number of tokens.
    fn embed(&self, texts: &[&str]) -> Result<EmbeddingMatrix> {
        let batches = self.tokenize(texts)?;
        let rows = batches.iter().flat_map(TokenBatch::rows);
        let windows = Windows::of(rows, self.tokenizer.specials(), self.max_tokens, PACK_TOKENS);
        let pooled: Vec<Array2<f32>> =
            windows.packs().par_iter().map(|pack| self.embed_pack(pack)).collect();
        Ok(EmbeddingMatrix::normalised(windows.join(&pooled, texts.len(), self.dimension)))
    }
}

fn load_tokenizer(
    folder: &mut ModelFolder,
    config: &Config,
    max_tokens: usize,
) -> Result<Tokenizer> {
    let json = folder.read("tokenizer.json")?;
    let tokenizer =
        Tokenizer::from_json(&json).map_err(|message| folder.fault("tokenizer.json", message))?;
    let specials = tokenizer.specials();
    if tokenizer.max_id() as usize >= config.vocab_size {
        let (id, size) = (tokenizer.max_id(), config.vocab_size);
        let message = format!("token id {id} is outside the {size} rows that config.json tells of");
        return Err(folder.fault("tokenizer.json", message));
    }
    if specials.before.len() + specials.after.len() >= max_tokens {
        let message = format!("special tokens leave no room in a window of {max_tokens} tokens");
        return Err(folder.fault("tokenizer.json", message));
    }
    Ok(tokenizer)
}

fn layers(bytes: &[u8], config: &Config) -> std::result::Result<(Embeddings, Encoder), String> {
    let weights = Weights::read(bytes)?;
    Ok((Embeddings::load(&weights, config)?, Encoder::load(&weights, config)?))
}

#[cfg(test)]
mod tests;
