//! An emergent theme → a theme of a codebook, as text that a person goes on from.
//!
//! The theme is added behind what stands in the file, byte for byte: terms are its distinctive
//! words, examples its exemplars, and the definition is left to the person, who alone knows what
//! the theme is meant to be.

use std::fmt::Write;
use std::path::Path;

use crate::codebook::{Codebook, NONE_ID};
use crate::error::{Error, Result};

use super::{FittedTheme, ThemeKind, ThemeModel};

/// What to promote, and what to call it.
#[derive(Debug, Clone, Copy)]
pub struct Promotion<'p> {
    /// Id of the emergent theme in the model.
    pub theme: &'p str,
    /// Its id in the codebook; `None` for one made of its most distinctive term.
    pub id: Option<&'p str>,
    /// Its name in the codebook; `None` for its name in the model.
    pub name: Option<&'p str>,
}

/// A codebook with a promoted theme in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    /// The theme's id in the codebook.
    pub id: String,
    /// The whole file.
    pub toml: String,
}

/// The codebook file `into` with the theme added. `present`: what stands in it; `None` where there is
/// no such file.
///
/// # Errors
/// `Usage` where the model has no such theme, or the id cannot stand or is taken; `Malformed` where
/// what stands in the file is no codebook.
pub fn promoted(
    model: &ThemeModel,
    promotion: Promotion<'_>,
    present: Option<&str>,
    into: &Path,
) -> Result<Promoted> {
    let theme = emergent(model, promotion.theme)?;
    let taken = present.map(|text| Codebook::from_toml(text, into)).transpose()?;
    let id = promotion.id.map_or_else(|| id_for(theme), str::to_owned);
    check_id(&id, taken.as_ref(), into)?;
    let name = promotion.name.unwrap_or(&theme.name);
    let mut toml = present.map_or_else(|| head(into), str::to_owned);
    if !toml.ends_with('\n') {
        toml.push('\n');
    }
    toml.push_str(&section(theme, &id, name));
    let codebook = Codebook::from_toml(&toml, into)?;
    debug_assert!(codebook.themes.iter().any(|theme| theme.id == id));
    Ok(Promoted { id, toml })
}

fn emergent<'m>(model: &'m ThemeModel, id: &str) -> Result<&'m FittedTheme> {
    let mut emergent = model.themes.iter().filter(|theme| theme.kind == ThemeKind::Emergent);
    if let Some(theme) = emergent.clone().find(|theme| theme.id == id) {
        return Ok(theme);
    }
    let listed = |theme: &FittedTheme| format!("`{}` ({})", theme.id, theme.name);
    let hint = match emergent.clone().next() {
        Some(_) => {
            format!("they are: {}", emergent.by_ref().map(listed).collect::<Vec<_>>().join(", "))
        }
        None => {
            "the model has none: every unit fits a theme of its codebook, or too few do not".into()
        }
    };
    Err(Error::usage(format!("no emergent theme of the model is called `{id}`"), hint))
}

fn check_id(id: &str, codebook: Option<&Codebook>, into: &Path) -> Result<()> {
    let into = into.display();
    let (fault, hint) = if !Codebook::accepts_id(id) || id == NONE_ID {
        let hint = "a lower-case letter, then letters, digits, `_` or `-`; not `none`".to_owned();
        (format!("`{id}` cannot be the id of a theme"), hint)
    } else if codebook.is_some_and(|codebook| codebook.themes.iter().any(|t| t.id == id)) {
        (format!("{into} has a theme `{id}` already"), "give another id with --id".to_owned())
    } else {
        return Ok(());
    };
    Err(Error::usage(fault, hint))
}

/// An id made of a theme's best term that has letters for it, else its id in the model.
fn id_for(theme: &FittedTheme) -> String {
    let ids = theme.terms.iter().map(|term| slug(term));
    let mut ids = ids.filter(|id| Codebook::accepts_id(id) && id != NONE_ID);
    ids.next().unwrap_or_else(|| theme.id.clone())
}

fn slug(text: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().map(letter).collect::<String>().trim_matches('-').to_owned()
}

/// The keys that open a new codebook file.
fn head(into: &Path) -> String {
    let stem = into.file_stem().unwrap_or_default().to_string_lossy();
    let id = Some(slug(&stem)).filter(|id| Codebook::accepts_id(id));
    let id = id.unwrap_or_else(|| "promoted".to_owned());
    format!("id = {}\nname = {}\nversion = \"1\"\n", quoted(&id), quoted(&stem))
}

fn section(theme: &FittedTheme, id: &str, name: &str) -> String {
    let stability = theme.emergence.as_ref().map_or(0.0, |e| e.stability);
    let mut text = format!(
        "\n# Found in a corpus as {} ({} units, stability {stability:.2}). Its terms and examples are the\n\
         # corpus's own: strike those that do not belong, and add what is missing.\n\
         [[theme]]\nid = {}\nname = {}\n\
         # definition = \"What belongs to the theme, and what does not.\"  # to be written\n",
        theme.id,
        theme.n_units,
        quoted(id),
        quoted(name)
    );
    let terms = theme.terms.iter().filter(|term| Codebook::accepts_term(term));
    let examples = theme.exemplars.iter().map(|e| words_of(&e.text)).filter(|e| !e.is_empty());
    push_list(&mut text, "terms", terms.map(|term| quoted(term)));
    push_list(&mut text, "examples", examples.map(|example| quoted(&example)));
    text
}

