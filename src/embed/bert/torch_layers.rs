//! The transformer on libtorch, by the crate rust-bert, in place of ours: windows, pooling and heads
//! stay what they are, so a text is cut, read in parts and pooled as everywhere else.
//!
//! libtorch wants batches of equal length: windows are sorted by length, and the shorter ones of a
//! batch padded, the padding masked. So a row depends on its company as far as the rounding of f32
//! goes, not beyond.

use super::config::{Config, FILE as CONFIG};
use super::family::Family;
use super::windows::Limits;
use super::{BertEmbedder, Transformer};
use crate::embed::folder::ModelFolder;
use crate::embed::kernel::Activation;
use crate::embed::{Device, Precision};
use crate::error::{Error, Result};
use crate::tokenize::TokenBatch;
use ndarray::{Array2, Array3, s};
use rust_bert::RustBertError;
use rust_bert::bert::{BertConfig, BertForSentenceEmbeddings};
use rust_bert::resources::{LocalResource, load_weights};
use safetensors::tensor::{Dtype, SafeTensors};
use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use tch::nn::VarStore;
use tch::{Kind, Tensor};

/// Tokens that are sent to libtorch together on the processor: enough to find windows of like length.
const CPU_PACK: usize = 8192;

/// On the processor, more tokens would leave its caches, and padding costs as much as text.
const CPU_BATCH: BatchLimits = BatchLimits { tokens: 1024, stretch: 1.15 };

/// On a GPU, fewer tokens would leave it idle, as would more and smaller batches.
const CUDA_BATCH: BatchLimits = BatchLimits { tokens: 32_768, stretch: f64::INFINITY };

/// What windows may go through the layers together.
#[derive(Clone, Copy)]
struct BatchLimits {
    /// Most tokens of a batch of several windows, padding included.
    tokens: usize,
    /// Most that the longest window may be of the shortest, at least 1.
    stretch: f64,
}

const WEIGHTS: &str = "model.safetensors";

/// What rust-bert adds to a variance, whatever config.json says.
const LAYER_NORM_EPS: f32 = 1e-12;

/// What the fingerprint tells beside the files. Vectors of a GPU and of a processor differ by rounding;
/// it is the same for both.
const LIBTORCH: &str = "libtorch 2.4";

impl BertEmbedder {
    /// Loads the model in `folder` into libtorch.
    pub(in crate::embed) fn load_on_libtorch(
        mut folder: ModelFolder,
        device: Device,
    ) -> Result<Self> {
        let config = read_config(&mut folder)?;
        let prefix = check_weights(&mut folder)?;
        let name = folder.name().to_owned();
        let weights = LocalResource { local_path: folder.path_of(WEIGHTS) };
        // Ours is loaded first: it names every fault that the files may have.
        let own = BertEmbedder::load(folder, Precision::F32)?;
        let plan = Plan { config: of_rust_bert(&config), prefix, device: on(device) };
        let layers = TorchLayers::load(&name, plan, &weights)?;
        let fingerprint = format!("{}\0{LIBTORCH}", own.fingerprint);
        Ok(BertEmbedder {
            fingerprint: blake3::hash(fingerprint.as_bytes()).to_hex().to_string(),
            limits: Limits { pack_tokens: layers.pack_tokens(), ..own.limits },
            transformer: Transformer::Libtorch(layers),
            ..own
        })
    }
}

/// config.json, where rust-bert can follow it.
fn read_config(folder: &mut ModelFolder) -> Result<Config> {
    let config = Config::load(folder)?;
    let told = |message: &str| Err(folder.fault(CONFIG, message));
    if config.family != Family::Bert {
        return told("model_type is not `bert`, which alone is computed by libtorch here");
    }
    if config.activation != Activation::Gelu {
        return told("hidden_act is not `gelu`, which alone is computed by libtorch here");
    }
    if config.layer_norm_eps != LAYER_NORM_EPS {
        let message = format!(
            "layer_norm_eps is {:e}; rust-bert computes with {LAYER_NORM_EPS:e} alone",
            config.layer_norm_eps
        );
        return told(&message);
    }
    Ok(config)
}

