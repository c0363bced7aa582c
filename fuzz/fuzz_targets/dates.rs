//! A date in a field, in a text, in a file's name; by the user's pattern, which is the first line.
#![no_main]

use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use themeline::document::Date;
use themeline::ingest::{DateFormat, DateRule, date};

/// A date reads as it was written.
fn check(read: Date) {
    assert!((1..=9999).contains(&read.year), "{read:?}");
    assert_eq!(date::parse(&read.to_string(), None).ok(), Some(read));
}

fuzz_target!(|text: &str| {
    let (format, field) = text.split_once('\n').unwrap_or(("", text));
    let format = DateFormat::from_str(format).ok();
    let formats = [None, Some(DateFormat::Dmy), Some(DateFormat::Mdy), format];
    for format in &formats {
        date::parse(field, format.as_ref()).into_iter().for_each(check);
    }
    [date::in_text(text), date::in_filename(field)].into_iter().flatten().for_each(check);
    let _ = DateRule::from_str(field);
});
