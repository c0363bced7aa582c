//! Texts → vectors: meaning as geometry, so that words which the codebook never lists still count.
//!
//! Every encoder is an [`Embedder`]: `static` (built in, a table of token vectors), `minilm` (a
//! transformer, added once to the [`ModelStore`]), or any folder with a model of the BERT kind in the
//! layout of sentence-transformers, with heads for themes or without; with the feature `rust-bert`,
//! libtorch can compute those of BERT itself. [`open`] finds one by name.

mod matrix;
mod heads;
mod device;
mod precision;
mod kernel;
mod fake;
mod folder;
mod bert;
mod libtorch;
mod store;
mod static_table;
mod pca;
mod distill;
mod open;
mod reader;
mod vector_cache;
mod cached;

pub use bert::BertEmbedder;
pub use cached::Cached;
pub use device::Device;
pub use distill::{DistillOptions, StaticFiles, distill};
pub use fake::FakeEmbedder;
pub use heads::{Heads, NO_TEXT};
pub use matrix::{EmbeddingMatrix, products};
pub use open::{open, open_at};
pub use precision::{EncoderChoice, Precision};
pub use static_table::StaticEmbedder;
pub use store::{ModelEntry, ModelState, ModelStore};
pub use vector_cache::VectorCache;

use crate::error::Result;
use ndarray::Array2;

/// An encoder: texts in, one vector a text out.
pub trait Embedder: Send + Sync {
    /// What the user calls it: `static`, `minilm`, or the last part of a folder's path; over libtorch,
    /// with `rust-bert:` before it.
    fn name(&self) -> &str;

    /// Numbers in a vector.
    fn dimension(&self) -> usize;

    /// Hex blake3 over everything that decides a vector: weights, tokenizer, pooling, precision. Two
    /// encoders with the same fingerprint give the same vectors (over libtorch, to rounding).
    fn fingerprint(&self) -> &str;

    /// In which numbers it computes, where it can in several.
    fn precision(&self) -> Option<Precision> {
        None
    }

    /// Embeds each text; row `i` of the result, shape `(texts.len(), dimension)`, is `texts[i]`.
    ///
    /// A row depends on its own text alone: not on the other texts (over libtorch, but for rounding),
    /// their order, or the number of threads. A text without a single known token gives a zero row.
    ///
    /// # Errors
    /// [`crate::Error::Encoder`] where the encoder's own files fail it; never for a text.
    fn embed(&self, texts: &[&str]) -> Result<EmbeddingMatrix>;

    /// The themes that the encoder was trained to tell; most encoders were trained for none.
    fn heads(&self) -> Option<&Heads> {
        None
    }

    /// As [`Self::embed`], with the logits of [`Self::heads`] where there are any: shape
    /// `(texts.len(), labels.len())`, each the log-odds that the text carries the theme, by the
    /// encoder alone; [`NO_TEXT`] where a text has no token.
    ///
    /// # Errors
    /// As [`Self::embed`].
    fn embed_with_logits(&self, texts: &[&str]) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        Ok((self.embed(texts)?, None))
    }

    /// Embeds sentences that come in parts, such as clauses; a sentence is its parts joined by a
    /// space. The rows, of vectors and of logits as in [`Self::embed_with_logits`]: one a part, of all
    /// sentences in order; then one a sentence of several parts. A transformer sees each part in its
    /// sentence; other encoders see it by itself.
    ///
    /// # Errors
    /// As [`Self::embed`].
    fn embed_parts(
        &self,
        sentences: &[Vec<&str>],
    ) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        embed_apart(self, sentences)
    }
}

/// Embeds each part, and each sentence of several, as a text of its own.
fn embed_apart<E: Embedder + ?Sized>(
    embedder: &E,
    sentences: &[Vec<&str>],
) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
    let whole: Vec<String> =
        sentences.iter().filter(|parts| parts.len() > 1).map(|parts| parts.join(" ")).collect();
    let parts = sentences.iter().flatten().copied();
    let texts: Vec<&str> = parts.chain(whole.iter().map(String::as_str)).collect();
    embedder.embed_with_logits(&texts)
}
