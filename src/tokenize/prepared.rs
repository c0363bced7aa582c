//! Texts as a model was trained to be given them: in lower case, after a prompt, in parts.

use super::{Kind, Tokenizer, fenced};

/// What becomes of a text before it is encoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preparation {
    /// Put before every text, such as `query: `; a text's own ids are those that follow.
    pub prompt: String,
    /// Whether upper case becomes lower case, whatever the tokenizer does.
    pub lowercase: bool,
}

/// The ids of a text, without those around it, and where each of its parts ends among them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Parted {
    /// Of all parts in order.
    pub ids: Vec<u32>,
    /// Index in `ids` after the last of each part.
    pub ends: Vec<usize>,
}

impl Preparation {
    /// Whether a text after the prompt reads as it would by itself: no word can go across.
    fn ends_a_word(&self) -> bool {
        let is_part_of_word = |c: char| !c.is_whitespace() && !c.is_ascii_punctuation();
        !self.prompt.ends_with(is_part_of_word)
    }
}

impl Tokenizer {
    /// As [`Self::from_json`], of texts that are prepared so.
    ///
    /// # Errors
    /// As [`Self::from_json`].
    pub fn prepared(json: &[u8], preparation: Preparation) -> Result<Self, String> {
        let plain = Self::from_json(json)?;
        let by_words = plain.wordpiece().is_none_or(|wordpiece| {
            let lowercase = wordpiece.words().lowercase || !preparation.lowercase;
            lowercase && preparation.ends_a_word()
        });
        let tokenizer = if by_words { plain } else { Self::from_crate(json)? };
        tokenizer.with(preparation)
    }

    /// The same, with the ids of the prompt before every text.
    fn with(mut self, preparation: Preparation) -> Result<Self, String> {
        let prompt = match &self.kind {
            Kind::WordPiece(wordpiece) => {
                let mut ids = Vec::new();
                wordpiece.encode(&preparation.prompt, &mut ids);
                ids
            }
            Kind::Crate(tokenizer) => {
                let cased = preparation.cased(&preparation.prompt);
                let encoding = fenced(|| tokenizer.encode(format!("{cased}a"), false))?;
                let ends = encoding.get_offsets().iter().map(|&(_, end)| end);
                let own = encoding.get_ids().iter().zip(ends);
                own.filter(|(_, end)| *end <= cased.trim_end().len()).map(|(&id, _)| id).collect()
            }
        };
        self.specials.before.extend(prompt);
        self.preparation = preparation;
        Ok(self)
    }

    /// The ids of a text that is `parts` joined by a space, and which part each belongs to. White space
    /// around the text does not count.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_parts(&self, parts: &[&str]) -> Result<Parted, String> {
        let mut text = Parted::default();
        match &self.kind {
            // Words do not go across parts, so each can be read by itself.
            Kind::WordPiece(wordpiece) => {
                for part in parts {
                    wordpiece.encode(part, &mut text.ids);
                    text.ends.push(text.ids.len());
                }
            }
            Kind::Crate(tokenizer) => {
                let (joined, ends) = self.preparation.joined(parts);
                let encoding = fenced(|| tokenizer.encode(joined.as_str(), false))?;
                // The space that ends a prompt is of the word after it, as in BPE and Unigram.
                let prompt = self.preparation.cased(self.preparation.prompt.trim_end()).len();
                let tokens = encoding.get_ids().iter().zip(encoding.get_offsets());
                // What the tokenizer puts in by itself at the start has no width, and is of the first word.
                let own = tokens.filter(|(_, (_, end))| prompt == 0 || *end > prompt);
                let mut reached = 1;
                let up_to = |(&id, &(_, end)): (&u32, &(usize, usize))| {
                    reached = reached.max(end);
                    (id, reached)
                };
                let (ids, byte_ends): (Vec<u32>, Vec<usize>) = own.map(up_to).unzip();
                text.ends =
                    ends.iter().map(|end| byte_ends.partition_point(|e| e <= end)).collect();
                text.ids = ids;
            }
        }
        Ok(text)
    }
}

impl Preparation {
    fn cased(&self, text: &str) -> String {
        if self.lowercase { text.to_lowercase() } else { text.to_owned() }
    }

