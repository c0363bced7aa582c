//! The transformer: BERT and its relatives in the layout of sentence-transformers, in plain Rust.
//!
//! Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2019), with the pooling of
//! Reimers and Gurevych, "Sentence-BERT" (2019); `family` tells what others share its layers. Tokens of many windows are packed end to end:
//! linear layers run over all of them at once, attention within each window, and nothing is padded.

mod byte_layers;
mod config;
mod dense;
mod family;
mod layers;
mod modules;
mod pooling;
mod reading;
mod relative;
mod theme_heads;
#[cfg(feature = "rust-bert")]
mod torch_layers;
mod weight_files;
mod weights;
mod windows;

use byte_layers::ByteEncoder;
use config::Config;
use layers::{Embeddings, Encoder};
use modules::Modules;
use reading::Reading;
use theme_heads::ThemeHeads;
use weight_files::WeightFiles;
use weights::Weights;
use windows::{Limits, Pack, Segment, Windows};

use super::folder::ModelFolder;
use super::kernel::{self, Level};
use super::{Embedder, EmbeddingMatrix, Heads, NO_TEXT, Precision};
use crate::error::{Error, Result};
use crate::tokenize::{Parted, Preparation, TokenBatch, Tokenizer};
use ndarray::Array2;
use rayon::prelude::*;

/// Tokens that go through the layers together: enough for the matrix products to run at full speed,
/// few enough that the widest layer stays near the processor.
const PACK_TOKENS: usize = 512;

/// Texts that are tokenized by one thread at a time.
const TOKENIZE_TEXTS: usize = 256;

/// An encoder of the BERT kind with its tokenizer and pooling.
pub struct BertEmbedder {
    name: String,
    fingerprint: String,
    tokenizer: Tokenizer,
    transformer: Transformer,
    modules: Modules,
    heads: Option<(Heads, ThemeHeads)>,
    /// Numbers of a token's vector.
    hidden_size: usize,
    limits: Limits,
}

/// What makes vectors of tokens.
enum Transformer {
    /// In plain Rust.
    Own(Embeddings, Layers),
    #[cfg(feature = "rust-bert")]
    Libtorch(torch_layers::TorchLayers),
}

/// The layers, by their precision.
enum Layers {
    Int8(ByteEncoder),
    F32(Encoder),
}

impl Layers {
    fn forward(&self, hidden: &mut Array2<f32>, pack: &TokenBatch) {
        match self {
            Layers::Int8(layers) => layers.forward(hidden, pack),
            Layers::F32(layers) => layers.forward(hidden, pack),
        }
    }
}

impl BertEmbedder {
    /// Loads the model in `folder`.
    pub(super) fn load(folder: ModelFolder, precision: Precision) -> Result<Self> {
        Self::load_for(folder, precision, kernel::level()?)
    }

    /// Loads it for the instructions of a level.
    fn load_for(mut folder: ModelFolder, precision: Precision, level: Level) -> Result<Self> {
        let config = Config::load(&mut folder)?;
        let modules = Modules::load(&mut folder, config.hidden_size)?;
        let Reading { preparation, max_tokens } = Reading::load(&mut folder, &config)?;
        let has_prompt = !preparation.prompt.is_empty();
        let tokenizer = load_tokenizer(&mut folder, preparation, (&config, max_tokens))?;
        let skips = has_prompt && !modules.pooling.includes_prompt();
        let skipped = if skips { tokenizer.specials().before.len() } else { 0 };
        let limits = Limits { max_tokens, pack_tokens: PACK_TOKENS, skipped };
        let files = WeightFiles::read(&mut folder, "")?;
        let weights = files.weights(&folder)?;
        let (embeddings, layers, heads) = weights
            .of_encoder(config.family)
            .and_then(|weights| parts(&weights, (&config, max_tokens), (precision, level)))
            .map_err(|message| folder.fault(files.name(), message))?;
        Ok(BertEmbedder {
            name: folder.name().to_owned(),
            fingerprint: precision.fingerprint(folder.fingerprint()),
            tokenizer,
            transformer: Transformer::Own(embeddings, layers),
            modules,
            heads: config.theme_heads.zip(heads),
            hidden_size: config.hidden_size,
            limits,
        })
    }

