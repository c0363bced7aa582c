//! Words repeat: what a word is cut into is worked out once.

use super::WordPiece;
use super::bert_words::is_space;
use rustc_hash::FxHashMap;
use std::ops::Range;

/// Words that are remembered; at the next one all are forgotten, so that memory is bounded.
const MOST_WORDS: usize = 1 << 16;

/// Bytes of a longer word than is remembered, with one for its length: nearly all words are shorter.
const KEY_BYTES: usize = 16;

/// A short word, with its case and its commas: its bytes and, last, how many they are. A number, so
/// that a look-up follows no pointer.
type Key = u128;

/// The pieces of the words that were met, for one [`WordPiece`]; what stands between white space is a
/// word here.
#[derive(Debug, Default)]
pub struct SeenWords {
    /// Word → its part of `ids`.
    words: FxHashMap<Key, Range<u32>>,
    ids: Vec<u32>,
}

impl SeenWords {
    /// Appends what [`WordPiece::encode`] appends. Every call is with the same `pieces`.
    pub fn encode(&mut self, pieces: &WordPiece, text: &str, ids: &mut Vec<u32>) {
        if pieces.matches_raw_text() {
            return pieces.encode(text, ids);
        }
        for word in text.split(is_space).filter(|word| !word.is_empty()) {
            let Some(key) = key(word) else {
                pieces.encode(word, ids);
                continue;
            };
            match self.words.get(&key) {
                Some(seen) => {
                    ids.extend_from_slice(&self.ids[seen.start as usize..seen.end as usize]);
                }
                None => self.meet(pieces, word, key, ids),
            }
        }
    }

    fn meet(&mut self, pieces: &WordPiece, word: &str, key: Key, ids: &mut Vec<u32>) {
        let first = ids.len();
        pieces.encode(word, ids);
        if self.words.len() == MOST_WORDS {
            self.words.clear();
            self.ids.clear();
        }
        let start = self.ids.len() as u32;
        self.ids.extend_from_slice(&ids[first..]);
        self.words.insert(key, start..self.ids.len() as u32);
    }
}

/// `None` for a word that is too long to be remembered.
fn key(word: &str) -> Option<Key> {
    let mut key = [0; KEY_BYTES];
    let (length, bytes) = key.split_last_mut()?;
    bytes.get_mut(..word.len())?.copy_from_slice(word.as_bytes());
    *length = word.len() as u8;
    Some(Key::from_le_bytes(key))
}

#[cfg(test)]
mod tests {
    use super::super::BertWords;
    use super::*;
    use proptest::prelude::*;

    fn pieces() -> WordPiece {
        let words = BertWords { lowercase: true, strip_accents: true };
        let vocabulary = ["[UNK]", "port", "##s", "rail", "##way", ",", "e", "a", "##a", "合"];
        WordPiece::new(words, vocabulary.into_iter().zip(0..), 0)
    }

    #[test]
    fn nothing_changes_when_what_was_seen_is_forgotten() {
        let pieces = pieces();
        let mut seen = SeenWords::default();
        for n in 0..MOST_WORDS + 10 {
            seen.encode(&pieces, &format!("port{n} ports"), &mut Vec::new());
        }
        assert!(seen.words.len() < MOST_WORDS);
        let mut ids = Vec::new();
        seen.encode(&pieces, "ports", &mut ids);
        assert_eq!(ids, [1, 2]);
    }

    proptest! {
        #[test]
        fn the_pieces_are_those_of_the_text_read_afresh(
            texts in prop::collection::vec("([ \t\n\u{85}\u{a0}\u{2028}]|port|s|,|É|a|合|\\PC){0,12}", 1..8)
        ) {
            let (pieces, mut seen) = (pieces(), SeenWords::default());
            for text in texts.iter().chain(&texts) {
                let (mut found, mut expected) = (vec![7], vec![7]);
                seen.encode(&pieces, text, &mut found);
                pieces.encode(text, &mut expected);
                prop_assert_eq!(&found, &expected, "{:?}", text);
            }
        }
    }
}
