//! How a text lies on the page: blocks (paragraphs, headings), and which line breaks end a block
//! and which only wrap a line.
//!
//! Sentences are sought inside blocks, so a line break that is taken for more than it is cuts a
//! sentence in two, and one year's typesetting looks like one year's style. The rules:
//!
//! 1. A line break wraps where the stretch of lines around it is wrapped (`wrap`) and the line is
//!    about full; anywhere, where the line cannot end there ("the role of") or a long line without
//!    a stop is followed by a small letter. Every other break ends a block.
//! 2. Blank lines end a block, unless a sentence plainly runs on across them (a page break).
//! 3. Bullets, paragraph numbers and the like are left out of the block's span (`marker`), also
//!    where numbered paragraphs run on in one line (`inline`).
//! 4. A heading is one short line, alone, without a closing stop.

mod inline;
mod lines;
mod marker;
pub(crate) mod words;
mod wrap;

use crate::document::Span;
use lines::{Lead, Line, Tail};

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
    /// Without leading paragraph numbers, bullets and surrounding white space; never empty.
    pub span: Span,
    /// What it is.
    pub kind: BlockKind,
}

/// Lines of page numbers and running headers at the turn of a page.
const MOST_FOLIOS: usize = 3;
/// A longer line is no heading (characters, words).
const LONGEST_HEADING: (u32, usize) = (110, 16);

/// Splits a text into blocks, in order, without overlap. Linear in the length of the text.
pub fn blocks(text: &str) -> Vec<Block> {
    let lines = lines::lines(text);
    let paragraphs = join(text, &lines);
    let spans: Vec<Span> = paragraphs.iter().map(|b| b.span).collect();
    let marks = inline::marks(text, &spans);
    cut(text, paragraphs, &marks)
}

/// Joins wrapped lines. The mark before a block is still part of its span.
fn join(text: &str, lines: &[Line]) -> Vec<Block> {
    let widths = wrap::widths(lines);
    let mut blocks: Vec<Block> = Vec::new();
    let mut first = 0;
    while first < lines.len() {
        let mut last = first;
        while let Some(next) = next_line(text, lines, last, widths[last]) {
            last = next;
        }
        blocks.push(block(text, &lines[first..=last], first.checked_sub(1).map(|i| lines[i])));
        first = last + 1;
    }
    if let [only] = blocks.as_mut_slice() {
        only.kind = BlockKind::Paragraph;
    }
    blocks
}

/// The line in which the text of line `at` goes on, if any: the next one, or the one behind the
/// page number and running header at the turn of a page.
fn next_line(text: &str, lines: &[Line], at: usize, width: Option<u32>) -> Option<usize> {
    let line = &lines[at];
    let rest = &lines[at + 1..];
    let folios = rest.iter().take(MOST_FOLIOS).take_while(|l| l.folio).count();
    if folios > 0 && !line.folio && line.is_open() {
        let behind = rest.get(folios)?;
        return wrap::goes_on(text, line, behind, false, width).then_some(at + 1 + folios);
    }
    let next = rest.first()?;
    wrap::goes_on(text, line, next, next.gap_before, width).then_some(at + 1)
}

fn block(text: &str, lines: &[Line], before: Option<Line>) -> Block {
    let span = Span::new(lines[0].start, lines[lines.len() - 1].end);
    let signed = marker::is_heading_sign(span.of(text));
    let heading = signed || (lines.len() == 1 && is_heading(text, &lines[0], before));
    Block { span, kind: if heading { BlockKind::Heading } else { BlockKind::Paragraph } }
}

fn is_heading(text: &str, line: &Line, before: Option<Line>) -> bool {
    let (widest, most_words) = LONGEST_HEADING;
    let inner = &text[line.start..line.end];
    let closes = line.tail == Tail::Stop && !inner.ends_with('?');
    let goes_on = inner.ends_with([',', ';']) || line.tail == Tail::Dangling;
    let in_a_list = before.is_some_and(|b| b.tail == Tail::Colon && line.marked);
    line.width <= widest
        && inner.split_whitespace().count() <= most_words
        && !(closes || goes_on || in_a_list || line.lead == Lead::Lower)
        && inner.chars().any(char::is_alphabetic)
}

/// Starts a new block behind every mark and bullet, and leaves them out.
fn cut(text: &str, blocks: Vec<Block>, marks: &[Span]) -> Vec<Block> {
    let mut cut = Vec::with_capacity(blocks.len() + marks.len());
    let mut marks = marks.iter().peekable();
    for Block { span, kind } in blocks {
        let mut start = span.start;
        while let Some(mark) = marks.next_if(|m| m.start < span.end) {
            push(&mut cut, text, Span::new(start, mark.start), BlockKind::Paragraph);
            start = mark.end;
        }
        let whole =
            start == span.start || cut.last().is_none_or(|b: &Block| b.span.end <= span.start);
        let kind = if whole { kind } else { BlockKind::Paragraph };
        push(&mut cut, text, Span::new(start, span.end), kind);
    }
    cut
}

