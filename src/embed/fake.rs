//! An encoder for tests: instant, deterministic, and texts that share words come out close.

use super::{Embedder, EmbeddingMatrix};
use crate::error::Result;
use ndarray::Array2;

/// For tests only: a bag of hashed words. Each lower-cased word adds a vector of signs drawn from
/// its hash, so that texts of the same words are equal and texts of other words nearly orthogonal.
#[derive(Debug, Clone)]
pub struct FakeEmbedder {
    dimension: usize,
    fingerprint: String,
}

impl FakeEmbedder {
    /// A fake encoder of `dimension` numbers a vector; 64 and more keep unlike words apart.
    pub fn new(dimension: usize) -> Self {
        let fingerprint = blake3::hash(format!("fake {dimension}").as_bytes()).to_hex().to_string();
        FakeEmbedder { dimension, fingerprint }
    }
}

impl Default for FakeEmbedder {
    fn default() -> Self {
        FakeEmbedder::new(64)
    }
}

impl Embedder for FakeEmbedder {
    fn name(&self) -> &str {
        "fake"
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn embed(&self, texts: &[&str]) -> Result<EmbeddingMatrix> {
        let mut rows = Array2::zeros((texts.len(), self.dimension));
        for (mut row, text) in rows.rows_mut().into_iter().zip(texts) {
            for word in words(text) {
                let mut signs = blake3::Hasher::new().update(word.as_bytes()).finalize_xof();
                for value in row.iter_mut() {
                    let mut byte = [0];
                    signs.fill(&mut byte);
                    *value += if byte[0] & 1 == 0 { 1.0 } else { -1.0 };
                }
            }
        }
        Ok(EmbeddingMatrix::normalised(rows))
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_words_bring_texts_together() {
        let texts = ["Ports and rail.", "rail, and PORTS", "visa-free travel", ""];
        let matrix = FakeEmbedder::default().embed(&texts).unwrap();
        let cosine = |a, b| matrix.row(a).dot(&matrix.row(b));
        assert!((cosine(0, 1) - 1.0).abs() < 1e-6);
        assert!(cosine(0, 2).abs() < 0.5);
        assert!(matrix.row(3).iter().all(|&x| x == 0.0));
    }
}
