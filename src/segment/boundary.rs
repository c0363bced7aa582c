//! Where a sentence ends.
//!
//! At every mark that may end one ([`mark`]), the word before and the word after decide.

use super::abbreviation::{self, Kind};
use super::mark::{self, Mark, REACH, Sign, emoticon, floor, token_before};
use crate::document::Span;
use crate::layout::words::{first_word, is_closed_class};

/// The sentences of one block: without the white space between, together all the rest of it.
pub(super) fn split(text: &str, block: Span, out: &mut Vec<Span>) {
    let mut start = block.start;
    let mut at = block.start;
    while let Some(mark) = mark::next(text, at, block.end) {
        match end_of_sentence(text, Span::new(start, block.end), mark) {
            Some(end) => {
                push(text, start, end, out);
                start = end;
                at = end.max(mark.end);
            }
            None => at = mark.end,
        }
    }
    push(text, start, block.end, out);
}

fn push(text: &str, start: usize, end: usize, out: &mut Vec<Span>) {
    let span = Span::new(start, end).trimmed(text);
    if !span.is_empty() {
        out.push(span);
    }
}

/// Where the sentence (somewhere in `rest`) that `mark` may end does end; `None`: it goes on.
fn end_of_sentence(text: &str, rest: Span, mark: Mark) -> Option<usize> {
    if mark.sign == Sign::Seam {
        return (mark.start > rest.start).then_some(mark.start);
    }
    let end = closers(text, mark, rest.end);
    let after = &text[end..rest.end];
    if after.is_empty() || mark.sign == Sign::Wide {
        return Some(end);
    }
    if !after.starts_with(char::is_whitespace) {
        return is_glued(text, rest, mark, end).then_some(end);
    }
    let (stray, next) = next_words(text, end, rest.end);
    let quoted = end > mark.end;
    let ends = match mark.sign {
        Sign::Period => period_ends(text, rest, mark, quoted, next),
        Sign::Ellipsis => ellipsis_ends(text, mark, next),
        Sign::Emoticon => next.is_capital(),
        _ => {
            next.starts_sentence()
                || (!quoted && next.is_plain() && small_ends(text, rest, mark, next))
        }
    };
    ends.then_some(stray)
}

/// Whether a question or exclamation mark ends a sentence before a small letter: not in "Yahoo!
/// and" or "Go! he said".
fn small_ends(text: &str, rest: Span, mark: Mark, next: Next<'_>) -> bool {
    const TELLERS: [&str; 10] =
        ["he", "she", "they", "said", "asked", "cried", "says", "and", "or", "but"];
    let word = first_word(next.text);
    let before = token_before(text, rest.start, mark.start);
    mark.sign == Sign::Question
        || !(before.starts_with(char::is_uppercase) || TELLERS.contains(&word))
}

/// Dots end a sentence before a capital, save "I", and not where they stand for words left out.
fn ellipsis_ends(text: &str, mark: Mark, next: Next<'_>) -> bool {
    let word = first_word(next.text);
    let left_out = text[..mark.start].ends_with('[') && text[mark.end..].starts_with(']');
    next.starts_sentence()
        && !left_out
        && !(word == "I" || word.starts_with("I'") || word.starts_with("I’"))
}

/// The end of the quotes, brackets and note numbers that close behind a stop.
fn closers(text: &str, mark: Mark, end: usize) -> usize {
    let mut at = mark.end;
    for c in text[mark.end..end].chars() {
        if !is_closer(c) {
            break;
        }
        at += c.len_utf8();
    }
    let at = notes(text, at, end);
    if mark.sign == Sign::Period && at == mark.end { note_number(text, mark, end) } else { at }
}

fn is_closer(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '”' | '’' | '»' | '›' | ')' | ']' | '}' | '*' | '_' | '\\' | '」' | '』'
    )
}

/// "[1][2]" at `at`.
fn notes(text: &str, mut at: usize, end: usize) -> usize {
    while let Some(inner) = text[at..end].strip_prefix('[') {
        let digits = inner.bytes().take(4).take_while(u8::is_ascii_digit).count();
        if digits == 0 || !inner[digits..].starts_with(']') {
            break;
        }
        at += digits + 2;
    }
    at
}

/// "as agreed.12 The": the number of a note, glued to a word's stop.
fn note_number(text: &str, mark: Mark, end: usize) -> usize {
    let after = &text[mark.end..end];
    let digits = after.bytes().take(3).take_while(u8::is_ascii_digit).count();
    let before = token_before(text, 0, mark.start);
    let is_word = before.chars().rev().take(2).all(|c| c.is_lowercase() || c == ')')
        && before.len() > 2
        && abbreviation::kind(before) == Kind::Word;
    let rest = &after[digits..];
    let spaced = rest.starts_with(' ') && rest[1..].chars().next().is_some_and(char::is_uppercase);
    if digits > 0 && is_word && spaced { mark.end + digits } else { mark.end }
}

