//! Where a coded passage lies among the units of its document.

use std::ops::Range;

use crate::document::Span;

use super::Code;

/// A unit as a code finds it: its bytes in the document's text, and their text (as given, or as
/// read: white space does not matter).
#[derive(Debug, Clone, Copy)]
pub struct LocatedUnit<'u> {
    /// Its bytes in the document's text.
    pub span: Span,
    /// Its text.
    pub text: &'u str,
}

/// The units of one document, and their text without white space, which codes may have changed.
pub struct Units {
    spans: Vec<Span>,
    dense: String,
    /// For each unit its part of `dense`.
    parts: Vec<Range<usize>>,
}

impl Units {
    /// Units in the order of the text.
    pub fn new<'u>(units: impl IntoIterator<Item = LocatedUnit<'u>>) -> Self {
        let mut found = Units { spans: Vec::new(), dense: String::new(), parts: Vec::new() };
        for unit in units {
            let start = found.dense.len();
            found.dense.extend(unit.text.chars().filter(|c| !c.is_whitespace()));
            found.spans.push(unit.span);
            found.parts.push(start..found.dense.len());
        }
        found
    }

    /// Indices of the units that a code speaks of: those that lie in it for the better part; none
    /// where its text has no unit (it may be page furniture). `whole`: the code speaks of the whole
    /// document.
    pub fn of_code(&self, code: &Code, whole: bool) -> Vec<usize> {
        let place = match (whole, code.start) {
            (true, _) => Place::Everywhere,
            (_, Some(start)) => Place::Bytes(start..start + code.text.len()),
            (_, None) => self.search(&code.text),
        };
        let inside = |&unit: &usize| match &place {
            Place::Everywhere => true,
            Place::Bytes(range) => {
                mostly_inside(self.spans[unit].start..self.spans[unit].end, range)
            }
            Place::Dense(range) => mostly_inside(self.parts[unit].clone(), range),
            Place::Around(text) => text.contains(&self.dense[self.parts[unit].clone()]),
        };
        (0..self.spans.len()).filter(inside).collect()
    }

    fn search(&self, text: &str) -> Place {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        match self.dense.find(&text) {
            Some(at) => Place::Dense(at..at + text.len()),
            None => Place::Around(text),
        }
    }
}

enum Place {
    Everywhere,
    /// Bytes of the document.
    Bytes(Range<usize>),
    /// Bytes of the dense text.
    Dense(Range<usize>),
    /// The passage is interrupted, by page furniture say: units whose whole text it contains.
    Around(String),
}

/// Whether more than half of `part` lies in `whole`.
fn mostly_inside(part: Range<usize>, whole: &Range<usize>) -> bool {
    let shared = part.end.min(whole.end).saturating_sub(part.start.max(whole.start));
    2 * shared > part.len()
}
