//! The language of a document, told from a sample of its letters.
//!
//! A reader wants to know that a theme was counted on English text and not on a stray page of
//! another language. Only a reliable answer is given; a short or mixed text has none.

use std::borrow::Cow;

/// Bytes of text that are looked at: enough for trigrams, and small beside any document.
const SAMPLE: usize = 1200;

/// ISO 639-3 code of the language ("eng", "vie"), where it can be told reliably.
pub fn detect(text: &str) -> Option<&'static str> {
    let found = whatlang::detect(&sample(text))?;
    found.is_reliable().then(|| found.lang().code())
}

/// The lines of the middle of the start that look like sentences, where there are some: headers
/// and menus are full of names, which have no language.
fn sample(text: &str) -> Cow<'_, str> {
    let window = &text[..text.floor_char_boundary(SAMPLE * 4)];
    let mut lines = window.lines().filter(|line| line.len() >= 60).peekable();
    if lines.peek().is_none() {
        return Cow::Borrowed(&window[..window.floor_char_boundary(SAMPLE)]);
    }
    let mut sample = String::with_capacity(SAMPLE);
    for line in lines {
        let room = SAMPLE.saturating_sub(sample.len());
        sample.push_str(&line[..line.floor_char_boundary(room)]);
        sample.push(' ');
        if sample.len() >= SAMPLE {
            break;
        }
    }
    Cow::Owned(sample)
}
