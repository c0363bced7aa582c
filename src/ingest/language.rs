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
    let (mut n_words, mut n_function, mut seen) = (0, 0, 0_u64);
    for word in sample.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).take(150) {
        n_words += 1;
        if let Some(index) = function_word(word) {
            n_function += 1;
            seen |= 1 << index;
        }
    }
    let n_seen = seen.count_ones();
    let has_the = function_word("the").is_some_and(|index| seen & (1 << index) != 0);
    let is_text = n_words >= 40 && n_seen >= 5 && 4 * n_function >= n_words;
    let is_sentence = n_words >= 10 && n_seen >= 4 && 3 * n_function >= n_words;
    has_the && (is_text || is_sentence)
}

/// English function words, sorted.
const FUNCTION_WORDS: [&str; 53] = [
    "all", "also", "an", "and", "are", "as", "at", "be", "been", "between", "but", "by", "can",
    "for", "from", "had", "has", "have", "his", "in", "into", "is", "it", "its", "more", "must",
    "not", "of", "on", "or", "other", "our", "should", "such", "than", "that", "the", "their",
    "there", "these", "they", "this", "those", "to", "us", "was", "we", "were", "which", "who",
    "will", "with", "would",
];

/// The place of a word among the function words, in upper or lower case.
fn function_word(word: &str) -> Option<usize> {
    let mut lower = [0; 8];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    FUNCTION_WORDS.binary_search_by(|known| known.as_bytes().cmp(lower)).ok()
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
    fn function_words_are_found_in_any_case() {
        assert!(FUNCTION_WORDS.is_sorted() && FUNCTION_WORDS.len() <= 64);
        assert!(FUNCTION_WORDS.iter().all(|word| function_word(word).is_some()));
        assert!(function_word("The").is_some() && function_word("theirselves").is_none());
    }

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
