//! The transformer on libtorch, by the crate rust-bert, in place of ours: windows, pooling and heads
//! stay what they are, so a text is cut, read in parts and pooled as everywhere else.
//!
//! libtorch wants batches of equal length: windows are sorted by length, and the shorter ones of a
//! batch padded, the padding masked. So a row depends on its company as far as the rounding of f32
//! goes, not beyond.

use super::config::Config;
use super::{BertEmbedder, Transformer};
use crate::embed::folder::ModelFolder;
use crate::embed::{Device, Precision};
use crate::error::{Error, Result};
use crate::tokenize::TokenBatch;
use ndarray::{Array2, Axis};
use rust_bert::bert::{BertConfig, BertForSentenceEmbeddings};
use rust_bert::resources::{LocalResource, load_weights};
use rust_bert::{Activation, RustBertError};
use safetensors::tensor::{Dtype, SafeTensors};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};
use tch::nn::VarStore;
use tch::{Kind, Tensor};

/// Tokens that are sent to libtorch together.
pub(super) const PACK_TOKENS: usize = 16_384;

/// Tokens of a batch on the processor, padding included: more would leave its caches.
const CPU_BATCH: usize = 2048;

/// Tokens of a batch on a GPU, padding included: fewer would leave it idle.
const CUDA_BATCH: usize = PACK_TOKENS;

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";

/// What rust-bert adds to a variance, whatever config.json says.
const LAYER_NORM_EPS: f64 = 1e-12;

/// What the fingerprint tells beside the files. Vectors of a GPU and of the processor, and of one
/// number of threads and another, differ by rounding; it is the same for all of them.
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
        let weights = LocalResource { local_path: folder.place(WEIGHTS) };
        // Ours is loaded first: it names every fault that the files may have.
        let own = BertEmbedder::load(folder, config.clone(), Precision::F32)?;
        let model = Model { config: of_rust_bert(&config), prefix, weights, device: on(device) };
        let layers = TorchLayers::start(name, model, config.hidden_size)?;
        let fingerprint = format!("{}\0{LIBTORCH}", own.fingerprint);
        Ok(BertEmbedder {
            fingerprint: blake3::hash(fingerprint.as_bytes()).to_hex().to_string(),
            transformer: Transformer::Libtorch(layers),
            ..own
        })
    }
}

/// config.json, where rust-bert can follow it.
fn read_config(folder: &mut ModelFolder) -> Result<Config> {
    let bytes = folder.read(CONFIG)?;
    let told: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| folder.fault(CONFIG, error))?;
    let kind = told.get("model_type").and_then(serde_json::Value::as_str).unwrap_or("none");
    if kind != "bert" {
        let message = format!("model_type `{kind}` is not computed by libtorch here; `bert` is");
        return Err(folder.fault(CONFIG, message));
    }
    let config: Config =
        serde_json::from_value(told).map_err(|error| folder.fault(CONFIG, error))?;
    if config.layer_norm_eps != LAYER_NORM_EPS {
        let message = format!(
            "layer_norm_eps is {:e}; rust-bert computes with {LAYER_NORM_EPS:e} alone",
            config.layer_norm_eps
        );
        return Err(folder.fault(CONFIG, message));
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
        hidden_act: Activation::gelu,
        attention_probs_dropout_prob: 0.0,
        hidden_dropout_prob: 0.0,
        hidden_size: config.hidden_size as i64,
        intermediate_size: config.intermediate_size as i64,
        max_position_embeddings: config.max_position_embeddings as i64,
        num_attention_heads: config.num_attention_heads as i64,
        num_hidden_layers: config.num_hidden_layers as i64,
        type_vocab_size: config.type_vocab_size as i64,
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

/// A model on a thread of its own: tensors are not to be shared between threads, and what libtorch
/// panics at, such as memory that a GPU lacks, ends that thread and not the program.
pub(super) struct TorchLayers {
    name: String,
    hidden: usize,
    /// Closed before the thread is waited for, since it ends when no more can come.
    jobs: Sender<Job>,
    _thread: Ended,
}

/// A thread that is waited for when this is dropped: libtorch must not be at work when the program
/// ends.
struct Ended(Option<JoinHandle<()>>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.take().map(JoinHandle::join);
    }
}

/// Windows to read, and where their vectors go.
struct Job {
    windows: TokenBatch,
    n_threads: usize,
    answer: SyncSender<Answer>,
}

