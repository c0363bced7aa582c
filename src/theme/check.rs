//! What is wrong with a codebook that reads: terms that never count or count twice, examples that
//! the model itself gives to another theme, themes that cannot be told apart.
//!
//! Nothing here is an error; each [`Finding`] is something that the author may want to change. The
//! model is asked with its own examples, which it was taught, so that an example which it misplaces
//! all the same is misplaced for a reason.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::codebook::{Codebook, TermHit, TermMatcher};
use crate::embed::Embedder;
use crate::error::Result;
use crate::ingest::furniture::RepeatedLines;

use super::ThemeModel;
use super::directions::Directions;
use super::evidence::Gathered;
use super::passages::Passages;

/// Cosine between two directions at which their themes are near-twins to the encoder.
const TWIN_COSINE: f32 = 0.95;
/// Part of the shorter list of terms that two themes share at which they are near-twins.
const TWIN_TERMS: f64 = 0.2;
/// Least terms that they then share.
const MIN_TWIN_TERMS: usize = 3;

/// Something that the author of a codebook may want to change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Finding {
    /// A term that cannot count, since `ignore`, `exclude` or another theme takes its words.
    BlockedTerm {
        /// Theme id.
        theme: String,
        /// The term as written.
        term: String,
    },
    /// A term whose words an earlier term of its theme finds already, such as a plural.
    RepeatedTerm {
        /// Theme id.
        theme: String,
        /// The term as written.
        term: String,
        /// The earlier term as written.
        same_as: String,
    },
    /// A term that stands nowhere in the corpus.
    UnusedTerm {
        /// Theme id.
        theme: String,
        /// The term as written.
        term: String,
    },
    /// Words that count for several themes at once.
    SharedTerm {
        /// Theme id.
        theme: String,
        /// The term as written.
        term: String,
        /// Ids of the other themes that the same words count for.
        also: Vec<String>,
    },
    /// An example that scores higher for another theme than for its own.
    MisplacedExample {
        /// Id of the theme whose example it is.
        theme: String,
        /// The example.
        text: String,
        /// Its score for that theme, 0..1.
        score: f32,
        /// Id of the theme that it scores highest for.
        read_as: String,
        /// Its score for that theme, 0..1.
        read_score: f32,
    },
    /// A counter-example that the model takes for the theme.
    AcceptedCounterExample {
        /// Theme id.
        theme: String,
        /// The counter-example.
        text: String,
        /// Its score for the theme, 0..1, at or over the theme's threshold.
        score: f32,
    },
    /// Two themes that the model can hardly tell apart.
    NearTwins {
        /// Theme id.
        theme: String,
        /// Id of the other theme, later in the codebook.
        other: String,
        /// Cosine between their directions, -1..1.
        cosine: f32,
        /// Terms of the one whose words count for the other too.
        n_shared_terms: usize,
    },
}

impl Finding {
    /// Id of the theme that it is about.
    pub fn theme(&self) -> &str {
        match self {
            Finding::BlockedTerm { theme, .. }
            | Finding::RepeatedTerm { theme, .. }
            | Finding::UnusedTerm { theme, .. }
            | Finding::SharedTerm { theme, .. }
            | Finding::MisplacedExample { theme, .. }
            | Finding::AcceptedCounterExample { theme, .. }
            | Finding::NearTwins { theme, .. } => theme,
        }
    }
}

/// How often each term stands in a corpus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TermCensus {
    /// Documents read.
    pub n_documents: u64,
    /// By (theme index, weak, index in its list).
    counts: BTreeMap<(usize, bool, usize), u64>,
}

impl TermCensus {
    /// The census of one document.
    pub fn of(text: &str, matcher: &TermMatcher, repeated: &RepeatedLines) -> Self {
        let mut census = TermCensus { n_documents: 1, ..TermCensus::default() };
        for sentence in Passages::read(text, repeated).sentences() {
            for hit in matcher.hits(sentence) {
                *census.counts.entry((hit.theme, hit.weak, hit.term)).or_default() += 1;
            }
        }
        census
    }

    /// Adds the census of other documents.
    pub fn merge(&mut self, other: TermCensus) {
        self.n_documents += other.n_documents;
        for (term, n) in other.counts {
            *self.counts.entry(term).or_default() += n;
        }
    }
}

