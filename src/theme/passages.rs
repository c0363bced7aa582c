//! A document cut into units, each with its text as a person reads it and its sentence as context.
//!
//! Fit and score both read documents through this one door, so they cannot disagree on what a unit
//! is.

use std::ops::Range;

use crate::document::Span;
use crate::ingest::furniture::{self, RepeatedLines};
use crate::layout;
use crate::segment;

/// The units of a document, in the order of its text.
#[derive(Debug, Clone, Default)]
pub struct Passages {
    /// The sentences as read, one behind the other: the texts of their units, joined by one space.
    text: String,
    /// Where each sentence stands in `text`.
    sentences: Vec<Range<usize>>,
    units: Vec<Passage>,
}

/// One unit: where it lies in the document, and in its sentence as read.
#[derive(Debug, Clone)]
pub struct Passage {
    /// Index of its sentence in the document.
    pub sentence: usize,
    /// Its bytes in the document's text as given.
    pub span: Span,
    within: Range<usize>,
}

impl Passages {
    /// Reads a text: blocks, less page furniture, into sentences, into units. `repeated`: lines
    /// known to repeat over the corpus.
    pub fn read(text: &str, repeated: &RepeatedLines) -> Self {
        let blocks = layout::blocks(text);
        let furniture: Vec<Span> =
            furniture::mark(text, &blocks, repeated).iter().map(|mark| mark.span).collect();
        let segmentation = segment::segment(text, &blocks, &furniture);
        let mut passages = Passages {
            text: String::with_capacity(text.len()),
            sentences: vec![0..0; segmentation.sentences.len()],
            units: Vec::with_capacity(segmentation.units.len()),
        };
        for unit in &segmentation.units {
            passages.push(unit.sentence, unit.span, &segment::reading(unit.span.of(text)));
        }
        passages
    }

    /// Adds the next unit; the units of a sentence come one after the other.
    fn push(&mut self, sentence: usize, span: Span, reading: &str) {
        let of_sentence = &mut self.sentences[sentence];
        match of_sentence.start == of_sentence.end {
            true => of_sentence.start = self.text.len(),
            false => self.text.push(' '),
        }
        let start = self.text.len() - of_sentence.start;
        self.text.push_str(reading);
        of_sentence.end = self.text.len();
        let within = start..of_sentence.len();
        self.units.push(Passage { sentence, span, within });
    }

    /// The units.
    pub fn units(&self) -> &[Passage] {
        &self.units
    }

    /// The units of each sentence that has some, in order.
    pub fn by_sentence(&self) -> impl Iterator<Item = &[Passage]> {
        self.units.chunk_by(|a, b| a.sentence == b.sentence)
    }

    /// Number of sentences.
    pub fn n_sentences(&self) -> usize {
        self.sentences.len()
    }

    /// The sentences as read.
    pub fn sentences(&self) -> impl Iterator<Item = &str> {
        self.sentences.iter().map(|sentence| &self.text[sentence.clone()])
    }

    /// A unit's text as read.
    pub fn text(&self, unit: &Passage) -> &str {
        &self.text[self.sentences[unit.sentence].clone()][unit.within.clone()]
    }

    /// The unit that holds byte `offset` of sentence `sentence` as read; the last one before it
    /// where the offset falls between two.
    pub fn unit_at(&self, sentence: usize, offset: usize) -> Option<usize> {
        let first = self.units.partition_point(|unit| unit.sentence < sentence);
        let past =
            self.units.partition_point(|u| (u.sentence, u.within.start) <= (sentence, offset));
        (past > first).then(|| past - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_units() -> Passages {
        let mut passages = Passages { sentences: vec![0..0; 2], ..Passages::default() };
        passages.push(0, Span::new(0, 9), "Ports;");
        passages.push(0, Span::new(10, 20), "and roads.");
        passages.push(1, Span::new(21, 30), "Trade.");
        passages
    }

    #[test]
    fn a_sentence_as_read_is_its_units_joined() {
        let passages = two_units();
        assert_eq!(passages.sentences().collect::<Vec<_>>(), ["Ports; and roads.", "Trade."]);
        let texts: Vec<_> = passages.units().iter().map(|u| passages.text(u)).collect();
        assert_eq!(texts, ["Ports;", "and roads.", "Trade."]);
    }

    #[test]
    fn an_offset_in_a_sentence_leads_to_its_unit() {
        let passages = two_units();
        assert_eq!(passages.unit_at(0, 0), Some(0));
        assert_eq!(passages.unit_at(0, 6), Some(0), "the space between two units");
        assert_eq!(passages.unit_at(0, 7), Some(1));
        assert_eq!(passages.unit_at(1, 3), Some(2));
        assert_eq!(passages.unit_at(2, 0), None);
    }
}
