//! A closer look at what changed: is it what documents say, or which documents there are ([`mix`])? And
//! does it hang on a single document, source, term or encoder ([`robust`])?
//!
//! All themes that changed between two periods are looked at together: each question is one pass over the documents.

mod mix;
mod robust;
mod survey;
mod terms;

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::error::Result;

use super::change::{Comparison, Family, Verdict};
use super::counted::CountedDocument;
use super::draws::Draws;
use super::side::{self, Key, Sides};
use super::store::{Documents, StoredDocument};
use super::{CompareOptions, Trends};

#[cfg(test)]
mod tests;

pub use mix::{Mix, Part};
pub use robust::{Check, CheckKind, Robustness};
pub use terms::SoleTerms;

use survey::Survey;

/// Documents of a level, in either period, under which it is put together with other small ones.
const MIN_LEVEL: usize = 5;

/// What a closer look needs besides the documents.
#[derive(Clone, Copy, Default)]
pub struct Besides<'b> {
    /// What single terms carry; `None`: no term is looked at.
    pub terms: Option<&'b SoleTerms<'b>>,
    /// The same documents scored with another encoder, and for each theme of the model its place
    /// there.
    pub other: Option<(&'b Sides, &'b [Option<usize>])>,
}

/// What documents weigh, and what a theme takes of that; of one, or the sums over several.
type Sums = (f64, f64);

/// Two periods, and the themes that are looked at. "Place" is a theme's place among these.
struct Case<'c> {
    sides: [&'c Documents; 2],
    themes: Vec<Theme>,
    options: &'c CompareOptions,
    /// What the sides are known by.
    keys: [Key; 2],
}

/// A theme that is looked at.
struct Theme {
    /// Its index in the model.
    index: usize,
    id: String,
    /// Whether it changed; if not, only its mix is asked for.
    is_headline: bool,
}

impl Case<'_> {
    /// The generator for one use of all themes together.
    fn draws(&self, name: &[&str]) -> Draws {
        let [(group, from), (_, to)] = &self.keys;
        let own = [side::named(group), from.clone(), to.clone()];
        let name: Vec<&str> = own.iter().map(String::as_str).chain(name.iter().copied()).collect();
        Draws::new(self.options.seed, &name)
    }

    /// What a document weighs.
    fn weight(&self, document: &CountedDocument) -> f64 {
        document.weight(self.options.measure)
    }

    /// What each of the themes takes of that.
    fn taken(&self, document: &CountedDocument) -> impl Iterator<Item = f64> {
        self.themes.iter().map(|theme| document.part(self.options.measure, theme.index))
    }

    /// Hands every document to `take`, with the number of its side.
    fn each(&self, mut take: impl FnMut(usize, &StoredDocument)) {
        for (side, documents) in self.sides.iter().enumerate() {
            documents.each(|row| take(side, row));
        }
    }
}

/// Whether a change is looked at: every one that is real.
fn is_headline(comparison: &Comparison) -> bool {
    matches!(comparison.verdict, Verdict::Rose | Verdict::Fell)
}

/// What the sides of a comparison are known by.
fn keys(comparison: &Comparison) -> [Key; 2] {
    [&comparison.from, &comparison.to].map(|label| (comparison.group.clone(), label.clone()))
}

impl Sides {
    /// Looks closer at every change that is real, and at the mix of every pair that the user named.
    ///
    /// # Errors
    /// `Io` where documents that did not fit in memory cannot be read.
    pub fn look_closer(&self, trends: &mut Trends, besides: Besides<'_>) -> Result<()> {
        let Trends { options, themes, comparisons, .. } = trends;
        let mut pairs: BTreeMap<[Key; 2], Vec<(usize, &mut Comparison)>> = BTreeMap::new();
        for comparison in comparisons {
            let is_named = matches!(comparison.family, Family::Named | Family::NamedInGroups);
            let theme = themes.iter().position(|theme| theme.id == comparison.theme);
            if let Some(theme) = theme.filter(|_| is_headline(comparison) || is_named) {
                pairs.entry(keys(comparison)).or_default().push((theme, comparison));
            }
        }
        let pairs: Vec<_> = pairs.into_iter().collect();
        pairs.into_par_iter().for_each(|(keys, found)| {
            let [Some(from), Some(to)] = [0, 1].map(|k| self.of.get(&keys[k])) else { return };
            let theme = |(index, comparison): &(usize, &mut Comparison)| Theme {
                index: *index,
                id: comparison.theme.clone(),
                is_headline: is_headline(comparison),
            };
            let themes = found.iter().map(theme).collect();
            let case = Case { sides: [&from.documents, &to.documents], themes, options, keys };
            let survey = Survey::new(&case);
            let looked = mix::mixes(&case, &survey).into_iter();
            let looked = looked.zip(robust::judged(&case, &survey, besides));
            for ((_, comparison), looked) in found.into_iter().zip(looked) {
                (comparison.mix, comparison.robustness) = looked;
            }
        });
        besides.other.map_or(Ok(()), |(other, _)| other.store.check())?;
        self.store.check()
    }
}
