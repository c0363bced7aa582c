//! A codebook: the themes that a researcher looks for, in a file that people read and edit.
//!
//! A theme is described three ways, and a theme model joins them: by `terms` that stand in a text
//! ([`TermMatcher`] finds them), by a definition, and by example phrases whose meaning is compared.
//! A codebook is read from TOML ([`Codebook::load`]) and checked whole; a fault names its line and
//! column. `docs/codebook.md` is the guide for those who write one.

mod lookup;
mod parse;
mod pattern;
mod spelling;
mod terms;
mod words;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use terms::{TERM_WEIGHT, TermDesk, TermHit, TermMatcher, WEAK_WEIGHT};

use crate::{Error, Result};

/// The id of the theme that every codebook has: what names no theme.
pub const NONE_ID: &str = "none";

/// The codebooks that are built in: name and TOML.
const BUILTIN: &[(&str, &str)] = &[
    ("cooperation", include_str!("../../seeds/cooperation.toml")),
    ("policy-agendas", include_str!("../../seeds/policy-agendas.toml")),
];

/// The themes to look for, in the researcher's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codebook {
    /// Short name: `[a-z][a-z0-9_-]*`.
    pub id: String,
    /// Full name, for people.
    pub name: String,
    /// The author's version of the content, as text.
    pub version: String,
    /// ISO 639-1 code of the language that the terms are in.
    #[serde(default = "english")]
    pub language: String,
    /// What the codebook is for and how it reads.
    #[serde(default)]
    pub description: String,
    /// Phrases whose words never count: offices, titles, names.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// The themes, in the author's order.
    #[serde(default, rename = "theme")]
    pub themes: Vec<Theme>,
    /// What names no theme.
    #[serde(default)]
    pub none: NoneTheme,
}

/// One theme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// Short name: `[a-z][a-z0-9_-]*`, unique, not `none`.
    pub id: String,
    /// Full name, for people.
    pub name: String,
    /// What belongs to the theme and what does not.
    #[serde(default)]
    pub definition: String,
    /// Words, phrases and wildcards that tell the theme by themselves.
    #[serde(default)]
    pub terms: Vec<String>,
    /// Terms that count only together with other evidence.
    #[serde(default)]
    pub weak: Vec<String>,
    /// Phrases in which this theme's terms do not count.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Typical phrases, clauses and sentences of the theme.
    #[serde(default)]
    pub examples: Vec<String>,
    /// What sounds like the theme and is not.
    #[serde(default)]
    pub counter_examples: Vec<String>,
}

/// What names no theme: protocol, praise, procedure. Its id is [`NONE_ID`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoneTheme {
    /// What belongs here.
    #[serde(default)]
    pub definition: String,
    /// Words, phrases and wildcards that speak for no theme.
    #[serde(default)]
    pub terms: Vec<String>,
    /// Terms that speak for no theme only together with other evidence.
    #[serde(default)]
    pub weak: Vec<String>,
    /// Phrases in which these terms do not count.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Typical sentences that name no theme.
    #[serde(default)]
    pub examples: Vec<String>,
    /// What sounds like no theme and has one.
    #[serde(default)]
    pub counter_examples: Vec<String>,
}

fn english() -> String {
    "en".to_owned()
}

/// The lists of a theme that hold patterns.
struct TermLists<'c> {
    terms: &'c [String],
    weak: &'c [String],
    exclude: &'c [String],
}

impl Codebook {
    /// A built-in codebook by its name.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] where there is none of that name.
    pub fn builtin(name: &str) -> Result<Codebook> {
        let Some((_, text)) = BUILTIN.iter().find(|(builtin, _)| *builtin == name) else {
            return Err(Error::usage(
                format!("no built-in codebook is called `{name}`"),
                format!("built in: {}; or give the path of a TOML file", Self::builtin_names()),
            ));
        };
        Self::from_toml(text, Path::new(&format!("seeds/{name}.toml")))
    }

