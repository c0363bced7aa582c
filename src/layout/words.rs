//! Closed-class words of English: the small words that hold a sentence together.
//!
//! They are what tells a running line from a heading (layout) and the start of a sentence after an
//! abbreviation from a name (sentences), without a tagger.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

const CLOSED_CLASS: &str = "\
    a an the this that these those each every either neither both all any some no such another \
    i you he she it we they me him her us them my your his its our their mine ours theirs myself \
    himself herself itself ourselves themselves who whom whose which what where when why how \
    of in on at by for from to with without within into onto upon over under above below between \
    among against during before after since until till through throughout across along around \
    about behind beyond despite toward towards via per amid regarding concerning including \
    and or but nor so yet if because although though while whereas unless whether as than then \
    is are was were be been being am has have had having do does did will would shall should can \
    could may might must not there here now today tomorrow yesterday also only even just too very \
    however moreover furthermore therefore thus hence meanwhile nevertheless nonetheless indeed \
    instead finally firstly secondly thirdly first later once again let please thank thanks yes \
    many most more much several few other others one two three according";

/// Words that a clause has and a heading hardly ever.
const OF_CLAUSES: [&str; 28] = [
    "i", "me", "my", "we", "us", "our", "you", "your", "he", "she", "it", "they", "is", "are",
    "was", "were", "am", "be", "has", "have", "had", "will", "would", "shall", "may", "let",
    "this", "that",
];

/// Whether `word` (any case) belongs to a clause rather than a heading.
pub(crate) fn is_of_clauses(word: &str) -> bool {
    OF_CLAUSES.iter().any(|known| known.eq_ignore_ascii_case(word))
}

static WORDS: LazyLock<FxHashSet<&'static str>> =
    LazyLock::new(|| CLOSED_CLASS.split_whitespace().collect());

const LONGEST: usize = 14;

/// Whether `word` (any case, ASCII letters only) is a closed-class word or a common sentence opener.
pub(crate) fn is_closed_class(word: &str) -> bool {
    let mut lowered = [0_u8; LONGEST];
    lower_into(word, &mut lowered).is_some_and(|lower| WORDS.contains(lower))
}

/// `word` in lower case, written into `buffer`; `None` where it is not ASCII or does not fit.
pub(crate) fn lower_into<'b>(word: &str, buffer: &'b mut [u8]) -> Option<&'b str> {
    let room = buffer.get_mut(..word.len())?;
    if !word.is_ascii() {
        return None;
    }
    room.copy_from_slice(word.as_bytes());
    room.make_ascii_lowercase();
    std::str::from_utf8(room).ok()
}

/// The letters (with inner apostrophes) that `text` starts with.
pub(crate) fn first_word(text: &str) -> &str {
    let end = text
        .char_indices()
        .find(|&(_, c)| !(c.is_alphabetic() || c == '\'' || c == '’'))
        .map_or(text.len(), |(i, _)| i);
    &text[..end]
}

/// The letters that `text` ends with.
pub(crate) fn last_word(text: &str) -> &str {
    let start = text
        .char_indices()
        .rev()
        .find(|&(_, c)| !c.is_alphabetic())
        .map_or(0, |(i, c)| i + c.len_utf8());
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_fits_the_buffer() {
        assert!(WORDS.iter().all(|word| word.len() <= LONGEST));
    }

    #[test]
    fn words_are_found_in_any_case_and_never_within_others() {
        for (word, expected) in [("The", true), ("AND", true), ("theory", false), ("", false)] {
            assert_eq!(is_closed_class(word), expected, "{word}");
        }
        assert_eq!(first_word("It’s late"), "It’s");
        assert_eq!(last_word("peace and"), "and");
        assert_eq!(last_word("peace."), "");
    }
}
