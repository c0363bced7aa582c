//! A codebook of the user's, and what its terms find in the file itself.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use themeline::codebook::{Codebook, TermMatcher};

fuzz_target!(|text: &str| {
    let Ok(codebook) = Codebook::from_toml(text, Path::new("codebook.toml")) else { return };
    for hit in TermMatcher::new(&codebook).hits(text) {
        let _ = hit;
    }
    assert_eq!(codebook.fingerprint().len(), 64);
});
