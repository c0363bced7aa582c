//! The marks that may end a sentence, found in one pass over the bytes.
//!
//! What a look around a mark costs is bounded ([`REACH`]), so the time is linear in the text,
//! whatever the text.

use crate::layout::words::{first_word, is_closed_class};

/// How far a decision looks for the start or the end of a word (bytes).
pub(super) const REACH: usize = 64;

/// Bytes that a mark can start with: stops, the lead bytes of wide ones, the eyes of emoticons and
/// the colons of addresses, and the capitals of the few words that are found glued to the sentence
/// before.
const INTERESTING: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b".!?:;HTW\xE2\xE3\xEF\xE0\xD8\xDB";
    let mut i = 0;
    while i < bytes.len() {
        table[bytes[i] as usize] = true;
        i += 1;
    }
    table
};

/// A mark that may end a sentence: a run of stops, an emoticon, or the seam of two sentences.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub sign: Sign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Period,
    Ellipsis,
    Question,
    Exclamation,
    /// A full stop of a script that has no other use for it.
    Wide,
    /// ":-)"
    Emoticon,
    /// No mark at all: the next sentence starts at the mark's start.
    Seam,
}

pub(super) fn next(text: &str, from: usize, end: usize) -> Option<Mark> {
    let bytes = &text.as_bytes()[..end];
    let mut at = from;
    loop {
        at += bytes[at..].iter().position(|&b| INTERESTING[b as usize])?;
        let mark = match bytes[at] {
            b'H' | b'T' | b'W' => glued_word(text, at, end),
            b':' | b';' => emoticon_at(text, at, end).or_else(|| address(text, at, end)),
            _ => run_of_stops(&text[..end], at),
        };
        if mark.is_some() {
            return mark;
        }
        at += 1;
    }
}

/// An emoticon with white space around it.
fn emoticon_at(text: &str, at: usize, end: usize) -> Option<Mark> {
    let spaced = text[..at].ends_with(char::is_whitespace);
    let length = emoticon(&text[at..end]);
    (spaced && length > 0).then_some(Mark { start: at, end: at + length, sign: Sign::Emoticon })
}

/// Length of the emoticon that `text` starts with and white space ends.
pub(super) fn emoticon(text: &str) -> usize {
    let bytes = text.as_bytes();
    if !matches!(bytes.first(), Some(b':' | b';' | b'=')) {
        return 0;
    }
    let nose = usize::from(matches!(bytes.get(1), Some(b'-' | b'o' | b'^' | b'\'')));
    let mouth = &bytes[1 + nose..];
    let n = mouth.iter().take(4).take_while(|b| b"()DPpO|/*]".contains(b)).count();
    let ends = mouth.get(n).is_none_or(u8::is_ascii_whitespace);
    if n > 0 && ends { 1 + nose + n } else { 0 }
}

/// The seam of two addresses, where the colon at `at` belongs to the second, or of an address and
/// a word that starts a sentence.
fn address(text: &str, at: usize, end: usize) -> Option<Mark> {
    if !text[at..end].starts_with("://") {
        return None;
    }
    let token = token_before(text, 0, at);
    if !matches!(token, "http" | "https") {
        return None;
    }
    let start = at - token.len();
    let before = text[..start].trim_end();
    if is_address(token_before(text, 0, before.len())) {
        return Some(Mark { start, end: at + 3, sign: Sign::Seam });
    }
    let close = at + text[at..end].find(char::is_whitespace)?;
    let after = text[close..end].trim_start();
    let opens = after.starts_with(char::is_uppercase) && is_closed_class(first_word(after));
    let start = end - after.len();
    opens.then_some(Mark { start, end: start, sign: Sign::Seam })
}

fn is_address(token: &str) -> bool {
    token.contains("://") || token.contains('/') && token.contains('.')
}

/// The run of stops that starts at `at`, spaced ellipses (". . .") included.
fn run_of_stops(text: &str, at: usize) -> Option<Mark> {
    let bytes = text.as_bytes();
    let mut sign = None;
    let mut end = at;
    let mut periods = 0;
    while end < bytes.len() {
        let (length, found) = match bytes[end] {
            b'.' => (1, Sign::Period),
            b'?' => (1, Sign::Question),
            b'!' => (1, Sign::Exclamation),
            b' ' if periods > 0 && bytes.get(end + 1) == Some(&b'.') && spaced(bytes, end) => {
                end += 1;
                continue;
            }
            byte if byte < 0x80 => break,
            _ => match wide_stop(&bytes[end..]) {
                Some(found) => found,
                None => break,
            },
        };
        periods += usize::from(found == Sign::Period);
        sign = Some(stronger(sign, found));
        end += length;
    }
    let sign = if sign? == Sign::Period && periods > 1 { Sign::Ellipsis } else { sign? };
    Some(Mark { start: at, end, sign })
}

/// Whether the space at `at` stands inside ". ." and not before ".5" or ".net".
fn spaced(bytes: &[u8], at: usize) -> bool {
    bytes[at - 1] == b'.' && bytes.get(at + 2).is_none_or(|b| !b.is_ascii_alphanumeric())
}

fn stronger(a: Option<Sign>, b: Sign) -> Sign {
    match (a, b) {
        (Some(Sign::Question), _) | (_, Sign::Question) => Sign::Question,
        (Some(Sign::Exclamation), _) | (_, Sign::Exclamation) => Sign::Exclamation,
        (Some(Sign::Ellipsis), _) | (_, Sign::Ellipsis) => Sign::Ellipsis,
        _ => b,
    }
}

fn wide_stop(bytes: &[u8]) -> Option<(usize, Sign)> {
    let starts = |c: &str| bytes.starts_with(c.as_bytes());
    match bytes[0] {
        0xE2 if starts("…") => Some((3, Sign::Ellipsis)),
        0xE2 if starts("‼") || starts("⁉") => Some((3, Sign::Exclamation)),
        0xE3 if starts("。") => Some((3, Sign::Wide)),
        0xEF if starts("！") || starts("？") || starts("．") || starts("｡") => {
            Some((3, Sign::Wide))
        }
        0xE0 if starts("।") => Some((3, Sign::Wide)),
        0xD8 if starts("؟") => Some((2, Sign::Wide)),
        0xDB if starts("۔") => Some((2, Sign::Wide)),
        _ => None,
    }
}

/// The seam where the capital at `at` starts a word that lost the space before it: "Mr Abdul
/// RahimTo ask".
fn glued_word(text: &str, at: usize, end: usize) -> Option<Mark> {
    const GLUED: [&str; 8] = ["The ", "To ask", "This ", "These ", "Their ", "His ", "Her ", "We "];
    let before = at.checked_sub(1).is_some_and(|i| text.as_bytes()[i].is_ascii_lowercase());
    let glued = before
        && GLUED.iter().any(|word| text[at..end].starts_with(word))
        && token_before(text, 0, at).len() > 2;
    glued.then_some(Mark { start: at, end: at + 1, sign: Sign::Seam })
}

/// The token that ends at `end`, not before `start` and no longer than [`REACH`].
pub(super) fn token_before(text: &str, start: usize, end: usize) -> &str {
    let from = floor(text, end.saturating_sub(REACH).max(start));
    let reach = &text[from..end];
    let at = reach
        .rfind(char::is_whitespace)
        .map_or(0, |i| i + reach[i..].chars().next().map_or(0, char::len_utf8));
    &reach[at..]
}

pub(super) fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
