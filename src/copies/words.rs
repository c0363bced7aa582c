//! A text as hashes of its words, and hashes of the runs of words in it.
//!
//! Case, punctuation, spacing and line breaks are no part of a word, so a text that was wrapped anew or
//! set with other quotation marks still reads the same. Scripts that set no space between words
//! (Chinese, Japanese, Thai and their like) are taken character by character.

/// A word: its hash and its bytes in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Hash of its letters and digits in lower case.
    pub hash: u64,
    /// Offset of its first byte.
    pub start: u32,
    /// Offset one past its last byte.
    pub end: u32,
}

/// Factor of the hash of a run: any odd number, since the hashes of words are mixed before.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// The words of `text`, in order. A text of 4 GiB or more has none: only its exact copies are found.
pub fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    if u32::try_from(text.len()).is_err() {
        return words;
    }
    words.reserve(text.len() / 6);
    let mut open = None;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte.is_ascii() {
            match byte.is_ascii_alphanumeric() {
                // The bit that tells small letters from capitals; digits have it.
                true => open.get_or_insert(Open::at(at)).take(byte | 0x20),
                false => words.extend(open.take().map(|word: Open| word.closed(at))),
            }
            at += 1;
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        let end = at + c.len_utf8();
        if stands_alone(c) {
            words.extend(open.take().map(|word| word.closed(at)));
            let mut word = Open::at(at);
            word.take_char(c);
            words.push(word.closed(end));
        } else if c.is_alphanumeric() || is_mark(c) {
            let word = open.get_or_insert(Open::at(at));
            c.to_lowercase().for_each(|c| word.take_char(c));
        } else if c != SOFT_HYPHEN {
            words.extend(open.take().map(|word| word.closed(at)));
        }
        at = end;
    }
    words.extend(open.map(|word| word.closed(bytes.len())));
    words
}

const SOFT_HYPHEN: char = '\u{AD}';

/// Marks that change a letter.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// Whether a character belongs to a script that sets no space between words.
fn stands_alone(c: char) -> bool {
    let of_such_a_script = matches!(c,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}');
    of_such_a_script && c.is_alphanumeric()
}

/// A word that is being read: eight bytes at a time are mixed into its hash.
#[derive(Clone, Copy)]
struct Open {
    hash: u64,
    /// The bytes since, and their number.
    bytes: u64,
    n_bytes: u32,
    start: usize,
}

impl Open {
    fn at(start: usize) -> Self {
        Open { hash: 0, bytes: 0, n_bytes: 0, start }
    }

    fn take(&mut self, byte: u8) {
        self.bytes = self.bytes << 8 | u64::from(byte);
        self.n_bytes += 1;
        if self.n_bytes == 8 {
            (self.hash, self.bytes, self.n_bytes) = (mixed(self.hash ^ self.bytes), 0, 0);
        }
    }

    fn take_char(&mut self, c: char) {
        c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| self.take(byte));
    }

    fn closed(self, end: usize) -> Word {
        // The number keeps `a` apart from `a` behind eight bytes that leave the hash as it was.
        let hash = mixed(mixed(self.hash ^ self.bytes).wrapping_add(self.n_bytes.into()));
        Word { hash, start: self.start as u32, end: end as u32 }
    }
}

/// The hashes of all runs of `n` words, `n` at least 1, in order; none where there are fewer words.
pub fn runs(words: &[Word], n: usize) -> Vec<u64> {
    if words.len() < n {
        return Vec::new();
    }
    let last = FACTOR.wrapping_pow(n as u32 - 1);
    let grown = |sum: u64, word: &Word| sum.wrapping_mul(FACTOR).wrapping_add(word.hash);
    let mut sum = words[..n].iter().fold(0, grown);
    let mut found = Vec::with_capacity(words.len() - n + 1);
    found.push(mixed(sum));
    for (out, word) in words.iter().zip(&words[n..]) {
        sum = grown(sum.wrapping_sub(out.hash.wrapping_mul(last)), word);
        found.push(mixed(sum));
    }
    found
}

/// A number whose bits all hang on all bits of `x` (the finalizer of MurmurHash3).
pub(super) fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    x = (x ^ (x >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    x ^ (x >> 33)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hashes(text: &str) -> Vec<u64> {
        words(text).iter().map(|word| word.hash).collect()
    }

    #[test]
    fn case_marks_and_breaks_are_no_part_of_a_word() {
        let plain = hashes("the two sides spoke of china s harbours");
        assert_eq!(plain.len(), 8);
        assert_eq!(plain, hashes("  The two\nsides — “spoke” of China’s har\u{AD}bours…"));
        assert_ne!(plain, hashes("the two sides spoke of chinas harbours"));
        assert_eq!(hashes("ÉTÉ Straße"), hashes("été straße"));
    }

    #[test]
    fn scripts_without_spaces_are_read_by_character() {
        let text = "双方同意 rail 铁路";
        let found: Vec<&str> =
            words(text).iter().map(|w| &text[w.start as usize..w.end as usize]).collect();
        assert_eq!(found, ["双", "方", "同", "意", "rail", "铁", "路"]);
    }

    proptest! {
        #[test]
        fn words_lie_on_the_text_in_order(text in "\\PC{0,200}") {
            let mut reached = 0;
            for word in words(&text) {
                prop_assert!(reached <= word.start && word.start < word.end);
                prop_assert!(text.get(word.start as usize..word.end as usize).is_some());
                reached = word.end;
            }
        }

        #[test]
        fn a_run_has_the_hash_that_it_has_alone(text in "[a-c ]{0,60}", n in 1_usize..6) {
            let words = words(&text);
            let found = runs(&words, n);
            let alone: Vec<u64> = words.windows(n).map(|run| runs(run, n)[0]).collect();
            prop_assert_eq!(found, alone);
        }
    }
}
