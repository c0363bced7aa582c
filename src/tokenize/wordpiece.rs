//! WordPiece: a word becomes its longest known beginning, then the longest known continuation of
//! that, to its end; a word that cannot be covered is one unknown token.

use super::bert_words::BertWords;
use aho_corasick::{AhoCorasick, MatchKind};
use rustc_hash::FxHashMap;

/// A BERT tokenizer: words by [`BertWords`], pieces by longest match.
///
/// Linear in the length of a text: a word of more than `max_chars` characters is unknown unread.
#[derive(Debug, Clone)]
pub struct WordPiece {
    words: BertWords,
    /// Pieces that begin a word.
    starts: FxHashMap<Box<str>, u32>,
    /// Pieces that go on with one, without their `##`.
    continuations: FxHashMap<Box<str>, u32>,
    unknown: u32,
    /// Characters; a longer word is unknown.
    max_chars: usize,
    /// Bytes of the longest piece.
    max_piece: usize,
    /// Tokens such as `[SEP]` that are matched in the raw text before all else, and their ids.
    added: Option<(AhoCorasick, Vec<u32>)>,
}

/// BERT's mark of a piece that goes on with a word.
const CONTINUES: &str = "##";

/// BERT's limit on the characters of a word.
pub(super) const MAX_WORD_CHARS: usize = 100;

impl WordPiece {
    /// From `(token, id)` pairs; a token that begins with `##` continues a word. `unknown` is the
    /// id of a word that no pieces cover.
    pub fn new<'a>(
        words: BertWords,
        vocabulary: impl IntoIterator<Item = (&'a str, u32)>,
        unknown: u32,
    ) -> Self {
        let (mut starts, mut continuations) = (FxHashMap::default(), FxHashMap::default());
        let mut max_piece = 0;
        for (token, id) in vocabulary {
            // A word never holds `##` itself, since punctuation stands alone.
            match token.strip_prefix(CONTINUES).filter(|piece| !piece.is_empty()) {
                Some(piece) => continuations.insert(piece.into(), id),
                None => starts.insert(token.into(), id),
            };
            max_piece = max_piece.max(token.len());
        }
        let max_chars = MAX_WORD_CHARS;
        WordPiece { words, starts, continuations, unknown, max_chars, max_piece, added: None }
    }

    /// With another limit on the characters of a word.
    pub(super) fn with_max_chars(self, max_chars: usize) -> Self {
        WordPiece { max_chars, ..self }
    }

    /// With tokens that are matched in the raw text; the longest at the first place wins.
    pub(super) fn with_added(self, tokens: &[(String, u32)]) -> Result<Self, String> {
        if tokens.is_empty() {
            return Ok(self);
        }
        let matcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(tokens.iter().map(|(token, _)| token))
            .map_err(|error| format!("added_tokens: {error}"))?;
        let ids = tokens.iter().map(|&(_, id)| id).collect();
        Ok(WordPiece { added: Some((matcher, ids)), ..self })
    }

    /// Whether some tokens are matched in the raw text, before it is divided into words.
    pub(super) fn matches_raw_text(&self) -> bool {
        self.added.is_some()
    }

    /// How words are normalised.
    pub fn words(&self) -> BertWords {
        self.words
    }

    /// Every `(token, id)` by rising id; a token that continues a word begins with `##`.
    pub fn vocabulary(&self) -> Vec<(String, u32)> {
        let starts = self.starts.iter().map(|(token, &id)| (token.to_string(), id));
        let continuations =
            self.continuations.iter().map(|(piece, &id)| (format!("{CONTINUES}{piece}"), id));
        let mut all: Vec<_> = starts.chain(continuations).collect();
        all.sort_unstable_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        all
    }

    /// The largest id of the vocabulary.
    pub fn max_id(&self) -> u32 {
        let added = self.added.iter().flat_map(|(_, ids)| ids);
        let pieces = self.starts.values().chain(self.continuations.values());
        pieces.chain(added).copied().max().unwrap_or(0).max(self.unknown)
    }

    /// Appends the ids of `text` to `ids`.
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        let mut scratch = String::new();
        let mut done = 0;
        if let Some((matcher, added)) = &self.added {
            for found in matcher.find_iter(text) {
                self.encode_plain(&text[done..found.start()], &mut scratch, ids);
                ids.push(added[found.pattern().as_usize()]);
                done = found.end();
            }
        }
        self.encode_plain(&text[done..], &mut scratch, ids);
    }

    fn encode_plain(&self, text: &str, scratch: &mut String, ids: &mut Vec<u32>) {
        self.words.for_each(text, scratch, |word| self.encode_word(word, ids));
    }

    /// Appends the pieces of one normalised word.
    pub(super) fn encode_word(&self, word: &str, ids: &mut Vec<u32>) {
        if word.len() > self.max_chars && word.chars().count() > self.max_chars {
            return ids.push(self.unknown);
        }
        let first = ids.len();
        let (mut rest, mut pieces) = (word, &self.starts);
        while !rest.is_empty() {
            let Some((id, length)) = self.longest(rest, pieces) else {
                ids.truncate(first);
                return ids.push(self.unknown);
            };
            ids.push(id);
            (rest, pieces) = (&rest[length..], &self.continuations);
        }
    }

    /// The longest beginning of `rest` among `pieces`: its id and its bytes.
    fn longest(&self, rest: &str, pieces: &FxHashMap<Box<str>, u32>) -> Option<(u32, usize)> {
        let mut end = rest.floor_char_boundary(self.max_piece.min(rest.len()));
        while end > 0 {
            if let Some(&id) = pieces.get(&rest[..end]) {
                return Some((id, end));
            }
            end = rest.floor_char_boundary(end - 1);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<u32> {
        let vocabulary = ["[UNK]", "port", "##s", "##al", "rail", "##way", ",", "é", "#", "##"];
        let words = BertWords { lowercase: true, strip_accents: false };
        let pairs = vocabulary.iter().zip(0..).map(|(&token, id)| (token, id));
        let mut ids = Vec::new();
        WordPiece::new(words, pairs, 0).encode(text, &mut ids);
        ids
    }

    #[test]
    fn the_longest_piece_wins_and_a_word_is_whole_or_unknown() {
        for (text, expected) in [
            ("ports, RAILWAYS", &[1, 2, 6, 4, 5, 2][..]),
            ("portal", &[1, 3]),
            ("porto", &[0]),
            ("é", &[7]),
            ("##", &[8, 8]),
            ("", &[]),
        ] {
            assert_eq!(ids(text), expected, "{text:?}");
        }
        assert_eq!(ids(&format!("port{}", "s".repeat(96))).len(), 97);
        assert_eq!(ids(&format!("port{}", "s".repeat(97))), [0]);
    }
}
