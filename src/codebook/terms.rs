//! Where a codebook's terms stand in a text: the dictionary, quick enough for every unit.
//!
//! Each word of a text is read once and looked up by hash; most words belong to no term and cost
//! nothing more. Those that do walk a small tree of phrases. Then the longest match wins: words
//! that lie inside a longer phrase do not count again for a shorter one, an exclusion blocks the
//! terms of its own theme, and an ignored phrase blocks all. The time is linear in the text.

use super::Codebook;
use super::lookup::{PhraseTree, WordId, WordTable};
use super::pattern;
use super::words::{Word, Words};
use crate::document::Span;

/// The weight of a term in `terms`.
pub const TERM_WEIGHT: f32 = 1.0;
/// The weight of a term in `weak`: three different ones weigh as much as one term.
pub const WEAK_WEIGHT: f32 = 0.34;

/// One place of a text where a term counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermHit {
    /// Index into [`Codebook::themes`]; [`Codebook::none_index`] for a term of `none`.
    pub theme: usize,
    /// Index into the theme's `terms`, or into its `weak` where `weak` is true.
    pub term: usize,
    /// The words that matched, as bytes of the text that was given.
    pub span: Span,
    /// [`TERM_WEIGHT`] or [`WEAK_WEIGHT`].
    pub weight: f32,
    /// Whether the term only counts together with other evidence.
    pub weak: bool,
}

/// A codebook's terms, made ready to be found in texts.
///
/// # Example
///
/// ```
/// use themeline::codebook::{Codebook, TermMatcher};
///
/// let codebook = Codebook::builtin("cooperation").unwrap();
/// let hits = TermMatcher::new(&codebook).hits("They agreed to lower tariffs.");
/// assert_eq!(codebook.theme_id(hits[0].theme), "trade");
/// ```
#[derive(Debug, Clone)]
pub struct TermMatcher {
    words: WordTable,
    phrases: PhraseTree<Owner>,
}

impl TermMatcher {
    /// Prepares every term, exclusion and ignored phrase of the codebook. A codebook that was read
    /// from TOML is checked; a term that no text can match (in one made by hand) matches nothing.
    pub fn new(codebook: &Codebook) -> Self {
        let mut matcher = TermMatcher { words: WordTable::default(), phrases: PhraseTree::new() };
        for phrase in &codebook.ignore {
            matcher.add(phrase, Owner::Ignore);
        }
        for (theme, lists) in codebook.term_lists() {
            for phrase in lists.exclude {
                matcher.add(phrase, Owner::Exclude { theme });
            }
            for (weak, list) in [(false, lists.terms), (true, lists.weak)] {
                for (term, phrase) in list.iter().enumerate() {
                    matcher.add(phrase, Owner::Term { theme, term: term as u32, weak });
                }
            }
        }
        matcher
    }

    fn add(&mut self, phrase: &str, owner: Owner) {
        if let Ok(pattern) = pattern::parse(phrase) {
            let ids = pattern.into_iter().map(|word| self.words.intern(word)).collect::<Vec<_>>();
            self.phrases.insert(&ids, owner);
        }
    }

    /// Every place of `text` where a term counts, in the order of the text; the terms of two
    /// themes on the same words in the order of the themes.
    pub fn hits(&self, text: &str) -> Vec<TermHit> {
        self.find(text, &mut TermDesk::default()).collect()
    }

    /// [`Self::hits`] at a desk, which many texts can use one after the other.
    pub fn find<'d>(
        &self,
        text: &str,
        desk: &'d mut TermDesk,
    ) -> impl Iterator<Item = TermHit> + use<'d> {
        self.read(text, &mut desk.reading);
        self.candidates(desk);
        let blocked = blocked(&desk.candidates);
        let counts = desk.candidates.iter().zip(blocked).filter(|(_, blocked)| !blocked);
        let hits = counts.filter_map(|(candidate, _)| candidate.hit(&desk.reading.words));
        desk.hits.clear();
        desk.hits.extend(hits);
        desk.hits.sort_by_key(|hit| (hit.span, hit.theme, hit.weak, hit.term));
        desk.hits.iter().copied()
    }

    /// The words of the text and, for each, the patterns that it fits.
    fn read(&self, text: &str, reading: &mut Reading) {
        reading.words.clear();
        reading.ids.clear();
        reading.ends.clear();
        let mut words = Words::new(text);
        while let Some(word) = words.next(&mut reading.folded) {
            self.words.find(&reading.folded, word.capitals, &mut reading.ids);
            reading.words.push(word);
            reading.ends.push(reading.ids.len());
        }
    }

    /// Every phrase found, whether it will count or not, by its first word.
    fn candidates(&self, desk: &mut TermDesk) {
        let TermDesk { reading, candidates, nodes, next, .. } = desk;
        candidates.clear();
        for first in 0..reading.words.len() {
            nodes.clear();
            self.phrases.start(reading.ids_of(first), nodes);
            let mut last = first;
            while !nodes.is_empty() {
                for &node in nodes.iter() {
                    let owners = self.phrases.owners(node).iter();
                    candidates.extend(owners.map(|&owner| Candidate { first, last, owner }));
                }
                last += 1;
                next.clear();
                if reading.words.get(last).is_some_and(|word| word.joined) {
                    let ids = reading.ids_of(last);
                    nodes.iter().for_each(|&node| self.phrases.step(node, ids, next));
                }
                std::mem::swap(nodes, next);
            }
        }
    }
}

