//! Reads a `tokenizer.json` of the BERT kind straight into our own [`WordPiece`].

use super::{BertWords, Specials, WordPiece};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

#[derive(Deserialize)]
struct Kinds {
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    model: Value,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
}

#[derive(Deserialize)]
struct Normalizer {
    clean_text: bool,
    handle_chinese_chars: bool,
    strip_accents: Option<bool>,
    lowercase: bool,
}

#[derive(Deserialize)]
struct Model {
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    vocab: HashMap<String, u32>,
}

/// A tokenizer equal to the one the file describes, or `None` where the file is not of the plain
/// BERT kind.
///
/// # Errors
/// Where it is no JSON of a tokenizer at all.
pub(super) fn bert(json: &[u8]) -> Result<Option<(WordPiece, Specials)>, String> {
    let kinds: Kinds = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    Ok(parts(kinds).and_then(|parts| parts.build()))
}

struct Parts {
    words: BertWords,
    model: Model,
    specials: Specials,
    added: Vec<(String, u32)>,
}

impl Parts {
    fn build(self) -> Option<(WordPiece, Specials)> {
        let unknown = *self.model.vocab.get(&self.model.unk_token)?;
        let vocabulary = self.model.vocab.iter().map(|(token, &id)| (token.as_str(), id));
        let wordpiece = WordPiece::new(self.words, vocabulary, unknown)
            .with_max_chars(self.model.max_input_chars_per_word)
            .with_added(&self.added)
            .ok()?;
        Some((wordpiece, self.specials))
    }
}

fn parts(kinds: Kinds) -> Option<Parts> {
    let normalizer: Normalizer = typed(kinds.normalizer?, "BertNormalizer")?;
    typed::<Value>(kinds.pre_tokenizer?, "BertPreTokenizer")?;
    let model: Model = typed(kinds.model, "WordPiece")?;
    let plain = |t: &AddedToken| !(t.single_word || t.lstrip || t.rstrip || t.normalized);
    let usual = normalizer.clean_text
        && normalizer.handle_chinese_chars
        && model.continuing_subword_prefix == "##"
        && kinds.added_tokens.iter().all(plain);
    usual.then_some(())?;
    let lowercase = normalizer.lowercase;
    let strip_accents = normalizer.strip_accents.unwrap_or(lowercase);
    let specials = specials(kinds.post_processor)?;
    let added = kinds.added_tokens.into_iter().map(|t| (t.content, t.id)).collect();
    Some(Parts { words: BertWords { lowercase, strip_accents }, model, specials, added })
}

/// `value` as a `T`, if its `type` is `kind`.
fn typed<T: for<'de> Deserialize<'de>>(value: Value, kind: &str) -> Option<T> {
    (value.get("type")?.as_str()? == kind).then_some(())?;
    serde_json::from_value(value).ok()
}

/// `[CLS]` and `[SEP]`, from either of the two post-processors that BERT files have.
fn specials(post_processor: Option<Value>) -> Option<Specials> {
    let Some(value) = post_processor.filter(|value| !value.is_null()) else {
        return Some(Specials::default());
    };
    match value.get("type")?.as_str()? {
        "BertProcessing" => {
            let id = |key: &str| u32::try_from(value.get(key)?.get(1)?.as_u64()?).ok();
            Some(Specials { before: vec![id("cls")?], after: vec![id("sep")?] })
        }
        "TemplateProcessing" => template(&value),
        _ => None,
    }
}

fn template(value: &Value) -> Option<Specials> {
    let mut specials = Specials::default();
    let mut seen_text = false;
    for piece in value.get("single")?.as_array()? {
        if piece.get("Sequence").is_some() {
            seen_text = true;
            continue;
        }
        let name = piece.get("SpecialToken")?.get("id")?.as_str()?;
        let ids: Vec<u32> =
            serde_json::from_value(value.get("special_tokens")?.get(name)?.get("ids")?.clone())
                .ok()?;
        let side = if seen_text { &mut specials.after } else { &mut specials.before };
        side.extend(ids);
    }
    seen_text.then_some(specials)
}
