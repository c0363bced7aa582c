//! Text → sentences → units: what is scored, as spans of the source.

mod abbreviation;
mod boundary;
mod clause;
mod lexicon;
mod reading;
mod word;

use crate::document::Span;
use crate::layout::{self, Block, BlockKind};

pub use reading::reading;

/// A sentence, or a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sentence {
    /// Without surrounding white space; never empty.
    pub span: Span,
    /// Index of its block.
    pub block: usize,
    /// Whether the block is a heading.
    pub heading: bool,
}

/// A clause of a sentence that lists, or a whole sentence: what is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Index of its sentence in [`Segmentation::sentences`].
    pub sentence: usize,
    /// Without surrounding white space; never empty.
    pub span: Span,
}

/// The sentences of a text and their units, both in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segmentation {
    /// In order, without overlap.
    pub sentences: Vec<Sentence>,
    /// In order; the units of a sentence cover it, white space aside.
    pub units: Vec<Unit>,
}

/// The sentences of `text`, in order, without overlap: all of it, save white space and the marks
/// that blocks leave out.
pub fn sentences(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    for block in layout::blocks(text) {
        boundary::split(text, block.span, &mut spans);
    }
    spans
}

/// The sentences and units of `text`, whose blocks are `blocks`. What `furniture` covers (spans in
/// any order) is cut out; stretches without a letter or digit are no sentences.
pub fn segment(text: &str, blocks: &[Block], furniture: &[Span]) -> Segmentation {
    let mut furniture = furniture.to_vec();
    furniture.sort_unstable();
    let mut found = Segmentation::default();
    let mut spans = Vec::new();
    let mut cutter = clause::Cutter::default();
    let mut cuts = Cuts { furniture: &furniture, reached: 0 };
    for (index, block) in blocks.iter().enumerate() {
        spans.clear();
        cuts.keep(block.span, |kept| boundary::split(text, kept, &mut spans));
        for &span in spans.iter().filter(|s| s.of(text).contains(char::is_alphanumeric)) {
            let heading = block.kind == BlockKind::Heading;
            let sentence = found.sentences.len();
            cutter.units(text, span, |unit| found.units.push(Unit { sentence, span: unit }));
            found.sentences.push(Sentence { span, block: index, heading });
        }
    }
    found
}

/// Furniture, sorted, walked once along the blocks.
struct Cuts<'f> {
    furniture: &'f [Span],
    /// The text before this offset has been cut out.
    reached: usize,
}

impl Cuts<'_> {
    /// Calls `each` with the stretches of `block` that no furniture covers.
    fn keep(&mut self, block: Span, mut each: impl FnMut(Span)) {
        let mut at = block.start.max(self.reached).min(block.end);
        while let [first, rest @ ..] = self.furniture {
            if first.start >= block.end {
                break;
            }
            if at < first.start {
                each(Span::new(at, first.start));
            }
            self.reached = self.reached.max(first.end);
            at = at.max(first.end).min(block.end);
            self.furniture = rest;
        }
        if at < block.end {
            each(Span::new(at, block.end));
        }
    }
}