/// What a [`TermMatcher`] reads with: memory that is used again from text to text.
#[derive(Debug, Default)]
pub struct TermDesk {
    reading: Reading,
    candidates: Vec<Candidate>,
    /// Where the phrases begun stand in the tree, after this word and after the next.
    nodes: Vec<u32>,
    next: Vec<u32>,
    hits: Vec<TermHit>,
}

/// The words of one text; word `i` fits the patterns `ids[ends[i - 1]..ends[i]]`.
#[derive(Debug, Default)]
struct Reading {
    words: Vec<Word>,
    ids: Vec<WordId>,
    ends: Vec<usize>,
    /// The letters of the word that is read.
    folded: String,
}

impl Reading {
    fn ids_of(&self, at: usize) -> &[WordId] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.ids[start..self.ends[at]]
    }
}

/// What a phrase is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Ignore,
    Exclude { theme: usize },
    Term { theme: usize, term: u32, weak: bool },
}

/// A phrase found on the words `first..=last`.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    first: usize,
    last: usize,
    owner: Owner,
}

impl Candidate {
    fn n_words(&self) -> usize {
        self.last - self.first + 1
    }

    fn hit(&self, words: &[Word]) -> Option<TermHit> {
        let Owner::Term { theme, term, weak } = self.owner else { return None };
        let span = Span::new(words[self.first].start, words[self.last].end);
        let weight = if weak { WEAK_WEIGHT } else { TERM_WEIGHT };
        Some(TermHit { theme, term: term as usize, span, weight, weak })
    }

    /// Whether `self`, which counts, keeps `other`, a term, from counting.
    fn blocks(&self, other: &Candidate) -> bool {
        let covers = self.first <= other.first && other.last <= self.last;
        let longer = self.n_words() > other.n_words();
        let Owner::Term { theme: others, term: other_term, weak: other_weak } = other.owner else {
            return false;
        };
        covers
            && match self.owner {
                Owner::Ignore => true,
                Owner::Exclude { theme } => theme == others,
                Owner::Term { theme, term, weak } => {
                    longer || (theme == others && (weak, term) < (other_weak, other_term))
                }
            }
    }
}

/// Which candidates do not count. `candidates` are ordered by their first word. The longest are
/// settled first, since one that does not count itself blocks nothing.
fn blocked(candidates: &[Candidate]) -> Vec<bool> {
    let mut blocked = vec![false; candidates.len()];
    let longest = candidates.iter().map(Candidate::n_words).max().unwrap_or(0);
    for n_words in (1..=longest).rev() {
        for (index, candidate) in candidates.iter().enumerate() {
            if candidate.n_words() == n_words {
                blocked[index] = rivals(candidates, index, longest)
                    .any(|rival| !blocked[rival] && candidates[rival].blocks(candidate));
            }
        }
    }
    blocked
}