/// Everything to be said about the codebook of a fitted model, theme by theme in its order.
/// `census`: where a corpus was read, what its terms hit there.
///
/// # Errors
/// Those of the encoder.
pub fn check(
    model: &ThemeModel,
    embedder: &dyn Embedder,
    census: Option<&TermCensus>,
) -> Result<Vec<Finding>> {
    let terms = Terms::read(&model.codebook);
    let mut findings = terms.blocked();
    findings.extend(terms.shared());
    findings.extend(census.map(|census| terms.unused(census)).unwrap_or_default());
    findings.extend(Reader::new(model, embedder).findings()?);
    findings.extend(terms.near_twins(&model.directions()));
    let place = |finding: &Finding| {
        model.codebook.themes.iter().position(|theme| theme.id == finding.theme())
    };
    findings.sort_by_key(|finding| place(finding).unwrap_or(usize::MAX));
    Ok(findings)
}

/// A term of a codebook and what its own words find.
struct Term<'c> {
    place: Place,
    written: &'c str,
    found: Found,
}

/// Where a term stands: theme index, weak, index in its list.
type Place = (usize, bool, usize);

/// What the words of a term find.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// These terms, in order: itself, and those that other themes have for the same words.
    Itself(Vec<Place>),
    /// An earlier term of its theme.
    Earlier(Place),
    /// Neither.
    Nothing,
}

/// The terms of a codebook, matched against themselves.
struct Terms<'c> {
    codebook: &'c Codebook,
    terms: Vec<Term<'c>>,
}

impl<'c> Terms<'c> {
    fn read(codebook: &'c Codebook) -> Self {
        let matcher = TermMatcher::new(codebook);
        let none = &codebook.none;
        let lists = codebook.themes.iter().map(|theme| (&theme.terms, &theme.weak));
        let mut terms = Vec::new();
        for (theme, (strong, weak)) in lists.chain([(&none.terms, &none.weak)]).enumerate() {
            for (weak, list) in [(false, strong), (true, weak)] {
                for (index, written) in list.iter().enumerate() {
                    terms.push(Term::read(&matcher, (theme, weak, index), written));
                }
            }
        }
        Terms { codebook, terms }
    }

    fn id(&self, theme: usize) -> String {
        self.codebook.theme_id(theme).to_owned()
    }

    /// Terms that cannot count.
    fn blocked(&self) -> Vec<Finding> {
        let finding = |term: &Term<'_>| {
            let (theme, written) = (self.id(term.place.0), term.written.to_owned());
            match term.found {
                Found::Itself(_) => None,
                Found::Nothing => Some(Finding::BlockedTerm { theme, term: written }),
                Found::Earlier(place) => {
                    let same_as = self.terms.iter().find(|other| other.place == place)?;
                    let same_as = same_as.written.to_owned();
                    Some(Finding::RepeatedTerm { theme, term: written, same_as })
                }
            }
        };
        self.terms.iter().filter_map(finding).collect()
    }

    /// Terms whose words count for other themes too; where several find the same, the first of them.
    fn shared(&self) -> Vec<Finding> {
        let mut known = BTreeSet::new();
        let shared = self.terms.iter().filter(|term| term.themes().len() > 1);
        let finding = |term: &Term<'_>| Finding::SharedTerm {
            theme: self.id(term.place.0),
            term: term.written.to_owned(),
            also: term.others().map(|theme| self.id(theme)).collect(),
        };
        shared.filter(|term| known.insert(&term.found)).map(finding).collect()
    }

    fn unused(&self, census: &TermCensus) -> Vec<Finding> {
        let unused = |term: &&Term<'_>| {
            matches!(term.found, Found::Itself(_)) && !census.counts.contains_key(&term.place)
        };
        let finding = |term: &Term<'_>| Finding::UnusedTerm {
            theme: self.id(term.place.0),
            term: term.written.to_owned(),
        };
        self.terms.iter().filter(unused).map(finding).collect()
    }

    fn near_twins(&self, directions: &Directions) -> Vec<Finding> {
        let n = self.codebook.themes.len();
        let pairs = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)));
        let twins = |(a, b): (usize, usize)| {
            let cosine = directions.cosine(a, b);
            let n_shared = self.n_shared(a, b).max(self.n_shared(b, a));
            let shortest = self.strong(a).count().min(self.strong(b).count());
            let alike =
                n_shared >= MIN_TWIN_TERMS && n_shared as f64 >= TWIN_TERMS * shortest as f64;
            (cosine >= TWIN_COSINE || alike).then(|| Finding::NearTwins {
                theme: self.id(a),
                other: self.id(b),
                cosine,
                n_shared_terms: n_shared,
            })
        };
        pairs.filter_map(twins).collect()
    }

    /// Terms of the first theme whose words count for the second.
    fn n_shared(&self, a: usize, b: usize) -> usize {
        self.strong(a).filter(|term| term.themes().contains(&b)).count()
    }

    /// The terms of a theme that tell it by themselves.
    fn strong(&self, theme: usize) -> impl Iterator<Item = &Term<'c>> {
        self.terms.iter().filter(move |term| (term.place.0, term.place.1) == (theme, false))
    }
}

