//! A term as it is written → the pattern it stands for.
//!
//! The grammar is small on purpose: words, a star at one end of a word, and a star alone for any
//! one word. What could never match, or would match nearly everything, is a fault that says what
//! to write instead.

use super::words::{COMMA, Words};

/// The longest phrase, in words: it bounds the work that one place of a text can cause.
pub(super) const MAX_WORDS: usize = 16;

/// One word of a pattern. Letters are folded (lower case, no accents).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum WordPattern {
    /// Any one word (`*`).
    Any,
    /// This word, its plural, and its other spelling.
    Word(String),
    /// This acronym, in capitals only, and its plural.
    Acronym(String),
    /// Every word that begins so (`secur*`).
    Stem(String),
    /// Every word that ends so (`*phobia`).
    Ending(String),
}

/// Why a term cannot stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PatternFault {
    pub message: String,
    pub hint: String,
}

/// Reads a term as it is written.
pub(super) fn parse(term: &str) -> Result<Vec<WordPattern>, PatternFault> {
    let mut words = Vec::new();
    for chunk in term.replace(',', " , ").split_whitespace() {
        match chunk {
            "*" => words.push(WordPattern::Any),
            chunk => parse_chunk(term, chunk, &mut words)?,
        }
    }
    check(term, &words)?;
    Ok(words)
}

/// Reads what stands between two spaces: one word, or several with hyphens between them.
fn parse_chunk(term: &str, chunk: &str, out: &mut Vec<WordPattern>) -> Result<(), PatternFault> {
    let inner = chunk.strip_prefix('*').unwrap_or(chunk);
    let bare = inner.strip_suffix('*').unwrap_or(inner);
    let (starred_head, starred_tail) = (inner.len() < chunk.len(), bare.len() < inner.len());
    if bare.contains('*') {
        return fault(
            format!("`{term}` has a `*` inside a word"),
            "put the `*` at the end or the start of a word, or alone between spaces for any one word",
        );
    }
    let first = out.len();
    let (mut words, mut folded) = (Words::new(bare), String::new());
    while let Some(word) = words.next(&mut folded) {
        if word.start > 0 && !word.joined {
            return stop_inside(term);
        }
        let acronym = word.capitals && bare[word.start..word.end].chars().any(char::is_uppercase);
        let form = folded.clone();
        out.push(if acronym { WordPattern::Acronym(form) } else { WordPattern::Word(form) });
    }
    star_ends(term, &mut out[first..], starred_head, starred_tail)
}

/// Turns the first word into an ending and the last into a stem, where a star asks for it.
fn star_ends(
    term: &str,
    words: &mut [WordPattern],
    head: bool,
    tail: bool,
) -> Result<(), PatternFault> {
    if (head || tail) && words.is_empty() || (head && tail && words.len() == 1) {
        return fault(
            format!("`{term}` has a `*` with no firm end"),
            "put one `*` at the end or the start of a word",
        );
    }
    if head && let Some(word) = words.first_mut() {
        *word = WordPattern::Ending(letters(word).to_owned());
    }
    if tail && let Some(word) = words.last_mut() {
        *word = WordPattern::Stem(letters(word).to_owned());
    }
    Ok(())
}

fn check(term: &str, words: &[WordPattern]) -> Result<(), PatternFault> {
    if words.iter().all(|word| letters(word) == COMMA) {
        return fault(format!("`{term}` holds no word"), "write a word or a phrase, or delete it");
    }
    if words.iter().all(|word| *word == WordPattern::Any) {
        return fault(
            format!("`{term}` matches everything"),
            "write at least one word beside the `*`",
        );
    }
    let short = words.iter().find(|word| match word {
        WordPattern::Stem(letters) | WordPattern::Ending(letters) => letters.chars().count() < 3,
        _ => false,
    });
    if short.is_some() {
        return fault(
            format!("`{term}` matches nearly everything"),
            "give the wildcard at least three letters, such as `tax*`",
        );
    }
    if words.len() > MAX_WORDS {
        return fault(
            format!("`{term}` is longer than {MAX_WORDS} words"),
            "keep the words that tell, or move the sentence to `examples`",
        );
    }
    Ok(())
}

fn letters(word: &WordPattern) -> &str {
    match word {
        WordPattern::Any => "",
        WordPattern::Word(letters)
        | WordPattern::Acronym(letters)
        | WordPattern::Stem(letters)
        | WordPattern::Ending(letters) => letters,
    }
}

fn stop_inside(term: &str) -> Result<(), PatternFault> {
    fault(
        format!("`{term}` has a stop inside, which no phrase runs across"),
        "write the parts as terms of their own",
    )
}

fn fault<T>(message: String, hint: &str) -> Result<T, PatternFault> {
    Err(PatternFault { message, hint: hint.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use WordPattern::{Acronym, Any, Ending, Stem, Word};

    fn word(letters: &str) -> WordPattern {
        Word(letters.to_owned())
    }

    #[test]
    fn words_stars_and_acronyms_are_told_apart() {
        assert_eq!(parse("market access").unwrap(), [word("market"), word("access")]);
        assert_eq!(parse("Anti-Terror*").unwrap(), [word("anti"), Stem("terror".to_owned())]);
        assert_eq!(parse("*weapon").unwrap(), [Ending("weapon".to_owned())]);
        assert_eq!(parse("AI").unwrap(), [Acronym("ai".to_owned())]);
        assert_eq!(parse("5G network").unwrap(), [Acronym("5g".to_owned()), word("network")]);
        assert_eq!(parse("11th").unwrap(), [word("11th")]);
        assert_eq!(parse("rice, tea").unwrap(), [word("rice"), word(","), word("tea")]);
        assert_eq!(parse("minister of *").unwrap(), [word("minister"), word("of"), Any]);
    }

    #[test]
    fn what_cannot_match_or_matches_everything_is_a_fault() {
        let message = |term: &str| parse(term).unwrap_err().message;
        assert_eq!(message("*"), "`*` matches everything");
        assert_eq!(message("* *"), "`* *` matches everything");
        assert_eq!(message("**"), "`**` has a `*` with no firm end");
        assert_eq!(message("*secur*"), "`*secur*` has a `*` with no firm end");
        assert_eq!(message("of*"), "`of*` matches nearly everything");
        assert_eq!(message("organi*ation"), "`organi*ation` has a `*` inside a word");
        assert_eq!(message(" - "), "` - ` holds no word");
        assert_eq!(message(","), "`,` holds no word");
        assert!(message("trade;aid").contains("has a stop inside"));
        assert!(message(&"far ".repeat(17)).contains("longer than 16 words"));
    }
}
