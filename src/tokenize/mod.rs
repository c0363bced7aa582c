//! Texts → token ids, as the encoder that reads them was trained to see them.
//!
//! A [`Tokenizer`] comes from a `tokenizer.json`. The BERT kind (all of MiniLM, and the built-in
//! table) is read by a [`WordPiece`] of our own, some twenty times faster than the `tokenizers`
//! crate and equal to it, id for id; every other kind goes to that crate.

mod batch;
mod bert_words;
mod json;
mod seen_words;
mod prepared;
mod wordpiece;

pub use batch::TokenBatch;
pub use bert_words::BertWords;
pub use prepared::{Parted, Preparation};
pub use seen_words::SeenWords;
pub use wordpiece::WordPiece;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Texts → ids, and the special ids that an encoder wants around them.
pub struct Tokenizer {
    kind: Kind,
    specials: Specials,
    preparation: Preparation,
}

enum Kind {
    WordPiece(Box<WordPiece>),
    Crate(Box<tokenizers::Tokenizer>),
}

/// The ids that stand before and after every text, such as `[CLS]` and `[SEP]`, and after the first
/// those of the prompt where there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Specials {
    /// Before the text.
    pub before: Vec<u32>,
    /// After it.
    pub after: Vec<u32>,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`. Truncation and padding that it asks for are left out: the encoder
    /// windows long texts and needs no padding.
    ///
    /// # Errors
    /// What is wrong with the file, in words; a file that makes the `tokenizers` crate panic too.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        if let Some((wordpiece, specials)) = json::bert(json)? {
            return Ok(Self::of(Kind::WordPiece(Box::new(wordpiece)), specials));
        }
        Self::from_crate(json)
    }

    /// Reads a `vocab.txt`, one token of an uncased BERT a line, its id the number of the line from 0.
    /// `[UNK]`, `[CLS]` and `[SEP]` have the ids that follow the last line, in this order; in a text
    /// they are words like any others.
    ///
    /// # Errors
    /// What is wrong with the file, in words.
    pub fn from_list(list: &[u8]) -> Result<Self, String> {
        let list = std::str::from_utf8(list).map_err(|error| error.to_string())?;
        let tokens =
            list.strip_suffix('\n').ok_or("does not end with a line end: is it cut short?")?;
        let n_tokens = tokens.split('\n').count() as u32;
        let [unknown, first, last] = [n_tokens, n_tokens + 1, n_tokens + 2];
        let words = BertWords { lowercase: true, strip_accents: true };
        let wordpiece = WordPiece::new(words, tokens.split('\n').zip(0..), unknown);
        let specials = Specials { before: vec![first], after: vec![last] };
        Ok(Self::of(Kind::WordPiece(Box::new(wordpiece)), specials))
    }

    fn of(kind: Kind, specials: Specials) -> Self {
        Tokenizer { kind, specials, preparation: Preparation::default() }
    }

    /// Reads a `tokenizer.json` of any kind by the `tokenizers` crate: the reference.
    fn from_crate(json: &[u8]) -> Result<Self, String> {
        fenced(|| {
            let mut tokenizer = tokenizers::Tokenizer::from_bytes(json)?;
            tokenizer.with_truncation(None)?.with_padding(None);
            let specials = specials_of(&tokenizer)?;
            Ok(Self::of(Kind::Crate(Box::new(tokenizer)), specials))
        })
    }

    /// The tokenizer itself, where it is of the BERT kind.
    pub fn wordpiece(&self) -> Option<&WordPiece> {
        match &self.kind {
            Kind::WordPiece(wordpiece) => Some(wordpiece),
            Kind::Crate(_) => None,
        }
    }

    /// The ids that stand around every text.
    pub fn specials(&self) -> &Specials {
        &self.specials
    }

    /// The largest id that [`Self::encode`] or [`Self::specials`] can give.
    pub fn max_id(&self) -> u32 {
        let special = self.specials.before.iter().chain(&self.specials.after).copied().max();
        let token = match &self.kind {
            Kind::WordPiece(wordpiece) => wordpiece.max_id(),
            Kind::Crate(tokenizer) => {
                tokenizer.get_vocab(true).values().copied().max().unwrap_or(0)
            }
        };
        token.max(special.unwrap_or(0))
    }

    /// One row of ids a text, without those around it; an empty text has an empty row.
    ///
    /// # Errors
    /// What the `tokenizers` crate says, in words; never for the BERT kind.
    pub fn encode(&self, texts: &[&str]) -> Result<TokenBatch, String> {
        let mut batch = TokenBatch::default();
        for text in texts {
            match &self.kind {
                Kind::WordPiece(wordpiece) => batch.push_with(|ids| wordpiece.encode(text, ids)),
                Kind::Crate(_) => {
                    let text = self.encode_parts(&[text])?;
                    batch.push_with(|ids| ids.extend_from_slice(&text.ids));
                }
            }
        }
        Ok(batch)
    }
}

/// What the post-processor puts around a text: seen on a text that is one known token.
fn specials_of(tokenizer: &tokenizers::Tokenizer) -> tokenizers::Result<Specials> {
    let bare = tokenizer.encode_fast("a", false)?;
    let full = tokenizer.encode_fast("a", true)?;
    let (bare, full) = (bare.get_ids(), full.get_ids());
    let start = full
        .windows(bare.len().max(1))
        .position(|window| window == bare)
        .ok_or("the post-processor changes the tokens of a text")?;
    let after = full[start + bare.len()..].to_vec();
    Ok(Specials { before: full[..start].to_vec(), after })
}

/// Runs code of the `tokenizers` crate that a hostile file can make panic.
fn fenced<T>(run: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the file makes the tokenizer panic".to_owned()),
    }
}

#[cfg(test)]
mod tests;
