//! Words repeat: what a frequent word is cut into is worked out once.

use super::WordPiece;

/// Words that are remembered, as a power of two: few enough to lie near the processor, enough for nine
/// in ten of the words of a text.
const PLACES: u32 = 13;

/// Bytes of a longer word than is remembered, with one for its length: nearly all words are shorter.
const KEY_BYTES: usize = 16;

/// Most pieces of a word that is remembered.
const MOST_PIECES: usize = 3;

/// A short word as it is after normalising: its bytes and, last, how many they are. A number, so that a
/// look-up follows no pointer.
type Key = u128;

/// A word and its pieces.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// 0 where there is none: every word has a length.
    key: Key,
    pieces: [u32; MOST_PIECES],
    n_pieces: u8,
}

/// The pieces of words that were met, for one [`WordPiece`]. A word has one place, which it takes from
/// the one before: memory is bounded, and frequent words come back.
#[derive(Debug, Default)]
pub struct SeenWords {
    places: Vec<Seen>,
    /// The word that is normalised.
    scratch: String,
}

impl SeenWords {
    /// Appends what [`WordPiece::encode`] appends. Every call is with the same `pieces`.
    pub fn encode(&mut self, pieces: &WordPiece, text: &str, ids: &mut Vec<u32>) {
        if pieces.matches_raw_text() {
            return pieces.encode(text, ids);
        }
        self.places.resize(1 << PLACES, Seen::default());
        let SeenWords { places, scratch } = self;
        pieces.words().for_each(text, scratch, |word| match key(word) {
            Some(key) => places[place(key)].recall(pieces, word, key, ids),
            None => pieces.encode_word(word, ids),
        });
    }
}

impl Seen {
    /// Appends the pieces of the word, which has its place here.
    fn recall(&mut self, pieces: &WordPiece, word: &str, key: Key, ids: &mut Vec<u32>) {
        if self.key == key {
            return ids.extend_from_slice(&self.pieces[..usize::from(self.n_pieces)]);
        }
        let first = ids.len();
        pieces.encode_word(word, ids);
        let found = &ids[first..];
        if let Some(places) = self.pieces.get_mut(..found.len()) {
            places.copy_from_slice(found);
            (self.key, self.n_pieces) = (key, found.len() as u8);
        }
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

/// Where a word lies, by Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4).
fn place(key: Key) -> usize {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let (low, high) = (key as u64, (key >> 64) as u64);
    let mixed = (low.wrapping_mul(FACTOR) ^ high).wrapping_mul(FACTOR);
    (mixed >> (64 - PLACES)) as usize
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
    fn words_that_share_a_place_do_not_share_pieces() {
        let pieces = pieces();
        let mut seen = SeenWords::default();
        for n in 0..3 << PLACES {
            let word = if n % 2 == 0 { format!("{n}") } else { format!("e{n}") };
            seen.encode(&pieces, &word, &mut Vec::new());
            let mut ids = Vec::new();
            seen.encode(&pieces, "ports rail", &mut ids);
            assert_eq!(ids, [1, 2, 3], "after {word}");
        }
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
