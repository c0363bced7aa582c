//! How fast a transformer reads sentences at 8 bits and at f32, and how near the vectors are; with the
//! feature `rust-bert`, over libtorch too.
//!
//! ```text
//! cargo bench --bench encoders -- [ENCODER] [SENTENCES]
//! ```
//!
//! ENCODER is `reader` if none is named; SENTENCES a file with one a line, if none is given those of
//! the example corpus. They take turns on the same sentences and threads (`RAYON_NUM_THREADS`);
//! `THEMELINE_KERNEL` names slower instructions for the 8 bits (`avx512`, `avx-vnni`, `avx2`; `portable`).

use std::fs;
use std::time::Instant;

use themeline::embed::{self, Embedder, EmbeddingMatrix, EncoderChoice, ModelStore, Precision};
use themeline::ingest::furniture::RepeatedLines;
use themeline::theme::passages::Passages;

const ROUNDS: usize = 5;

fn main() {
    let given: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let name = given.first().map_or("reader", String::as_str);
    let sentences = given.get(1).map_or_else(of_examples, |path| lines(path));
    let texts: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let store = ModelStore::locate(None).expect("a folder for models");
    let open = |name: &str, precision: Precision| {
        let start = Instant::now();
        let encoder = embed::open_at(EncoderChoice { name, precision, device: None }, &store);
        let encoder = encoder.unwrap_or_else(|error| panic!("{error}"));
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        println!("{name}, {}: loaded in {milliseconds:.0} ms", precision.name());
        encoder
    };
    let (int8, f32) = (open(name, Precision::Int8), open(name, Precision::F32));
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    println!("{name}, {} sentences, {threads} processors", texts.len());
    rounds(("int8", &*int8), ("f32", &*f32), &texts);
    if cfg!(feature = "rust-bert") && name != "reader" {
        let libtorch = open(&format!("rust-bert:{name}"), Precision::F32);
        rounds(("libtorch", &*libtorch), ("f32", &*f32), &texts);
        rounds(("int8", &*int8), ("libtorch", &*libtorch), &texts);
    }
}

/// Times two encoders in turns, the second being the measure of the first.
fn rounds(
    (name, encoder): (&str, &dyn Embedder),
    (other_name, other): (&str, &dyn Embedder),
    texts: &[&str],
) {
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let (slow, reference) = timed(other, texts);
        let (fast, found) = timed(encoder, texts);
        ratios.push(slow / fast);
        let per_second = |seconds: f64| texts.len() as f64 / seconds;
        let (mean, least) = nearness(&found, &reference);
        println!(
            "sentences/s: {name} {:.0}, {other_name} {:.0}, ratio {:.2}; cosine: mean {mean:.5}, least {least:.5}",
            per_second(fast),
            per_second(slow),
            slow / fast,
        );
    }
    ratios.sort_by(f64::total_cmp);
    let (low, high) = (ratios[0], ratios[ROUNDS - 1]);
    println!("{name} to {other_name}: {:.2} ({low:.2} to {high:.2})", ratios[ROUNDS / 2]);
}

fn lines(path: &str) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a file with one sentence a line");
    text.lines().map(str::to_owned).collect()
}

fn of_examples() -> Vec<String> {
    let files = fs::read_dir("examples/readouts").expect("run from the root of the project");
    let texts = files.filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok());
    let sentences = texts.flat_map(|text| {
        let passages = Passages::read(&text, &RepeatedLines::default());
        passages.sentences().map(str::to_owned).collect::<Vec<_>>()
    });
    sentences.collect()
}

fn timed(encoder: &dyn Embedder, texts: &[&str]) -> (f64, EmbeddingMatrix) {
    let start = Instant::now();
    let vectors = encoder.embed(texts).expect("texts can be embedded");
    (start.elapsed().as_secs_f64(), vectors)
}

/// Mean and least cosine of the rows.
fn nearness(found: &EmbeddingMatrix, reference: &EmbeddingMatrix) -> (f32, f32) {
    let cosines = (0..found.n_rows()).map(|row| found.row(row).dot(&reference.row(row)));
    let (sum, least) = cosines.fold((0.0, 1.0_f32), |(sum, least), x| (sum + x, least.min(x)));
    (sum / found.n_rows() as f32, least)
}
