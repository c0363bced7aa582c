//! What an earlier run left: the command to give again, and fitted themes. (The pieces of a run that was cut short
//! begin with a hash of the rest, which no fuzzer guesses: tests/faults damages them.)
#![no_main]

use std::fs;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use themeline::document::PeriodLength;
use themeline::embed::{Embedder, FakeEmbedder};
use themeline::score::Scorer;
use themeline::theme::ThemeModel;
use themeline::{pipeline, report};

const TEXT: &str =
    "The new road was opened in May. Schools, roads and ports were spoken of.\n\nThe minutes.";

/// Scores a text by the model, whose encoder is taken to be one that needs no files.
fn score(mut model: ThemeModel) {
    let encoder = FakeEmbedder::new(2);
    model.encoder.fingerprint = encoder.fingerprint().to_owned();
    let Ok(scorer) = Scorer::new(&model, &encoder, PeriodLength::Year, 3) else { return };
    let record = format!("{{\"id\": \"a\", \"date\": \"2020\", \"text\": {TEXT:?}}}");
    for document in themeline_fuzz::read("input.jsonl", record.as_bytes()) {
        let scored = scorer.score(document).expect("the encoder refuses no text");
        assert_eq!(scored.themes.len(), model.themes.len());
        let shares: f64 = scored.themes.iter().map(|theme| theme.share).sum();
        assert!((0.0..1.0 + 1e-6).contains(&shares), "{shares}");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let kept = themeline_fuzz::folder().join(report::KEPT_FOLDER);
    fs::create_dir_all(&kept).expect("the folder can be written");
    fs::write(kept.join("command.json"), bytes).expect("the folder can be written");
    let _ = pipeline::interrupted_command(themeline_fuzz::folder());
    let Ok(model) = ThemeModel::from_json(bytes, Path::new("themes.json")) else { return };
    let again = ThemeModel::from_json(&model.to_json(), Path::new("themes.json"));
    assert!(again.is_ok(), "what was read is written so that it can be read");
    score(model);
});