impl<'c> Term<'c> {
    fn read(matcher: &TermMatcher, place: Place, written: &'c str) -> Self {
        let words = sample_words(written);
        let hits = matcher.hits(&words);
        let place_of = |hit: &TermHit| (hit.theme, hit.weak, hit.term);
        let whole = |hit: &&TermHit| hit.span.start == 0 && hit.span.end >= words.len();
        let found = match hits.iter().find(|hit| place_of(hit) == place) {
            Some(own) => {
                let same = hits.iter().filter(|hit| (hit.span, hit.weak) == (own.span, own.weak));
                let mut places: Vec<Place> = same.map(place_of).collect();
                places.sort_unstable();
                places.dedup_by_key(|place| place.0);
                Found::Itself(places)
            }
            None => {
                let of_theme = |hit: &&TermHit| hit.theme == place.0;
                let earlier = hits.iter().filter(whole).find(of_theme);
                earlier.map_or(Found::Nothing, |hit| Found::Earlier(place_of(hit)))
            }
        };
        Term { place, written, found }
    }

    /// The themes that its words count for, in order; none where it cannot count.
    fn themes(&self) -> Vec<usize> {
        match &self.found {
            Found::Itself(places) => places.iter().map(|place| place.0).collect(),
            _ => Vec::new(),
        }
    }

    /// Those of them that are not its own.
    fn others(&self) -> impl Iterator<Item = usize> {
        let own = self.place.0;
        self.themes().into_iter().filter(move |&theme| theme != own)
    }
}

/// Words that the term stands for: a star alone is any word, a star at a word nothing more.
fn sample_words(term: &str) -> String {
    let word = |chunk: &str| match chunk {
        "*" => "something".to_owned(),
        chunk => chunk.replace('*', ""),
    };
    term.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

/// The model as it reads the codebook's own examples.
struct Reader<'m> {
    model: &'m ThemeModel,
    embedder: &'m dyn Embedder,
    matcher: TermMatcher,
    directions: Directions,
}

impl<'m> Reader<'m> {
    fn new(model: &'m ThemeModel, embedder: &'m dyn Embedder) -> Self {
        let matcher = TermMatcher::new(&model.codebook);
        Reader { model, embedder, matcher, directions: model.directions() }
    }

