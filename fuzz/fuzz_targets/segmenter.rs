//! Blocks, furniture, sentences and units of a text: spans in order, on char boundaries, units within their sentence.
#![no_main]

use libfuzzer_sys::fuzz_target;
use themeline::document::Span;
use themeline::ingest::furniture::{self, RepeatedLines};
use themeline::theme::passages::Passages;
use themeline::{layout, segment};

fn check(spans: &[Span], text: &str) {
    assert!(spans.iter().all(|s| !s.is_empty() && text.get(s.start..s.end).is_some()));
    assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
}

fuzz_target!(|text: &str| {
    let blocks = layout::blocks(text);
    check(&blocks.iter().map(|block| block.span).collect::<Vec<_>>(), text);
    let repeated = RepeatedLines::default();
    let furniture: Vec<Span> =
        furniture::mark(text, &blocks, &repeated).iter().map(|mark| mark.span).collect();
    check(&furniture, text);
    let found = segment::segment(text, &blocks, &furniture);
    check(&found.sentences.iter().map(|s| s.span).collect::<Vec<_>>(), text);
    check(&found.units.iter().map(|unit| unit.span).collect::<Vec<_>>(), text);
    for unit in &found.units {
        let sentence = found.sentences[unit.sentence].span;
        assert!(sentence.start <= unit.span.start && unit.span.end <= sentence.end);
        let _ = segment::reading(unit.span.of(text));
    }
    assert_eq!(Passages::read(text, &repeated).units().len(), found.units.len());
});
