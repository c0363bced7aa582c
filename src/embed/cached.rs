//! An encoder that remembers: what a [`VectorCache`] has is not computed again.

use ndarray::Array2;
use rustc_hash::FxHashMap;

use super::vector_cache::{Key, VectorCache};
use super::{Embedder, EmbeddingMatrix, Heads, Precision};
use crate::error::Result;

/// Bytes of a number in a row.
const BYTES: usize = size_of::<f32>();

/// Vectors, and logits where the encoder has heads.
type Embedded = (EmbeddingMatrix, Option<Array2<f32>>);

/// An encoder and the vectors that it gave before.
pub struct Cached {
    encoder: Box<dyn Embedder>,
    cache: VectorCache,
}

impl Cached {
    /// `encoder` with a cache, whose rows are the same bits as its own.
    pub fn new(encoder: Box<dyn Embedder>, cache: VectorCache) -> Self {
        Cached { encoder, cache }
    }

    /// The rows of `sentences`, whether kept or made by `embed`, in the order of
    /// [`Embedder::embed_parts`]. `how` tells apart what the encoder reads in different ways.
    fn embed_missing<'t, S: AsRef<[&'t str]> + Clone>(
        &self,
        how: &str,
        sentences: &[S],
        embed: impl FnOnce(&[S]) -> Result<Embedded>,
    ) -> Result<Embedded> {
        let keys: Vec<Key> = sentences.iter().map(|s| self.key(how, s.as_ref())).collect();
        let mut found = self.cache.look_up(&keys);
        for (found, sentence) in found.iter_mut().zip(sentences) {
            let n_bytes = n_rows(sentence.as_ref()) * self.n_columns() * BYTES;
            found.take_if(|row| row.len() != n_bytes);
        }
        // Each text once, in the order in which they come.
        let (mut missing, mut asked) = (FxHashMap::<Key, usize>::default(), Vec::new());
        for unmet in (0..sentences.len()).filter(|&i| found[i].is_none()) {
            missing.entry(keys[unmet]).or_insert_with(|| {
                asked.push(sentences[unmet].clone());
                asked.len() - 1
            });
        }
        if !asked.is_empty() {
            let made = split(&asked, &embed(&asked)?);
            for (key, found) in keys.iter().zip(&mut found) {
                found.get_or_insert_with(|| made[missing[key]].clone());
            }
            self.cache.enter(missing.into_iter().map(|(key, n)| (key, made[n].clone())).collect());
        }
        Ok(self.joined(sentences, found.into_iter().flatten()))
    }

    fn key(&self, how: &str, parts: &[&str]) -> Key {
        let mut hasher = blake3::Hasher::new();
        let of = [env!("THEMELINE_BUILD"), self.encoder.fingerprint(), how];
        for part in of.iter().chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        let hash = *hasher.finalize().as_bytes();
        std::array::from_fn(|i| hash[i])
    }

    /// Numbers of a row: a vector, and the logits behind it.
    fn n_columns(&self) -> usize {
        self.encoder.dimension() + self.n_logits()
    }

    fn n_logits(&self) -> usize {
        self.encoder.heads().map_or(0, |heads| heads.labels.len())
    }

    /// What [`split`] took apart, of all sentences.
    fn joined<'t, S: AsRef<[&'t str]>>(
        &self,
        sentences: &[S],
        kept: impl Iterator<Item = Vec<u8>>,
    ) -> Embedded {
        let n_all = sentences.iter().map(|s| n_rows(s.as_ref())).sum();
        let mut vectors = Array2::zeros((n_all, self.encoder.dimension()));
        let mut logits = Array2::zeros((n_all, self.n_logits()));
        for (rows, kept) in places(sentences).zip(kept) {
            for (row, kept) in rows.zip(kept.chunks_exact(self.n_columns() * BYTES)) {
                let (numbers, _) = kept.as_chunks::<BYTES>();
                let mut numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
                vectors.row_mut(row).iter_mut().zip(&mut numbers).for_each(|(x, kept)| *x = kept);
                logits.row_mut(row).iter_mut().zip(&mut numbers).for_each(|(x, kept)| *x = kept);
            }
        }
        let vectors = EmbeddingMatrix::from_normalised(vectors);
        (vectors, self.encoder.heads().map(|_| logits))
    }
}

/// Rows of a sentence: one a part, and one for the whole where there are several.
fn n_rows(parts: &[&str]) -> usize {
    parts.len() + usize::from(parts.len() > 1)
}

