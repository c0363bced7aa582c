//! What single terms carry of the themes that changed: the units of a theme in which no other of its terms
//! stands. Sums are kept, not documents, so that an archive of any size takes no more memory than its terms.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::compare::Trends;
use crate::compare::counted::{CountedThemes, Measure};
use crate::compare::side::{Key, Sides};
use crate::compare::store::Lookup;

use super::is_headline;

/// A theme, by its index in the model, and a term of it, as the codebook has it.
type Term = (usize, String);

/// What a term alone carries.
#[derive(Debug, Clone, Copy, Default)]
struct Carried {
    /// Bytes that the theme takes of units in which no other of its terms stands.
    n_bytes: f64,
    /// These units.
    n_units: u64,
    /// Documents that mention the theme in no other unit.
    n_documents: u64,
}

/// What single terms carry, by the sides of what changed. Units are added folder by folder, document by document in their
/// order.
pub struct SoleTerms<'s> {
    sides: &'s Sides,
    changed: Vec<ChangedSide<'s>>,
    /// For a period, and a group in it, the places in `changed` of the sides that it is a part of.
    within: HashMap<&'s Key, Vec<usize>>,
    /// The folder that units are added of, and its documents.
    folder: usize,
    documents: Lookup<'s>,
    /// The documents whose units are being added.
    open: Vec<Open>,
}

/// A side of a change or several.
struct ChangedSide<'s> {
    key: &'s Key,
    /// The themes that changed.
    themes: BTreeSet<usize>,
    terms: BTreeMap<Term, Carried>,
}

/// A document while its units are added.
#[derive(Default)]
struct Open {
    id: String,
    /// For each theme the units that carry it.
    said: CountedThemes,
    /// The places in `changed` of its sides; none where it does not count, or an earlier folder had it.
    places: Vec<usize>,
    terms: BTreeMap<Term, Carried>,
}

impl<'s> SoleTerms<'s> {
    /// Of the sides of every change that is real; no unit is added yet.
    pub fn new(sides: &'s Sides, trends: &Trends) -> Self {
        let mut themes: BTreeMap<&Key, BTreeSet<usize>> = BTreeMap::new();
        for comparison in trends.comparisons.iter().filter(|c| is_headline(c)) {
            let theme = trends.themes.iter().position(|theme| theme.id == comparison.theme);
            for key in super::keys(comparison) {
                let side = sides.of.get_key_value(&key);
                let (Some((key, _)), Some(theme)) = (side, theme) else { continue };
                themes.entry(key).or_default().insert(theme);
            }
        }
        let new = |(key, themes)| ChangedSide { key, themes, terms: BTreeMap::new() };
        let changed: Vec<ChangedSide<'s>> = themes.into_iter().map(new).collect();
        let mut within: HashMap<&Key, Vec<usize>> = HashMap::new();
        for (place, side) in changed.iter().enumerate() {
            for run in &sides.of[side.key].documents.runs {
                within.entry(&run.key).or_default().push(place);
            }
        }
        SoleTerms {
            sides,
            changed,
            within,
            folder: 0,
            documents: sides.lookup(0),
            open: Vec::new(),
        }
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// Goes on to the units of a document, which must stand together and in the order of documents. Its number among
    /// those whose units are being added, where a change of one of some themes rests on it.
    pub fn turn_to(&mut self, id: &str, mut themes: impl Iterator<Item = usize>) -> Option<usize> {
        if self.open.last().is_none_or(|open| open.id != *id) {
            let opened = self.opened(id);
            self.open.push(opened);
        }
        let number = self.open.len() - 1;
        let places = &self.open[number].places;
        let rests = |theme| places.iter().any(|place| self.changed[*place].themes.contains(&theme));
        themes.any(rests).then_some(number)
    }

    fn opened(&mut self, id: &str) -> Open {
        let mut open = Open { id: id.to_owned(), ..Open::default() };
        let Some(document) = self.documents.find(id) else { return open };
        let Some(period) = &document.period else { return open };
        for group in [None].into_iter().chain(document.group.as_ref().map(Some)) {
            let key = (group.map(ToString::to_string), period.to_string());
            open.places.extend(self.within.get(&key).into_iter().flatten());
        }
        if !open.places.is_empty() {
            open.said = document.themes.clone();
        }
        open
    }

    /// Adds a unit of a document, by its number, in which the term is the only one of its theme. `n_bytes`: what the
    /// theme takes of it.
    pub fn add(&mut self, document: usize, theme: usize, term: &str, n_bytes: f64) {
        let carried = self.open[document].terms.entry((theme, term.to_owned())).or_default();
        carried.n_bytes += n_bytes;
        carried.n_units += 1;
    }

    /// Ends a folder. What the next one has again of its documents counts nothing.
    pub fn end_folder(&mut self) {
        self.open.drain(..).for_each(|open| end(&mut self.changed, open));
        self.folder += 1;
        self.documents = self.sides.lookup(self.folder);
    }

    /// Ends all documents but the last, of which more units may come; that one is now the first.
    pub fn end_documents(&mut self) {
        let n = self.open.len().saturating_sub(1);
        self.open.drain(..n).for_each(|open| end(&mut self.changed, open));
    }

    /// What a theme would lose in a side without each of its terms.
    pub(super) fn lost(&self, key: &Key, theme: usize, measure: Measure) -> BTreeMap<&str, f64> {
        let side = self.changed.iter().find(|side| side.key == key);
        let terms = side.into_iter().flat_map(|side| &side.terms);
        let lost = |carried: &Carried| match measure {
            Measure::Text => carried.n_bytes,
            Measure::Units => carried.n_units as f64,
            // These mention the theme no more.
            Measure::Documents => carried.n_documents as f64,
        };
        let own = terms.filter(|((of, _), _)| *of == theme);
        own.map(|((_, term), carried)| (term.as_str(), lost(carried))).collect()
    }
}

/// Adds what the terms of a document carry to the sides that it is in.
fn end(changed: &mut [ChangedSide<'_>], Open { said, places, terms, .. }: Open) {
    for place in places {
        let side = &mut changed[place];
        for (term, own) in terms.iter().filter(|((theme, _), _)| side.themes.contains(theme)) {
            let sum = side.terms.entry(term.clone()).or_default();
            let is_all = own.n_units >= said[term.0].n_mentions;
            sum.n_bytes += own.n_bytes;
            sum.n_units += own.n_units;
            sum.n_documents += u64::from(is_all);
        }
    }
}
