//! What the files of sentence-transformers say of a text before it is encoded: what is put before it,
//! whether it becomes lower case, and how much of it is read at a time.

use super::config::Config;
use crate::embed::folder::ModelFolder;
use crate::error::Result;
use crate::tokenize::Preparation;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Names that the file has had, by the kind of the model.
const SENTENCE_FILES: [&str; 6] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_mpnet_config.json",
];
const TOKENIZER_FILE: &str = "tokenizer_config.json";
const PROMPT_FILE: &str = "config_sentence_transformers.json";

/// How texts come to the model.
#[derive(Debug)]
pub(super) struct Reading {
    pub preparation: Preparation,
    /// Most tokens of a window: what sentence-transformers was told to feed the model, at most what
    /// the model has positions for.
    pub max_tokens: usize,
}

#[derive(Debug, Default, Deserialize)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
    do_lower_case: Option<bool>,
}

#[derive(Deserialize)]
struct TokenizerConfig {
    /// Very large, and often no whole number, where nobody set it.
    model_max_length: Option<f64>,
}

#[derive(Deserialize)]
struct PromptConfig {
    prompts: Option<BTreeMap<String, Option<String>>>,
    default_prompt_name: Option<String>,
}

impl Reading {
    pub fn load(folder: &mut ModelFolder, config: &Config) -> Result<Self> {
        let (file, sentence) = sentence_config(folder)?;
        let told = match sentence.max_seq_length {
            Some(0) => return Err(folder.fault(file, "max_seq_length is 0")),
            Some(n_tokens) => Some(n_tokens),
            None => tokenizer_limit(folder)?,
        };
        let lowercase = sentence.do_lower_case.unwrap_or(false);
        let preparation = Preparation { prompt: prompt(folder)?, lowercase };
        let max_tokens = told.unwrap_or(usize::MAX).min(config.most_tokens());
        Ok(Reading { preparation, max_tokens })
    }
}

/// The first of the files that is there.
fn sentence_config(folder: &mut ModelFolder) -> Result<(&'static str, SentenceConfig)> {
    for file in SENTENCE_FILES {
        if let Some(config) = folder.json(file)? {
            return Ok((file, config));
        }
    }
    Ok((SENTENCE_FILES[0], SentenceConfig::default()))
}

/// Where newer versions of sentence-transformers keep the limit.
fn tokenizer_limit(folder: &mut ModelFolder) -> Result<Option<usize>> {
    let config = folder.json::<TokenizerConfig>(TOKENIZER_FILE)?;
    let told = config.and_then(|config| config.model_max_length).filter(|&n| n < 1e6);
    match told {
        Some(n_tokens) if n_tokens < 1.0 => {
            Err(folder.fault(TOKENIZER_FILE, format!("model_max_length is {n_tokens}")))
        }
        Some(n_tokens) => Ok(Some(n_tokens as usize)),
        None => {
            folder.forget(TOKENIZER_FILE);
            Ok(None)
        }
    }
}

/// What is put before every text: the prompt that is the default, if one is.
fn prompt(folder: &mut ModelFolder) -> Result<String> {
    let config = folder.json::<PromptConfig>(PROMPT_FILE)?;
    let Some((name, prompts)) =
        config.and_then(|config| Some((config.default_prompt_name?, config.prompts)))
    else {
        folder.forget(PROMPT_FILE);
        return Ok(String::new());
    };
    match prompts.unwrap_or_default().remove(&name) {
        Some(prompt) => Ok(prompt.unwrap_or_default()),
        None => {
            let message = format!("default_prompt_name `{name}` is not among the prompts");
            Err(folder.fault(PROMPT_FILE, message))
        }
    }
}
