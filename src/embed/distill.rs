//! A transformer → a table of token vectors, in the manner of Model2Vec (Tulkens and van Dongen,
//! 2024): every token goes through the encoder by itself, principal components make the vectors
//! short, and a weight by frequency makes "the" nearly silent.

use super::bert::BertEmbedder;
use super::pca::Components;
use super::static_table::{self, StaticConfig};
use super::{Embedder, ModelStore};
use crate::error::{Error, Result};
use crate::tokenize::TokenBatch;
use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use std::path::Path;

/// How to distil; the default is how the built-in table is made.
#[derive(Debug, Clone, PartialEq)]
pub struct DistillOptions {
    /// Numbers in a vector, 1 to the dimension of the source less `components_removed`.
    pub dimension: usize,
    /// Leading principal components to leave out: what all tokens share says nothing of a theme.
    pub components_removed: usize,
    /// The `a` of the weight `a / (a + p)` of a token of frequency `p` (Arora et al., "A Simple but
    /// Tough-to-Beat Baseline for Sentence Embeddings", 2017), over 0.
    pub smoothing: f64,
}

impl Default for DistillOptions {
    fn default() -> Self {
        DistillOptions { dimension: 256, components_removed: 1, smoothing: 1e-3 }
    }
}

/// The files of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticFiles {
    config: String,
    vocabulary: String,
    weights: Vec<u8>,
}

impl StaticFiles {
    /// Each file's name and bytes.
    pub fn files(&self) -> [(&'static str, &[u8]); 3] {
        [
            (static_table::CONFIG, self.config.as_bytes()),
            (static_table::VOCABULARY, self.vocabulary.as_bytes()),
            (static_table::WEIGHTS, &self.weights),
        ]
    }

    /// Writes the files into `folder`, which is made if need be; `--encoder FOLDER` then reads them.
    ///
    /// # Errors
    /// [`Error::Io`], with every file whole: the old one or the new one.
    pub fn save(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, "create", error))?;
        for (name, bytes) in self.files() {
            let (path, unfinished) =
                (folder.join(name), folder.join(format!(".{name}.unfinished")));
            std::fs::write(&unfinished, bytes)
                .and_then(|()| std::fs::rename(&unfinished, &path))
                .map_err(|error| Error::io(&path, "write", error))?;
        }
        Ok(())
    }
}

/// Distils the encoder `source` (a name or a folder, as [`super::open`] takes) into a table.
///
/// The same source and options give the same bytes on one kind of processor, whatever the number of
/// threads; another kind may round its sums otherwise, and then a table entry may differ by 1.
///
/// # Errors
/// [`Error::Encoder`] where the source is no BERT encoder with a WordPiece tokenizer; [`Error::Usage`]
/// for options out of range.
pub fn distill(source: &str, store: &ModelStore, options: &DistillOptions) -> Result<StaticFiles> {
    let model = super::open::open_bert(source, store)?;
    options.check(model.dimension())?;
    let Some(wordpiece) = model.tokenizer().wordpiece() else {
        let hint = "distil from a model with a BERT tokenizer, such as minilm";
        return Err(Error::encoder(source, "has no WordPiece tokenizer", hint));
    };
    let tokens: Vec<(String, u32)> =
        wordpiece.vocabulary().into_iter().filter(|(token, _)| is_met(token)).collect();
    let vectors = embed_tokens(&model, &tokens)?;
    let reduced = Components::of(vectors.view()).project(
        vectors.view(),
        options.components_removed,
        options.dimension,
    );
    let weights =
        frequency_weights(tokens.iter().map(|(token, _)| token.as_str()), options.smoothing);
    let config = StaticConfig {
        model_type: static_table::MODEL_TYPE.to_owned(),
        dimension: options.dimension,
        lowercase: wordpiece.words().lowercase,
        strip_accents: wordpiece.words().strip_accents,
        source: model.name().to_owned(),
        source_fingerprint: model.fingerprint().to_owned(),
        components_removed: options.components_removed,
        smoothing: options.smoothing,
    };
    Ok(StaticFiles {
        config: serde_json::to_string_pretty(&config).expect("plain fields") + "\n",
        vocabulary: tokens.iter().map(|(token, _)| format!("{token}\n")).collect(),
        weights: quantise(&reduced, &weights),
    })
}