/// For each sentence where its rows stand in the order of [`Embedder::embed_parts`].
fn places<'t, S: AsRef<[&'t str]>>(
    sentences: &[S],
) -> impl Iterator<Item = impl Iterator<Item = usize>> {
    let n_parts = |sentence: &S| sentence.as_ref().len();
    let (mut part, mut whole) = (0, sentences.iter().map(n_parts).sum());
    sentences.iter().map(n_parts).map(move |n| {
        let (parts, wholes) = (part..part + n, whole..whole + usize::from(n > 1));
        (part, whole) = (parts.end, wholes.end);
        parts.chain(wholes)
    })
}

/// The rows of each sentence as bytes: of every row the vector, then the logits.
fn split<'t, S: AsRef<[&'t str]>>(sentences: &[S], (vectors, logits): &Embedded) -> Vec<Vec<u8>> {
    let of_row = |row: usize| {
        let logits = logits.iter().flat_map(move |logits| logits.row(row).to_vec());
        vectors.row(row).to_vec().into_iter().chain(logits)
    };
    let bytes = |rows: &mut dyn Iterator<Item = usize>| {
        rows.flat_map(of_row).flat_map(f32::to_le_bytes).collect()
    };
    places(sentences).map(|mut rows| bytes(&mut rows)).collect()
}

impl Embedder for Cached {
    fn name(&self) -> &str {
        self.encoder.name()
    }

    fn dimension(&self) -> usize {
        self.encoder.dimension()
    }

    fn fingerprint(&self) -> &str {
        self.encoder.fingerprint()
    }

    fn precision(&self) -> Option<Precision> {
        self.encoder.precision()
    }

    fn heads(&self) -> Option<&Heads> {
        self.encoder.heads()
    }

    fn embed(&self, texts: &[&str]) -> Result<EmbeddingMatrix> {
        self.embed_with_logits(texts).map(|(vectors, _)| vectors)
    }

    fn embed_with_logits(&self, texts: &[&str]) -> Result<Embedded> {
        let sentences: Vec<[&str; 1]> = texts.iter().map(|text| [*text]).collect();
        self.embed_missing("text", &sentences, |missing| {
            self.encoder.embed_with_logits(missing.as_flattened())
        })
    }

    fn embed_parts(&self, sentences: &[Vec<&str>]) -> Result<Embedded> {
        self.embed_missing("parts", sentences, |missing| self.encoder.embed_parts(missing))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::embed::{ModelStore, open};

    /// An encoder that counts the sentences it is asked for.
    struct Counting(Box<dyn Embedder>, Arc<AtomicUsize>);

    impl Embedder for Counting {
        fn name(&self) -> &str {
            self.0.name()
        }
        fn dimension(&self) -> usize {
            self.0.dimension()
        }
        fn fingerprint(&self) -> &str {
            self.0.fingerprint()
        }
        fn heads(&self) -> Option<&Heads> {
            self.0.heads()
        }
        fn embed(&self, texts: &[&str]) -> Result<EmbeddingMatrix> {
            self.0.embed(texts)
        }
        fn embed_with_logits(&self, texts: &[&str]) -> Result<Embedded> {
            self.1.fetch_add(texts.len(), Ordering::Relaxed);
            self.0.embed_with_logits(texts)
        }
        fn embed_parts(&self, sentences: &[Vec<&str>]) -> Result<Embedded> {
            self.1.fetch_add(sentences.len(), Ordering::Relaxed);
            self.0.embed_parts(sentences)
        }
    }

    #[test]
    fn rows_are_those_of_the_encoder_to_the_bit_and_each_is_computed_once() {
        let folder = tempfile::tempdir().unwrap();
        let reader = || open("reader", &ModelStore::at(folder.path())).unwrap();
        let sentences = [
            vec!["They will widen the port,", "and train its pilots."],
            vec!["The choir sang."],
            vec!["They will widen the port,", "and train its pilots."],
            vec!["", "Trade grew;", "so did debt."],
            vec![],
        ];
        let texts = ["The choir sang.", "", "Trade grew;"];
        let plain = reader();
        for n_computed in [3 + 1 + 3, 0] {
            let count = Arc::new(AtomicUsize::new(0));
            let cache = VectorCache::open(folder.path(), u64::MAX).unwrap();
            let cached = Cached::new(Box::new(Counting(reader(), count.clone())), cache);
            let few = cached.embed_parts(&sentences[1..2]).unwrap();
            assert_eq!(few, plain.embed_parts(&sentences[1..2]).unwrap());
            assert_eq!(
                cached.embed_parts(&sentences).unwrap(),
                plain.embed_parts(&sentences).unwrap()
            );
            assert_eq!(cached.embed(&texts).unwrap(), plain.embed(&texts).unwrap());
            let with_logits = cached.embed_with_logits(&texts).unwrap();
            assert!(with_logits.1.is_some());
            assert_eq!(with_logits, plain.embed_with_logits(&texts).unwrap());
            drop(cached);
            assert_eq!(count.load(Ordering::Relaxed), n_computed);
        }
    }
}
