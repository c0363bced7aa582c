//! A bounded sample of a corpus, drawn in one pass.
//!
//! Every text has a random rank: a seeded hash of its bytes. The sample is the texts of lowest rank
//! that fill the bound (bottom-k sampling, Cohen and Kaplan 2007), so it depends neither on the
//! order of the corpus nor on copies, which have the rank of their original and count once.

use std::collections::BTreeMap;

use crate::document::Document;

/// Documents of lowest rank, up to a bound in bytes of text.
#[derive(Debug)]
pub struct Sample {
    key: [u8; 32],
    max_bytes: usize,
    n_bytes: usize,
    by_rank: BTreeMap<Rank, Document>,
}

type Rank = [u8; 32];

impl Sample {
    /// An empty sample of at most `max_bytes` of text, but at least one document.
    pub fn new(seed: u64, max_bytes: usize) -> Self {
        let key = *blake3::hash(&seed.to_le_bytes()).as_bytes();
        Sample { key, max_bytes, n_bytes: 0, by_rank: BTreeMap::new() }
    }

    /// The rank of a text; the lower, the sooner it is in the sample.
    pub fn rank(key: &[u8; 32], text: &str) -> Rank {
        *blake3::keyed_hash(key, text.as_bytes()).as_bytes()
    }

    /// The key of the ranks.
    pub fn key(&self) -> [u8; 32] {
        self.key
    }

    /// The rank of a text that must be in the sample, within its bound.
    pub fn first_rank(key: &[u8; 32], text: &str) -> Rank {
        let mut rank = Self::rank(key, text);
        rank[..8].fill(0);
        rank
    }

    /// Offers a document with its rank.
    pub fn offer(&mut self, rank: Rank, document: Document) {
        if self.by_rank.contains_key(&rank) {
            return;
        }
        self.n_bytes += document.text.len();
        self.by_rank.insert(rank, document);
        while self.n_bytes > self.max_bytes && self.by_rank.len() > 1 {
            let (_, dropped) = self.by_rank.pop_last().expect("there is more than one");
            self.n_bytes -= dropped.text.len();
        }
    }

    /// The documents, by rank.
    pub fn into_documents(self) -> Vec<Document> {
        self.by_rank.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{DateOrigin, Place};

    fn document(text: String) -> Document {
        Document {
            id: text.clone(),
            text,
            date: None,
            date_origin: DateOrigin::None,
            charset: "UTF-8",
            metadata: serde_json::Map::new(),
            place: Place { file: "-".into(), line: None, byte_offset: None, record: 1 },
        }
    }

    fn drawn(numbers: impl Iterator<Item = u32>, max_bytes: usize) -> Vec<String> {
        let mut sample = Sample::new(5, max_bytes);
        for number in numbers {
            let document = document(format!("text {number:04}"));
            sample.offer(Sample::rank(&sample.key(), &document.text), document);
        }
        sample.into_documents().into_iter().map(|document| document.id).collect()
    }

    #[test]
    fn a_sample_is_bounded_and_does_not_depend_on_order_or_copies() {
        let forward = drawn(0..1000, 900);
        assert_eq!(forward.len(), 100);
        assert_eq!(forward, drawn((0..1000).rev(), 900));
        assert_eq!(forward, drawn((0..1000).chain(0..1000), 900));
    }

    #[test]
    fn one_document_over_the_bound_is_still_drawn() {
        assert_eq!(drawn(0..1, 3).len(), 1);
    }
}
