//! Text → sentences → units: what is scored, as spans of the source.
//!
//! Sentences are sought in the blocks of [`crate::layout`] (`boundary`), what is page furniture is
//! cut out first, and sentences that list are cut into units, each of which speaks of one thing
//! (`clause`). Everything is a span: the text itself is never changed, and [`reading`] gives a span
//! as a person reads it. All of it takes time linear in the text, whatever the text.

mod abbreviation;
mod boundary;
mod clause;
mod lexicon;
mod mark;
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
/// any order) is cut out; stretches without a letter are no sentences.
pub fn segment(text: &str, blocks: &[Block], furniture: &[Span]) -> Segmentation {
    let mut furniture: Vec<Span> = furniture.iter().copied().filter(|f| !f.is_empty()).collect();
    furniture.sort_unstable();
    let mut found = Segmentation::default();
    let mut spans = Vec::new();
    let mut cutter = clause::Cutter::default();
    let mut cuts = Cuts { furniture: &furniture, reached: 0 };
    for (index, block) in blocks.iter().enumerate() {
        spans.clear();
        cuts.keep(block.span, |kept| boundary::split(text, kept, &mut spans));
        for &span in spans.iter().filter(|s| s.of(text).contains(char::is_alphabetic)) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segmented(text: &str, furniture: &[Span]) -> Segmentation {
        segment(text, &layout::blocks(text), furniture)
    }

    fn read(spans: impl Iterator<Item = Span>, text: &str) -> Vec<String> {
        spans.map(|span| reading(span.of(text)).into_owned()).collect()
    }

    #[test]
    fn a_wrapped_document_reads_like_an_unwrapped_one() {
        let words = "the two sides met in the old town and spoke of roads and rails and ports \
                     for many days until they agreed. The next round will be held in the spring.";
        let mut wrapped = String::from("12. At the start of the year");
        for (i, word) in words.split(' ').enumerate() {
            wrapped.push(if i % 6 == 0 { '\n' } else { ' ' });
            wrapped.push_str(word);
        }
        let found = segmented(&wrapped, &[]);
        let whole = format!("At the start of the year {words}");
        assert_eq!(
            read(found.sentences.iter().map(|s| s.span), &wrapped),
            whole.split_inclusive("agreed.").map(str::trim).collect::<Vec<_>>()
        );
    }

    #[test]
    fn furniture_yields_no_sentence_and_shortens_what_it_touches() {
        let text = "2 May, DOEVILLE — The fair opened.\n\nPhoto: J. Roe\n\nIt was full. (ROE)";
        let cut = |part: &str| {
            let start = text.find(part).unwrap();
            Span::new(start, start + part.len())
        };
        let furniture = [cut("(ROE)"), cut("Photo: J. Roe"), cut("2 May, DOEVILLE — ")];
        let found = segmented(text, &furniture);
        let sentences = read(found.sentences.iter().map(|s| s.span), text);
        assert_eq!(sentences, ["The fair opened.", "It was full."]);
        assert_eq!(found.sentences.iter().map(|s| s.block).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn headings_are_sentences_and_units_of_their_own() {
        let text = "Roads and rails\n\nThe works began in May. They end in June.";
        let found = segmented(text, &[]);
        assert_eq!(
            found.sentences.iter().map(|s| s.heading).collect::<Vec<_>>(),
            [true, false, false]
        );
        assert_eq!(found.units.len(), 3);
    }

    #[test]
    fn a_speech_of_one_word_or_none_is_no_trouble() {
        for text in ["", "\n", ".", "5", "1.", "•", "—", "\u{FEFF}", "Yes"] {
            assert_eq!(segmented(text, &[]).units.len(), usize::from(text == "Yes"), "{text:?}");
        }
    }

    /// Text that looks like text, with all that makes trouble.
    fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-zA-Z]{1,9}",
            "[ \n\t.,;:!?()\"'“”—-]{1,3}",
            prop::sample::select(vec![
                "and ",
                "also ",
                "; ",
                " — ",
                "to ",
                "trade, ",
                "promote ",
                ", and ",
                "as well as ",
                " 2 The ",
                "(a) ",
                "\r\n\r\n",
                "12. ",
                "• ",
                "U.S. ",
                "Mr. ",
                ". . .",
                "\u{C}",
                "http://a.b",
                " :-) ",
                "¬",
                "ﬁ",
                "。",
                "的",
                "é",
                "\u{301}",
                "\u{200B}",
                "-\n",
                "[12]",
                "such as ",
                "RoeThe ",
                "\\\"",
            ])
            .prop_map(str::to_owned),
            "\\PC{0,3}",
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    fn in_order(spans: &[Span], text: &str) -> bool {
        spans.iter().all(|s| !s.is_empty() && text.get(s.start..s.end).is_some())
            && spans.windows(2).all(|pair| pair[0].end <= pair[1].start)
    }

    /// `text` without white space, from `start` to `end`.
    fn dense(text: &str) -> String {
        text.split_whitespace().collect()
    }

    proptest! {
        #[test]
        fn spans_are_ordered_and_units_tile_their_sentence(text in texts()) {
            let blocks = layout::blocks(&text);
            let found = segment(&text, &blocks, &[]);
            let spans: Vec<Span> = found.sentences.iter().map(|s| s.span).collect();
            let units: Vec<Span> = found.units.iter().map(|u| u.span).collect();
            prop_assert!(in_order(&blocks.iter().map(|b| b.span).collect::<Vec<_>>(), &text));
            prop_assert!(in_order(&spans, &text) && in_order(&units, &text));
            prop_assert!(in_order(&sentences(&text), &text));
            for (index, sentence) in found.sentences.iter().enumerate() {
                let own = found.units.iter().filter(|u| u.sentence == index);
                let tiled: String = own.clone().map(|u| dense(u.span.of(&text))).collect();
                prop_assert_eq!(tiled, dense(sentence.span.of(&text)));
                let letters = |unit: &Unit| unit.span.of(&text).chars().filter(|c| c.is_alphabetic()).count();
                prop_assert!(own.clone().count() == 1 || own.clone().all(|u| letters(u) >= clause::MIN_LETTERS));
                let block = blocks[sentence.block].span;
                prop_assert!(block.start <= sentence.span.start && sentence.span.end <= block.end);
            }
        }

        #[test]
        fn furniture_is_never_in_a_sentence(text in texts(), cuts in prop::collection::vec((0..400_usize, 0..40_usize), 0..6)) {
            let furniture: Vec<Span> = cuts
                .into_iter()
                .map(|(start, length)| Span::new(start, start + length))
                .filter(|s| text.get(s.start..s.end).is_some())
                .collect();
            let found = segmented(&text, &furniture);
            for sentence in &found.sentences {
                prop_assert!(furniture.iter().all(|f| f.is_empty() || !f.overlaps(sentence.span)));
            }
            prop_assert!(in_order(&found.units.iter().map(|u| u.span).collect::<Vec<_>>(), &text));
        }
    }
}
