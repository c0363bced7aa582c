//! The weights of a model folder (safetensors): the other files are those of the tests' DistilBERT.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use themeline::embed::{self, ModelStore};

/// Files of the folder that are as they should be.
const FILES: [(&str, &[u8]); 2] = [
    ("config.json", include_bytes!("../../tests/fixtures/families/distilbert/config.json")),
    ("tokenizer.json", include_bytes!("../../tests/fixtures/families/distilbert/tokenizer.json")),
];

fuzz_target!(|bytes: &[u8]| {
    let folder = themeline_fuzz::folder();
    for (name, file) in FILES {
        fs::write(folder.join(name), file).expect("the folder can be written");
    }
    fs::write(folder.join("model.safetensors"), bytes).expect("the folder can be written");
    let store = ModelStore::locate(Some(folder)).expect("it is there");
    let Ok(encoder) = embed::open(folder.to_str().expect("it is UTF-8"), &store) else { return };
    let vectors =
        encoder.embed(&["The ports grew."]).expect("weights are checked when they are read");
    assert!(vectors.view().iter().all(|number| number.is_finite()));
});