    fn findings(&self) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for (index, theme) in self.model.codebook.themes.iter().enumerate() {
            for example in &theme.examples {
                let scores = self.scores(example)?;
                findings.extend(self.misplaced(index, example, &scores));
            }
            for text in &theme.counter_examples {
                let score = self.scores(text)?[index];
                let (theme, text) = (theme.id.clone(), text.clone());
                if score >= self.model.themes[index].threshold {
                    findings.push(Finding::AcceptedCounterExample { theme, text, score });
                }
            }
        }
        Ok(findings)
    }

    fn misplaced(&self, own: usize, text: &str, scores: &[f32]) -> Option<Finding> {
        let best =
            (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(b.cmp(&a)))?;
        (scores[best] > scores[own]).then(|| Finding::MisplacedExample {
            theme: self.model.codebook.theme_id(own).to_owned(),
            text: text.to_owned(),
            score: scores[own],
            read_as: self.model.codebook.theme_id(best).to_owned(),
            read_score: scores[best],
        })
    }

    /// The score of a text, alone, for each theme of the codebook: that of its best unit.
    fn scores(&self, text: &str) -> Result<Vec<f32>> {
        let n_themes = self.model.n_seeded();
        let passages = Passages::read(text, &RepeatedLines::default());
        let gathered =
            Gathered::read(vec![passages], &self.matcher, &self.model.codebook, self.embedder)?;
        let features = gathered.iter().flat_map(|gathered| gathered.features(&self.directions));
        let mut scores = vec![0.0_f32; n_themes];
        for (row, features) in features.enumerate() {
            let theme = row % n_themes;
            scores[theme] = scores[theme].max(self.model.joint.probability(theme, &features));
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::embed::FakeEmbedder;
    use crate::theme::{FitOptions, fit};

    const TOWN: &str = r#"
        id = "town"
        name = "Town"
        version = "1"
        ignore = ["town hall"]
        [[theme]]
        id = "housing"
        name = "Housing"
        terms = ["flat", "rent", "town hall", "building site", "let*"]
        examples = [
          "new flats with low rent", "tenants want a roof", "families wait for a flat",
          "the potholes on the road are deep",
        ]
        counter_examples = ["the entrance costs a flat rate", "a sunny day"]
        [[theme]]
        id = "roads"
        name = "Roads"
        terms = ["road", "pothole", "building sites"]
        examples = ["the road is full of potholes", "asphalt for the lane", "lorries use the road"]
    "#;

    fn findings(toml: &str, corpus: Option<&str>) -> Vec<Finding> {
        let codebook = Codebook::from_toml(toml, Path::new("town.toml")).unwrap();
        let embedder = FakeEmbedder::default();
        let census = corpus.map(|text| {
            TermCensus::of(text, &TermMatcher::new(&codebook), &RepeatedLines::default())
        });
        let options = FitOptions { codes: &[], max_emergent: 0, seed: 1 };
        let model = fit(&[], codebook, &embedder, options).unwrap();
        check(&model, &embedder, census.as_ref()).unwrap()
    }

    fn of_kind<'f>(findings: &'f [Finding], kind: &str) -> Vec<&'f Finding> {
        let is_kind = |f: &&Finding| serde_json::to_value(f).unwrap()["kind"] == kind;
        findings.iter().filter(is_kind).collect()
    }

    #[test]
    fn a_term_whose_words_are_ignored_never_counts() {
        let found = findings(TOWN, None);
        let expected = Finding::BlockedTerm { theme: "housing".into(), term: "town hall".into() };
        assert_eq!(of_kind(&found, "blocked_term"), [&expected]);
    }

    #[test]
    fn a_plural_repeats_its_singular() {
        let found = findings(&TOWN.replace(r#""let*"]"#, r#""let*", "letting", "rents"]"#), None);
        let expected = |term: &str, same_as: &str| Finding::RepeatedTerm {
            theme: "housing".into(),
            term: term.into(),
            same_as: same_as.into(),
        };
        let repeated = of_kind(&found, "repeated_term");
        assert_eq!(repeated, [&expected("letting", "let*"), &expected("rents", "rent")]);
    }

    #[test]
    fn the_same_words_under_two_themes_are_found_whatever_their_number() {
        let found = findings(TOWN, None);
        let expected = Finding::SharedTerm {
            theme: "roads".into(),
            term: "building sites".into(),
            also: vec!["housing".into()],
        };
        assert_eq!(of_kind(&found, "shared_term"), [&expected], "`building site` is no plural");
        let same = findings(&TOWN.replace("building sites", "building site"), None);
        let shared = of_kind(&same, "shared_term");
        assert!(matches!(shared[..], [f] if f.theme() == "housing"), "once for both: {shared:?}");
    }

    #[test]
    fn terms_that_a_corpus_lacks_are_named_once_a_corpus_is_given() {
        assert!(of_kind(&findings(TOWN, None), "unused_term").is_empty());
        let text = "Rents rose. Letting a flat near the road means building sites next door.";
        let found = findings(TOWN, Some(text));
        let expected = Finding::UnusedTerm { theme: "roads".into(), term: "pothole".into() };
        assert_eq!(of_kind(&found, "unused_term"), [&expected]);
    }

    #[test]
    fn an_example_of_another_theme_and_a_counter_example_that_passes_are_found() {
        let found = findings(TOWN, None);
        let misplaced = of_kind(&found, "misplaced_example");
        let [Finding::MisplacedExample { theme, read_as, score, read_score, text }] = misplaced[..]
        else {
            panic!("{misplaced:?}")
        };
        assert_eq!((theme.as_str(), read_as.as_str()), ("housing", "roads"));
        assert!(text.contains("potholes") && score < read_score);
        let accepted = of_kind(&found, "accepted_counter_example");
        assert!(
            matches!(accepted[..], [Finding::AcceptedCounterExample { text, .. }] if text.contains("flat rate")),
            "{accepted:?}"
        );
    }

    #[test]
    fn themes_of_the_same_words_are_near_twins() {
        let apart = findings(TOWN, None);
        assert!(of_kind(&apart, "near_twins").is_empty(), "one term is not enough: {apart:?}");
        let twins = TOWN.replace(
            r#"terms = ["road", "pothole", "building sites"]"#,
            r#"terms = ["flats", "rents", "building sites"]"#,
        );
        let found = findings(&twins, None);
        let near = of_kind(&found, "near_twins");
        assert!(matches!(near[..], [Finding::NearTwins { n_shared_terms: 3, .. }]), "{near:?}");
    }

    #[test]
    fn findings_stand_in_the_order_of_the_themes() {
        let found = findings(TOWN, Some("Nothing of it."));
        let places: Vec<bool> = found.iter().map(|finding| finding.theme() == "roads").collect();
        assert!(places.is_sorted(), "{found:?}");
    }
}
