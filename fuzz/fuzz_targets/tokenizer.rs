//! A tokenizer.json or vocab.txt of a model folder, and what it makes of texts. What panics in the library that reads
//! the former is caught by ours.
#![no_main]

use libfuzzer_sys::fuzz_target;
use themeline::tokenize::Tokenizer;

const TEXTS: [&str; 4] =
    ["", "The ports of Zürich grew, 2020!", "a\u{301}\u{200B} 双方 [CLS] ##s", " \n\t"];

fuzz_target!(
    init: themeline_fuzz::allow_caught_panics(),
    |bytes: &[u8]| {
        for tokenizer in [Tokenizer::from_json(bytes), Tokenizer::from_list(bytes)] {
            let Ok(tokenizer) = tokenizer else { continue };
            let most = tokenizer.max_id();
            let Ok(batch) = tokenizer.encode(&TEXTS) else { continue };
            assert_eq!(batch.n_rows(), TEXTS.len());
            assert!(batch.rows().flatten().all(|id| *id <= most));
        }
    }
);
