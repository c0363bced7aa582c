//! BERT's idea of a word: cleaned, without accents, lower case, split at white space and around
//! every punctuation mark.
//!
//! Equal to `BertNormalizer` followed by `BertPreTokenizer` of the `tokenizers` crate, and built on
//! the same Unicode tables; but plain ASCII, nearly all of an English text, is cut out of the text
//! as it stands.

use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::UnicodeNormalization;

/// How words are normalised; both are true for an uncased model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BertWords {
    /// Upper case becomes lower case.
    pub lowercase: bool,
    /// Accents are taken off their letters.
    pub strip_accents: bool,
}

impl BertWords {
    /// Calls `emit` with each normalised word of `text`, in order. `scratch` is a buffer to reuse.
    pub fn for_each(&self, text: &str, scratch: &mut String, mut emit: impl FnMut(&str)) {
        for run in text.split(is_space).filter(|run| !run.is_empty()) {
            if run.bytes().all(|byte| byte.is_ascii_graphic()) {
                self.ascii_run(run, scratch, &mut emit);
            } else {
                self.any_run(run, scratch, &mut emit);
            }
        }
    }

    /// A run of printing ASCII: only punctuation and case are left to do.
    fn ascii_run(&self, run: &str, scratch: &mut String, emit: &mut impl FnMut(&str)) {
        for word in isolate(run, |c| c.is_ascii_punctuation()) {
            if self.lowercase && word.bytes().any(|byte| byte.is_ascii_uppercase()) {
                scratch.clear();
                scratch.push_str(word);
                scratch.make_ascii_lowercase();
                emit(scratch);
            } else {
                emit(word);
            }
        }
    }

    /// A run of anything but white space, by the steps of the reference in their order.
    fn any_run(&self, run: &str, scratch: &mut String, emit: &mut impl FnMut(&str)) {
        scratch.clear();
        let cleaned = run.chars().filter(|&c| !is_dropped(c)).flat_map(spaced);
        if self.strip_accents {
            let bare = cleaned.nfd().map(|(c, _)| c).filter(|c| !c.is_mark_nonspacing());
            self.push_cased(bare, scratch);
        } else {
            self.push_cased(cleaned, scratch);
        }
        for part in scratch.split(char::is_whitespace) {
            isolate(part, is_punctuation).for_each(&mut *emit);
        }
    }

    fn push_cased(&self, chars: impl Iterator<Item = char>, out: &mut String) {
        if self.lowercase {
            out.extend(chars.flat_map(char::to_lowercase));
        } else {
            out.extend(chars);
        }
    }
}

/// Splits around every character that `alone` accepts, which is a piece of its own.
fn isolate(run: &str, alone: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = match alone(first) {
            true => first.len_utf8(),
            false => rest.find(&alone).unwrap_or(rest.len()),
        };
        let (piece, tail) = rest.split_at(end);
        rest = tail;
        Some(piece)
    })
}

/// White space that cleaning keeps as a space; other controls vanish, even those that Unicode
/// calls white space.
fn is_space(c: char) -> bool {
    match c {
        ' ' | '\t' | '\n' | '\r' => true,
        c if c.is_ascii() => false,
        c => c.is_whitespace() && !c.is_other(),
    }
}

fn is_dropped(c: char) -> bool {
    matches!(c, '\0' | '\u{fffd}') || (!matches!(c, '\t' | '\n' | '\r') && c.is_other())
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || (!c.is_ascii() && UnicodeCategories::is_punctuation(c))
}

/// A character, with spaces around it if it is a Chinese one, which is a word of its own.
fn spaced(c: char) -> impl Iterator<Item = char> {
    let space = is_chinese(c).then_some(' ');
    space.into_iter().chain([c]).chain(space)
}

/// The CJK ideograph blocks (not kana, not hangul).
fn is_chinese(c: char) -> bool {
    matches!(u32::from(c),
        0x4E00..=0x9FFF
        | 0x3400..=0x4DBF
        | 0x20000..=0x2A6DF
        | 0x2A700..=0x2B73F
        | 0x2B740..=0x2B81F
        | 0x2B920..=0x2CEAF
        | 0xF900..=0xFAFF
        | 0x2F800..=0x2FA1F)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let uncased = BertWords { lowercase: true, strip_accents: true };
        uncased.for_each(text, &mut String::new(), |word| found.push(word.to_owned()));
        found
    }

    #[test]
    fn words_are_lower_case_without_accents_and_apart_from_punctuation() {
        for (text, expected) in [
            ("", &[][..]),
            (" \n\t ", &[]),
            ("Ports, rail.", &["ports", ",", "rail", "."]),
            ("Việt Nam’s", &["viet", "nam", "’", "s"]),
            ("co\u{ad}operate\u{200b}d", &["cooperated"]),
            ("a\u{b}b\u{85}c", &["abc"]),
            ("a\u{a0}b\u{2028}c", &["a", "b", "c"]),
            ("合作new", &["合", "作", "new"]),
            ("İstanbul", &["istanbul"]),
            ("--", &["-", "-"]),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }
}
