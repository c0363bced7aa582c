//! The built-in encoder: a table of token vectors, summed. No layers, so a text costs a few look-ups
//! a word; distilled from a transformer (see [`super::distill`]), so the words still know what they
//! mean.

use super::folder::{BuiltInFile, ModelFolder};
use super::kernel::{self, ByteTable, Level};
use super::store::{ModelEntry, ModelState};
use super::{Embedder, EmbeddingMatrix, Heads};
use crate::error::Result;
use crate::tokenize::{BertWords, WordPiece};
use ndarray::Array2;
use reading::Desks;
use safetensors::tensor::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::Range;
use token_heads::{HeadsFile, TokenHeads};

mod reading;
mod token_heads;

/// What config.json of a table says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StaticConfig {
    /// Always [`MODEL_TYPE`].
    pub model_type: String,
    /// Numbers in a vector.
    pub dimension: usize,
    pub lowercase: bool,
    pub strip_accents: bool,
    /// The model that the table was distilled from.
    pub source: String,
    /// Its fingerprint.
    pub source_fingerprint: String,
    /// Leading principal components left out.
    pub components_removed: usize,
    /// The `a` of the weight `a / (a + p)` of a token of frequency `p`.
    pub smoothing: f64,
}

/// What tells a table from other models.
pub(super) const MODEL_TYPE: &str = "themeline-static";

/// The files of a table.
pub(super) const CONFIG: &str = "config.json";
pub(super) const VOCABULARY: &str = "vocab.txt";
pub(super) const WEIGHTS: &str = "model.safetensors";
/// Theme heads, where the table has some.
const HEADS: &str = "heads.json";

/// The tensors: `(n_tokens, dimension)` of i8, and `(n_tokens)` of f32 to multiply its rows by.
pub(super) const TABLE: &str = "embeddings";
pub(super) const SCALES: &str = "scales";

/// Stands for a word without pieces; it adds nothing.
const UNKNOWN: u32 = u32::MAX;

static BUILT_IN: [BuiltInFile; 4] = [
    (CONFIG, include_bytes!("../../models/static/config.json")),
    (VOCABULARY, include_bytes!("../../models/static/vocab.txt")),
    (WEIGHTS, include_bytes!("../../models/static/model.safetensors")),
    (HEADS, include_bytes!("../../models/static/heads.json")),
];

/// An encoder that adds up the vectors of a text's tokens.
pub struct StaticEmbedder {
    name: String,
    fingerprint: String,
    pieces: WordPiece,
    /// The safetensors file; the table, i8 in rows of `dimension`, is the part `table` of it.
    weights: Cow<'static, [u8]>,
    table: Range<usize>,
    /// `(n_tokens)`
    scales: Vec<f32>,
    dimension: usize,
    heads: Option<TokenHeads>,
    level: Level,
    desks: Desks,
}

impl StaticEmbedder {
    /// The table that is part of the program.
    pub fn built_in() -> Result<Self> {
        Self::load(ModelFolder::built_in("static", &BUILT_IN))
    }

    /// The table in `folder`.
    pub(super) fn load(mut folder: ModelFolder) -> Result<Self> {
        let config = folder.read(CONFIG)?;
        let config =
            serde_json::from_slice(&config).map_err(|error| folder.fault(CONFIG, error))?;
        let vocabulary = folder.read(VOCABULARY)?;
        let weights = folder.read(WEIGHTS)?;
        let heads = folder.json::<HeadsFile>(HEADS)?;
        let table = Self::from_files(&folder, &config, &vocabulary, weights)?;
        let n_tokens = table.scales.len();
        let heads = heads.map(|file| TokenHeads::new(file, n_tokens, table.dimension)).transpose();
        Ok(StaticEmbedder { heads: heads.map_err(|error| folder.fault(HEADS, error))?, ..table })
    }

    fn from_files(
        folder: &ModelFolder,
        config: &StaticConfig,
        vocabulary: &[u8],
        weights: Cow<'static, [u8]>,
    ) -> Result<Self> {
        let pieces = pieces(config, vocabulary).map_err(|error| folder.fault(VOCABULARY, error))?;
        let n_tokens = vocabulary.split(|&byte| byte == b'\n').count() - 1;
        let (table, scales) = tensors(&weights, n_tokens, config.dimension)
            .map_err(|error| folder.fault(WEIGHTS, error))?;
        Ok(StaticEmbedder {
            name: folder.name().to_owned(),
            fingerprint: folder.fingerprint(),
            pieces,
            weights,
            table,
            scales,
            dimension: config.dimension,
            heads: None,
            level: kernel::level()?,
            desks: Desks::default(),
        })
    }

    fn byte_table(&self) -> ByteTable<'_> {
        ByteTable { bytes: &self.weights[self.table.clone()], scales: &self.scales }
    }
}

impl Embedder for StaticEmbedder {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn embed(&self, texts: &[&str]) -> Result<EmbeddingMatrix> {
        let texts: Vec<&[&str]> = texts.chunks(1).collect();
        Ok(self.read(&texts).0)
    }

    fn heads(&self) -> Option<&Heads> {
        self.heads.as_ref().map(|heads| &heads.heads)
    }

    fn embed_with_logits(&self, texts: &[&str]) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        let texts: Vec<&[&str]> = texts.chunks(1).collect();
        Ok(self.read(&texts))
    }

    fn embed_parts(
        &self,
        sentences: &[Vec<&str>],
    ) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        Ok(self.read(sentences))
    }
}

/// A token a line, its id the number of the line from 0.
fn pieces(config: &StaticConfig, vocabulary: &[u8]) -> std::result::Result<WordPiece, String> {
    let text = std::str::from_utf8(vocabulary).map_err(|error| error.to_string())?;
    let words = BertWords { lowercase: config.lowercase, strip_accents: config.strip_accents };
    match text.ends_with('\n') {
        true => Ok(WordPiece::new(words, text.split_terminator('\n').zip(0..), UNKNOWN)),
        false => Err("does not end with a line end: is it cut short?".to_owned()),
    }
}

/// Where the table lies in the file, and the scales.
fn tensors(
    weights: &[u8],
    n_tokens: usize,
    dimension: usize,
) -> std::result::Result<(Range<usize>, Vec<f32>), String> {
    if dimension == 0 {
        return Err("config.json asks for vectors of dimension 0".to_owned());
    }
    let (header, metadata) = SafeTensors::read_metadata(weights).map_err(|e| e.to_string())?;
    let place = |name: &str, dtype: Dtype, shape: &[usize]| match metadata.info(name) {
        Some(tensor) if tensor.dtype == dtype && tensor.shape == shape => {
            let (start, end) = tensor.data_offsets;
            Ok(8 + header + start..8 + header + end)
        }
        _ => Err(format!("there is no tensor {name} of {dtype:?} in the shape {shape:?}")),
    };
    let table = place(TABLE, Dtype::I8, &[n_tokens, dimension])?;
    let scales = &weights[place(SCALES, Dtype::F32, &[n_tokens])?];
    let scales: Vec<f32> =
        scales.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    match scales.iter().all(|scale| scale.is_finite()) {
        true => Ok((table, scales)),
        false => Err(format!("tensor {SCALES} holds a value that is not a finite number")),
    }
}

/// The line of `themeline models list`.
pub(super) fn entry() -> ModelEntry {
    ModelEntry {
        name: "static".to_owned(),
        description: "token vectors distilled from all-MiniLM-L6-v2; the fastest".to_owned(),
        licence: "Apache-2.0".to_owned(),
        bytes: BUILT_IN.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
        state: ModelState::BuiltIn,
    }
}

#[cfg(test)]
mod tests;