/// What follows a stop and the white space behind it.
#[derive(Debug, Clone, Copy)]
struct Next<'t> {
    /// The text, quotes, brackets and bullets left out.
    text: &'t str,
    /// The first one left out.
    opener: Option<char>,
}

/// The words behind the white space at `at`. A closer that stands alone there ("said it. ”"), or an
/// emoticon, still belongs to the sentence before, whose end is returned.
fn next_words(text: &str, at: usize, end: usize) -> (usize, Next<'_>) {
    let mut at = at;
    let mut after = text[at..end].trim_start();
    let stray = stray_closer(after).max(emoticon(after));
    if stray > 0 {
        at = end - after.len() + stray;
        after = text[at..end].trim_start();
    }
    let inner = after.trim_start_matches(is_opener);
    let opener = after.chars().next().filter(|_| inner.len() < after.len());
    (at, Next { text: inner, opener })
}

/// Length of the closing quote or bracket that stands alone at the start of `text`.
fn stray_closer(text: &str) -> usize {
    let mut chars = text.chars();
    let closer = chars.next().filter(|&c| is_closer(c) && !matches!(c, '*' | '_' | '\\'));
    let alone = chars.next().is_none_or(char::is_whitespace);
    closer.filter(|_| alone).map_or(0, char::len_utf8)
}

fn is_opener(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | '“'
            | '‘'
            | '«'
            | '('
            | '['
            | '{'
            | '*'
            | '_'
            | '-'
            | '–'
            | '—'
            | '•'
            | '\\'
            | '¿'
            | '¡'
            | '`'
            | '>'
            | '<'
    ) || c.is_whitespace()
}

impl Next<'_> {
    fn first(&self) -> char {
        self.text.chars().next().unwrap_or('\0')
    }

    fn is_digit(&self) -> bool {
        self.first().is_numeric()
    }

    /// A capital, a letter without case, or an address.
    fn is_capital(&self) -> bool {
        let first = self.first();
        first.is_uppercase()
            || (first.is_alphabetic() && !first.is_lowercase())
            || self.text.starts_with("http")
            || self.text.starts_with("www.")
    }

    fn starts_sentence(&self) -> bool {
        let first = self.first();
        let continues = matches!(first, ',' | ';' | ':' | ')' | '%' | '.');
        self.is_capital() || self.is_digit() || !(first.is_alphanumeric() || continues)
    }

    /// A small letter and no quote before it.
    fn is_plain(&self) -> bool {
        self.opener.is_none() && self.first().is_lowercase()
    }

    /// A word in small letters that starts sentences where nobody minds capitals.
    fn is_speaker(&self) -> bool {
        const SPEAKERS: [&str; 24] = [
            "i", "im", "i'm", "it", "its", "it's", "he", "she", "they", "we", "you", "this",
            "that", "there", "the", "why", "what", "how", "who", "not", "my", "so", "but", "if",
        ];
        self.is_plain() && SPEAKERS.contains(&first_word(self.text))
    }

    /// A capitalised word that starts sentences rather than names.
    fn is_opening_word(&self) -> bool {
        self.is_capital() && is_closed_class(first_word(self.text))
    }
}

fn period_ends(text: &str, rest: Span, mark: Mark, quoted: bool, next: Next<'_>) -> bool {
    if quoted {
        return next.starts_sentence();
    }
    let token = token_before(text, rest.start, mark.start);
    let leads = rest.start + token.len() == mark.start;
    let in_quotes = next.is_capital() && next.opener.is_some_and(|c| c != '(' && c != '[');
    match abbreviation::kind(token) {
        Kind::Title => false,
        Kind::Numbered if next.is_digit() => false,
        Kind::Number | Kind::Initial if leads && token.len() <= 3 => false,
        Kind::Shortened | Kind::Initial => next.is_opening_word() || in_quotes,
        Kind::Closing => {
            next.is_capital() && next.opener != Some('(') && !is_lead_in(text, rest, mark)
        }
        Kind::Number | Kind::Numbered => next.starts_sentence() || next.is_speaker(),
        Kind::Word => {
            next.starts_sentence() || (next.is_plain() && is_long_word(token)) || next.is_speaker()
        }
    }
}

/// Whether what stands before the mark is too short to be a sentence: "At 5 a.m."
fn is_lead_in(text: &str, rest: Span, mark: Mark) -> bool {
    let words = &text[rest.start..mark.start];
    words.len() < REACH && words.split_whitespace().count() <= 3
}

