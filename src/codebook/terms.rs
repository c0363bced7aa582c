//! Where a codebook's terms stand in a text: the dictionary, quick enough for every unit.
//!
//! Each word of a text is read once and looked up by hash; most words belong to no term and cost
//! nothing more. Those that do walk a small tree of phrases. Then the longest match wins: words
//! that lie inside a longer phrase do not count again for a shorter one, an exclusion blocks the
//! terms of its own theme, and an ignored phrase blocks all. The time is linear in the text.

use rustc_hash::FxHashMap;

use super::Codebook;
use super::pattern::{self, WordPattern};
use super::spelling;
use super::words::{COMMA, Word, Words};
use crate::document::Span;

/// The weight of a term in `terms`.
pub const TERM_WEIGHT: f32 = 1.0;
/// The weight of a term in `weak`: two different ones weigh as much as one term.
pub const WEAK_WEIGHT: f32 = 0.5;

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
    phrases: PhraseTree,
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
        let reading = self.read(text);
        let candidates = self.candidates(&reading);
        let blocked = blocked(&candidates);
        let mut hits: Vec<TermHit> = candidates
            .iter()
            .zip(blocked)
            .filter(|(_, blocked)| !blocked)
            .filter_map(|(candidate, _)| candidate.hit(&reading.words))
            .collect();
        hits.sort_by_key(|hit| (hit.span, hit.theme, hit.weak, hit.term));
        hits
    }

    /// The words of the text and, for each, the patterns that it fits.
    fn read(&self, text: &str) -> Reading {
        let mut reading = Reading::default();
        let (mut words, mut folded) = (Words::new(text), String::new());
        while let Some(word) = words.next(&mut folded) {
            self.words.find(&folded, word.capitals, &mut reading.ids);
            reading.words.push(word);
            reading.ends.push(reading.ids.len());
        }
        reading
    }

    /// Every phrase found, whether it will count or not, by its first word.
    fn candidates(&self, reading: &Reading) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let (mut nodes, mut next) = (Vec::new(), Vec::new());
        for first in 0..reading.words.len() {
            nodes.clear();
            nodes.push(PhraseTree::ROOT);
            for at in first..reading.words.len() {
                if at > first && !reading.words[at].joined {
                    break;
                }
                next.clear();
                for &node in &nodes {
                    self.phrases.step(node, reading.ids_of(at), &mut next);
                }
                if next.is_empty() {
                    break;
                }
                for &node in &next {
                    let owners = self.phrases.owners(node).iter();
                    candidates.extend(owners.map(|&owner| Candidate { first, last: at, owner }));
                }
                std::mem::swap(&mut nodes, &mut next);
            }
        }
        candidates
    }
}

/// The words of one text; word `i` fits the patterns `ids[ends[i - 1]..ends[i]]`.
#[derive(Default)]
struct Reading {
    words: Vec<Word>,
    ids: Vec<WordId>,
    ends: Vec<usize>,
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

/// Index of a word pattern.
type WordId = u32;

/// The word patterns of all phrases, found by the folded letters of a text's word.
#[derive(Debug, Clone, Default)]
struct WordTable {
    interned: FxHashMap<WordPattern, WordId>,
    whole: FxHashMap<String, Vec<WordId>>,
    acronyms: FxHashMap<String, Vec<WordId>>,
    stems: AffixTable,
    endings: AffixTable,
}

impl WordTable {
    /// The id of [`WordPattern::Any`].
    const ANY: WordId = 0;

    fn intern(&mut self, pattern: WordPattern) -> WordId {
        if pattern == WordPattern::Any {
            return Self::ANY;
        }
        if let Some(&id) = self.interned.get(&pattern) {
            return id;
        }
        let id = self.interned.len() as WordId + 1;
        match &pattern {
            WordPattern::Any => {}
            WordPattern::Word(word) => enter(&mut self.whole, spelling::forms(word), id),
            WordPattern::Acronym(word) => {
                enter(&mut self.acronyms, vec![word.clone(), format!("{word}s")], id);
            }
            WordPattern::Stem(stem) => self.stems.enter(spelling::stems(stem), id),
            WordPattern::Ending(end) => self.endings.enter(spelling::forms(end), id),
        }
        self.interned.insert(pattern, id);
        id
    }

    /// Appends the ids of the patterns that the word fits.
    fn find(&self, folded: &str, capitals: bool, ids: &mut Vec<WordId>) {
        ids.extend(self.whole.get(folded).into_iter().flatten());
        ids.extend((folded != COMMA).then_some(Self::ANY));
        if capitals {
            ids.extend(self.acronyms.get(folded).into_iter().flatten());
        }
        self.stems.find(folded, |length| folded.get(..length), ids);
        self.endings.find(folded, |length| folded.get(folded.len().checked_sub(length)?..), ids);
    }
}

fn enter(table: &mut FxHashMap<String, Vec<WordId>>, forms: Vec<String>, id: WordId) {
    for form in forms {
        let ids = table.entry(form).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
}

/// Word beginnings or endings, and the lengths (bytes, ascending) that they have.
#[derive(Debug, Clone, Default)]
struct AffixTable {
    ids: FxHashMap<String, Vec<WordId>>,
    lengths: Vec<usize>,
}

impl AffixTable {
    fn enter(&mut self, affixes: Vec<String>, id: WordId) {
        self.lengths.extend(affixes.iter().map(String::len));
        self.lengths.sort_unstable();
        self.lengths.dedup();
        enter(&mut self.ids, affixes, id);
    }

    /// Appends the ids of the affixes that `part` cuts from the word.
    fn find<'w>(
        &self,
        folded: &'w str,
        part: impl Fn(usize) -> Option<&'w str>,
        ids: &mut Vec<WordId>,
    ) {
        for &length in self.lengths.iter().take_while(|&&length| length <= folded.len()) {
            let found = part(length).and_then(|affix| self.ids.get(affix));
            ids.extend(found.into_iter().flatten());
        }
    }
}

/// All phrases as a tree: from a node, a word pattern leads to the next.
#[derive(Debug, Clone)]
struct PhraseTree {
    edges: FxHashMap<(u32, WordId), u32>,
    owners: Vec<Vec<Owner>>,
}

impl PhraseTree {
    const ROOT: u32 = 0;

    fn new() -> Self {
        PhraseTree { edges: FxHashMap::default(), owners: vec![Vec::new()] }
    }

    fn insert(&mut self, phrase: &[WordId], owner: Owner) {
        let mut node = Self::ROOT;
        for &word in phrase {
            let fresh = self.owners.len() as u32;
            node = *self.edges.entry((node, word)).or_insert(fresh);
            if node == fresh {
                self.owners.push(Vec::new());
            }
        }
        self.owners[node as usize].push(owner);
    }

    /// Appends the nodes that a word with these patterns leads to.
    fn step(&self, node: u32, ids: &[WordId], next: &mut Vec<u32>) {
        next.extend(ids.iter().filter_map(|&id| self.edges.get(&(node, id))));
    }

    fn owners(&self, node: u32) -> &[Owner] {
        &self.owners[node as usize]
    }
}
