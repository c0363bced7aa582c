//! Rows of a Parquet file. What panics in the library that reads it is caught by ours.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: themeline_fuzz::allow_caught_panics(),
    |bytes: &[u8]| drop(themeline_fuzz::read("input.parquet", bytes))
);