/// A word that is hardly an unknown abbreviation: small letters, several.
fn is_long_word(token: &str) -> bool {
    token.len() >= 4 && token.bytes().all(|b| b.is_ascii_lowercase())
}

/// The token that starts at `start`, no longer than [`REACH`].
fn token_after(text: &str, start: usize, end: usize) -> &str {
    let to = floor(text, (start + REACH).min(end));
    let reach = &text[start..to];
    &reach[..reach.find(char::is_whitespace).unwrap_or(reach.len())]
}

/// Whether the text at `at`, right behind a stop, is the next sentence with the space lost:
/// "in principle.Of course", not "node.Js", "a.Com/b" or "U.S.A".
fn is_glued(text: &str, rest: Span, mark: Mark, at: usize) -> bool {
    let before = token_before(text, rest.start, mark.start);
    let after = token_after(text, at, rest.end);
    let quoted = at > mark.end;
    let fits_before = before.len() > 2
        && (before.ends_with(')')
            || before.chars().rev().take(2).all(char::is_lowercase)
            || before.bytes().all(|b| b.is_ascii_digit() || b == b','));
    let bare = !before.contains(['/', '@', '.', '=']) && !after.contains(['/', '@', '=', '_', '&']);
    let word = first_word(after);
    let tail = &after[word.len()..];
    let ends_word =
        tail.is_empty() || tail.starts_with([',', ';', ':', '-', '.', '?', '!', ')', '"']);
    let interior_stop = tail.starts_with('.') && tail.len() > 1;
    let small = word.starts_with(char::is_lowercase);
    let capital = word.starts_with(char::is_uppercase) && !is_domain(word);
    let small_fits = small && mark.sign == Sign::Question && !quoted;
    fits_before && bare && ends_word && !interior_stop && (capital || small_fits)
}

fn is_domain(word: &str) -> bool {
    word.chars().skip(1).all(char::is_uppercase) && word.len() > 1
        || ["Com", "Org", "Net", "Js", "Gov", "Edu", "Html", "Pdf"].contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        let mut spans = Vec::new();
        split(text, Span::new(0, text.len()), &mut spans);
        spans.iter().map(|s| s.of(text)).collect()
    }

    /// Cases are written with `|` at every boundary.
    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        for case in [
            "It rained.| We left.",
            "Did it rain?| Yes!| We left.",
            "Mr. Tan met Dr. Lim.| They spoke.",
            "The U.S. Treasury agreed.| So did the U.K.| The talks ended.",
            "J. R. Doe signed it.| K. Roe did not.",
            "See No. 5 and pp. 3.| He said no.| He left.",
            "Acme Inc. sold it to Bolt Ltd.| The price was low.",
            "It opened at 9 a.m. on Monday and shut at 5 p.m.| Nobody came.",
            "Prices rose 3.5 per cent.| They fell by 0.2.",
            "“It is done.”| She left.",
            "“It is done!” she said.| “Go.”",
            "(They agreed.)| The rest is known.",
            "He waited . . . and left.",
            "He waited...| Then he left.",
            "Write to a.doe@example.org or see www.example.org/a.B.html for more.| Thanks.",
            "This holds in principle.|Of course it does.",
            "It was agreed.[12]| The rest followed.",
            "It was agreed.12| The rest followed.",
            "Mr Abdul Rahim|To ask the Minister whether it is so.",
            "The ports , roads and rails .| The fund .",
            "项目已经完成。|双方同意。",
            "fruit, e.g. apples, i.e. Fuji.| Good.",
            "He was born on Dec. 31, 1980.| In 1990 he left.",
            "We met in 1990.| 15 states came.",
            "Mine is small :-)| Yours is not.",
            "Go to https://example.org/a |https://example.org/b",
            "At 5 a.m. Mr. Roe rose.",
            "stop it.| i mean it",
            "Visit Yahoo! and others.",
            "The words [...] Are left out.",
            "Was it \\\"right\\\"?| No.",
        ] {
            let text = case.replace('|', "");
            let expected: Vec<&str> = case.split('|').map(str::trim).collect();
            assert_eq!(cut(&text), expected, "{case}");
        }
    }

    #[test]
    fn hostile_runs_take_linear_time() {
        for piece in [
            ".",
            "a.",
            "a.B",
            ". ",
            "\"",
            "?a",
            "T",
            "aThe ",
            ".\"",
            ".1",
            " .",
            ".[1]",
            "://",
            "http://a",
            " http://a",
            ":) ",
            "! (",
        ] {
            let text = piece.repeat(1_000_000 / piece.len());
            assert!(cut(&text).iter().map(|s| s.len()).sum::<usize>() <= text.len());
        }
    }
}
