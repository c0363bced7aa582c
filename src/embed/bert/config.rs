//! What config.json says of the model, checked before a weight is read.

use super::family::{self, Family};
use crate::embed::Heads;
use crate::embed::folder::ModelFolder;
use crate::embed::kernel::Activation;
use crate::error::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The file itself.
pub(super) const FILE: &str = "config.json";

/// What decides the shape of an encoder, whatever its family calls it.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub family: Family,
    /// Numbers in a token's vector.
    pub hidden_size: usize,
    pub n_layers: usize,
    pub n_heads: usize,
    /// Numbers in the middle of a feed-forward block.
    pub intermediate_size: usize,
    pub activation: Activation,
    /// Rows of the table of positions.
    pub n_positions: usize,
    /// The padding token, where positions are counted from the one after it.
    pub padding: Option<u32>,
    pub layer_norm_eps: f32,
    pub vocab_size: usize,
    /// Kinds of sentence that tokens are told apart by; 0 where there are none.
    pub n_sentence_kinds: usize,
    /// The themes that the model has heads for, if it has.
    pub theme_heads: Option<Heads>,
}

/// config.json, under BERT's names; what transformers has a default for may be left out.
#[derive(Deserialize)]
struct Fields {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: Option<String>,
    max_position_embeddings: Option<usize>,
    layer_norm_eps: Option<f64>,
    vocab_size: usize,
    type_vocab_size: Option<usize>,
    position_embedding_type: Option<String>,
    pad_token_id: Option<u32>,
    relative_attention_num_buckets: Option<usize>,
    is_decoder: Option<bool>,
    auto_map: Option<Map<String, Value>>,
    themeline_heads: Option<Heads>,
}

/// Padding of MPNet, and of RoBERTa where config.json does not name it.
const PADDING: u32 = 1;

/// Buckets of relative positions that transformers computes MPNet with, whatever config.json says.
pub(super) const N_BUCKETS: usize = 32;

impl Config {
    /// # Errors
    /// A model of a kind that is not read, by its name, or the field that cannot be followed.
    pub fn load(folder: &mut ModelFolder) -> Result<Self> {
        let bytes = folder.read(FILE)?;
        let fields: Map<String, Value> =
            serde_json::from_slice(&bytes).map_err(|error| folder.fault(FILE, error))?;
        let family = Family::of(&fields).map_err(|message| unknown(folder, &message))?;
        Self::of(family, fields).map_err(|message| folder.fault(FILE, message))
    }

    fn of(family: Family, fields: Map<String, Value>) -> std::result::Result<Self, String> {
        let fields: Fields = serde_json::from_value(Value::Object(family.renamed(fields)))
            .map_err(|error| error.to_string())?;
        fields.check(family)?;
        let name = fields.hidden_act.as_deref().unwrap_or("gelu");
        let activation = Activation::of_config(name).ok_or_else(|| {
            format!("hidden_act `{name}` is not supported: gelu, gelu_new, relu, silu are")
        })?;
        let config = Config {
            family,
            hidden_size: fields.hidden_size,
            n_layers: fields.num_hidden_layers,
            n_heads: fields.num_attention_heads,
            intermediate_size: fields.intermediate_size,
            activation,
            n_positions: fields.max_position_embeddings.unwrap_or(512),
            padding: match family {
                Family::Bert | Family::DistilBert => None,
                Family::Roberta => Some(fields.pad_token_id.unwrap_or(PADDING)),
                Family::Mpnet => Some(PADDING),
            },
            layer_norm_eps: fields.layer_norm_eps.unwrap_or(1e-12) as f32,
            vocab_size: fields.vocab_size,
            n_sentence_kinds: match family.has_sentence_kinds() {
                true => fields.type_vocab_size.unwrap_or(2),
                false => 0,
            },
            theme_heads: fields.themeline_heads,
        };
        match config.n_positions > config.first_position() {
            true => Ok(config),
            false => Err(format!("max_position_embeddings {} is too few", config.n_positions)),
        }
    }

    /// The position of a window's first token.
    pub fn first_position(&self) -> usize {
        self.padding.map_or(0, |padding| padding as usize + 1)
    }

    /// Most tokens of a window.
    pub fn most_tokens(&self) -> usize {
        self.n_positions - self.first_position()
    }
}