    /// The vector of each window of a pack, as if it were a text: row `i`, of shape `(dimension)`, is
    /// window `i`, not normalised.
    pub(super) fn embed_pack(&self, tokens: &TokenBatch) -> Result<Array2<f32>> {
        let mut start = 0;
        let segment = |(row, window): (usize, &[u32])| {
            let tokens = start..start + window.len();
            start = tokens.end;
            Segment { row, tokens }
        };
        let segments: Vec<Segment> = tokens.rows().enumerate().map(segment).collect();
        let pooled = self.modules.pooling.forward(&self.hidden(tokens)?, &segments);
        Ok(self.modules.finish(pooled))
    }

    /// Pools each segment of a pack; also its logits, shape `(n_segments, n_themes)`, where there are
    /// heads.
    fn read_pack(&self, pack: &Pack) -> Result<(Array2<f32>, Option<Array2<f32>>)> {
        let hidden = self.hidden(&pack.tokens)?;
        let logits = self.heads.as_ref().map(|(_, heads)| heads.forward(&hidden, &pack.segments));
        Ok((self.modules.pooling.forward(&hidden, &pack.segments), logits))
    }

    /// What the model makes of texts in parts, in the order of [`Windows::of`].
    fn read(&self, texts: &[Parted]) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        let specials = self.tokenizer.specials();
        let windows = Windows::of(texts, specials, self.limits);
        let packs = windows.packs().par_iter().map(|pack| self.read_pack(pack));
        let (pooled, logits): (Vec<_>, Vec<_>) =
            packs.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let vectors = self.join(&windows, &pooled);
        let logits = self.heads().map(|heads| {
            let logits: Vec<_> = logits.into_iter().flatten().collect();
            windows.largest(&logits, heads.labels.len(), NO_TEXT)
        });
        Ok((EmbeddingMatrix::normalised(vectors), logits))
    }

    /// The vectors of texts, not normalised, from what was pooled of their windows; zeros for a text
    /// without tokens.
    fn join(&self, windows: &Windows, pooled: &[Array2<f32>]) -> Array2<f32> {
        let dimension = self.modules.pooling.dimension(self.hidden_size);
        if !self.modules.need_lengths() {
            return windows.join(pooled, dimension);
        }
        let (means, has_tokens) = windows.average(pooled, dimension);
        let mut vectors = self.modules.finish(means);
        let rows = vectors.rows_mut().into_iter().zip(has_tokens);
        rows.filter(|(_, has_tokens)| !has_tokens).for_each(|(mut row, _)| row.fill(0.0));
        vectors
    }

    /// The vectors of all tokens of a pack, shape `(n_tokens, hidden)`.
    fn hidden(&self, pack: &TokenBatch) -> Result<Array2<f32>> {
        match &self.transformer {
            Transformer::Own(embeddings, layers) => {
                let mut hidden = embeddings.forward(pack);
                layers.forward(&mut hidden, pack);
                Ok(hidden)
            }
            #[cfg(feature = "rust-bert")]
            Transformer::Libtorch(layers) => layers.forward(pack),
        }
    }

    /// The tokenizer of the model.
    pub(super) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The ids of each text in its parts.
    fn tokenize<'t, T: AsRef<[&'t str]> + Sync>(&self, texts: &[T]) -> Result<Vec<Parted>> {
        texts
            .par_iter()
            .with_min_len(TOKENIZE_TEXTS)
            .map(|parts| self.tokenizer.encode_parts(parts.as_ref()))
            .collect::<std::result::Result<_, _>>()
            .map_err(|message| {
                let hint = "its tokenizer.json does not fit the text; use another encoder";
                Error::encoder(&self.name, format!("cannot tokenize: {message}"), hint)
            })
    }
}

impl Embedder for BertEmbedder {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimension(&self) -> usize {
        self.modules.dimension(self.hidden_size)
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn precision(&self) -> Option<Precision> {
        match self.transformer {
            Transformer::Own(_, Layers::Int8(_)) => Some(Precision::Int8),
            Transformer::Own(_, Layers::F32(_)) => Some(Precision::F32),
            #[cfg(feature = "rust-bert")]
            Transformer::Libtorch(_) => None,
        }
    }

    /// A text of more tokens than the model reads is cut into windows of equal length, whose vectors
    /// are averaged by their number of tokens.
    fn embed(&self, texts: &[&str]) -> Result<EmbeddingMatrix> {
        self.embed_with_logits(texts).map(|(vectors, _)| vectors)
    }

