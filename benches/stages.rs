//! Where the time of scoring goes: each stage on the same text, in one run, as MB/s and as a part of
//! the whole.
//!
//! ```text
//! cargo bench --bench stages
//! ```
//!
//! The text is the example corpus, repeated; figures are the best of five rounds on one thread. They
//! compare stages with each other on one machine, not machines.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use themeline::codebook::{Codebook, TermMatcher};
use themeline::embed::{Embedder, StaticEmbedder};
use themeline::ingest::furniture::{self, RepeatedLines};
use themeline::ingest::language;
use themeline::layout;
use themeline::theme::passages::Passages;

/// Times the example corpus is read in a round.
const COPIES: usize = 40;
const ROUNDS: usize = 5;

fn main() {
    let texts: Vec<String> = fs::read_dir("examples/readouts")
        .expect("run from the root of the project")
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .collect();
    let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 * COPIES as f64 / 1e6;
    let matcher = TermMatcher::new(&Codebook::builtin("cooperation").expect("built in"));
    let encoder = StaticEmbedder::built_in().expect("built in");
    let none = RepeatedLines::default();
    let passages: Vec<Passages> = texts.iter().map(|text| Passages::read(text, &none)).collect();

    let stages: [(&str, &dyn Fn(usize)); 6] = [
        ("language", &|i| {
            black_box(language::detect(&texts[i]));
        }),
        ("blocks", &|i| drop(black_box(layout::blocks(&texts[i])))),
        ("furniture", &|i| {
            let blocks = layout::blocks(&texts[i]);
            drop(black_box(furniture::mark(&texts[i], &blocks, &none)));
        }),
        ("units (blocks and furniture too)", &|i| {
            drop(black_box(Passages::read(&texts[i], &none)));
        }),
        ("terms", &|i| {
            passages[i].sentences().for_each(|s| drop(black_box(matcher.hits(s))));
        }),
        ("static vectors of units", &|i| {
            let units = passages[i].units().iter().map(|unit| passages[i].text(unit));
            drop(black_box(encoder.embed(&units.collect::<Vec<_>>())));
        }),
    ];
    println!("{:<34}{:>10}", "stage", "MB/s");
    for (name, stage) in stages {
        println!("{name:<34}{:>10.0}", megabytes / best_round(texts.len(), stage));
    }
}

/// Seconds of the fastest round over all texts.
fn best_round(n_texts: usize, stage: &dyn Fn(usize)) -> f64 {
    let round = || {
        let start = Instant::now();
        (0..COPIES).flat_map(|_| 0..n_texts).for_each(stage);
        start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}
