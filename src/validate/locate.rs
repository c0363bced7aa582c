//! Where a coded passage lies among the units of its document.

use std::ops::Range;

use crate::document::Span;

use super::ScoredUnit;
use super::codes::Code;

/// The units of one document, and their text without white space, which codes may have changed.
pub struct Units<'u> {
    units: &'u [ScoredUnit],
    dense: String,
    /// For each unit its part of `dense`.
    parts: Vec<Range<usize>>,
}

impl<'u> Units<'u> {
    /// Units in the order of the text.
    pub fn new(units: &'u [ScoredUnit]) -> Self {
        let mut dense = String::new();
        let parts = units.iter().map(|unit| {
            let start = dense.len();
            dense.extend(unit.text.chars().filter(|c| !c.is_whitespace()));
            start..dense.len()
        });
        let parts = parts.collect();
        Units { units, dense, parts }
    }

    /// The themes of all units.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.units.iter().flat_map(|unit| unit.themes.iter().map(String::as_str))
    }

    /// The themes of the units that a code speaks of; none where its text has no unit (it may be
    /// page furniture).
    pub fn themes_of(&self, code: &Code) -> impl Iterator<Item = &str> {
        let place = match code.start {
            Some(start) => Place::Bytes(Span::new(start, start + code.text.len())),
            None => self.search(&code.text),
        };
        let units = self.units.iter().zip(&self.parts);
        let inside = move |(unit, part): &(&ScoredUnit, &Range<usize>)| match &place {
            Place::Bytes(span) => mostly_inside(unit.span.start..unit.span.end, span.start..span.end),
            Place::Dense(range) => mostly_inside((*part).clone(), range.clone()),
            Place::Contains(text) => text.contains(&self.dense[(*part).clone()]),
        };
        units.filter(inside).flat_map(|(unit, _)| unit.themes.iter().map(String::as_str))
    }

    fn search(&self, text: &str) -> Place {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        match self.dense.find(&text) {
            Some(at) => Place::Dense(at..at + text.len()),
            None => Place::Contains(text),
        }
    }
}

enum Place {
    /// Bytes of the document.
    Bytes(Span),
    /// Bytes of the dense text.
    Dense(Range<usize>),
    /// The passage is interrupted, by page furniture say: units whose whole text it contains.
    Contains(String),
}

/// Whether more than half of `part` lies in `whole`.
fn mostly_inside(part: Range<usize>, whole: Range<usize>) -> bool {
    let shared = part.end.min(whole.end).saturating_sub(part.start.max(whole.start));
    2 * shared > part.len()
}
