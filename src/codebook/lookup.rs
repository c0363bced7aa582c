//! The two tables behind the dictionary: which word patterns a word fits, and which phrases a row of
//! patterns makes. Both are built once; a look-up never allocates. Most words of a text fit no
//! pattern, so the tables are laid out to turn those away first.

use rustc_hash::FxHashMap;

use super::pattern::WordPattern;
use super::spelling;
use super::words::COMMA;

/// Index of a word pattern.
pub(super) type WordId = u32;

/// The patterns that a form (the bytes of a folded word, or of a part of it) fits.
type FormTable = FxHashMap<Vec<u8>, Vec<WordId>>;

/// The word patterns of all phrases, found by the folded letters of a text's word.
#[derive(Debug, Clone, Default)]
pub(super) struct WordTable {
    interned: FxHashMap<WordPattern, WordId>,
    /// The words of `whole` and `acronyms`, and others.
    sieve: Sieve,
    whole: FormTable,
    acronyms: FormTable,
    stems: AffixTable,
    endings: AffixTable,
}

impl WordTable {
    /// The id of [`WordPattern::Any`].
    const ANY: WordId = 0;

    pub fn intern(&mut self, pattern: WordPattern) -> WordId {
        if pattern == WordPattern::Any {
            return Self::ANY;
        }
        if let Some(&id) = self.interned.get(&pattern) {
            return id;
        }
        let id = self.interned.len() as WordId + 1;
        match &pattern {
            WordPattern::Any => {}
            WordPattern::Word(word) => self.enter(spelling::forms(word), id, |t| &mut t.whole),
            WordPattern::Acronym(word) => {
                let forms = vec![word.clone(), format!("{word}s")];
                self.enter(forms, id, |table| &mut table.acronyms);
            }
            WordPattern::Stem(stem) => self.stems.enter(spelling::stems(stem), id, beginning),
            WordPattern::Ending(end) => self.endings.enter(spelling::forms(end), id, ending),
        }
        self.interned.insert(pattern, id);
        id
    }

    fn enter(&mut self, forms: Vec<String>, id: WordId, table: fn(&mut Self) -> &mut FormTable) {
        forms.iter().for_each(|form| self.sieve.enter(word_key(form.as_bytes())));
        enter(table(self), forms, id);
    }

    /// Appends the ids of the patterns that the word fits.
    pub fn find(&self, folded: &str, capitals: bool, ids: &mut Vec<WordId>) {
        let is_whole = self.sieve.may_hold(word_key(folded.as_bytes()));
        if is_whole {
            ids.extend(self.whole.get(folded.as_bytes()).into_iter().flatten());
        }
        ids.extend((folded != COMMA).then_some(Self::ANY));
        if is_whole && capitals {
            ids.extend(self.acronyms.get(folded.as_bytes()).into_iter().flatten());
        }
        self.stems.find(folded, beginning, ids);
        self.endings.find(folded, ending, ids);
    }
}

fn enter(table: &mut FormTable, forms: Vec<String>, id: WordId) {
    for form in forms {
        let ids = table.entry(form.into_bytes()).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
}

/// Word beginnings or endings, and the lengths (bytes, ascending) that they have.
#[derive(Debug, Clone, Default)]
struct AffixTable {
    ids: FormTable,
    lengths: Vec<usize>,
    /// The three outermost bytes of each: most words are turned away here.
    outermost: Sieve,
    /// All of them.
    sieve: Sieve,
}

impl AffixTable {
    fn enter(&mut self, affixes: Vec<String>, id: WordId, part: Part) {
        self.lengths.extend(affixes.iter().map(String::len));
        self.lengths.sort_unstable();
        self.lengths.dedup();
        let outermost = affixes.iter().filter_map(|affix| outermost(affix, part));
        outermost.for_each(|key| self.outermost.enter(key));
        affixes.iter().for_each(|affix| self.sieve.enter(word_key(affix.as_bytes())));
        enter(&mut self.ids, affixes, id);
    }

    /// Appends the ids of the affixes that the word has.
    fn find(&self, folded: &str, part: Part, ids: &mut Vec<WordId>) {
        if !outermost(folded, part).is_some_and(|key| self.outermost.may_hold(key)) {
            return;
        }
        for &length in self.lengths.iter().take_while(|&&length| length <= folded.len()) {
            let affix = part(folded.as_bytes(), length);
            let affix = affix.filter(|affix| self.sieve.may_hold(word_key(affix)));
            let found = affix.and_then(|affix| self.ids.get(affix));
            ids.extend(found.into_iter().flatten());
        }
    }
}

/// Cuts so many bytes from one end of a word; `None` where it is shorter.
type Part = fn(&[u8], usize) -> Option<&[u8]>;

/// Bytes of an affix that are looked up first; no affix is shorter.
const OUTERMOST: usize = 3;

fn beginning(word: &[u8], length: usize) -> Option<&[u8]> {
    word.get(..length)
}

fn ending(word: &[u8], length: usize) -> Option<&[u8]> {
    word.get(word.len().checked_sub(length)?..)
}

fn outermost(word: &str, part: Part) -> Option<u64> {
    part(word.as_bytes(), OUTERMOST).map(key)
}

/// The first and the last bytes of a word, and its length.
fn word_key(word: &[u8]) -> u64 {
    let (first, last) = (&word[..word.len().min(4)], &word[word.len().saturating_sub(3)..]);
    key(first) << 32 | key(last) << 8 | word.len() as u64 & 0xff
}

/// A few bytes as a number.
fn key(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |key, &byte| key << 8 | u64::from(byte))
}

