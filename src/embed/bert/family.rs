//! The kinds of transformer that are read, and what sets one apart from another: all share the layers
//! of BERT, under names of their own.

use serde_json::{Map, Value};

/// A kind of encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Devlin et al., "BERT" (2019).
    Bert,
    /// Liu et al., "RoBERTa" (2019), and what keeps its layers: XLM-RoBERTa (Conneau et al., 2020) and
    /// CamemBERT (Martin et al., 2020). Positions are counted from the one after the padding token's.
    Roberta,
    /// Song et al., "MPNet" (2020). Positions as in RoBERTa, and a bias by relative position.
    Mpnet,
    /// Sanh et al., "DistilBERT" (2019). No sentence kinds.
    DistilBert,
}

/// Every `model_type` of config.json that is read.
pub(super) const TYPES: [(&str, Family); 6] = [
    ("bert", Family::Bert),
    ("roberta", Family::Roberta),
    ("xlm-roberta", Family::Roberta),
    ("camembert", Family::Roberta),
    ("mpnet", Family::Mpnet),
    ("distilbert", Family::DistilBert),
];

/// What the weights of a layer are called.
pub(super) struct LayerNames {
    pub query: &'static str,
    pub key: &'static str,
    pub value: &'static str,
    /// Joins the heads.
    pub output: &'static str,
    pub attention_norm: &'static str,
    pub widen: &'static str,
    pub narrow: &'static str,
    pub norm: &'static str,
}

const BERT: LayerNames = LayerNames {
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    output: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    widen: "intermediate.dense",
    narrow: "output.dense",
    norm: "output.LayerNorm",
};

const MPNET: LayerNames = LayerNames {
    query: "attention.attn.q",
    key: "attention.attn.k",
    value: "attention.attn.v",
    output: "attention.attn.o",
    attention_norm: "attention.LayerNorm",
    ..BERT
};

const DISTILBERT: LayerNames = LayerNames {
    query: "attention.q_lin",
    key: "attention.k_lin",
    value: "attention.v_lin",
    output: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    widen: "ffn.lin1",
    narrow: "ffn.lin2",
    norm: "output_layer_norm",
};

/// What DistilBERT calls the fields of config.json, and what the others call them.
const DISTILBERT_FIELDS: [(&str, &str); 5] = [
    ("dim", "hidden_size"),
    ("n_layers", "num_hidden_layers"),
    ("n_heads", "num_attention_heads"),
    ("hidden_dim", "intermediate_size"),
    ("activation", "hidden_act"),
];

impl Family {
    /// By `model_type` of config.json, or by the class in `architectures` where there is none.
    ///
    /// # Errors
    /// What the model is, where that is not read.
    pub fn of(config: &Map<String, Value>) -> Result<Self, String> {
        let known = |name: &str| TYPES.iter().find(|(kind, _)| *kind == name).map(|&(_, of)| of);
        let class = config.get("architectures").and_then(|classes| classes.get(0)?.as_str());
        match (config.get("model_type").and_then(Value::as_str), class) {
            (Some(name), _) => {
                known(name).ok_or_else(|| format!("model_type `{name}` is not supported"))
            }
            (None, Some(class)) => {
                of_class(class).ok_or_else(|| format!("architecture `{class}` is not supported"))
            }
            (None, None) => Err("has no model_type".to_owned()),
        }
    }

    /// config.json with every field under the name that BERT has for it.
    pub fn renamed(self, mut config: Map<String, Value>) -> Map<String, Value> {
        if self == Family::DistilBert {
            for (theirs, ours) in DISTILBERT_FIELDS {
                if let Some(value) = config.remove(theirs) {
                    config.insert(ours.to_owned(), value);
                }
            }
        }
        config
    }

    /// What stands before the names of all weights in some files.
    pub fn prefix(self) -> &'static str {
        match self {
            Family::Bert => "bert.",
            Family::Roberta => "roberta.",
            Family::Mpnet => "mpnet.",
            Family::DistilBert => "distilbert.",
        }
    }

    /// What stands before the names of the weights of layer `index`.
    pub fn layer(self, index: usize) -> String {
        match self {
            Family::DistilBert => format!("transformer.layer.{index}"),
            _ => format!("encoder.layer.{index}"),
        }
    }

    /// What the weights of a layer are called.
    pub fn names(self) -> &'static LayerNames {
        match self {
            Family::Bert | Family::Roberta => &BERT,
            Family::Mpnet => &MPNET,
            Family::DistilBert => &DISTILBERT,
        }
    }

    /// Whether tokens have a vector for the kind of their sentence, first or second.
    pub fn has_sentence_kinds(self) -> bool {
        matches!(self, Family::Bert | Family::Roberta)
    }
}

/// By a class of transformers, such as `XLMRobertaForMaskedLM`.
fn of_class(class: &str) -> Option<Family> {
    let class = class.to_lowercase();
    let is_of = |name: &str| {
        let rest = class.strip_prefix(&name.replace('-', ""));
        rest.is_some_and(|rest| rest == "model" || rest.starts_with("for"))
    };
    TYPES.iter().find(|(name, _)| is_of(name)).map(|&(_, family)| family)
}

/// The kinds that are read, in words.
pub(super) fn known() -> String {
    TYPES.map(|(name, _)| name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<Family, String> {
        Family::of(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_family_is_told_by_its_type_or_its_class() {
        for (json, family) in [
            (r#"{"model_type": "camembert", "architectures": ["T5Model"]}"#, Family::Roberta),
            (r#"{"architectures": ["XLMRobertaForMaskedLM"]}"#, Family::Roberta),
            (r#"{"architectures": ["MPNetModel"]}"#, Family::Mpnet),
            (r#"{"architectures": ["DistilBertModel"]}"#, Family::DistilBert),
            (r#"{"architectures": ["BertModel", "T5Model"]}"#, Family::Bert),
        ] {
            assert_eq!(of(json), Ok(family), "{json}");
        }
        for (json, fault) in [
            (r#"{"model_type": "modernbert"}"#, "model_type `modernbert` is not supported"),
            (r#"{"architectures": ["BertGenerationEncoder"]}"#, "`BertGenerationEncoder`"),
            (r#"{"architectures": ["RobertaPreLayerNormModel"]}"#, "`RobertaPreLayerNormModel`"),
            (r#"{"architectures": []}"#, "has no model_type"),
        ] {
            assert!(of(json).unwrap_err().contains(fault), "{json}");
        }
    }
}
