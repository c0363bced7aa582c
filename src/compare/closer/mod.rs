//! A closer look at what changed: is it what documents say, or which documents there are ([`mix`])? And
//! does it hang on a single document, source, term or encoder ([`robust`])?

mod mix;
mod robust;
mod terms;

use std::collections::{BTreeMap, HashMap};

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

/// The documents of two periods and the theme that is compared.
struct Case<'c> {
    theme: usize,
    from: Vec<&'c CountedDocument>,
    to: Vec<&'c CountedDocument>,
    options: &'c CompareOptions,
    /// Names the case for what is drawn.
    name: [String; 4],
}

impl<'c> Case<'c> {
    fn sides(&self) -> [&[&'c CountedDocument]; 2] {
        [&self.from, &self.to]
    }

    /// What a document weighs, and what the theme takes of it.
    fn of(&self, document: &CountedDocument) -> (f64, f64) {
        let measure = self.options.measure;
        let taken = document.parts(measure).nth(self.theme).unwrap_or(0.0);
        (document.weight(measure), taken)
    }

    /// Names of the fields that documents have.
    fn fields(&self) -> Vec<&'c str> {
        let documents = self.from.iter().chain(&self.to);
        let mut fields: Vec<&str> = documents
            .flat_map(|document| document.fields.iter().map(|(name, _)| &**name))
            .collect();
        fields.sort_unstable();
        fields.dedup();
        fields
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

    /// The documents behind what changed, by id, each with the ids of the themes that did.
    pub fn changed<'t>(&self, trends: &'t Trends) -> HashMap<&'c str, Vec<&'t str>> {
        let mut wanted: HashMap<&str, Vec<&str>> = HashMap::new();
        for comparison in trends.comparisons.iter().filter(|c| is_headline(c)) {
            for document in self.documents(comparison).into_iter().flatten() {
                let themes = wanted.entry(&document.id).or_default();
                if !themes.contains(&comparison.theme.as_str()) {
                    themes.push(&comparison.theme);
                }
            }
        }
        wanted
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
            let case = Case { theme, from, to, options, name };
            comparison.mix = mix::mixes(&case);
            if is_headline(comparison) {
                comparison.robustness = robust::judged(&case, besides);
            }
        });
    }

    fn documents(&self, comparison: &Comparison) -> [Vec<&'c CountedDocument>; 2] {
        let of = |label: &String| {
            let side = self.0.get(&(comparison.group.clone(), label.clone()));
            side.map_or_else(Vec::new, |side| side.documents.clone())
        };
        [of(&comparison.from), of(&comparison.to)]
    }
}