    /// The names of the built-in codebooks, for messages.
    pub fn builtin_names() -> String {
        BUILTIN.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    /// No codebook: no theme to look for, so that all are found in the corpus.
    pub fn none() -> Codebook {
        Codebook {
            id: NONE_ID.to_owned(),
            name: "No codebook".to_owned(),
            version: String::new(),
            language: english(),
            description: String::new(),
            ignore: Vec::new(),
            themes: Vec::new(),
            none: NoneTheme::default(),
        }
    }

    /// Whether a term can stand in a codebook.
    pub fn accepts_term(term: &str) -> bool {
        pattern::parse(term).is_ok()
    }

    /// Whether an id can stand in a codebook, but for [`NONE_ID`].
    pub fn accepts_id(id: &str) -> bool {
        parse::is_id(id)
    }

    /// A codebook by what a user calls it: the name of a built-in one, `none` for
    /// [`Codebook::none`], or the path of a TOML file.
    ///
    /// # Errors
    ///
    /// Those of [`Codebook::builtin`] for a word without a dot or slash, else of [`Codebook::load`].
    pub fn open(name_or_path: &str) -> Result<Codebook> {
        let is_path = name_or_path.contains(['/', '\\', '.']);
        match name_or_path {
            NONE_ID => Ok(Self::none()),
            path if is_path => Self::load(Path::new(path)),
            name => Self::builtin(name),
        }
    }

    /// Reads a codebook from a TOML file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file cannot be read, and those of [`Codebook::from_toml`].
    pub fn load(path: &Path) -> Result<Codebook> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "read", e))?;
        Self::from_toml(&text, path)
    }

    /// Reads a codebook from TOML; `path` is for messages.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] with line and column: TOML that does not parse, an unknown key, a
    /// missing or duplicate id, a theme with neither terms nor examples, a term that matches
    /// nothing or everything.
    pub fn from_toml(text: &str, path: &Path) -> Result<Codebook> {
        parse::from_toml(text, path)
    }

    /// BLAKE3 (hex) of the content: the same for two files that differ only in layout and comments.
    pub fn fingerprint(&self) -> String {
        let content = serde_json::to_vec(self).expect("a codebook is plain strings and lists");
        blake3::hash(&content).to_hex().to_string()
    }

    /// The index that `none` has beside the themes: one past the last of them.
    pub fn none_index(&self) -> usize {
        self.themes.len()
    }

    /// The id of theme `index`, `none` for [`Codebook::none_index`].
    pub fn theme_id(&self, index: usize) -> &str {
        self.themes.get(index).map_or(NONE_ID, |theme| &theme.id)
    }

    /// The lists of patterns of every theme and of `none`, with their indices.
    fn term_lists(&self) -> impl Iterator<Item = (usize, TermLists<'_>)> {
        let none = &self.none;
        let of_none = TermLists { terms: &none.terms, weak: &none.weak, exclude: &none.exclude };
        let of_themes = self.themes.iter().map(|theme| TermLists {
            terms: &theme.terms,
            weak: &theme.weak,
            exclude: &theme.exclude,
        });
        of_themes.chain([of_none]).enumerate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "id = 'a'\nname = 'A'\nversion = '1'\n\
                         [[theme]]\nid = 'x'\nname = 'X'\nterms = ['b', 'c']\n";

    fn small(text: &str) -> Codebook {
        Codebook::from_toml(text, Path::new("a.toml")).unwrap()
    }

    #[test]
    fn the_fingerprint_is_of_the_content_not_of_its_layout() {
        let plain = small(SMALL).fingerprint();
        let laid_out = SMALL.replace("['b', 'c']", "[\n  'b', # first\n  'c',\n]");
        assert_eq!(small(&laid_out).fingerprint(), plain);
        assert_ne!(small(&SMALL.replace("'c'", "'d'")).fingerprint(), plain);
        assert_eq!(plain.len(), 64);
    }

    #[test]
    fn a_codebook_survives_json() {
        let codebook = Codebook::builtin("cooperation").unwrap();
        let json = serde_json::to_string(&codebook).unwrap();
        let back: Codebook = serde_json::from_str(&json).unwrap();
        assert_eq!(back, codebook);
        assert_eq!(back.fingerprint(), codebook.fingerprint());
    }

    #[test]
    fn the_built_in_codebook_describes_its_eleven_themes_in_all_three_ways() {
        let codebook = Codebook::builtin("cooperation").unwrap();
        let ids: Vec<&str> = codebook.themes.iter().map(|theme| theme.id.as_str()).collect();
        let expected = "politics security connectivity trade investment technology energy culture \
                        multilateral disputes relief";
        assert_eq!(ids.join(" "), expected);
        for theme in &codebook.themes {
            assert!(theme.terms.len() >= 50 && !theme.definition.is_empty(), "{}", theme.id);
            assert!(theme.examples.len() >= 8, "{}", theme.id);
            assert!(theme.counter_examples.len() >= 3, "{}", theme.id);
        }
        assert!(codebook.none.examples.len() >= 8);
    }

    #[test]
    fn the_example_of_the_guide_reads_as_the_guide_says() {
        let guide = include_str!("../../docs/codebook.md");
        let (_, rest) = guide.split_once("```toml\n").unwrap();
        let (example, _) = rest.split_once("```").unwrap();
        let codebook = Codebook::from_toml(example, Path::new("town.toml")).unwrap();
        let text = "The councillor for housing praised new flats on Mill Road at a flat rate.";
        let hits = TermMatcher::new(&codebook).hits(text);
        let words: Vec<&str> = hits.iter().map(|hit| hit.span.of(text)).collect();
        assert_eq!(words, ["flats", "Road"]);
    }

    #[test]
    fn an_unknown_name_lists_the_built_in_ones() {
        let error = Codebook::builtin("co-operation").unwrap_err();
        assert!(error.hint().unwrap().contains("`cooperation`"));
        assert!(matches!(Codebook::load(Path::new("no/such.toml")), Err(Error::Io { .. })));
    }
}
