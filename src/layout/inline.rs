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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bare,
    Stopped,
    Bracketed,
    Letter,
}

/// The marks in `blocks` (spans of `text`, in order) that count paragraphs, in order.
pub(super) fn marks(text: &str, blocks: &[Span]) -> Vec<Span> {
    let mut chains = [Form::Bare, Form::Stopped, Form::Bracketed, Form::Letter].map(Chain::new);
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

    /// Two that follow whole sentences are enough; three where one does not, if it has a stop.
    fn close(&mut self) {
        let clean = self.current.iter().all(|c| c.clean);
        let enough = if clean { 2 } else { 3 };
        let chain = std::mem::take(&mut self.current);
        if chain.len() >= enough && (clean || self.form != Form::Bare) {
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
        while at < block.end {
            let here = at;
            at += 1;
            let starts = here == block.start || matches!(bytes[here - 1], b' ' | b'\n' | b'\t');
            if !starts || !(bytes[here].is_ascii_alphanumeric() || bytes[here] == b'(') {
                continue;
            }
            if let Some(found) = candidate(text, block, here) {
                at = found.mark.end;
                return Some(found);
            }
        }
        None
    })
}

fn candidate(text: &str, block: Span, at: usize) -> Option<Candidate> {
    let rest = &text[at..block.end];
    let inner = rest.strip_prefix('(').unwrap_or(rest);
    let (n, value) = ordinal(inner)?;
    let after = &inner[n..];
    let stop = [".)", ".", ")"].iter().find(|s| after.starts_with(**s)).map_or(0, |s| s.len());
    let is_letter = !inner.as_bytes()[0].is_ascii_digit();
    let bracketed = inner.len() < rest.len();
    let closed = after[..stop].ends_with(')');
    let form = match (is_letter, bracketed) {
        (_, true) if !closed => return None,
        (true, _) if !closed => return None,
        (true, _) => Form::Letter,
        (false, true) => Form::Bracketed,
        (false, false) if stop > 0 => Form::Stopped,
        (false, false) => Form::Bare,
    };
    let rest = &after[stop..];
    let white = rest.len() - rest.trim_start().len();
    if white == 0 || !marker::starts_capitalised(&rest[white..]) {
        return None;
    }
    let mark = Span::new(at, block.end - rest.len() + white);
    Some(Candidate { mark, value, form, clean: is_clean(&text[block.start..at]) })
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
