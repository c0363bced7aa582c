//! Where the words of a run stand in a text, in about two bytes a word: for each word its distance from
//! the end of the one before and its length, seven bits a byte (LEB128).

use super::words::Word;

/// The places of words in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places(Box<[u8]>);

impl Places {
    /// The places of `words`, which must be in order.
    pub fn of(words: &[Word]) -> Self {
        let mut bytes = Vec::with_capacity(2 * words.len() + 3);
        let mut reached = 0;
        for word in words {
            push(&mut bytes, word.start - reached);
            push(&mut bytes, word.end - word.start);
            reached = word.end;
        }
        Places(bytes.into())
    }

    /// (start, end) of each word in the text, in bytes.
    pub fn spans(&self) -> impl Iterator<Item = (u32, u32)> {
        let (mut bytes, mut reached) = (self.0.iter().copied(), 0);
        std::iter::from_fn(move || {
            let start = reached + next(&mut bytes)?;
            reached = start + next(&mut bytes)?;
            Some((start, reached))
        })
    }
}

fn push(bytes: &mut Vec<u8>, mut x: u32) {
    while x >= 0x80 {
        bytes.push(x as u8 | 0x80);
        x >>= 7;
    }
    bytes.push(x as u8);
}

fn next(bytes: &mut impl Iterator<Item = u8>) -> Option<u32> {
    let (mut x, mut shift) = (0, 0);
    loop {
        let byte = bytes.next()?;
        x |= u32::from(byte & 0x7F) << shift;
        shift += 7;
        if byte < 0x80 {
            return Some(x);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::words::words;
    use super::*;

    #[test]
    fn a_word_takes_two_bytes() {
        let text = "the two sides spoke of roads ".repeat(100);
        assert_eq!(Places::of(&words(&text)).0.len(), 2 * 600);
    }

    proptest! {
        #[test]
        fn places_read_back_as_they_were(
            lengths in prop::collection::vec((0_u32..100_000, 1_u32..100_000), 0..40),
        ) {
            let mut end = 0;
            let word = |&(gap, length): &(u32, u32)| {
                let start = end + gap;
                end = start + length;
                Word { hash: 0, start, end }
            };
            let words: Vec<Word> = lengths.iter().map(word).collect();
            let spans: Vec<(u32, u32)> = words.iter().map(|word| (word.start, word.end)).collect();
            prop_assert_eq!(Places::of(&words).spans().collect::<Vec<_>>(), spans);
        }
    }
}