/// Turns most keys away that were not entered, and none that were: a bit for each hash, few enough to
/// lie near the processor.
#[derive(Debug, Clone)]
struct Sieve(Vec<u64>);

impl Sieve {
    /// Bits, as a power of two.
    const BITS: u32 = 16;

    fn enter(&mut self, key: u64) {
        let (word, bit) = Self::place(key);
        self.0[word] |= bit;
    }

    fn may_hold(&self, key: u64) -> bool {
        let (word, bit) = Self::place(key);
        self.0[word] & bit != 0
    }

    /// Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4).
    fn place(key: u64) -> (usize, u64) {
        let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - Self::BITS);
        ((hash / 64) as usize, 1 << (hash % 64))
    }
}

impl Default for Sieve {
    fn default() -> Self {
        Sieve(vec![0; (1 << Self::BITS) / 64])
    }
}

/// All phrases as a tree: from a node, a word pattern leads to the next.
#[derive(Debug, Clone)]
pub(super) struct PhraseTree<O> {
    nodes: Vec<PhraseNode<O>>,
    /// The nodes after the first word of a phrase, by its pattern; 0 where there is none.
    second: Vec<u32>,
}

#[derive(Debug, Clone)]
struct PhraseNode<O> {
    /// Sorted by the pattern.
    edges: Vec<(WordId, u32)>,
    owners: Vec<O>,
}

impl<O> PhraseNode<O> {
    fn new() -> Self {
        PhraseNode { edges: Vec::new(), owners: Vec::new() }
    }
}

impl<O> PhraseTree<O> {
    const ROOT: u32 = 0;

    pub fn new() -> Self {
        PhraseTree { nodes: vec![PhraseNode::new()], second: Vec::new() }
    }

    pub fn insert(&mut self, phrase: &[WordId], owner: O) {
        let mut node = Self::ROOT;
        for &word in phrase {
            node = self.child(node, word);
        }
        self.nodes[node as usize].owners.push(owner);
        self.second.resize(self.second.len().max(phrase[0] as usize + 1), 0);
        self.second[phrase[0] as usize] = self.child(Self::ROOT, phrase[0]);
    }

    /// The node that `word` leads to, made if need be.
    fn child(&mut self, node: u32, word: WordId) -> u32 {
        let fresh = self.nodes.len() as u32;
        let edges = &mut self.nodes[node as usize].edges;
        match edges.binary_search_by_key(&word, |&(word, _)| word) {
            Ok(at) => edges[at].1,
            Err(at) => {
                edges.insert(at, (word, fresh));
                self.nodes.push(PhraseNode::new());
                fresh
            }
        }
    }

    /// Appends the nodes that a first word with these patterns leads to.
    pub fn start(&self, ids: &[WordId], next: &mut Vec<u32>) {
        let nodes = ids.iter().filter_map(|&id| self.second.get(id as usize));
        next.extend(nodes.filter(|&&node| node != Self::ROOT));
    }

    /// Appends the nodes that a further word with these patterns leads to.
    pub fn step(&self, node: u32, ids: &[WordId], next: &mut Vec<u32>) {
        let edges = &self.nodes[node as usize].edges;
        if edges.is_empty() {
            return;
        }
        for id in ids {
            if let Ok(at) = edges.binary_search_by_key(id, |&(word, _)| word) {
                next.push(edges[at].1);
            }
        }
    }

    pub fn owners(&self, node: u32) -> &[O] {
        &self.nodes[node as usize].owners
    }
}