/// What stands before the names of the weights, all of which must be floating-point numbers.
fn check_weights(folder: &mut ModelFolder) -> Result<Option<&'static str>> {
    let bytes = folder.read(WEIGHTS)?;
    let tensors = SafeTensors::deserialize(&bytes)
        .map_err(|error| folder.fault(WEIGHTS, format!("{error}; was the download cut short?")))?;
    let is_float = |dtype| matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16);
    let whole = |name: &str| name.ends_with(".weight") || name.ends_with(".bias");
    let other = tensors.iter().find(|(name, tensor)| whole(name) && !is_float(tensor.dtype()));
    if let Some((name, tensor)) = other {
        let message =
            format!("tensor {name} is of type {:?}; F32, F16 and BF16 are read", tensor.dtype());
        return Err(folder.fault(WEIGHTS, message));
    }
    Ok(tensors.names().iter().any(|name| name.starts_with("bert.embeddings.")).then_some("bert"))
}

/// Ours in rust-bert's words; what is for training is left at nothing.
fn of_rust_bert(config: &Config) -> BertConfig {
    BertConfig {
        hidden_act: rust_bert::Activation::gelu,
        attention_probs_dropout_prob: 0.0,
        hidden_dropout_prob: 0.0,
        hidden_size: config.hidden_size as i64,
        intermediate_size: config.intermediate_size as i64,
        max_position_embeddings: config.n_positions as i64,
        num_attention_heads: config.n_heads as i64,
        num_hidden_layers: config.n_layers as i64,
        type_vocab_size: config.n_sentence_kinds as i64,
        vocab_size: config.vocab_size as i64,
        ..BertConfig::default()
    }
}

fn on(device: Device) -> tch::Device {
    match device {
        Device::Cpu => tch::Device::Cpu,
        Device::Cuda(number) => tch::Device::Cuda(number),
    }
}

/// A model in libtorch, in as many places as there are threads, the weights shared: each place works
/// on one batch with one thread, so that results do not depend on how many there are.
pub(super) struct TorchLayers {
    name: String,
    plan: Plan,
    /// By name, as the first place read them; tensors are not to be shared without a lock.
    weights: Mutex<HashMap<String, Tensor>>,
    places: Vec<Mutex<Option<BertForSentenceEmbeddings>>>,
}

/// The outcome of what rust-bert and libtorch do.
type Done<T> = std::result::Result<T, RustBertError>;

impl TorchLayers {
    /// Reads the weights of `plan`, as f32, from `file`.
    fn load(name: &str, plan: Plan, file: &LocalResource) -> Result<Self> {
        let (first, weights) = guarded(name, || plan.read(file))?;
        // A GPU computes one batch after another.
        let n_places = if plan.device.is_cuda() { 1 } else { rayon::current_num_threads() };
        let mut places: Vec<_> = (0..n_places.max(1)).map(|_| Mutex::new(None)).collect();
        places[0] = Mutex::new(Some(first));
        Ok(TorchLayers { name: name.to_owned(), plan, weights: Mutex::new(weights), places })
    }

    /// Tokens that are sent to libtorch together: of these, windows of like length make a batch.
    pub fn pack_tokens(&self) -> usize {
        if self.plan.device.is_cuda() { CUDA_BATCH.tokens } else { CPU_PACK }
    }

    /// The vectors of all tokens of a pack, shape `(n_tokens, hidden)`.
    pub fn forward(&self, pack: &TokenBatch) -> Result<Array2<f32>> {
        ONE_THREAD.with(|()| ());
        let place = rayon::current_thread_index().unwrap_or(0) % self.places.len();
        let mut place = self.places[place].lock().unwrap_or_else(PoisonError::into_inner);
        guarded(&self.name, || {
            let model = match place.take() {
                Some(model) => model,
                None => self.plan.share(&self.weights)?,
            };
            self.plan.run(place.insert(model), pack)
        })
    }
}

thread_local! {
    /// Makes libtorch use this thread alone for what this thread asks.
    static ONE_THREAD: () = tch::set_num_threads(1);
}

