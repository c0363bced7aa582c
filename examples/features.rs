//! Writes the evidence behind every unit of a corpus, for models/training/learn_joint.py:
//!
//! ```text
//! cargo run --release --example features -- ENCODER CODEBOOK DOCUMENTS.jsonl OUT
//! ```
//!
//! `OUT.jsonl` has a line a unit: `doc`, `start`, `end` (bytes). `OUT.f32` has its features, f32
//! little-endian, shape `(n_units, n_themes, n_features)`.

use std::fs::File;
use std::io::{BufWriter, Write};

use themeline::codebook::{Codebook, TermMatcher};
use themeline::document::Document;
use themeline::embed::{self, ModelStore};
use themeline::ingest::furniture::RepeatedLines;
use themeline::ingest::{self, IngestOptions, Inputs};
use themeline::theme::evidence::Gathered;
use themeline::theme::passages::Passages;
use themeline::theme::{FitOptions, fit};

/// The documents of a file, in its order.
fn read(path: &str) -> Result<Vec<Document>, Box<dyn std::error::Error>> {
    let options = IngestOptions::default();
    let mut documents = Vec::new();
    for record in Inputs::expand(&[path.to_owned()])?.read(&options)? {
        let record = record.map_err(|reject| reject.message)?;
        documents.push(ingest::parse(record, &options).map_err(|reject| reject.message)?);
    }
    Ok(documents)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [encoder, codebook, documents, out] = &arguments[..] else {
        return Err("give ENCODER CODEBOOK DOCUMENTS.jsonl OUT".into());
    };
    let embedder = embed::open(encoder, &ModelStore::locate(None)?)?;
    let documents = read(documents)?;
    let options = FitOptions { codes: &[], max_emergent: 0, seed: 1 };
    let model = fit(&documents, Codebook::open(codebook)?, &*embedder, options)?;
    let (directions, matcher) = (model.directions(), TermMatcher::new(&model.codebook));
    let repeated = RepeatedLines::from_lines(model.repeated_lines);
    let mut units = BufWriter::new(File::create(format!("{out}.jsonl"))?);
    let mut features = BufWriter::new(File::create(format!("{out}.f32"))?);
    let read = |document: &Document| Passages::read(&document.text, &repeated);
    let passages = documents.iter().map(read).collect();
    let gathered = Gathered::read(passages, &matcher, &model.codebook, &*embedder)?;
    for (document, gathered) in documents.iter().zip(gathered) {
        for unit in gathered.passages.units() {
            let (start, end) = (unit.span.start, unit.span.end);
            let line = serde_json::json!({"doc": document.id, "start": start, "end": end});
            writeln!(units, "{line}")?;
        }
        for number in gathered.features(&directions).iter().flatten() {
            features.write_all(&number.to_le_bytes())?;
        }
    }
    units.flush()?;
    Ok(features.flush()?)
}
