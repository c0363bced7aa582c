//! A span as a person reads it: what line breaks, escapes and typesetting left behind is gone.

use std::borrow::Cow;

const BREAKS: [char; 7] = ['\n', '\r', '\u{B}', '\u{C}', '\u{85}', '\u{2028}', '\u{2029}'];

/// The text of a span as a person reads it:
///
/// - line breaks and runs of white space are one space, and none at the ends;
/// - a word that a hyphen cuts at a line's end is joined, "develop-⏎ment"; the hyphen stays where
///   it belongs to the word: before a capital or a digit ("Asia-⏎Pacific"), in a word that has
///   another ("people-to-⏎people"), and between parts that commonly keep it ("self-⏎reliance",
///   "rules-⏎based");
/// - `\"` is `"`, ligatures are letters; soft hyphens and marks that take no room are gone (joiners
///   stay, for the scripts and signs that need them).
///
/// Borrowed where nothing changes.
pub fn reading(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    match first_change(text) {
        None => Cow::Borrowed(text),
        Some(at) => Cow::Owned(rewrite(text, at)),
    }
}

/// Offset of the first char that may have to change, or of a space before it.
fn first_change(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let changes = |at: usize| match bytes[at] {
        b' ' => matches!(bytes.get(at + 1), Some(b' ' | b'\t'..=b'\r')),
        b'\t'..=b'\r' | b'\\' | 0 => true,
        0xC2 => matches!(bytes.get(at + 1), Some(0x85 | 0xA0 | 0xAC | 0xAD)),
        0xE1 => bytes.get(at + 1) == Some(&0x9A),
        0xE2 => matches!(bytes.get(at + 1), Some(0x80 | 0x81)) && is_changed_at(text, at),
        0xE3 => bytes.get(at + 1) == Some(&0x80) && is_changed_at(text, at),
        0xEF => is_changed_at(text, at),
        _ => false,
    };
    let at = (0..bytes.len()).find(|&at| changes(at))?;
    Some(if at > 0 && bytes[at - 1] == b' ' { at - 1 } else { at })
}

fn is_changed_at(text: &str, at: usize) -> bool {
    let c = text[at..].chars().next();
    c.is_some_and(|c| c.is_whitespace() || takes_no_room(c) || ligature(c).is_some())
}

fn takes_no_room(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\0')
}

fn ligature(c: char) -> Option<&'static str> {
    let letters = match c {
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        'ﬅ' | 'ﬆ' => "st",
        _ => return None,
    };
    Some(letters)
}

/// `text` with all changes, of which the first is not before `at`.
fn rewrite(text: &str, at: usize) -> String {
    let mut read = String::with_capacity(text.len());
    read.push_str(&text[..at]);
    let mut chars = text[at..].char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        if c.is_whitespace() {
            let rest =
                text[at + i..].trim_start_matches(|c: char| c.is_whitespace() || takes_no_room(c));
            let blank = &text[at + i..text.len() - rest.len()];
            end_of_word(&mut read, blank, rest);
            while chars.next_if(|&(j, _)| at + j < text.len() - rest.len()).is_some() {}
        } else if c == '\\' {
            let run = backslashes(&text[at + i..]);
            if !text[at + i + run..].starts_with('"') {
                read.extend(text[at + i..][..run].chars().filter(|&c| !takes_no_room(c)));
            }
            while chars.next_if(|&(j, _)| j < i + run).is_some() {}
        } else if c == '\u{AD}' && starts_with_break(&text[at + i + c.len_utf8()..]) {
            while chars.next_if(|&(_, c)| c.is_whitespace()).is_some() {}
        } else if let Some(letters) = ligature(c) {
            read.push_str(letters);
        } else if !(takes_no_room(c) || is_lost_hyphen(c, &read, &text[at + i..])) {
            read.push(c);
        }
    }
    read
}

/// Whether `c`, which `rest` starts with, is a soft hyphen as scanners misread it: "eco¬nomic".
fn is_lost_hyphen(c: char, read: &str, rest: &str) -> bool {
    c == '¬'
        && read.ends_with(char::is_lowercase)
        && rest[c.len_utf8()..].starts_with(char::is_lowercase)
}

/// Length of the run of backslashes, and marks that take no room, that `text` starts with.
fn backslashes(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| c == '\\' || takes_no_room(c)).len()
}