/// What `work` gives; where libtorch panics, as it does where a GPU lacks memory, that is an error.
fn guarded<T>(name: &str, work: impl FnOnce() -> Done<T>) -> Result<T> {
    let fault = |cause: String| {
        let hint = "where memory is short, take another --device; without `rust-bert:` the model is \
                    computed in plain Rust";
        Error::encoder(name, format!("libtorch failed: {cause}"), hint)
    };
    match catch_unwind(AssertUnwindSafe(|| tch::no_grad(work))) {
        Ok(done) => done.map_err(|error| fault(error.to_string())),
        Err(panic) => Err(fault(last_words(&*panic))),
    }
}

/// The message of a panic.
fn last_words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it gave no reason").to_owned()
}

/// The shape of a model, and where it computes.
struct Plan {
    config: BertConfig,
    /// What stands before the names of weights.
    prefix: Option<&'static str>,
    device: tch::Device,
}

impl Plan {
    /// A model whose weights, which the store holds, are yet to come. Without the pooler, which is
    /// for training: some exports leave it out.
    fn build(&self) -> (VarStore, BertForSentenceEmbeddings) {
        let store = VarStore::new(self.device);
        let root = match self.prefix {
            Some(prefix) => store.root() / prefix,
            None => store.root(),
        };
        let model = BertForSentenceEmbeddings::new_with_optional_pooler(root, &self.config, false);
        (store, model)
    }

    /// A model with the weights of a file, and these.
    fn read(
        &self,
        file: &LocalResource,
    ) -> Done<(BertForSentenceEmbeddings, HashMap<String, Tensor>)> {
        let (mut store, model) = self.build();
        load_weights(file, &mut store, Some(Kind::Float), self.device)?;
        store.freeze();
        Ok((model, store.variables()))
    }

    /// Another model with the same weights, not a copy of them.
    fn share(&self, weights: &Mutex<HashMap<String, Tensor>>) -> Done<BertForSentenceEmbeddings> {
        let (store, model) = self.build();
        let weights = weights.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, mut variable) in store.variables() {
            let unread = || RustBertError::ValueError(format!("weight {name} was not read"));
            variable.set_data(weights.get(&name).ok_or_else(unread)?);
        }
        Ok(model)
    }

    /// The vectors of all tokens of a pack, shape `(n_tokens, hidden)`.
    fn run(&self, model: &BertForSentenceEmbeddings, pack: &TokenBatch) -> Done<Array2<f32>> {
        let limits = if self.device.is_cuda() { CUDA_BATCH } else { CPU_BATCH };
        let mut vectors = Array2::zeros((pack.n_tokens(), self.config.hidden_size as usize));
        let firsts: Vec<usize> = starts(pack);
        for rows in batches(pack, limits) {
            let hidden = self.run_batch(model, pack, &rows)?;
            for (&row, hidden) in rows.iter().zip(hidden.outer_iter()) {
                let n_tokens = pack.row(row).len();
                let tokens = firsts[row]..firsts[row] + n_tokens;
                vectors.slice_mut(s![tokens, ..]).assign(&hidden.slice(s![..n_tokens, ..]));
            }
        }
        Ok(vectors)
    }

    /// The vectors of the tokens of some windows, padding and all: shape
    /// `(n_windows, longest, hidden)`.
    fn run_batch(
        &self,
        model: &BertForSentenceEmbeddings,
        pack: &TokenBatch,
        rows: &[usize],
    ) -> Done<Array3<f32>> {
        let longest = rows.iter().map(|&row| pack.row(row).len()).max().unwrap_or(0);
        let padded = |row: usize| {
            let ids = pack.row(row).iter().map(|&id| Some(i64::from(id)));
            ids.chain(std::iter::repeat(None)).take(longest)
        };
        let ids: Vec<Option<i64>> = rows.iter().flat_map(|&row| padded(row)).collect();
        let tensor = |value: fn(&Option<i64>) -> i64| {
            let values: Vec<i64> = ids.iter().map(value).collect();
            let shape = [rows.len() as i64, longest as i64];
            Tensor::f_from_slice(&values)?.f_view(shape)?.f_to(self.device)
        };
        let (ids, mask) = (tensor(|id| id.unwrap_or(0))?, tensor(|id| i64::from(id.is_some()))?);
        let output =
            model.forward_t(Some(&ids), Some(&mask), None, None, None, None, None, false)?;
        let hidden = output.hidden_state.f_to(tch::Device::Cpu)?.f_flatten(0, -1)?;
        let shape = (rows.len(), longest, self.config.hidden_size as usize);
        Array3::from_shape_vec(shape, Vec::try_from(hidden)?)
            .map_err(|error| RustBertError::ValueError(error.to_string()))
    }
}