/// The vectors of all tokens, shape `(n_tokens, hidden)`, row by row.
type Answer = std::result::Result<Vec<f32>, RustBertError>;

impl TorchLayers {
    fn start(name: String, model: Model, hidden: usize) -> Result<Self> {
        let (jobs, received) = channel();
        let (loaded, is_loaded) = sync_channel(1);
        let thread = thread::Builder::new().name("libtorch".to_owned());
        let run = move || match model.load() {
            Ok(loaded_model) => {
                let _ = loaded.send(Ok(()));
                loaded_model.serve(&received);
            }
            Err(error) => {
                let _ = loaded.send(Err(error));
            }
        };
        let thread =
            thread.spawn(run).map_err(|error| fault(&name, format!("no thread: {error}")))?;
        answered(&name, is_loaded.recv())?;
        Ok(TorchLayers { name, hidden, jobs, _thread: Ended(Some(thread)) })
    }

    /// The vectors of all tokens of a pack, shape `(n_tokens, hidden)`.
    pub fn forward(&self, pack: &TokenBatch) -> Result<Array2<f32>> {
        let (answer, answered_by) = sync_channel(1);
        let n_threads = rayon::current_num_threads();
        // Where the thread has ended, so has the sender of the answer: that is told below.
        let _ = self.jobs.send(Job { windows: pack.clone(), n_threads, answer });
        let values = answered(&self.name, answered_by.recv())?;
        let shape = (pack.n_tokens(), self.hidden);
        Array2::from_shape_vec(shape, values).map_err(|error| fault(&self.name, error))
    }
}

/// What the thread answered, or that it has ended.
fn answered<T>(
    name: &str,
    answer: std::result::Result<std::result::Result<T, RustBertError>, std::sync::mpsc::RecvError>,
) -> Result<T> {
    match answer {
        Ok(answer) => answer.map_err(|error| fault(name, error)),
        Err(_) => Err(fault(name, "it ended early; its last words stand above")),
    }
}

fn fault(name: &str, cause: impl std::fmt::Display) -> Error {
    let hint = "where memory is short, take another --device; without `rust-bert:` the model is computed \
                in plain Rust";
    Error::encoder(name, format!("libtorch failed: {cause}"), hint)
}

/// What a model is loaded from.
struct Model {
    config: BertConfig,
    prefix: Option<&'static str>,
    weights: LocalResource,
    device: tch::Device,
}

impl Model {
    /// Builds the model and reads its weights, as f32, by their names.
    fn load(self) -> std::result::Result<Loaded, RustBertError> {
        let mut store = VarStore::new(self.device);
        let root = match self.prefix {
            Some(prefix) => store.root() / prefix,
            None => store.root(),
        };
        // The pooler is for training: some exports leave it out.
        let model = BertForSentenceEmbeddings::new_with_optional_pooler(root, &self.config, false);
        load_weights(&self.weights, &mut store, Some(Kind::Float), self.device)?;
        store.freeze();
        Ok(Loaded { model, device: self.device, hidden: self.config.hidden_size as usize })
    }
}

/// A model in libtorch.
struct Loaded {
    model: BertForSentenceEmbeddings,
    device: tch::Device,
    hidden: usize,
}

impl Loaded {
    /// Reads windows for as long as somebody sends some.
    fn serve(&self, jobs: &Receiver<Job>) {
        for job in jobs {
            if let Ok(n_threads) = i32::try_from(job.n_threads) {
                tch::set_num_threads(n_threads);
            }
            let _ = job.answer.send(tch::no_grad(|| self.read(&job.windows)));
        }
    }

    fn read(&self, windows: &TokenBatch) -> Answer {
        let size = if self.device.is_cuda() { CUDA_BATCH } else { CPU_BATCH };
        let mut vectors = Array2::zeros((windows.n_tokens(), self.hidden));
        let mut firsts = Vec::with_capacity(windows.n_rows());
        windows.rows().fold(0, |first, window| {
            firsts.push(first);
            first + window.len()
        });
        for rows in batches(windows, size) {
            let (values, longest) = self.read_batch(windows, &rows)?;
            let padded = values.chunks_exact(longest * self.hidden);
            for (&row, values) in rows.iter().zip(padded) {
                let n_values = windows.row(row).len() * self.hidden;
                let tokens = firsts[row]..firsts[row] + windows.row(row).len();
                let mut place = vectors.slice_axis_mut(Axis(0), tokens.into());
                place.iter_mut().zip(&values[..n_values]).for_each(|(to, &from)| *to = from);
            }
        }
        Ok(vectors.into_raw_vec_and_offset().0)
    }

