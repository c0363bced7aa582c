//! The language of a document, told from a sample of its letters.
//!
//! A reader wants to know that a theme was counted on English text and not on a stray page of
//! another language. Only a reliable answer is given; a short or mixed text has none.

use std::borrow::Cow;

/// Bytes of text that are looked at: enough for trigrams, and small beside any document.
const SAMPLE: usize = 1200;

/// ISO 639-3 code of the language ("eng", "vie"), where it can be told reliably.
pub fn detect(text: &str) -> Option<&'static str> {
    let sample = sample(text);
    if is_plain_english(&sample) {
        return Some("eng");
    }
    let found = whatlang::detect(&sample)?;
    found.is_reliable().then(|| found.lang().code())
}

/// Whether a quarter of the words are English function words, or of a few words a third. Comparing trigrams
/// with those of every language takes as long as reading ten pages, so plain English is told without it.
fn is_plain_english(sample: &str) -> bool {
    const WORDS: [&str; 24] = [
        "the", "of", "and", "to", "in", "that", "is", "for", "with", "as", "on", "by", "at",
        "from", "was", "were", "be", "are", "has", "have", "this", "which", "it", "not",
    ];
    let (mut n_words, mut n_function) = (0, 0);
    let mut seen = [false; WORDS.len()];
    for word in sample.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).take(150) {
        n_words += 1;
        if let Some(i) = WORDS.iter().position(|known| known.eq_ignore_ascii_case(word)) {
            n_function += 1;
            seen[i] = true;
        }
    }
    let n_seen = seen.iter().filter(|&&seen| seen).count();
    let is_text = n_words >= 40 && n_seen >= 5 && 4 * n_function >= n_words;
    let is_sentence = n_words >= 10 && n_seen >= 4 && 3 * n_function >= n_words;
    seen[0] && (is_text || is_sentence)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_have_a_language_and_scraps_have_none() {
        let english = "The two ministers agreed to open a second bridge over the river, and to \
                       meet again in the autumn of the same year.";
        let spanish = "Los dos ministros acordaron abrir un segundo puente sobre el río y volver \
                       a reunirse en el otoño del mismo año, según el comunicado.";
        let vietnamese = "Hai bộ trưởng đã nhất trí mở cây cầu thứ hai qua sông và sẽ gặp lại \
                          nhau vào mùa thu cùng năm, theo thông cáo báo chí.";
        assert_eq!(detect(english), Some("eng"));
        assert_eq!(detect(spanish), Some("spa"));
        assert_eq!(detect(vietnamese), Some("vie"));
        let long = english.repeat(3);
        assert!(is_plain_english(&long) && detect(&long) == Some("eng"));
        let dutch = "De ministers van beide landen spraken over de haven en het water, en was het \
                     in de zomer is het nu as en of in de winter at on by. ";
        assert!(!is_plain_english(&dutch.repeat(5)));
        assert!(
            is_plain_english(english) && !is_plain_english(spanish) && !is_plain_english(dutch)
        );
        for scrap in ["", "12 / 34", "Ok.", "\u{0}\u{0}"] {
            assert_eq!(detect(scrap), None, "{scrap:?}");
        }
    }

    #[test]
    fn a_menu_above_the_text_does_not_decide() {
        let menu = "Inicio\nNoticias\nDeportes\nCultura\n".repeat(10);
        let text = "The two ministers agreed to open a second bridge over the river this year.\n";
        assert_eq!(detect(&format!("{menu}{}", text.repeat(3))), Some("eng"));
    }

    #[test]
    fn a_long_text_costs_what_its_start_costs() {
        let text = "a wide river runs past the town and ".repeat(1 << 18);
        let start = std::time::Instant::now();
        assert_eq!(detect(&text), Some("eng"));
        assert!(start.elapsed().as_millis() < 200, "{:?}", start.elapsed());
    }
}