/// The first token of each window of a pack.
fn starts(pack: &TokenBatch) -> Vec<usize> {
    let lengths = pack.rows().map(<[u32]>::len);
    let next = |first: &mut usize, length| Some(std::mem::replace(first, *first + length));
    lengths.scan(0, next).collect()
}

/// The rows of windows of like length, shortest first, within the limits.
fn batches(windows: &TokenBatch, limits: BatchLimits) -> Vec<Vec<usize>> {
    let length = |row: usize| windows.row(row).len();
    let fits = |batch: &[usize], longest: usize| {
        (batch.len() + 1) * longest <= limits.tokens
            && longest as f64 <= limits.stretch * length(batch[0]) as f64
    };
    let mut rows: Vec<usize> = (0..windows.n_rows()).collect();
    rows.sort_by_key(|&row| length(row));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for row in rows {
        match batches.last_mut() {
            Some(batch) if fits(batch, length(row)) => batch.push(row),
            _ => batches.push(vec![row]),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(lengths: &[usize]) -> TokenBatch {
        let mut windows = TokenBatch::default();
        for &length in lengths {
            windows.push_with(|ids| ids.resize(ids.len() + length, 7));
        }
        windows
    }

    #[test]
    fn every_window_is_in_one_batch_of_like_lengths_and_no_batch_of_several_is_over_the_limit() {
        let lengths = [5, 1, 9, 30, 2, 2, 5, 8, 1, 1, 9, 9];
        let limits = BatchLimits { tokens: 16, stretch: 1.5 };
        let batches = batches(&windows(&lengths), limits);
        let mut rows: Vec<usize> = batches.concat();
        let order: Vec<usize> = rows.iter().map(|&row| lengths[row]).collect();
        assert!(order.is_sorted(), "{order:?}");
        rows.sort_unstable();
        assert_eq!(rows, Vec::from_iter(0..lengths.len()));
        let of = |batch: &Vec<usize>| batch.iter().map(|&row| lengths[row]).collect::<Vec<_>>();
        let batches: Vec<Vec<usize>> = batches.iter().map(of).collect();
        let expected: [&[usize]; 8] = [&[1, 1, 1], &[2, 2], &[5, 5], &[8], &[9], &[9], &[9], &[30]];
        assert_eq!(batches, expected);
        assert!(super::batches(&windows(&[]), limits).is_empty());
    }

    /// rust-bert asserts that the heads divide the hidden size; our check of config.json comes first
    /// in earnest.
    #[test]
    fn a_panic_of_libtorch_is_an_error() {
        let config =
            BertConfig { num_attention_heads: 7, hidden_size: 32, ..BertConfig::default() };
        let weights = LocalResource { local_path: "nowhere".into() };
        let plan = Plan { config, prefix: None, device: tch::Device::Cpu };
        let error = TorchLayers::load("tiny", plan, &weights).err().expect("no such model");
        assert!(error.to_string().contains("encoder `tiny`: libtorch failed: "), "{error}");
        assert!(error.hint().is_some());
    }

    #[test]
    fn weights_that_are_not_there_are_named_by_what_libtorch_says() {
        let config = BertConfig { num_hidden_layers: 1, ..BertConfig::default() };
        let weights = LocalResource { local_path: "nowhere.safetensors".into() };
        let plan = Plan { config, prefix: None, device: tch::Device::Cpu };
        let error = TorchLayers::load("tiny", plan, &weights).err().expect("no weights");
        assert!(error.to_string().contains("encoder `tiny`: libtorch failed: "), "{error}");
    }
}