fn push_list(text: &mut String, key: &str, items: impl Iterator<Item = String>) {
    let items: String = items.fold(String::new(), |mut items, item| {
        let _ = writeln!(items, "  {item},");
        items
    });
    if !items.is_empty() {
        let _ = write!(text, "{key} = [\n{items}]\n");
    }
}

/// A passage on one line.
fn words_of(passage: &str) -> String {
    passage.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::directions::Direction;
    use crate::theme::emergent::Emergence;
    use crate::theme::joint::Joint;
    use crate::theme::{EncoderRef, Exemplar, FittedOn, SCHEMA};

    fn direction() -> Direction {
        Direction { centroid: vec![1.0], background_mean: 0.0, background_sd: 1.0 }
    }

    fn theme(id: &str, terms: &[&str], exemplars: &[&str]) -> FittedTheme {
        let exemplar = |text: &&str| Exemplar {
            document: "d".to_owned(),
            start: 0,
            end: text.len(),
            text: (*text).to_owned(),
            score: 0.9,
        };
        FittedTheme {
            id: id.to_owned(),
            name: terms.join(", "),
            kind: ThemeKind::Emergent,
            terms: terms.iter().map(|&term| term.to_owned()).collect(),
            exemplars: exemplars.iter().map(exemplar).collect(),
            threshold: 0.5,
            n_units: 40,
            direction: direction(),
            emergence: Some(Emergence { stability: 0.8, midpoint: 2.0, slope: 1.0 }),
        }
    }

    fn model() -> ThemeModel {
        ThemeModel {
            schema: SCHEMA.to_owned(),
            themeline: "0".to_owned(),
            encoder: EncoderRef {
                name: "e".into(),
                fingerprint: "f".into(),
                dimension: 1,
                precision: None,
            },
            codebook_fingerprint: String::new(),
            codebook: Codebook::none(),
            fitted_on: FittedOn {
                n_documents: 9,
                n_units: 90,
                n_codes: 0,
                coded_documents: vec![],
                seed: 1,
            },
            joint: Joint::builtin("static", false),
            themes: vec![
                theme(
                    "emergent-1",
                    &["land reform", "tenant's"],
                    &["A \"new\" deal\nfor tenants."],
                ),
                theme("emergent-2", &["土地", "a"], &["Second."]),
            ],
            none: direction(),
            repeated_lines: vec![],
        }
    }

    fn promote(theme: &str, id: Option<&str>, present: Option<&str>) -> Result<Promoted> {
        let promotion = Promotion { theme, id, name: None };
        promoted(&model(), promotion, present, Path::new("Our Themes.toml"))
    }

    #[test]
    fn a_new_file_is_a_codebook_that_checks() {
        let Promoted { id, toml } = promote("emergent-1", None, None).unwrap();
        let codebook = Codebook::from_toml(&toml, Path::new("x.toml")).unwrap();
        assert_eq!((id.as_str(), codebook.id.as_str()), ("land-reform", "our-themes"));
        assert_eq!(codebook.themes[0].terms, ["land reform", "tenant's"]);
        assert_eq!(codebook.themes[0].examples, ["A \"new\" deal for tenants."]);
        assert!(toml.contains("# definition = "), "{toml}");
    }

    #[test]
    fn what_stands_in_the_file_stays_as_it_is() {
        let before = "id = 'mine'  # ours\nname = 'Mine'\nversion = '3'\n[[theme]]\nid = 'a'\n\
                      name = 'A'\nterms = ['x-ray']\n[none]\nterms = ['hello']";
        let first = promote("emergent-1", None, Some(before)).unwrap().toml;
        assert!(first.starts_with(before));
        let again = promote("emergent-1", None, Some(&first)).unwrap_err();
        assert!(again.to_string().contains("`land-reform` already"), "{again}");
        let second = promote("emergent-2", Some("land"), Some(&first)).unwrap().toml;
        let codebook = Codebook::from_toml(&second, Path::new("x.toml")).unwrap();
        let ids: Vec<&str> = codebook.themes.iter().map(|theme| theme.id.as_str()).collect();
        assert_eq!(ids, ["a", "land-reform", "land"]);
        assert_eq!(codebook.none.terms, ["hello"]);
    }

    #[test]
    fn faults_say_what_there_is() {
        let unknown = promote("emergent-9", None, None).unwrap_err();
        assert!(unknown.hint().unwrap().contains("`emergent-2`"));
        assert!(promote("emergent-1", Some("Land"), None).is_err());
        assert!(promote("emergent-1", Some("none"), None).is_err());
        assert!(promote("emergent-1", None, Some("not = a codebook")).is_err());
    }
}