    /// The prompt, then the parts, joined by a space, without white space before the first word or
    /// after the last; and the byte at which each part ends.
    fn joined(&self, parts: &[&str]) -> (String, Vec<usize>) {
        let mut text = self.cased(&self.prompt);
        let start = text.len();
        let mut ends = Vec::with_capacity(parts.len());
        for part in parts {
            if text.len() > start {
                text.push(' ');
                text.push_str(&self.cased(part));
            } else {
                text.push_str(&self.cased(part.trim_start()));
            }
            ends.push(text.len());
        }
        text.truncate(text.trim_end().len().max(start));
        (text, ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    fn json(kind: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/families");
        std::fs::read(folder.join(kind).join("tokenizer.json")).unwrap()
    }

    fn prepared(kind: &str, prompt: &str, lowercase: bool) -> Tokenizer {
        let preparation = Preparation { prompt: prompt.to_owned(), lowercase };
        Tokenizer::prepared(&json(kind), preparation).unwrap()
    }

    /// Ids as the crate gives them for the whole text, those around it included.
    fn around(kind: &str, text: &str) -> Vec<u32> {
        let reference = tokenizers::Tokenizer::from_bytes(json(kind)).unwrap();
        reference.encode(text, true).unwrap().get_ids().to_vec()
    }

    const KINDS: [&str; 4] = ["roberta", "xlm-roberta", "mpnet", "distilbert"];

    #[test]
    fn a_prompt_and_a_text_are_the_ids_of_both_as_one() {
        for kind in KINDS {
            for prompt in ["", "trade: ", "trade:", "the trade "] {
                let tokenizer = prepared(kind, prompt, false);
                for parts in [&["the port"][..], &["(in", "part)"], &["a"], &["\u{fc}"]] {
                    let text = tokenizer.encode_parts(parts).unwrap();
                    let specials = tokenizer.specials();
                    let found = [&specials.before[..], &text.ids, &specials.after].concat();
                    let whole = format!("{prompt}{}", parts.join(" "));
                    assert_eq!(found, around(kind, &whole), "{kind}: {whole}");
                }
            }
        }
    }

    #[test]
    fn a_prompt_that_ends_within_a_word_is_read_with_the_text() {
        let tokenizer = prepared("distilbert", "to", false);
        let ids = tokenizer.encode_parts(&["of"]).unwrap().ids;
        let whole = around("distilbert", "toof");
        assert!(whole.ends_with(&[&ids[..], &tokenizer.specials().after].concat()), "{ids:?}");
        assert_ne!(ids, prepared("distilbert", "", false).encode_parts(&["of"]).unwrap().ids);
    }

    #[test]
    fn lower_case_is_given_where_the_tokenizer_keeps_case() {
        for kind in ["roberta", "xlm-roberta", "distilbert"] {
            let ids =
                |lowercase, text| prepared(kind, "", lowercase).encode_parts(&[text]).unwrap();
            assert_eq!(ids(true, "TRADE to Eé"), ids(false, "trade to eé"), "{kind}");
            assert_ne!(ids(false, "TRADE"), ids(false, "trade"), "{kind}");
        }
    }

    proptest! {
        #[test]
        fn parts_tile_the_ids_of_their_sentence(
            parts in prop::collection::vec("[a-eo-u ,.é合\u{301}T]{0,12}", 1..5),
            at in 0..KINDS.len(),
        ) {
            let tokenizer = prepared(KINDS[at], "", false);
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let text = tokenizer.encode_parts(&parts).unwrap();
            let whole = tokenizer.encode_parts(&[&parts.join(" ")]).unwrap();
            prop_assert_eq!(&text.ids, &whole.ids);
            prop_assert_eq!(text.ends.len(), parts.len());
            prop_assert!(text.ends.is_sorted());
            prop_assert_eq!(text.ends.last(), Some(&text.ids.len()));
        }

        #[test]
        fn our_own_pieces_fall_into_the_parts_that_the_crate_has_them_in(
            parts in prop::collection::vec("[a-e ,.]{0,9}|the|ports", 1..5),
        ) {
            let ours = prepared("distilbert", "", false);
            prop_assert!(ours.wordpiece().is_some());
            let reference = Tokenizer::from_crate(&json("distilbert")).unwrap();
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            prop_assert_eq!(
                ours.encode_parts(&parts).unwrap(),
                reference.encode_parts(&parts).unwrap()
            );
        }
    }
}
