//! TOML → a checked [`Codebook`]. Every fault is found at its line and column, and says what to
//! write instead: a researcher who edits a codebook by hand reads these messages.

use std::path::Path;

use rustc_hash::FxHashSet;
use toml::de::{DeTable, DeValue};

use super::{Codebook, NONE_ID, pattern};
use crate::{Error, Result};

/// Whether the content of a codebook holds together.
type Checked = std::result::Result<(), Fault>;

/// One step from the top of a TOML document to a value.
#[derive(Debug, Clone, Copy)]
enum Step {
    Key(&'static str),
    Index(usize),
}
use Step::{Index, Key};

/// A fault in the content of a codebook, and the way to its value.
struct Fault {
    way: Vec<Step>,
    message: String,
    hint: String,
}

impl Fault {
    fn new(way: &[Step], message: impl Into<String>, hint: impl Into<String>) -> Self {
        Fault { way: way.to_vec(), message: message.into(), hint: hint.into() }
    }
}

pub(super) fn from_toml(text: &str, path: &Path) -> Result<Codebook> {
    let codebook: Codebook = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or((0, 0), |span| place(text, span.start));
        let hint = hint(error.message());
        Error::malformed(path, place, first_line(error.message()), hint)
    })?;
    check(&codebook).map_err(|fault| {
        let place = locate(text, &fault.way).map_or((0, 0), |byte| place(text, byte));
        Error::malformed(path, place, fault.message, fault.hint)
    })?;
    Ok(codebook)
}

fn check(codebook: &Codebook) -> Checked {
    check_id(&codebook.id, &[Key("id")])?;
    if codebook.themes.is_empty() {
        let hint = "add at least one `[[theme]]` with id, name and terms";
        return Err(Fault::new(&[], "the codebook has no theme", hint));
    }
    check_terms(&codebook.ignore, &[Key("ignore")])?;
    check_themes(codebook)?;
    let none = &codebook.none;
    for (key, list) in [("terms", &none.terms), ("weak", &none.weak), ("exclude", &none.exclude)] {
        check_terms(list, &[Key(NONE_ID), Key(key)])?;
    }
    Ok(())
}

fn check_themes(codebook: &Codebook) -> Checked {
    let mut seen = FxHashSet::default();
    for (index, theme) in codebook.themes.iter().enumerate() {
        let way = |key| [Key("theme"), Index(index), Key(key)];
        let id = theme.id.as_str();
        check_id(id, &way("id"))?;
        if id == NONE_ID {
            let hint = "every codebook has it already: describe it under `[none]`";
            return Err(Fault::new(&way("id"), "the id `none` is reserved", hint));
        }
        if !seen.insert(id) {
            let message = format!("the id `{id}` is used by an earlier theme");
            return Err(Fault::new(&way("id"), message, "give each theme an id of its own"));
        }
        if theme.terms.is_empty() && theme.examples.is_empty() {
            let message = format!("theme `{id}` has neither terms nor examples");
            let hint = "add `terms = [\"...\"]` or `examples = [\"...\"]`, or delete the theme";
            return Err(Fault::new(&way("id"), message, hint));
        }
        check_terms(&theme.terms, &way("terms"))?;
        check_terms(&theme.weak, &way("weak"))?;
        check_terms(&theme.exclude, &way("exclude"))?;
    }
    Ok(())
}

pub(super) fn is_id(id: &str) -> bool {
    let mut letters = id.bytes();
    let starts_well = letters.next().is_some_and(|b| b.is_ascii_lowercase());
    let goes_on = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    starts_well && letters.all(goes_on)
}

fn check_id(id: &str, way: &[Step]) -> Checked {
    if is_id(id) {
        return Ok(());
    }
    let hint =
        "write a lower-case letter, then letters, digits, `_` or `-`, such as `public-health`";
    Err(Fault::new(way, format!("`{id}` is no id"), hint))
}

fn check_terms(terms: &[String], way: &[Step]) -> Checked {
    for (index, term) in terms.iter().enumerate() {
        pattern::parse(term).map_err(|fault| {
            let way = [way, &[Index(index)]].concat();
            Fault { way, message: fault.message, hint: fault.hint }
        })?;
    }
    Ok(())
}

/// The byte at which the value stands that `way` leads to; as near as the document has it.
fn locate(text: &str, way: &[Step]) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let (first, rest) = way.split_first()?;
    let Key(key) = first else { return None };
    let mut value = table.get_ref().get(*key)?;
    for step in rest {
        value = match (step, value.get_ref()) {
            (Key(key), DeValue::Table(table)) => table.get(*key)?,
            (Index(index), DeValue::Array(items)) => items.get(*index)?,
            _ => return Some(value.span().start),
        };
    }
    Some(value.span().start)
}

/// Line and column of a byte, both from 1; the column in characters.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or("not a codebook").split(", expected").next().unwrap_or(message)
}