    fn heads(&self) -> Option<&Heads> {
        self.heads.as_ref().map(|(heads, _)| heads)
    }

    /// A text of several windows has a theme where one of them has: the largest logit counts.
    fn embed_with_logits(&self, texts: &[&str]) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        let texts: Vec<[&str; 1]> = texts.iter().map(|text| [*text]).collect();
        self.read(&self.tokenize(&texts)?)
    }

    /// A sentence is read once, after the prompt where the model has one, and a part's vector is pooled
    /// from its own tokens: half the work of reading the parts too, and each part is seen in its
    /// context. A model whose first or last token stands for the text has none for a part; it reads
    /// each by itself.
    fn embed_parts(
        &self,
        sentences: &[Vec<&str>],
    ) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        if !self.modules.pooling.reads_parts() {
            return super::embed_apart(self, sentences);
        }
        self.read(&self.tokenize(sentences)?)
    }
}

fn load_tokenizer(
    folder: &mut ModelFolder,
    preparation: Preparation,
    (config, max_tokens): (&Config, usize),
) -> Result<Tokenizer> {
    let (file, tokenizer) = read_tokenizer(folder, preparation)?;
    let specials = tokenizer.specials();
    if tokenizer.max_id() as usize >= config.vocab_size {
        let (id, size) = (tokenizer.max_id(), config.vocab_size);
        let message = format!("token id {id} is outside the {size} rows that config.json tells of");
        return Err(folder.fault(file, message));
    }
    if specials.before.len() + specials.after.len() >= max_tokens {
        let message = format!(
            "special tokens and the prompt leave no room in a window of {max_tokens} tokens"
        );
        return Err(folder.fault(file, message));
    }
    Ok(tokenizer)
}

const JSON: &str = "tokenizer.json";
/// In place of tokenizer.json in the built-in model: its tokens, without the special ones.
const LIST: &str = "vocab.txt";

/// The file that tells of the tokens, and what it tells.
fn read_tokenizer(
    folder: &mut ModelFolder,
    preparation: Preparation,
) -> Result<(&'static str, Tokenizer)> {
    if let Some(json) = folder.read_if_present(JSON)? {
        let tokenizer = Tokenizer::prepared(&json, preparation);
        return Ok((JSON, tokenizer.map_err(|message| folder.fault(JSON, message))?));
    }
    let list = folder.read_if_present(LIST)?.filter(|list| !is_of_transformers(list));
    if let Some(list) = list {
        let tokenizer = Tokenizer::from_list(&list);
        return Ok((LIST, tokenizer.map_err(|message| folder.fault(LIST, message))?));
    }
    let older = [LIST, "sentencepiece.bpe.model", "vocab.json", "merges.txt"];
    match older.into_iter().find(|file| folder.has(file)) {
        Some(older) => Err(Error::encoder(
            folder.name(),
            format!("{JSON} is missing, and {older} is not read in its place"),
            format!(
                "make it with Python: from transformers import AutoTokenizer; AutoTokenizer.\
                 from_pretrained(\"{0}\").save_pretrained(\"{0}\")",
                folder.place("")
            ),
        )),
        None => Err(folder.missing(JSON)),
    }
}

/// Whether a list of tokens holds the special ones too, as BERT's own lists do.
fn is_of_transformers(list: &[u8]) -> bool {
    list.split(|&byte| byte == b'\n').any(|line| line.trim_ascii_end() == b"[UNK]")
}

type Parts = (Embeddings, Layers, Option<ThemeHeads>);

fn parts(
    weights: &Weights<'_>,
    (config, max_tokens): (&Config, usize),
    (precision, level): (Precision, Level),
) -> std::result::Result<Parts, String> {
    let heads = config.theme_heads.as_ref();
    let heads =
        heads.map(|heads| ThemeHeads::load(weights, heads.labels.len(), config.hidden_size));
    let bias = relative::bias(weights, config, max_tokens)?;
    let layers = match precision {
        Precision::Int8 => Layers::Int8(ByteEncoder::load(weights, config, bias, level)?),
        Precision::F32 => Layers::F32(Encoder::load(weights, config, bias)?),
    };
    Ok((Embeddings::load(weights, config)?, layers, heads.transpose()?))
}

#[cfg(test)]
mod tests;
