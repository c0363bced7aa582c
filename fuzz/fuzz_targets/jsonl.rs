//! Records of a .jsonl file.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| drop(themeline_fuzz::read("input.jsonl", bytes)));