/// What to do about a fault that the TOML reader found. Its message names an unknown field and
/// the known ones in backticks.
fn hint(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") {
        let unknown = names.next().unwrap_or_default();
        let known: Vec<&str> = names.collect();
        return match nearest(unknown, &known) {
            Some(key) => format!("write `{key}`"),
            None => format!("the keys here are {}", known.join(", ")),
        };
    }
    if message.starts_with("missing field") {
        let key = names.next().unwrap_or_default();
        return format!("add `{key} = \"...\"`");
    }
    if message.starts_with("invalid type") {
        return "put text in quotes, and a list in brackets: `terms = [\"tariff\"]`".to_owned();
    }
    "see docs/codebook.md for the form of a codebook".to_owned()
}

/// The known key that the unknown one was most likely meant to be.
fn nearest<'k>(unknown: &str, known: &[&'k str]) -> Option<&'k str> {
    let distance = |key: &str| strsim::damerau_levenshtein(unknown, key);
    let key = known.iter().copied().min_by_key(|key| distance(key))?;
    (distance(key) <= 2.max(key.len() / 3) || key.starts_with(unknown)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "id = 'ours'\nname = 'Ours'\nversion = '1'\n";

    fn read(body: &str) -> Result<Codebook> {
        from_toml(&format!("{HEAD}{body}"), Path::new("ours.toml"))
    }

    /// The error as a person sees it: place, message, hint.
    fn fault(body: &str) -> String {
        let error = read(body).expect_err("a fault");
        format!("{error} → {}", error.hint().unwrap_or_default())
    }

    fn theme(id: &str) -> String {
        format!("[[theme]]\nid = '{id}'\nname = 'T'\nterms = ['x-ray']\n")
    }

    #[test]
    fn a_small_codebook_reads() {
        let codebook = read(&(theme("trade") + "[none]\nexamples = ['Good morning.']\n")).unwrap();
        assert_eq!(codebook.themes[0].terms, ["x-ray"]);
        assert_eq!((codebook.language.as_str(), codebook.theme_id(1)), ("en", "none"));
    }

    #[test]
    fn an_unknown_key_suggests_the_nearest() {
        insta::assert_snapshot!(
            fault("[[theme]]\nid = 'trade'\nname = 'Trade'\nterm = ['tariff']\n"),
            @"ours.toml:7:1: unknown field `term` → write `terms`"
        );
        insta::assert_snapshot!(fault("[[themes]]\nid = 'trade'\n"), @"ours.toml:4:3: unknown field `themes` → write `theme`");
        assert!(fault("colour = 'red'\n").contains("the keys here are id, name"));
    }

    #[test]
    fn a_missing_key_and_a_wrong_type_say_what_to_write() {
        insta::assert_snapshot!(fault("[[theme]]\nid = 'trade'\nterms = ['tariff']\n"), @r#"ours.toml:4:1: missing field `name` → add `name = "..."`"#);
        insta::assert_snapshot!(
            fault("[[theme]]\nid = 'trade'\nname = 'Trade'\nterms = 'tariff'\n"),
            @r#"ours.toml:7:9: invalid type: string "tariff" → put text in quotes, and a list in brackets: `terms = ["tariff"]`"#
        );
        insta::assert_snapshot!(fault("[[theme\n"), @"ours.toml:4:8: unclosed array table → see docs/codebook.md for the form of a codebook");
    }

    #[test]
    fn ids_are_plain_unique_and_not_none() {
        insta::assert_snapshot!(fault(&(theme("a") + &theme("a"))), @"ours.toml:9:6: the id `a` is used by an earlier theme → give each theme an id of its own");
        insta::assert_snapshot!(fault(&(theme("a") + &theme("none"))), @"ours.toml:9:6: the id `none` is reserved → every codebook has it already: describe it under `[none]`");
        insta::assert_snapshot!(fault(&theme("Health")), @"ours.toml:5:6: `Health` is no id → write a lower-case letter, then letters, digits, `_` or `-`, such as `public-health`");
    }

    #[test]
    fn an_empty_theme_and_an_empty_codebook_are_faults() {
        insta::assert_snapshot!(fault("[[theme]]\nid = 'a'\nname = 'A'\n"), @r#"ours.toml:5:6: theme `a` has neither terms nor examples → add `terms = ["..."]` or `examples = ["..."]`, or delete the theme"#);
        insta::assert_snapshot!(fault(""), @"ours.toml: the codebook has no theme → add at least one `[[theme]]` with id, name and terms");
    }

    #[test]
    fn a_bad_term_is_found_in_its_list() {
        let head = "[[theme]]\nid = 'a'\nname = 'A'\nterms = ['ok',\n";
        insta::assert_snapshot!(fault(&format!("{head}  'é', '*']\n")), @"ours.toml:8:8: `*` matches everything → write at least one word beside the `*`");
        let none = format!("{head}]\n[none]\nweak = ['ex*mple']\n");
        assert!(fault(&none).starts_with("ours.toml:10:9: `ex*mple` has a `*` inside a word"));
        let ignore = format!("ignore = ['of*']\n{head}]\n");
        assert!(fault(&ignore).starts_with("ours.toml:4:11: `of*` matches nearly everything"));
    }

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        assert_eq!(place("ab\ncd", 0), (1, 1));
        assert_eq!(place("äb\ncé!", 7), (2, 3));
    }
}