    /// The vectors of the tokens of some windows, padding and all: shape
    /// `(n_windows, longest, hidden)`; and the length of the longest.
    fn read_batch(
        &self,
        windows: &TokenBatch,
        rows: &[usize],
    ) -> std::result::Result<(Vec<f32>, usize), RustBertError> {
        let longest = rows.iter().map(|&row| windows.row(row).len()).max().unwrap_or(0);
        let padded = |row: usize| {
            let ids = windows.row(row).iter().map(|&id| Some(i64::from(id)));
            ids.chain(std::iter::repeat(None)).take(longest)
        };
        let ids: Vec<Option<i64>> = rows.iter().flat_map(|&row| padded(row)).collect();
        let tensor = |value: fn(&Option<i64>) -> i64| {
            let values: Vec<i64> = ids.iter().map(value).collect();
            let shape = [rows.len() as i64, longest as i64];
            Tensor::f_from_slice(&values)?.f_view(shape)?.f_to(self.device)
        };
        let (ids, mask) = (tensor(|id| id.unwrap_or(0))?, tensor(|id| i64::from(id.is_some()))?);
        let read = &self.model;
        let output =
            read.forward_t(Some(&ids), Some(&mask), None, None, None, None, None, false)?;
        let hidden = output.hidden_state.f_to_kind(Kind::Float)?.f_to(tch::Device::Cpu)?;
        Ok((Vec::try_from(hidden.f_contiguous()?.f_flatten(0, -1)?)?, longest))
    }
}

/// The rows of windows of like length, shortest first: at most `size` tokens a batch of several, each
/// counted at the length of the longest.
fn batches(windows: &TokenBatch, size: usize) -> Vec<Vec<usize>> {
    let length = |row: usize| windows.row(row).len();
    let mut rows: Vec<usize> = (0..windows.n_rows()).collect();
    rows.sort_by_key(|&row| length(row));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for row in rows {
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * length(row) <= size => batch.push(row),
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
    fn every_window_is_in_one_batch_and_no_batch_of_several_is_over_the_limit() {
        let lengths = [5, 1, 9, 30, 2, 2, 5, 8, 1, 1];
        let batches = batches(&windows(&lengths), 16);
        let mut rows: Vec<usize> = batches.concat();
        let order: Vec<usize> = rows.iter().map(|&row| lengths[row]).collect();
        assert!(order.is_sorted(), "like lengths stand together: {order:?}");
        rows.sort_unstable();
        assert_eq!(rows, Vec::from_iter(0..lengths.len()));
        let padded =
            |batch: &[usize]| batch.len() * batch.iter().map(|&r| lengths[r]).max().unwrap();
        assert!(batches.iter().all(|batch| batch.len() == 1 || padded(batch) <= 16), "{batches:?}");
        assert!(batches.len() < lengths.len());
        assert!(super::batches(&windows(&[]), 16).is_empty());
    }

    /// rust-bert asserts that the heads divide the hidden size; our check of config.json comes first
    /// in earnest.
    #[test]
    fn a_panic_of_libtorch_ends_its_thread_and_not_the_program() {
        let config =
            BertConfig { num_attention_heads: 7, hidden_size: 32, ..BertConfig::default() };
        let weights = LocalResource { local_path: "nowhere".into() };
        let model = Model { config, prefix: None, weights, device: tch::Device::Cpu };
        let error = TorchLayers::start("tiny".to_owned(), model, 32).err().expect("no such model");
        assert!(error.to_string().contains("libtorch failed: it ended early"), "{error}");
        assert!(error.hint().is_some());
    }

    #[test]
    fn weights_that_are_not_there_are_named_by_what_libtorch_says() {
        let config = BertConfig { num_hidden_layers: 1, ..BertConfig::default() };
        let weights = LocalResource { local_path: "nowhere.safetensors".into() };
        let model = Model { config, prefix: None, weights, device: tch::Device::Cpu };
        let error = TorchLayers::start("tiny".to_owned(), model, 32).err().expect("no weights");
        assert!(error.to_string().contains("encoder `tiny`: libtorch failed: "), "{error}");
    }
}
