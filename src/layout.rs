//! How a text lies on the page: blocks (paragraphs, headings), which line breaks end a block and
//! which only wrap a line, and the parts that are page furniture rather than text.

use crate::document::Span;

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockKind {
    /// Running text.
    Paragraph,
    /// A headline or crosshead: short, alone on its line, no closing full stop.
    Heading,
}

/// A paragraph or heading: a span whose line breaks, if any, only wrap lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Without leading paragraph numbers, bullets and surrounding white space.
    pub span: Span,
    /// What it is.
    pub kind: BlockKind,
}

/// Splits a text into blocks, in order, without overlap.
pub fn blocks(text: &str) -> Vec<Block> {
    let _ = text;
    Vec::new()
}
