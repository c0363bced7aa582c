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

    /// Indices of the units that a code speaks of: those that lie in it for the better part, else the
    /// one that it lies in for the better part; none where its text has no unit (it may be page
    /// furniture). `whole`: the code speaks of the whole document.
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
        let found: Vec<usize> = (0..self.spans.len()).filter(inside).collect();
        match found.is_empty() {
            true => self.around(&place).into_iter().collect(),
            false => found,
        }
    }

    /// The unit that holds the better part of a passage.
    fn around(&self, place: &Place) -> Option<usize> {
        let holds = |&unit: &usize| match place {
            Place::Bytes(range) => {
                mostly_inside(range.clone(), &(self.spans[unit].start..self.spans[unit].end))
            }
            Place::Dense(range) => mostly_inside(range.clone(), &self.parts[unit]),
            Place::Everywhere | Place::Around(_) => false,
        };
        (0..self.spans.len()).find(holds)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(start: Option<usize>, text: &str) -> Vec<usize> {
        let whole = "They met; they dined. Ports, roads and rails were on the list.";
        let spans = [Span::new(0, 9), Span::new(10, 21), Span::new(22, 62)];
        let units = spans.map(|span| LocatedUnit { span, text: span.of(whole) });
        let code = Code { start, text: text.to_owned(), ..Code::default() };
        Units::new(units).of_code(&code, false)
    }

    #[test]
    fn a_code_speaks_of_the_units_in_it_else_of_the_one_around_it() {
        assert_eq!(found(Some(0), "They met; they dined."), [0, 1]);
        assert_eq!(found(None, "They met;  they dined."), [0, 1]);
        assert_eq!(found(Some(22), "Ports, roads"), [2], "a part of a unit");
        assert_eq!(found(None, "Ports, roads"), [2]);
        assert_eq!(found(Some(900), "Ports, roads"), [0; 0], "past the end");
        assert_eq!(found(None, "Nothing of the kind"), [0; 0]);
    }
}
