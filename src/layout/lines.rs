//! The lines of a text, each with the few signs that tell a wrapped line from a whole one.

use super::marker;
use super::words::{is_closed_class, last_word};

/// A line that is not blank, without the white space around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Length in characters.
    pub width: u32,
    /// Length of the first word in characters.
    pub first_word: u32,
    /// What the line starts with.
    pub lead: Lead,
    /// Whether it starts with a bullet, a paragraph number or the like.
    pub marked: bool,
    /// What the line ends with.
    pub tail: Tail,
    /// Whether a blank line or a page break stands before it.
    pub gap_before: bool,
    /// Whether it can be a page number or a running header: short, with digits, and no small letter.
    pub folio: bool,
    /// Whether it has letters, and all of them are capitals.
    pub all_caps: bool,
}

/// What a line starts with, quotes and brackets aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    Lower,
    Upper,
    /// A letter of a script without case.
    Uncased,
    Other,
}

/// What a line ends with, quotes and brackets aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// A full stop, question or exclamation mark.
    Stop,
    /// A colon or semicolon.
    Colon,
    /// A word that cannot end a sentence: "of", "and", "the".
    Dangling,
    /// Anything else.
    Open,
}

impl Line {
    fn new(text: &str, start: usize, end: usize, gap_before: bool) -> Self {
        let line = &text[start..end];
        Line {
            start,
            end,
            width: count_chars(line),
            first_word: count_chars(line.split(char::is_whitespace).next().unwrap_or("")),
            lead: lead(line),
            marked: marker::explicit(line) > 0,
            tail: tail(line),
            gap_before,
            folio: is_folio(line),
            all_caps: is_all_caps(line),
        }
    }

    /// Whether the sentence may go on in the next line.
    pub fn is_open(&self) -> bool {
        matches!(self.tail, Tail::Open | Tail::Dangling)
    }
}

/// The lines of `text` that are not blank, in order.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let mut gap = false;
    for (start, end) in raw_lines(text) {
        let (start, end) = trim(text, start, end);
        if start == end {
            gap = true;
        } else {
            found.push(Line::new(text, start, end, gap));
            gap = false;
        }
    }
    found
}

/// The stretches between line breaks of every kind; `\r\n` is one break.
fn raw_lines(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let start = at;
        let (end, next) = next_break(text.as_bytes(), start).unwrap_or_else(|| {
            done = true;
            (text.len(), text.len())
        });
        at = next;
        Some((start, end))
    })
}

/// Start and end of the first line break at or after `from`.
fn next_break(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while at < bytes.len() {
        let length = match bytes[at] {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
            b'\n' | b'\r' | 0x0B | 0x0C => 1,
            0xC2 if bytes.get(at + 1) == Some(&0x85) => 2,
            0xE2 if bytes[at..].starts_with(&[0xE2, 0x80, 0xA8]) => 3,
            0xE2 if bytes[at..].starts_with(&[0xE2, 0x80, 0xA9]) => 3,
            _ => 0,
        };
        if length > 0 {
            return Some((at, at + length));
        }
        at += 1;
    }
    None
}

fn trim(text: &str, start: usize, end: usize) -> (usize, usize) {
    let line = &text[start..end];
    let start = start + (line.len() - line.trim_start_matches(is_blank).len());
    (start, start + text[start..end].trim_end_matches(is_blank).len())
}

/// White space, and the marks that take no room.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200B}' | '\u{FEFF}' | '\u{2060}' | '\0')
}

fn count_chars(text: &str) -> u32 {
    let n = text.bytes().filter(|&b| b & 0xC0 != 0x80).count();
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn lead(line: &str) -> Lead {
    if is_address(line.split(char::is_whitespace).next().unwrap_or("")) {
        return Lead::Other;
    }
    match line.chars().find(|c| !is_wrapper(*c)) {
        Some(c) if c.is_lowercase() => Lead::Lower,
        Some(c) if c.is_uppercase() => Lead::Upper,
        Some(c) if c.is_alphabetic() => Lead::Uncased,
        _ => Lead::Other,
    }
}

/// "example.org", "a@example.org": starts small, and goes on with nothing.
fn is_address(word: &str) -> bool {
    let inner = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    let dotted = inner.find('.').is_some_and(|at| at > 1 && inner.len() - at > 2);
    dotted && inner.is_ascii() || inner.contains('@') || inner.contains("://")
}

fn tail(line: &str) -> Tail {
    let inner = line.trim_end_matches(is_wrapper);
    match inner.chars().next_back() {
        Some('.' | '!' | '?' | '…' | '。' | '！' | '？' | '．' | '।' | '؟') => Tail::Stop,
        Some(':' | ';' | '：' | '；') => Tail::Colon,
        Some(c) if c.is_alphabetic() && is_closed_class(last_word(inner)) => Tail::Dangling,
        _ => Tail::Open,
    }
}

/// Quotes, brackets and emphasis marks, which stand around text and say nothing of it.
fn is_wrapper(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '“' | '”' | '‘' | '’' | '«' | '»' | '(' | ')' | '[' | ']' | '*' | '_' | '\\'
    ) || c.is_whitespace()
}

fn is_folio(line: &str) -> bool {
    const WIDEST: usize = 24;
    line.len() <= WIDEST
        && line.contains(|c: char| c.is_ascii_digit())
        && !line.contains(char::is_lowercase)
}

fn is_all_caps(line: &str) -> bool {
    let mut capitals = 0;
    for c in line.chars() {
        if c.is_lowercase() {
            return false;
        }
        capitals += usize::from(c.is_uppercase());
    }
    capitals > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_break_ends_a_line_and_blank_ones_leave_a_gap() {
        let text = "a\r\nb\rc\n \t\nd\u{2028}e\u{85}f\u{c}\n g \n";
        let found: Vec<_> =
            lines(text).iter().map(|l| (&text[l.start..l.end], l.gap_before)).collect();
        let expected = [
            ("a", false),
            ("b", false),
            ("c", false),
            ("d", true),
            ("e", false),
            ("f", false),
            ("g", true),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_line_shows_how_it_starts_and_ends() {
        for (line, lead, tail) in [
            ("and so on.", Lead::Lower, Tail::Stop),
            ("“It is over.”", Lead::Upper, Tail::Stop),
            ("the role of", Lead::Lower, Tail::Dangling),
            ("12 of them, namely:", Lead::Other, Tail::Colon),
            ("example.org", Lead::Other, Tail::Open),
            ("两国关系", Lead::Uncased, Tail::Open),
        ] {
            let found = lines(line)[0];
            assert_eq!((found.lead, found.tail), (lead, tail), "{line}");
        }
    }
}
