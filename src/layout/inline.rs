//! Numbered paragraphs that run on in one line: "… of the case. 2 The second …".
//!
//! A number in a sentence is nothing special; a chain of them is. A number, or a letter in
//! brackets, counts as the mark of a paragraph where it stands at the start of a block or after
//! the end of a sentence, a capital follows, and the chain counts up from 1 (or a).

use super::marker;
use crate::document::Span;

/// A place where a paragraph may start.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// The mark and the white space after it.
    mark: Span,
    value: u32,
    form: Form,
    /// Whether a sentence, or nothing, stands before it.
    clean: bool,
    /// Whether it starts a block.
    leads: bool,
    /// Whether a capital follows.
    capital: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// "2"
    Bare,
    /// "2." or "2)"
    Stopped,
    /// "(2)"
    Bracketed,
    /// "(b)" or "b)"
    Letter,
    /// "b."
    StoppedLetter,
}

const FORMS: [Form; 5] =
    [Form::Bare, Form::Stopped, Form::Bracketed, Form::Letter, Form::StoppedLetter];

/// The marks in `blocks` (spans of `text`, in order) that count paragraphs, in order.
pub(super) fn marks(text: &str, blocks: &[Span]) -> Vec<Span> {
    let mut chains = FORMS.map(Chain::new);
    for &block in blocks {
        for candidate in candidates(text, block) {
            chains[candidate.form as usize].offer(candidate);
        }
    }
    let mut marks: Vec<Span> = chains.into_iter().flat_map(Chain::finish).collect();
    marks.sort_unstable();
    marks
}

struct Chain {
    form: Form,
    current: Vec<Candidate>,
    accepted: Vec<Span>,
}

impl Chain {
    fn new(form: Form) -> Self {
        Chain { form, current: Vec::new(), accepted: Vec::new() }
    }

    fn offer(&mut self, candidate: Candidate) {
        let next = self.current.last().map_or(1, |last| last.value + 1);
        if candidate.value == 1 {
            self.close();
        } else if candidate.value != next {
            return;
        }
        self.current.push(candidate);
    }

    /// Two are enough where each follows a whole sentence, or where the first leads a block and
    /// has a stop; else three that have a stop.
    fn close(&mut self) {
        let chain = std::mem::take(&mut self.current);
        let clean = chain.iter().all(|c| c.clean && c.capital);
        let stopped = self.form != Form::Bare;
        let leads = stopped && chain.first().is_some_and(|c| c.leads && c.capital);
        let enough = if clean || leads { 2 } else { 3 };
        if chain.len() >= enough && (clean || stopped) {
            self.accepted.extend(chain.iter().map(|c| c.mark));
        }
    }

    fn finish(mut self) -> Vec<Span> {
        self.close();
        self.accepted
    }
}

fn candidates(text: &str, block: Span) -> impl Iterator<Item = Candidate> + '_ {
    let bytes = &text.as_bytes()[..block.end];
    let mut at = block.start;
    std::iter::from_fn(move || {
        while let Some(skipped) = bytes[at..].iter().position(|&b| ANCHORS[usize::from(b)]) {
            let anchor = at + skipped;
            at = anchor + 1;
            let is_stop = matches!(bytes[anchor], b'.' | b')');
            let start = if is_stop { anchor.saturating_sub(1).max(block.start) } else { anchor };
            let leads = start == block.start || matches!(bytes[start - 1], b' ' | b'\n' | b'\t');
            if leads && let Some(found) = candidate(text, block, start) {
                at = found.mark.end;
                return Some(found);
            }
        }
        None
    })
}

/// Bytes that a mark starts with, or that stand behind its only letter.
const ANCHORS: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"0123456789(.)";
    let mut i = 0;
    while i < bytes.len() {
        table[bytes[i] as usize] = true;
        i += 1;
    }
    table
};

fn candidate(text: &str, block: Span, at: usize) -> Option<Candidate> {
    let rest = text.get(at..block.end)?;
    let inner = rest.strip_prefix('(').unwrap_or(rest);
    let (n, value) = ordinal(inner)?;
    let after = &inner[n..];
    let stop = marker::stop_len(after).unwrap_or(0);
    let form = form(inner.as_bytes()[0], inner.len() < rest.len(), &after[..stop])?;
    let behind = &after[stop..];
    let white = behind.len() - behind.trim_start().len();
    let capital = marker::starts_capitalised(&behind[white..]);
    if white == 0 || !(capital || after[..stop].ends_with(')') && form == Form::Stopped) {
        return None;
    }
    let mark = Span::new(at, block.end - behind.len() + white);
    let clean = is_clean(&text[block.start..at]);
    Some(Candidate { mark, value, form, clean, leads: at == block.start, capital })
}

/// The form of a mark with this first letter or digit, after an opening bracket or not, and with
/// this stop behind it.
fn form(first: u8, bracketed: bool, stop: &str) -> Option<Form> {
    let closed = stop.ends_with(')');
    match (first.is_ascii_digit(), bracketed) {
        (true, true) => closed.then_some(Form::Bracketed),
        (true, false) if stop.is_empty() => Some(Form::Bare),
        (true, false) => Some(Form::Stopped),
        (false, _) if closed => Some(Form::Letter),
        (false, _) => (stop == "." && first.is_ascii_lowercase()).then_some(Form::StoppedLetter),
    }
}

fn ordinal(text: &str) -> Option<(usize, u32)> {
    if let Some(n) = marker::digits(text) {
        return Some((n, text[..n].parse().ok()?));
    }
    let letter = *text.as_bytes().first()?;
    letter.is_ascii_alphabetic().then(|| (1, u32::from(letter.to_ascii_lowercase() - b'a') + 1))
}

/// Whether `before` is empty, or ends a sentence or a heading in capitals.
fn is_clean(before: &str) -> bool {
    let before = before.trim_end();
    let word = before.rsplit(char::is_whitespace).next().unwrap_or("");
    let inner = before.trim_end_matches(['"', '”', '’', ')', '\'']);
    inner.is_empty()
        || inner.ends_with(['.', '?', '!', ':', ';'])
        || (word.len() > 2 && word.bytes().all(|b| b.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(text: &str) -> Vec<&str> {
        marks(text, &[Span::new(0, text.len())]).iter().map(|m| m.of(text).trim_end()).collect()
    }

    #[test]
    fn only_chains_that_count_up_are_marks() {
        for (text, expected) in [
            ("REPLY 1 We agree. 2 The fund grew. 3 It ends in May.", vec!["1", "2", "3"]),
            ("1. First point 2. Second point 3. Third point", vec!["1.", "2.", "3."]),
            ("(a) One is done. (b) Two is not.", vec!["(a)", "(b)"]),
            ("1.) First point 2.) Second point", vec!["1.)", "2.)"]),
            ("Tell us 1) who came 2) what they said 3) how it went", vec!["1)", "2)", "3)"]),
            ("Ask (a) who came, (b) what they said and (c) how it went.", vec![]),
            ("They met in May. 2 The talks went on.", vec![]),
            ("In round 1 France won. Then 2 Germans left.", vec![]),
            ("Group 1 Teams and group 2 Teams and group 3 Teams", vec![]),
        ] {
            assert_eq!(cuts(text), expected, "{text}");
        }
    }

    #[test]
    fn a_million_digits_take_linear_time() {
        let text = "1 A ".repeat(250_000);
        assert!(marks(&text, &[Span::new(0, text.len())]).is_empty());
    }
}
