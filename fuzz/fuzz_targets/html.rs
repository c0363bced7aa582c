//! The main text of a page, as a file of any charset.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| drop(themeline_fuzz::read("input.html", bytes)));