/// The candidates near enough to cover candidate `index`: those that start at its first word or
/// less than `longest` words before its last.
fn rivals(
    candidates: &[Candidate],
    index: usize,
    longest: usize,
) -> impl Iterator<Item = usize> + '_ {
    let Candidate { first, last, .. } = candidates[index];
    let before = (0..index).rev().take_while(move |&i| candidates[i].first + longest > last);
    let after = (index + 1..candidates.len()).take_while(move |&i| candidates[i].first == first);
    before.chain(after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codebook::{NoneTheme, Theme};

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    fn theme(id: &str, terms: &[&str]) -> Theme {
        Theme {
            id: id.to_owned(),
            name: id.to_owned(),
            definition: String::new(),
            terms: strings(terms),
            weak: Vec::new(),
            exclude: Vec::new(),
            examples: Vec::new(),
            counter_examples: Vec::new(),
        }
    }

    fn book(themes: Vec<Theme>) -> Codebook {
        Codebook {
            id: "test".to_owned(),
            name: "Test".to_owned(),
            version: "1".to_owned(),
            language: "en".to_owned(),
            description: String::new(),
            ignore: Vec::new(),
            themes,
            none: NoneTheme::default(),
        }
    }

    /// The hits as `theme:words`, with `~` before a weak one.
    fn hits(codebook: &Codebook, text: &str) -> String {
        let show = |hit: &TermHit| {
            let weak = if hit.weak { "~" } else { "" };
            format!("{weak}{}:{}", codebook.theme_id(hit.theme), hit.span.of(text))
        };
        TermMatcher::new(codebook).hits(text).iter().map(show).collect::<Vec<_>>().join(" | ")
    }

    /// What the terms of one theme find, as the words found.
    fn found(terms: &[&str], text: &str) -> String {
        hits(&book(vec![theme("t", terms)]), text).replace("t:", "")
    }

    #[test]
    fn a_word_matches_in_any_case_with_its_plural_and_possessive() {
        assert_eq!(
            found(&["tariff"], "Tariffs, TARIFF and tariff's end"),
            "Tariffs | TARIFF | tariff"
        );
        assert_eq!(found(&["ferry"], "two ferries' crews"), "ferries");
        assert_eq!(found(&["embargo"], "embargoes"), "embargoes");
        assert_eq!(found(&["tariff"], "tariffed subtariff"), "");
        assert_eq!(found(&["goods"], "good goods"), "goods");
    }

    #[test]
    fn an_acronym_matches_in_capitals_only() {
        assert_eq!(found(&["WHO", "AI"], "who knows what WHO said of AI and ai"), "WHO | AI");
        assert_eq!(found(&["NGO"], "NGOs and ngo"), "NGOs");
        assert_eq!(found(&["UN"], "the U.N. Charter, un, Un"), "U.N.");
    }

    #[test]
    fn a_star_continues_a_word_and_alone_is_any_word() {
        assert_eq!(
            found(&["secur*"], "secure security insecure secur"),
            "secure | security | secur"
        );
        assert_eq!(found(&["*weapon"], "bioweapons, weapon"), "bioweapons | weapon");
        assert_eq!(
            found(&["manage * differences"], "manage our differences, manage differences"),
            "manage our differences"
        );
        assert_eq!(
            found(&["minister of *"], "the Minister of Health, minister of, law"),
            "Minister of Health"
        );
        assert_eq!(
            found(&["organis*"], "organization organised organs"),
            "organization | organised"
        );
    }

    #[test]
    fn hyphens_slashes_spaces_and_line_breaks_are_one() {
        for text in
            ["people-to-people", "people to people", "People/to\npeople", "people‐to‑people"]
        {
            assert_eq!(found(&["people-to-people"], text), text);
            assert_eq!(found(&["people to people"], text), text);
        }
        assert_eq!(found(&["belt and road"], "the “Belt & Road” plan"), "Belt & Road");
    }

    #[test]
    fn a_phrase_does_not_run_across_a_stop_or_a_comma_that_it_lacks() {
        assert_eq!(found(&["trade war"], "They trade. War is far. Trade, war; trade (war)"), "");
        assert_eq!(found(&["roads, bridges"], "new roads, bridges and"), "roads, bridges");
        assert_eq!(found(&["minister of *"], "minister of, say"), "");
    }

    #[test]
    fn spelling_and_accents_do_not_matter() {
        assert_eq!(
            found(&["defence", "globalization"], "Defense globalisation"),
            "Defense | globalisation"
        );
        assert_eq!(found(&["détente"], "detente DÉTENTE"), "detente | DÉTENTE");
    }

    #[test]
    fn the_longest_phrase_wins_over_what_lies_inside_it() {
        let inside =
            book(vec![theme("a", &["finance"]), theme("b", &["climate finance", "climate"])]);
        assert_eq!(hits(&inside, "climate finance"), "b:climate finance");
        assert_eq!(hits(&inside, "finance for the climate"), "a:finance | b:climate");
        let overlap = book(vec![theme("a", &["free trade"]), theme("b", &["trade war"])]);
        assert_eq!(hits(&overlap, "free trade war"), "a:free trade | b:trade war");
    }

    #[test]
    fn themes_may_share_a_phrase_and_one_theme_counts_it_once() {
        let terms = ["green bond", "green bond*"];
        let shared = book(vec![theme("a", &terms[..1]), theme("b", &terms)]);
        assert_eq!(hits(&shared, "green bonds"), "a:green bonds | b:green bonds");
    }

    #[test]
    fn an_exclusion_blocks_its_own_theme_and_an_ignored_phrase_blocks_all() {
        let mut codebook = book(vec![theme("a", &["bank"]), theme("b", &["bank"])]);
        codebook.themes[0].exclude = strings(&["west bank"]);
        assert_eq!(hits(&codebook, "the West Bank"), "b:Bank");
        codebook.ignore = strings(&["west bank"]);
        assert_eq!(hits(&codebook, "the West Bank and a bank"), "a:bank | b:bank");
    }

    #[test]
    fn a_term_longer_than_the_ignored_phrase_counts() {
        let mut codebook = book(vec![theme("a", &["defence", "defence ministers meeting"])]);
        codebook.ignore = strings(&["* minister"]);
        assert_eq!(hits(&codebook, "the defence minister left"), "");
        let text = "the Defence Ministers’ Meeting";
        assert_eq!(hits(&codebook, text), "a:Defence Ministers’ Meeting");
    }

    #[test]
    fn what_does_not_count_itself_blocks_nothing() {
        let mut codebook = book(vec![theme("a", &["trade war"]), theme("b", &["war"])]);
        codebook.themes[0].exclude = strings(&["trade war on"]);
        assert_eq!(hits(&codebook, "a trade war on drugs"), "b:war");
    }

    #[test]
    fn weak_terms_and_those_of_none_say_so() {
        let mut codebook = book(vec![theme("a", &["port"])]);
        codebook.themes[0].weak = strings(&["ship", "port"]);
        codebook.none.terms = strings(&["photo credit"]);
        let text = "Photo credit: ship in port";
        assert_eq!(hits(&codebook, text), "none:Photo credit | ~a:ship | a:port");
        let matcher = TermMatcher::new(&codebook);
        let weak = matcher.hits("ship")[0];
        assert_eq!((weak.theme, weak.term, weak.weight, weak.weak), (0, 0, WEAK_WEIGHT, true));
        let none = matcher.hits("photo credits")[0];
        assert_eq!((none.theme, none.weight), (codebook.none_index(), TERM_WEIGHT));
    }

    #[test]
    fn other_scripts_match_too() {
        assert_eq!(found(&["贸易"], "加强贸易合作"), "贸易");
        assert_eq!(found(&["торговл*"], "Торговля и мир"), "Торговля");
    }

    #[test]
    fn time_is_linear_in_hostile_text() {
        let terms = ["aa bb", "bb aa", "aa bb aa bb aa bb aa bb", "xxx*", "*xxx"];
        let matcher = TermMatcher::new(&book(vec![theme("a", &terms)]));
        let started = std::time::Instant::now();
        assert!(matcher.hits(&"aa bb ".repeat(100_000)).len() > 10_000);
        assert_eq!(matcher.hits(&"q".repeat(5_000_000)).len(), 0);
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    thread_local! {
        static COOPERATION: TermMatcher =
            TermMatcher::new(&Codebook::builtin("cooperation").unwrap());
    }

    proptest! {
        #[test]
        fn any_text_gives_ordered_spans_on_char_boundaries(
            text in r"(\PC|[a-zA-Z .,'’&*\n-]|(peace|trade|U\.N\.|Secretary of) ?){0,60}",
        ) {
            let hits = COOPERATION.with(|matcher| matcher.hits(&text));
            for hit in &hits {
                let words = text.get(hit.span.start..hit.span.end);
                prop_assert!(words.is_some_and(|words| !words.is_empty()));
            }
            prop_assert!(hits.is_sorted_by_key(|hit| hit.span.start));
        }

        #[test]
        fn a_term_is_found_where_it_stands(
            terms in prop::collection::vec("[b-y]{4,8}( [b-y]{4,8}){0,3}", 1..6),
        ) {
            let list: Vec<&str> = terms.iter().map(String::as_str).collect();
            let matcher = TermMatcher::new(&book(vec![theme("t", &list)]));
            for term in &terms {
                let text = format!("Then, {term}.");
                let hits = matcher.hits(&text);
                prop_assert!(hits.iter().any(|hit| hit.span.of(&text) == term));
            }
        }
    }
}
