//! What config.json and its neighbours say of the model, checked before a weight is read.

use crate::embed::Heads;
use crate::embed::folder::ModelFolder;
use crate::error::Result;
use serde::Deserialize;

/// The part of config.json that decides the shape of a BERT encoder.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::embed) struct Config {
    /// Numbers in a token's vector.
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    /// Numbers in the middle of a feed-forward block.
    pub intermediate_size: usize,
    pub hidden_act: String,
    /// Most tokens of one input.
    pub max_position_embeddings: usize,
    pub layer_norm_eps: f64,
    pub vocab_size: usize,
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    #[serde(default = "absolute")]
    pub position_embedding_type: String,
    /// The themes that the model has heads for, if it has.
    pub themeline_heads: Option<Heads>,
}

fn two() -> usize {
    2
}

fn absolute() -> String {
    "absolute".to_owned()
}

impl Config {
    /// # Errors
    /// The field that this encoder cannot follow.
    pub fn check(&self) -> std::result::Result<(), String> {
        let positive = [
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("vocab_size", self.vocab_size),
            ("type_vocab_size", self.type_vocab_size),
        ];
        if let Some((field, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{field} is 0"));
        }
        let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
        if !hidden.is_multiple_of(heads) {
            return Err(format!("hidden_size {hidden} does not divide into {heads} heads"));
        }
        if !(self.layer_norm_eps >= 0.0 && self.layer_norm_eps < 1.0) {
            return Err(format!("layer_norm_eps {} is not within 0..1", self.layer_norm_eps));
        }
        if self.themeline_heads.as_ref().is_some_and(|heads| heads.labels.is_empty()) {
            return Err("themeline_heads has no labels".to_owned());
        }
        only("hidden_act", &self.hidden_act, "gelu")?;
        only("position_embedding_type", &self.position_embedding_type, "absolute")
    }
}

fn only(field: &str, value: &str, known: &str) -> std::result::Result<(), String> {
    match value == known {
        true => Ok(()),
        false => Err(format!("{field} `{value}` is not supported; only `{known}` is")),
    }
}

#[derive(Deserialize)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
}

/// Most tokens of a window: what sentence-transformers was told to feed the model, at most what the
/// model has positions for.
pub(super) fn max_tokens(folder: &mut ModelFolder, config: &Config) -> Result<usize> {
    let file = "sentence_bert_config.json";
    let told = folder.json::<SentenceConfig>(file)?.and_then(|sentence| sentence.max_seq_length);
    if told == Some(0) {
        return Err(folder.fault(file, "max_seq_length is 0"));
    }
    Ok(told.unwrap_or(usize::MAX).min(config.max_position_embeddings))
}
