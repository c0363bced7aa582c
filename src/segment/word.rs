//! The words of one sentence, with what stands between them.

use super::lexicon::{self, Class};
use crate::document::Span;

/// What stands between a word and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// White space, and maybe quotes or brackets.
    Space,
    Comma,
    Semicolon,
    Colon,
    Dash,
}

/// A word of a sentence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    /// Its bytes, without punctuation.
    pub span: Span,
    /// What stands before it.
    pub gap: Gap,
    /// Where a cut before this word falls: behind closing marks, before opening ones.
    pub cut: usize,
    /// What it can be.
    pub class: Class,
    /// Whether it starts with a capital or a digit.
    pub proper: bool,
    /// Whether it stands in brackets or a short quotation, where nothing is cut.
    pub guarded: bool,
}

/// A quotation or bracket longer than this is text like any other (bytes).
const LONGEST_ASIDE: usize = 80;

/// Fills `words` with the words of `sentence`.
pub(super) fn read(text: &str, sentence: Span, words: &mut Vec<Word>) {
    words.clear();
    let guards = Guards::of(text, sentence);
    let mut end = sentence.start;
    while let Some(span) = next_word(text, Span::new(end, sentence.end)) {
        let (gap, cut) = gap(&text[end..span.start]);
        let word = span.of(text);
        words.push(Word {
            span,
            gap,
            cut: end + cut,
            class: lexicon::class(word),
            proper: word.starts_with(|c: char| c.is_uppercase() || c.is_numeric()),
            guarded: guards.hold(span.start),
        });
        end = span.end;
    }
}

/// The first word in `rest`.
fn next_word(text: &str, rest: Span) -> Option<Span> {
    let bytes = &text.as_bytes()[..rest.end];
    let start = rest.start + rest.of(text).find(char::is_alphanumeric)?;
    let mut end = start;
    loop {
        end += bytes[end..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        let Some(c) = text[end..rest.end].chars().next() else { break };
        let next = end + c.len_utf8();
        let inside = c.is_alphanumeric() || is_mark(c) || (is_joint(c) && joins(bytes, end, next));
        if !inside {
            break;
        }
        end = next;
    }
    Some(Span::new(start, end))
}

/// Marks that change a letter.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '%' | '°')
}

/// Signs that may stand inside a word.
fn is_joint(c: char) -> bool {
    matches!(c, '-' | '\'' | '’' | '.' | ',' | ':' | '/' | '&' | '@' | '_' | '\u{AD}' | '\u{2011}')
}

/// Whether the joint at `at..next` has word on both sides; a comma or colon needs digits.
fn joins(bytes: &[u8], at: usize, next: usize) -> bool {
    let before = at.checked_sub(1).map_or(b' ', |i| bytes[i]);
    let after = bytes.get(next).copied().unwrap_or(b' ');
    if matches!(bytes[at], b',' | b':') {
        return before.is_ascii_digit() && after.is_ascii_digit();
    }
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80;
    is_word(before) && is_word(after)
}

/// What the text between two words is, and where in it a cut falls.
fn gap(between: &str) -> (Gap, usize) {
    if between.len() < 2 && !matches!(between, "," | ";" | ":" | "-") {
        return (Gap::Space, 0);
    }
    if breaks_a_word(between) {
        return (Gap::Space, between.len());
    }
    let kind = between.chars().fold(Gap::Space, |kind, c| match c {
        ';' => Gap::Semicolon,
        _ if kind == Gap::Semicolon => kind,
        '—' | '–' | '-' => Gap::Dash,
        _ if kind == Gap::Dash => kind,
        ':' => Gap::Colon,
        ',' => Gap::Comma,
        _ => kind,
    });
    let closers = [',', ';', ':', ')', ']', '”', '»'];
    let close = between
        .rfind(closers)
        .map(|at| at + between[at..].chars().next().map_or(0, char::len_utf8));
    let opens = |c: char| c.is_whitespace() || matches!(c, '—' | '–' | '-' | '(' | '[' | '“');
    (kind, close.or_else(|| between.find(opens)).unwrap_or(between.len()))
}

/// Whether a hyphen ends the line, close to what stands before it: a word cut in two, or a compound. A dash
/// has room on both sides, or on neither.
fn breaks_a_word(between: &str) -> bool {
    let blank = between.strip_prefix(['-', '‐']).filter(|rest| rest.trim().is_empty());
    blank.is_some_and(|blank| blank.contains(['\n', '\r']))
}

/// The asides of a sentence: brackets and short quotations, in order.
struct Guards(Vec<Span>);

impl Guards {
    fn of(text: &str, sentence: Span) -> Self {
        let mut asides: Vec<Span> = Vec::new();
        if !sentence.of(text).bytes().any(|b| matches!(b, b'(' | b'[' | b'"' | 0xE2)) {
            return Guards(asides);
        }
        let mut open: Option<(char, usize)> = None;
        for (at, c) in sentence.of(text).char_indices() {
            let at = sentence.start + at;
            match (open, c) {
                (Some((closer, start)), c) if c == closer => {
                    asides.extend((at - start <= LONGEST_ASIDE).then_some(Span::new(start, at)));
                    open = None;
                }
                (Some((_, start)), _) if at - start <= LONGEST_ASIDE => {}
                (_, '(') => open = Some((')', at)),
                (_, '[') => open = Some((']', at)),
                (_, '“') => open = Some(('”', at)),
                (_, '"') => open = Some(('"', at)),
                _ => {}
            }
        }
        Guards(asides)
    }

    fn hold(&self, at: usize) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let after = self.0.partition_point(|aside| aside.start < at);
        after > 0 && at < self.0[after - 1].end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(&str, Gap)> {
        let mut words = Vec::new();
        read(text, Span::new(0, text.len()), &mut words);
        words.iter().map(|w| (w.span.of(text), w.gap)).collect()
    }

    #[test]
    fn words_keep_their_joints_and_show_what_stands_between() {
        let found = words("People-to-people ties, 1,000 U.S. firms — ports; roads: Xi’s aims");
        let expected = [
            ("People-to-people", Gap::Space),
            ("ties", Gap::Space),
            ("1,000", Gap::Comma),
            ("U.S", Gap::Space),
            ("firms", Gap::Space),
            ("ports", Gap::Dash),
            ("roads", Gap::Semicolon),
            ("Xi’s", Gap::Colon),
            ("aims", Gap::Space),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_hyphen_at_the_end_of_a_line_is_no_dash() {
        let gaps = |text| words(text).into_iter().map(|(_, gap)| gap).collect::<Vec<_>>();
        assert_eq!(gaps("They pro-\n  mised"), [Gap::Space; 3]);
        assert_eq!(gaps("They met -\nbriefly"), [Gap::Space, Gap::Space, Gap::Dash]);
        assert_eq!(gaps("They met—\nbriefly"), [Gap::Space, Gap::Space, Gap::Dash]);
    }

    #[test]
    fn asides_are_guarded() {
        let text = "The fund (roads, rails) and “ports, docks” grow";
        let mut found = Vec::new();
        read(text, Span::new(0, text.len()), &mut found);
        let guarded: Vec<&str> =
            found.iter().filter(|w| w.guarded).map(|w| w.span.of(text)).collect();
        assert_eq!(guarded, ["roads", "rails", "ports", "docks"]);
    }
}