impl Fields {
    fn check(&self, family: Family) -> std::result::Result<(), String> {
        let positive = [
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("vocab_size", self.vocab_size),
            ("type_vocab_size", self.type_vocab_size.unwrap_or(2)),
        ];
        if let Some((field, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{field} is 0"));
        }
        let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
        if !hidden.is_multiple_of(heads) {
            return Err(format!("hidden_size {hidden} does not divide into {heads} heads"));
        }
        if let Some(eps) = self.layer_norm_eps.filter(|eps| !(0.0..1.0).contains(eps)) {
            return Err(format!("layer_norm_eps {eps} is not within 0..1"));
        }
        if self.themeline_heads.as_ref().is_some_and(|heads| heads.labels.is_empty()) {
            return Err("themeline_heads has no labels".to_owned());
        }
        self.check_kind(family)
    }

    /// That no field asks for arithmetic which is not done here.
    fn check_kind(&self, family: Family) -> std::result::Result<(), String> {
        let positions = self.position_embedding_type.as_deref().unwrap_or("absolute");
        if positions != "absolute" {
            return Err(format!(
                "position_embedding_type `{positions}` is not supported; only `absolute` is"
            ));
        }
        let buckets = self.relative_attention_num_buckets.unwrap_or(N_BUCKETS);
        if family == Family::Mpnet && buckets != N_BUCKETS {
            return Err(format!(
                "relative_attention_num_buckets {buckets} is not supported; only {N_BUCKETS} is"
            ));
        }
        if self.is_decoder == Some(true) {
            return Err("is_decoder is true: decoders are not supported".to_owned());
        }
        match &self.auto_map {
            Some(code) if code.contains_key("AutoModel") => {
                Err("auto_map names program code of the model's own, which is not run".to_owned())
            }
            _ => Ok(()),
        }
    }
}

fn unknown(folder: &ModelFolder, message: &str) -> Error {
    Error::encoder(
        folder.name(),
        format!("{}: {message}", folder.place(FILE)),
        format!(
            "model_type may be {}; choose a model of one of these kinds, such as minilm \
             (`themeline models list`)",
            family::known()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A config.json of the smallest model of a kind, with `more` in it.
    fn of(kind: &str, more: &str) -> std::result::Result<Config, String> {
        let (shape, family) = match kind {
            "distilbert" => (r#""dim": 4, "n_layers": 1, "n_heads": 2, "hidden_dim": 8"#, kind),
            _ => (
                r#""hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
                "intermediate_size": 8"#,
                kind,
            ),
        };
        let json = format!(r#"{{"model_type": "{family}", "vocab_size": 9, {shape}{more}}}"#);
        let fields: Map<String, Value> = serde_json::from_str(&json).unwrap();
        Config::of(Family::of(&fields)?, fields)
    }

    #[test]
    fn positions_are_counted_as_the_family_counts_them() {
        let most = |kind: &str, more: &str| of(kind, more).unwrap().most_tokens();
        let positions = r#", "max_position_embeddings": 514"#;
        assert_eq!(most("bert", positions), 514);
        assert_eq!(most("distilbert", ""), 512);
        assert_eq!(most("xlm-roberta", positions), 512);
        assert_eq!(most("roberta", r#", "max_position_embeddings": 10, "pad_token_id": 3"#), 6);
        assert_eq!(most("mpnet", r#", "max_position_embeddings": 10, "pad_token_id": 3"#), 8);
        let few = of("roberta", r#", "max_position_embeddings": 2"#);
        assert!(few.unwrap_err().contains("max_position_embeddings 2"));
    }

    #[test]
    fn what_a_family_lacks_is_not_asked_for() {
        assert_eq!(of("distilbert", "").unwrap().n_sentence_kinds, 0);
        assert_eq!(of("mpnet", r#", "type_vocab_size": 2"#).unwrap().n_sentence_kinds, 0);
        assert_eq!(of("camembert", r#", "type_vocab_size": 1"#).unwrap().n_sentence_kinds, 1);
        let config = of("distilbert", r#", "activation": "relu""#).unwrap();
        assert_eq!((config.hidden_size, config.activation), (4, Activation::Relu));
    }

    #[test]
    fn arithmetic_that_is_not_done_here_is_refused_by_its_field() {
        for (kind, more, fault) in [
            ("bert", r#", "position_embedding_type": "alibi""#, "`alibi`"),
            ("bert", r#", "is_decoder": true"#, "is_decoder"),
            ("bert", r#", "auto_map": {"AutoModel": "a--b.C"}"#, "auto_map"),
            ("mpnet", r#", "relative_attention_num_buckets": 64"#, "only 32"),
            ("roberta", r#", "hidden_act": "mish""#, "`mish`"),
            ("distilbert", r#", "n_heads": 3"#, "3 heads"),
        ] {
            let more = more.to_owned();
            let found = match more.contains("n_heads") {
                true => {
                    let json = r#"{"dim": 4, "n_layers": 1, "hidden_dim": 8, "vocab_size": 9"#;
                    let fields = serde_json::from_str(&format!("{json}{more}}}")).unwrap();
                    Config::of(Family::DistilBert, fields)
                }
                false => of(kind, &more),
            };
            assert!(found.unwrap_err().contains(fault), "{fault}");
        }
    }
}
