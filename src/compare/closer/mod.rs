//! A closer look at what changed: is it what documents say, or which documents there are ([`mix`])? And
//! does it hang on a single document, source, term or encoder ([`robust`])?

mod mix;
mod robust;
mod terms;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use crate::error::Result;

use super::change::{Comparison, Family, Verdict};
use super::counted::{Counted, CountedDocument};
use super::side::{self, Key};
use super::{CompareOptions, Trends};

#[cfg(test)]
mod tests;

pub use mix::{Mix, Part};
pub use robust::{Check, CheckKind, Robustness};
pub use terms::{SoleTerm, SoleTerms};

/// Documents of a level, in either period, under which it is put together with other small ones.
const MIN_LEVEL: usize = 5;

/// What a closer look needs besides the documents.
#[derive(Debug, Clone, Copy, Default)]
pub struct Besides<'b> {
    /// What single terms carry in the documents; empty: no term is looked at.
    pub terms: Option<&'b SoleTerms>,
    /// The same documents scored with another encoder, and for each theme of the model its place
    /// there.
    pub other: Option<(&'b Counted, &'b [Option<usize>])>,
}

/// What documents weigh, and what the theme takes of that; of one, or the sums over several.
type Sums = (f64, f64);

/// The documents of two periods and the theme that is compared.
struct Case<'c> {
    theme: usize,
    /// The documents of either period, each with its weight and what the theme takes of it.
    sides: [Vec<(&'c CountedDocument, Sums)>; 2],
    options: &'c CompareOptions,
    /// Names the case for what is drawn.
    name: [String; 4],
}

impl<'c> Case<'c> {
    fn new(
        theme: usize,
        sides: [&[&'c CountedDocument]; 2],
        options: &'c CompareOptions,
        name: [String; 4],
    ) -> Self {
        let measure = options.measure;
        let own = |&document: &&'c CountedDocument| {
            (document, (document.weight(measure), document.part(measure, theme)))
        };
        Case { theme, sides: sides.map(|side| side.iter().map(own).collect()), options, name }
    }

    /// The documents of both periods.
    fn documents(&self) -> impl Iterator<Item = &'c CountedDocument> {
        self.sides.iter().flatten().map(|(document, _)| *document)
    }

    /// Names of the fields that documents have.
    fn fields(&self) -> BTreeSet<&'c str> {
        let fields = self.documents().flat_map(|document| document.fields.iter());
        fields.map(|(name, _)| &**name).collect()
    }
}

/// The documents behind what changed. Of the sets of themes that changed there are few, so each is kept once.
#[derive(Debug)]
pub struct Changed<'c, 't> {
    /// For each id the place of its set.
    of: HashMap<&'c str, usize>,
    themes: Vec<Vec<&'t str>>,
}

impl<'t> Changed<'_, 't> {
    /// Ids of the themes whose change rests on a document.
    pub fn themes(&self, document: &str) -> &[&'t str] {
        self.of.get(document).map_or(&[], |place| &self.themes[*place])
    }

    /// The number of documents behind changes.
    pub fn n_documents(&self) -> usize {
        self.of.len()
    }
}

/// Whether a change is looked at: every one that is real.
fn is_headline(comparison: &Comparison) -> bool {
    matches!(comparison.verdict, Verdict::Rose | Verdict::Fell)
}

/// The documents of every side of the comparisons, ready for a closer look.
pub struct Closer<'c>(BTreeMap<Key, side::Side<'c>>);

impl<'c> Closer<'c> {
    /// Puts the documents in the sides that were compared.
    ///
    /// # Errors
    /// Those of [`super::compare`].
    pub fn new(trends: &Trends, counted: &'c Counted) -> Result<Self> {
        let documents = counted.of(trends.options.copies);
        let mut sides = side::periods(&documents);
        side::pairs(&mut sides, &trends.options)?;
        Ok(Closer(sides))
    }

    /// The documents behind what changed, with the themes that did.
    pub fn changed<'t>(&self, trends: &'t Trends) -> Changed<'c, 't> {
        let mut changed = Changed { of: HashMap::new(), themes: vec![Vec::new()] };
        // What a set of themes becomes with one more.
        let mut with: HashMap<(usize, &str), usize> = HashMap::new();
        for comparison in trends.comparisons.iter().filter(|c| is_headline(c)) {
            let theme = comparison.theme.as_str();
            for document in self.documents(comparison).into_iter().flatten() {
                let own = changed.of.entry(&document.id).or_default();
                if changed.themes[*own].contains(&theme) {
                    continue;
                }
                *own = *with.entry((*own, theme)).or_insert_with(|| {
                    let more = [&changed.themes[*own][..], &[theme]].concat();
                    changed.themes.push(more);
                    changed.themes.len() - 1
                });
            }
        }
        changed
    }

    /// Looks closer at every change that is real, and at the mix of every pair that the user named.
    pub fn look(&self, trends: &mut Trends, besides: Besides<'_>) {
        let Trends { options, themes, comparisons, .. } = trends;
        comparisons.par_iter_mut().for_each(|comparison| {
            let is_named = matches!(comparison.family, Family::Named | Family::NamedInGroups);
            if !is_headline(comparison) && !is_named {
                return;
            }
            let theme = themes.iter().position(|theme| theme.id == comparison.theme);
            let Some(theme) = theme else { return };
            let [from, to] = self.documents(comparison);
            let name = [
                side::named(&comparison.group),
                comparison.from.clone(),
                comparison.to.clone(),
                comparison.theme.clone(),
            ];
            let case = Case::new(theme, [from, to], options, name);
            comparison.mix = mix::mixes(&case);
            if is_headline(comparison) {
                comparison.robustness = robust::judged(&case, besides);
            }
        });
    }

    fn documents(&self, comparison: &Comparison) -> [&[&'c CountedDocument]; 2] {
        let of = |label: &String| {
            let side = self.0.get(&(comparison.group.clone(), label.clone()));
            side.map_or(&[][..], |side| &side.documents)
        };
        [of(&comparison.from), of(&comparison.to)]
    }
}
