//! Marks that stand before a paragraph and are no part of it: bullets, paragraph numbers, letters
//! of an enumeration, heading signs.

use crate::document::Span;

/// Length in bytes of the mark (and the white space after it) that `line` starts with, 0 where it
/// has none. A bare number ("2 The") is no mark by itself: see [`super::inline`].
pub(super) fn explicit(line: &str) -> usize {
    match bullet(line) {
        Some(n) => {
            let n = n + white(&line[n..]);
            n + counted(&line[n..])
        }
        None => counted(line),
    }
}

fn counted(line: &str) -> usize {
    let mark = bracketed(line).or_else(|| numbered(line)).or_else(|| lettered(line));
    mark.map_or(0, |n| n + white(&line[n..]))
}

/// Whether the mark that `line` starts with is one of Markdown's heading signs.
pub(super) fn is_heading_sign(line: &str) -> bool {
    let level = line.bytes().take_while(|&b| b == b'#').count();
    (1..=6).contains(&level) && line[level..].starts_with([' ', '\t'])
}

fn white(rest: &str) -> usize {
    rest.len() - rest.trim_start().len()
}

fn bullet(line: &str) -> Option<usize> {
    if is_heading_sign(line) {
        return Some(line.bytes().take_while(|&b| b == b'#').count());
    }
    let first = line.chars().next()?;
    let length = first.len_utf8();
    let spaced = line[length..].starts_with(char::is_whitespace);
    match first {
        '•' | '●' | '▪' | '■' | '◦' | '‣' | '⁃' | '∙' | '►' | '➢' | '\u{F0B7}' => {
            Some(length)
        }
        '*' | '-' | '–' | '—' | '+' | '·' | '>' if spaced => Some(length),
        _ => None,
    }
}

/// Signs that are bullets wherever they stand.
pub(super) fn is_bullet(c: char) -> bool {
    matches!(c, '•' | '●' | '▪' | '■' | '◦' | '‣' | '⁃' | '∙' | '►' | '➢' | '\u{F0B7}')
}

/// Where bullets stand in `span`. All of them start with one of two bytes, which are rare.
pub(super) fn bullets(text: &str, span: Span) -> impl Iterator<Item = usize> + '_ {
    let bytes = span.of(text).bytes().enumerate();
    bytes
        .filter(|&(_, b)| matches!(b, 0xE2 | 0xEF))
        .map(move |(at, _)| span.start + at)
        .filter(|&at| text[at..].starts_with(is_bullet))
}

/// "(3)", "(iv)", "(a)".
fn bracketed(line: &str) -> Option<usize> {
    let inner = line.strip_prefix('(')?;
    let n = ordinal_len(inner)?;
    inner[n..].starts_with(')').then_some(n + 2)
}

/// "12.", "12)", "1.)", "23.\t", "7.The", "4 .", "3\t".
fn numbered(line: &str) -> Option<usize> {
    let digits = digits(line)?;
    let after = &line[digits..];
    let stop = stop_len(after).or_else(|| stop_len(after.strip_prefix(' ')?).map(|n| n + 1));
    let Some(stop) = stop else {
        return after.starts_with('\t').then_some(digits);
    };
    let rest = &after[stop..];
    (rest.is_empty() || rest.starts_with(char::is_whitespace) || starts_capitalised(rest))
        .then_some(digits + stop)
}

/// "a)", "b.)", "iv.", "IV.", "a.": letters of an enumeration, never an initial.
fn lettered(line: &str) -> Option<usize> {
    let n = ordinal_len(line)?;
    let word = &line[..n];
    let after = &line[n..];
    let stop = stop_len(after)?;
    let closing = &after[..stop];
    let is_initial = n == 1 && word.as_bytes()[0].is_ascii_uppercase();
    let fits = closing.ends_with(')') || (!is_initial && !word.as_bytes()[0].is_ascii_digit());
    let rest = &after[stop..];
    let glued = word.as_bytes()[0].is_ascii_lowercase() && rest.starts_with(char::is_uppercase);
    (fits && (glued || rest.starts_with(char::is_whitespace))).then_some(n + stop)
}

pub(super) fn stop_len(text: &str) -> Option<usize> {
    [".)", ".", ")"].iter().find(|s| text.starts_with(**s)).map(|s| s.len())
}

/// One to three digits.
pub(super) fn digits(text: &str) -> Option<usize> {
    let n = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=3).contains(&n).then_some(n)
}

/// Digits, one letter, or a small roman number.
fn ordinal_len(text: &str) -> Option<usize> {
    digits(text).or_else(|| {
        let n = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        (n == 1 || is_roman(&text[..n])).then_some(n)
    })
}

fn is_roman(word: &str) -> bool {
    let all = |set: &[u8]| word.bytes().all(|b| set.contains(&b));
    (1..=5).contains(&word.len()) && (all(b"ivx") || all(b"IVX"))
}

/// A capital and then a small letter, or a capital that is a word.
pub(super) fn starts_capitalised(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(char::is_uppercase)
        && chars.next().is_some_and(|c| c.is_lowercase() || c == ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bullets_start_with_the_bytes_that_are_looked_for() {
        let signs = "•●▪■◦‣⁃∙►➢\u{F0B7}";
        assert_eq!(bullets(signs, Span::new(0, signs.len())).count(), signs.chars().count());
    }

    #[test]
    fn marks_are_measured_with_the_space_after_them() {
        for (line, rest) in [
            ("12. The talks", "The talks"),
            ("23.\tThe talks", "The talks"),
            ("7.The talks", "The talks"),
            ("4 . The talks", "The talks"),
            ("(3) The talks", "The talks"),
            ("(iv) the talks", "the talks"),
            ("(a)The talks", "The talks"),
            ("b.) The talks", "The talks"),
            ("II. Talks", "Talks"),
            ("b.The talks", "The talks"),
            ("• talks", "talks"),
            ("• 9. talks", "talks"),
            ("- talks", "talks"),
            ("## Talks", "Talks"),
            ("1994. The talks", "1994. The talks"),
            ("3.5 million", "3.5 million"),
            ("12 ministers", "12 ministers"),
            ("J. Doe spoke", "J. Doe spoke"),
            ("I. Doe", "I. Doe"),
            ("-5 degrees", "-5 degrees"),
            ("**Talks**", "**Talks**"),
            ("(the talks)", "(the talks)"),
            ("mix. The talks", "mix. The talks"),
        ] {
            assert_eq!(&line[explicit(line)..], rest);
        }
    }
}
