//! An encoder that reads the same sentences again on every line that comes in: for benches/peers,
//! which has it take turns with others.
//!
//! ```text
//! cargo bench --bench rate -- ENCODER PRECISION SENTENCES whole|parts
//! ```
//!
//! SENTENCES has a JSON list of texts a line, the parts of a sentence. `whole` reads them joined by a
//! space, each by itself; `parts` reads each part in its sentence, and the sentences of several. Answers
//! with the seconds that the reading took; to the line `vectors FILE` with the vectors, f32 in rows, little
//! endian.

use std::fs;
use std::io::{self, BufRead};
use std::time::Instant;

use themeline::embed::{self, Embedder, EmbeddingMatrix, EncoderChoice, ModelStore, Precision};

fn main() {
    let given: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let [name, precision, file, what] = given.as_slice() else {
        // Run by `cargo bench` with the others: there is nobody to take turns with.
        return;
    };
    let precision = match precision.as_str() {
        "int8" => Precision::Int8,
        "f32" => Precision::F32,
        other => panic!("no precision {other}"),
    };
    let store = ModelStore::locate(None).expect("a folder for models");
    let choice = EncoderChoice { name, precision, device: None };
    let encoder = embed::open_at(choice, &store).unwrap_or_else(|error| panic!("{error}"));
    let lines = fs::read_to_string(file).expect("a file of sentences");
    let sentences: Vec<Vec<String>> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a list of texts")).collect();
    let sentences: Vec<Vec<&str>> =
        sentences.iter().map(|parts| parts.iter().map(String::as_str).collect()).collect();
    let whole: Vec<String> = sentences.iter().map(|parts| parts.join(" ")).collect();
    let whole: Vec<&str> = whole.iter().map(String::as_str).collect();
    for line in io::stdin().lock().lines() {
        let start = Instant::now();
        let vectors = read(&*encoder, &sentences, &whole, what == "parts");
        let seconds = start.elapsed().as_secs_f64();
        if let Some(path) = line.expect("a line").strip_prefix("vectors ") {
            let bytes: Vec<u8> = vectors.view().iter().flat_map(|x| x.to_le_bytes()).collect();
            fs::write(path, bytes).expect("vectors can be written");
        }
        println!("{seconds}");
    }
}

fn read(
    encoder: &dyn Embedder,
    sentences: &[Vec<&str>],
    whole: &[&str],
    in_parts: bool,
) -> EmbeddingMatrix {
    let vectors = match in_parts {
        true => encoder.embed_parts(sentences).map(|(vectors, _)| vectors),
        false => encoder.embed(whole),
    };
    vectors.unwrap_or_else(|error| panic!("{error}"))
}
