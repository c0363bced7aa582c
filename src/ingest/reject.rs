//! Building a [`Reject`]: the place, what is wrong and what to do next, and an excerpt that a
//! terminal can show without harm.
//!
//! Messages and excerpts are made visible here, so that no control, bidirectional or ANSI sequence
//! of a hostile file reaches a screen.

use std::fmt::Write as _;
use std::io;

use crate::document::{Place, Reject, RejectCode};

/// Longest excerpt, in chars.
const EXCERPT_CHARS: usize = 120;

/// Longest message, in chars; ours are shorter, but they quote the input.
const MESSAGE_CHARS: usize = 1000;

/// A fault in one record, at its place; `excerpt` is cut and made visible.
pub(crate) fn record(
    place: &Place,
    code: RejectCode,
    field: Option<&str>,
    message: impl AsRef<str>,
    excerpt: &[u8],
) -> Reject {
    Reject {
        file: place.file.to_string(),
        line: place.line,
        byte_offset: place.byte_offset,
        record: Some(place.record),
        field: field.map(str::to_owned),
        code,
        message: cut(message.as_ref().as_bytes(), MESSAGE_CHARS),
        excerpt: self::excerpt(excerpt),
    }
}

/// A fault that takes the whole file, or all of it from here on.
pub(crate) fn file(name: &str, code: RejectCode, message: impl AsRef<str>) -> Reject {
    Reject {
        file: name.to_owned(),
        line: None,
        byte_offset: None,
        record: None,
        field: None,
        code,
        message: cut(message.as_ref().as_bytes(), MESSAGE_CHARS),
        excerpt: String::new(),
    }
}

/// A file that cannot be opened or read, for the reason that the system gave.
pub(crate) fn unreadable(name: &str, error: &io::Error) -> Reject {
    let message = format!("the file cannot be read: {error}; check that it exists and its rights");
    file(name, RejectCode::UnreadableFile, message)
}

/// The start of `bytes`, at most 120 chars, with everything that a terminal would act on or hide
/// written out as an escape.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    cut(bytes, EXCERPT_CHARS)
}

/// A name or value of the input as it may stand in a message: visible, and at most 40 chars.
pub(crate) fn visible(value: &str) -> String {
    cut(value.as_bytes(), 40)
}

/// A few names of the input, for a message: `` `a`, `b` and 7 more ``.
pub(crate) fn names<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let n = all.len();
    if n == 0 {
        return "none".to_owned();
    }
    let shown: Vec<String> = all.take(SHOWN).map(|name| format!("`{}`", visible(name))).collect();
    let rest = if n > SHOWN { format!(" and {} more", n - SHOWN) } else { String::new() };
    shown.join(", ") + &rest
}

fn cut(bytes: &[u8], max_chars: usize) -> String {
    // A char has at most 4 bytes: what lies beyond cannot be shown.
    let head = &bytes[..bytes.len().min(4 * (max_chars + 1))];
    let mut shown = String::new();
    for piece in pieces(head) {
        let (room, length) = (max_chars - shown.chars().count(), piece.chars().count());
        if length >= room {
            shown.push('…');
            break;
        }
        shown.push_str(&piece);
    }
    shown
}

/// Each char of `bytes`, or its escape; bytes that are not UTF-8 as `\xNN`.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = String> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let chars = chunk.valid().chars().map(shown_char);
        let escapes = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
        chars.chain(escapes).collect::<Vec<_>>()
    })
}

fn shown_char(c: char) -> String {
    let mut shown = String::new();
    let done = match c {
        '\n' => write!(shown, "\\n"),
        '\r' => write!(shown, "\\r"),
        '\t' => write!(shown, "\\t"),
        c if c.is_control() || is_hidden(c) => write!(shown, "\\u{{{:x}}}", c as u32),
        c => write!(shown, "{c}"),
    };
    done.expect("writing to a string cannot fail");
    shown
}

/// Bidirectional controls, zero-width chars, line separators, tags: seen by machines only.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_show_what_a_terminal_would_act_on() {
        let cases: [(&[u8], &str); 6] = [
            (b"plain", "plain"),
            (b"\x1b[31mred", "\\u{1b}[31mred"),
            ("a\u{202e}b\u{200b}c".as_bytes(), "a\\u{202e}b\\u{200b}c"),
            (b"one\r\n\ttwo", "one\\r\\n\\ttwo"),
            (b"ok \xff\xfe", "ok \\xff\\xfe"),
            (b"", ""),
        ];
        for (bytes, expected) in cases {
            assert_eq!(excerpt(bytes), expected);
        }
    }

    #[test]
    fn excerpts_have_at_most_120_chars_and_keep_escapes_whole() {
        for text in ["ü".repeat(5000), "\u{1b}".repeat(5000), "x".repeat(5000)] {
            let shown = excerpt(text.as_bytes());
            assert!(shown.chars().count() <= 120, "{shown}");
            assert!(shown.ends_with('…'));
            assert!(!shown.trim_end_matches('…').ends_with("\\u{1"));
        }
    }

    #[test]
    fn names_are_listed_up_to_a_dozen() {
        assert_eq!(names(["a", "b\u{7}"].into_iter()), "`a`, `b\\u{7}`");
        assert_eq!(names(std::iter::empty()), "none");
        let many: Vec<String> = (0..20).map(|i| i.to_string()).collect();
        assert!(names(many.iter().map(String::as_str)).ends_with("and 8 more"));
    }
}