fn starts_with_break(text: &str) -> bool {
    let rest = text.trim_start();
    text[..text.len() - rest.len()].contains(BREAKS)
}

/// Writes what the white space `blank` between `read` and `rest` stands for.
fn end_of_word(read: &mut String, blank: &str, rest: &str) {
    let breaks = blank.contains(BREAKS);
    let hyphen = read.chars().next_back().filter(|c| breaks && matches!(c, '-' | '‐'));
    let (Some(hyphen), Some(next)) = (hyphen, rest.chars().next()) else {
        if !rest.is_empty() && !read.is_empty() {
            read.push(' ');
        }
        return;
    };
    let before = &read[..read.len() - hyphen.len_utf8()];
    if !before.ends_with(char::is_alphanumeric) || !next.is_alphanumeric() {
        read.push(' ');
    } else if !keeps_hyphen(last_token(before), next, rest) {
        read.truncate(before.len());
    }
}

/// The last token of `text`, or its end: no word is longer.
fn last_token(text: &str) -> &str {
    const LONGEST: usize = 48;
    let mut from = text.len().saturating_sub(LONGEST);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].rsplit(char::is_whitespace).next().unwrap_or("")
}

/// Whether the hyphen between `before` and `rest` belongs to the word.
fn keeps_hyphen(before: &str, next: char, rest: &str) -> bool {
    const FIRST: [&str; 14] = [
        "non", "self", "well", "long", "short", "high", "low", "cross", "half", "vice", "one",
        "two", "three", "socio",
    ];
    const SECOND: [&str; 22] = [
        "based", "term", "oriented", "related", "led", "wide", "level", "scale", "range", "called",
        "being", "ranging", "reaching", "sided", "owned", "driven", "made", "free", "and", "or",
        "to", "in",
    ];
    let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let inner = before.trim_start_matches(|c: char| !c.is_alphanumeric());
    !next.is_lowercase()
        || inner.contains('-')
        || inner.chars().any(char::is_numeric)
        || rest[letters..].starts_with('-')
        || FIRST.iter().any(|first| inner.eq_ignore_ascii_case(first))
        || SECOND.contains(&&rest[..letters])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_reads_as_a_person_reads_it() {
        for (given, read) in [
            ("two\nlines", "two lines"),
            ("two  \r\n\t lines ", "two lines"),
            ("a word cut by develop-\nment", "a word cut by development"),
            ("the Co-\noperation", "the Cooperation"),
            ("non-\nproliferation", "non-proliferation"),
            ("Asia-\nPacific", "Asia-Pacific"),
            ("people-to-\npeople ties", "people-to-people ties"),
            ("a rules-\nbased order", "a rules-based order"),
            ("the text -\nand more", "the text - and more"),
            ("in 1994-\n1995", "in 1994-1995"),
            (r#"the \"hard\" part"#, r#"the "hard" part"#),
            (r"C:\dir", r"C:\dir"),
            ("the ﬁrst oﬃce", "the first office"),
            ("co\u{AD}opera\u{AD}\ntion", "cooperation"),
            ("eco¬nomic, p ∧ ¬q", "economic, p ∧ ¬q"),
            ("zero\u{200B}width\u{FEFF}", "zerowidth"),
            ("nar\u{A0}row", "nar row"),
        ] {
            assert_eq!(reading(given), read, "{given:?}");
        }
    }

    #[test]
    fn plain_text_is_borrowed() {
        for text in ["", "plain – “text”…", "两国关系", " a b "] {
            assert!(matches!(reading(text), Cow::Borrowed(_)), "{text:?}");
        }
    }

    #[test]
    fn hostile_text_takes_linear_time() {
        for piece in ["\\", "a-\n", "\u{AD}\n", " \u{200B}", "\n"] {
            assert!(reading(&piece.repeat(300_000)).len() <= 900_000);
        }
    }

    proptest! {
        #[test]
        fn reading_twice_is_reading_once(text in "[a-z ﬁ\\\\\"\n\u{AD}\u{A0}\u{200B}-]{0,40}|\\PC{0,40}") {
            let once = reading(&text).into_owned();
            prop_assert!(!once.contains("  ") && !once.contains('\n'));
            prop_assert_eq!(reading(&once), once.as_str());
        }
    }
}