/// Adds the items of `span` without the marks before them; what is nothing but a mark goes.
fn push(blocks: &mut Vec<Block>, text: &str, span: Span, kind: BlockKind) {
    let mut start = span.start;
    for at in marker::bullets(text, span) {
        if text[span.start..at].ends_with(char::is_whitespace) {
            push_item(blocks, text, Span::new(start, at), kind);
            start = at;
        }
    }
    push_item(blocks, text, Span::new(start, span.end), kind);
}

fn push_item(blocks: &mut Vec<Block>, text: &str, span: Span, kind: BlockKind) {
    let item = span.trimmed(text);
    let item = Span::new(item.start + marker::explicit(item.of(text)), item.end);
    if !item.is_empty() {
        blocks.push(Block { span: item, kind });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(BlockKind, String)> {
        let words = |span: Span| span.of(text).split_whitespace().collect::<Vec<_>>().join(" ");
        blocks(text).iter().map(|b| (b.kind, words(b.span))).collect()
    }

    fn texts(text: &str) -> Vec<String> {
        read(text).into_iter().map(|(_, text)| text).collect()
    }

    /// A column as a typesetter would set it: two paragraphs, no blank line between.
    const COLUMN: &str = "The harbour was built by the town a hundred years\n\
        ago, and since then the ships of many nations have\n\
        called there. It has two docks and a lighthouse, and\n\
        President Roe of the harbour board has asked for a\n\
        third dock.\n\
        The railway came later. It brought coal from the hills\n\
        and took fish back to the inland towns, which had not\n\
        eaten any before.\n";

    #[test]
    fn a_column_is_joined_and_its_paragraphs_are_kept() {
        let found = texts(COLUMN);
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].ends_with("third dock.") && found[1].starts_with("The railway"));
    }

    #[test]
    fn a_crosshead_in_a_column_stays_alone() {
        let text = format!("{COLUMN}Roads and bridges\n{COLUMN}");
        let headings: Vec<_> =
            read(&text).into_iter().filter(|(kind, _)| *kind == BlockKind::Heading).collect();
        assert_eq!(headings, [(BlockKind::Heading, "Roads and bridges".to_owned())]);
    }

    #[test]
    fn a_sentence_runs_on_across_the_turn_of_a_page() {
        let turned = COLUMN.replace(
            "the ships of many nations have\n",
            "the ships of many nations have\n\n12\n\u{c}\nA/5/PV.1\n\n",
        );
        assert_ne!(turned, COLUMN);
        assert_eq!(texts(&turned).len(), 2);
    }

    #[test]
    fn lines_that_stand_for_themselves_stay_apart() {
        for (text, expected) in [
            (
                "One line is one paragraph.\nSo is the next.",
                vec!["One line is one paragraph.", "So is the next."],
            ),
            ("apples\nred pears\nplums", vec!["apples", "red pears", "plums"]),
            ("It is a cold \nnight in town.", vec!["It is a cold night in town."]),
            ("Minister of\nTrade", vec!["Minister of Trade"]),
            (
                "They will:\n- meet again\n- write a report",
                vec!["They will:", "meet again", "write a report"],
            ),
            ("1.\tThe first.\n2.\tThe second.\n", vec!["The first.", "The second."]),
            (
                "REPLY 1 It is so. 2 It was not so before.",
                vec!["REPLY", "It is so.", "It was not so before."],
            ),
            (
                "Trade rose in the year that ended in March\nexample.org",
                vec!["Trade rose in the year that ended in March", "example.org"],
            ),
            ("• apples • pears", vec!["apples", "pears"]),
        ] {
            assert_eq!(texts(text), expected, "{text:?}");
        }
    }

    #[test]
    fn headings_are_short_and_alone_and_do_not_close() {
        for (line, heading) in [
            ("Roads and bridges", true),
            ("## Roads", true),
            ("Will the bridge hold?", true),
            ("The bridge holds.", false),
            ("roads and bridges", false),
            ("The first of the", false),
            ("Dear Minister,", false),
            ("2024", false),
        ] {
            let text = format!("It began in May.\n\n{line}\n\nIt ended in June.");
            assert_eq!(read(&text)[1].0 == BlockKind::Heading, heading, "{line}");
        }
    }

    #[test]
    fn hostile_texts_take_linear_time() {
        for piece in ["a\n", "\n", "1\n", "a", "1 A ", "(a) ", "• ", "a \n", "of\n"] {
            let text = piece.repeat(600_000 / piece.len());
            assert!(blocks(&text).iter().all(|b| !b.span.is_empty()));
        }
    }
}