impl DistillOptions {
    fn check(&self, source: usize) -> Result<()> {
        let most = source.saturating_sub(self.components_removed);
        if self.dimension == 0 || self.dimension > most {
            let message = format!("dimension {} is not within 1..={most}", self.dimension);
            return Err(Error::usage(message, "choose a smaller --dimension"));
        }
        if !(self.smoothing > 0.0 && self.smoothing.is_finite()) {
            let message = format!("smoothing {} is not a positive number", self.smoothing);
            return Err(Error::usage(message, "0.001 is the default"));
        }
        Ok(())
    }
}

/// Whether a word of a text can hold the token: not `[unused12]`, not `[CLS]`.
fn is_met(token: &str) -> bool {
    let is_placeholder = token.len() > 2 && token.starts_with('[') && token.ends_with(']');
    !is_placeholder && !token.contains(char::is_whitespace)
}

/// Tokens that go through the encoder together.
const PACK: usize = 256;

/// Each token through the encoder by itself; shape `(n_tokens, dimension of the source)`.
fn embed_tokens(model: &BertEmbedder, tokens: &[(String, u32)]) -> Result<Array2<f64>> {
    let specials = model.tokenizer().specials();
    let packs: Vec<Array2<f32>> = tokens
        .par_chunks(PACK)
        .map(|tokens| {
            let mut pack = TokenBatch::default();
            for (_, id) in tokens {
                pack.push_with(|ids| {
                    ids.extend([&specials.before[..], &[*id], &specials.after].concat())
                });
            }
            model.embed_pack(&pack)
        })
        .collect::<Result<_>>()?;
    let values = packs.iter().flat_map(|pack| pack.iter().map(|&x| f64::from(x))).collect();
    Ok(Array2::from_shape_vec((tokens.len(), model.dimension()), values).expect("a row a token"))
}

/// Ranks that single characters are given, since a vocabulary lists them before its first word, by
/// their code: those of ASCII are punctuation and letters like "a", the others are rare.
const ASCII_RANK: usize = 20;
const OTHER_RANK: usize = 1000;

/// `a / (a + p)` for each token, with `p` its frequency by Zipf's law: a BERT vocabulary lists its
/// tokens by frequency. Within 0..1.
fn frequency_weights<'a>(
    tokens: impl ExactSizeIterator<Item = &'a str>,
    smoothing: f64,
) -> Vec<f64> {
    let mut n_longer = 0;
    let total = (tokens.len() as f64 + 1.0).ln();
    let weight = |token: &str| {
        let mut characters = token.chars();
        let rank = match (characters.next(), characters.next()) {
            (Some(c), None) if c.is_ascii() => ASCII_RANK,
            (Some(_), None) => OTHER_RANK,
            _ => {
                n_longer += 1;
                n_longer
            }
        };
        let frequency = 1.0 / ((rank as f64 + 1.0) * total);
        smoothing / (smoothing + frequency)
    };
    tokens.map(weight).collect()
}

/// The safetensors file: each row in 255 steps between its largest value and the negative of it, and
/// the scale that takes it back, times its weight.
fn quantise(rows: &Array2<f64>, weights: &[f64]) -> Vec<u8> {
    let steps = rows.rows().into_iter().map(step);
    let scales: Vec<u8> =
        steps.clone().zip(weights).flat_map(|(s, w)| ((s * w) as f32).to_le_bytes()).collect();
    let table: Vec<u8> = rows
        .rows()
        .into_iter()
        .zip(steps)
        .flat_map(|(row, step)| {
            row.iter().map(|x| (x / step).round() as i8 as u8).collect::<Vec<_>>()
        })
        .collect();
    let (n_tokens, dimension) = rows.dim();
    let tensor = |dtype, shape, bytes| TensorView::new(dtype, shape, bytes).expect("as many bytes");
    let tensors = [
        (static_table::SCALES, tensor(Dtype::F32, vec![n_tokens], &scales)),
        (static_table::TABLE, tensor(Dtype::I8, vec![n_tokens, dimension], &table)),
    ];
    safetensors::serialize(tensors, None).expect("tensors in memory")
}

/// The width of one step of a row: its largest value is 127 of them. A row of zeros has width 1.
fn step(row: ArrayView1<'_, f64>) -> f64 {
    let largest = row.fold(0.0, |a: f64, x| a.max(x.abs()));
    if largest > 0.0 { largest / 127.0 } else { 1.0 }
}

#[cfg(test)]
mod tests;
