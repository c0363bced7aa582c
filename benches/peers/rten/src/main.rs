//! A model that reads the same texts again on every line that comes in, by rten: a peer of the bench `rate`, which
//! answers alike.
//!
//! ```text
//! rten-peer MODEL.onnx TOKENIZER.json TEXTS.jsonl
//! ```
//!
//! TEXTS has a JSON string a line. Answers with the seconds that the reading took; to the line `vectors FILE` with the
//! vectors, f32 in rows, little endian.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead};
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use tokenizers::{PaddingParams, Tokenizer, TruncationParams};

/// Texts of a batch, of like length; as of the peers in Python.
const BATCH: usize = 32;
/// Most tokens of a text.
const MAX_TOKENS: usize = 256;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

struct Peer {
    tokenizer: Tokenizer,
    model: Model,
    /// Ids, mask, types.
    inputs: [NodeId; 3],
    hidden: NodeId,
    /// A batch a thread, and one thread a batch, which was faster than threads within one.
    one_thread: Vec<Arc<ThreadPool>>,
}

fn main() -> Fallible<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [model, tokenizer, texts] = given.as_slice() else {
        return Err("rten-peer MODEL.onnx TOKENIZER.json TEXTS.jsonl".into());
    };
    let peer = Peer::open(model, tokenizer)?;
    let texts = fs::read_to_string(texts)?;
    let texts: Vec<String> = texts.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    for line in io::stdin().lock().lines() {
        let start = Instant::now();
        let vectors = peer.read(&texts)?;
        let seconds = start.elapsed().as_secs_f64();
        if let Some(path) = line?.strip_prefix("vectors ") {
            let bytes: Vec<u8> = vectors.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
            fs::write(path, bytes)?;
        }
        println!("{seconds}");
    }
    Ok(())
}

impl Peer {
    fn open(model: &str, tokenizer: &str) -> Fallible<Self> {
        let mut tokenizer = Tokenizer::from_file(tokenizer)?;
        let truncation = TruncationParams { max_length: MAX_TOKENS, ..Default::default() };
        tokenizer.with_truncation(Some(truncation))?;
        tokenizer.with_padding(Some(PaddingParams::default()));
        let model = ModelOptions::with_all_ops().prepack_weights(true).load_file(model)?;
        let input = |name| model.node_id(name);
        let inputs = [input("input_ids")?, input("attention_mask")?, input("token_type_ids")?];
        let hidden = model.node_id("hidden")?;
        let one = |_| Arc::new(ThreadPool::with_num_threads(1));
        let one_thread = (0..rayon::current_num_threads()).map(one).collect();
        Ok(Peer { tokenizer, model, inputs, hidden, one_thread })
    }

    fn read(&self, texts: &[String]) -> Fallible<Vec<Vec<f32>>> {
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&text| std::cmp::Reverse(texts[text].len()));
        let read: Vec<Vec<Vec<f32>>> = order
            .par_chunks(BATCH)
            .with_max_len(1)
            .map(|rows| self.batch(rows.iter().map(|&row| texts[row].as_str()).collect()))
            .collect::<Fallible<_>>()?;
        let mut vectors = vec![Vec::new(); texts.len()];
        for (row, vector) in order.into_iter().zip(read.into_iter().flatten()) {
            vectors[row] = vector;
        }
        Ok(vectors)
    }

    fn batch(&self, texts: Vec<&str>) -> Fallible<Vec<Vec<f32>>> {
        let coded = self.tokenizer.encode_batch(texts, true)?;
        let shape = [coded.len(), coded.first().map_or(0, |text| text.len())];
        let tensor = |of: fn(&tokenizers::Encoding) -> &[u32]| {
            let all: Vec<i32> = coded.iter().flat_map(of).map(|&x| x as i32).collect();
            NdTensor::<i32, 2>::from_data(shape, all)
        };
        let ids = tensor(|text| text.get_ids());
        let mask = tensor(|text| text.get_attention_mask());
        let types = tensor(|text| text.get_type_ids());
        let values = [ids.view().into(), mask.view().into(), types.view().into()];
        let pool = self.one_thread[rayon::current_thread_index().unwrap_or(0)].clone();
        let options = RunOptions::default().with_thread_pool(Some(pool));
        let inputs = self.inputs.into_iter().zip(values).collect();
        let [hidden] = self.model.run_n(inputs, [self.hidden], Some(options))?;
        let hidden: NdTensor<f32, 3> = hidden.try_into()?;
        let mean = |(text, rows): (usize, &tokenizers::Encoding)| {
            let n_tokens = rows.get_attention_mask().iter().sum::<u32>() as usize;
            let mut sum = vec![0.0; hidden.size(2)];
            for token in 0..n_tokens {
                let row = hidden.slice((text, token));
                sum.iter_mut().zip(row.iter()).for_each(|(sum, x): (&mut f32, &f32)| *sum += x);
            }
            let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
            sum.iter_mut().for_each(|x| *x /= length);
            sum
        };
        Ok(coded.iter().enumerate().map(mean).collect())
    }
}
