//! A closer look at what changed: is it what documents say, or which documents there are ([`mix`])? And
//! does it hang on a single document, source, term or encoder ([`robust`])?

mod mix;
mod robust;
mod terms;

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;

use super::change::{Comparison, Family, Verdict};
use super::counted::{Counted, CountedDocument};
use super::side::{self, Key, Sides};
use super::{CompareOptions, Copies, Trends};

#[cfg(test)]
mod tests;

pub use mix::{Mix, Part};
pub use robust::{Check, CheckKind, Robustness};
pub use terms::SoleTerms;

/// Documents of a level, in either period, under which it is put together with other small ones.
const MIN_LEVEL: usize = 5;

/// What a closer look needs besides the documents.
#[derive(Clone, Copy, Default)]
pub struct Besides<'b> {
    /// What single terms carry; `None`: no term is looked at.
    pub terms: Option<&'b SoleTerms<'b>>,
    /// The same documents scored with another encoder, and for each theme of the model its place
    /// there.
    pub other: Option<(&'b Counted, &'b [Option<usize>])>,
}

/// The same documents scored with another encoder.
struct Other<'b> {
    /// By their ids.
    documents: HashMap<&'b str, &'b CountedDocument>,
    /// For each theme of the model its place there.
    places: &'b [Option<usize>],
}

impl<'b> Other<'b> {
    fn new((counted, places): (&'b Counted, &'b [Option<usize>]), copies: Copies) -> Self {
        let documents = counted.of(copies).into_iter();
        Other { documents: documents.map(|document| (&*document.id, document)).collect(), places }
    }
}

/// What documents weigh, and what the theme takes of that; of one, or the sums over several.
type Sums = (f64, f64);

/// The documents of two periods and the theme that is compared.
struct Case<'c> {
    theme: usize,
    /// The documents of either period, each with its weight and what the theme takes of it.
    sides: [Vec<(&'c CountedDocument, Sums)>; 2],
    options: &'c CompareOptions,
    /// What the sides are known by.
    keys: [Key; 2],
    /// Names the case for what is drawn.
    name: [String; 4],
}

impl<'c> Case<'c> {
    fn new(
        theme: usize,
        sides: [&[&'c CountedDocument]; 2],
        options: &'c CompareOptions,
        (keys, id): ([Key; 2], &str),
    ) -> Self {
        let measure = options.measure;
        let ([(group, from), (_, to)], id) = (&keys, id.to_owned());
        let name = [side::named(group), from.clone(), to.clone(), id];
        let own = |&document: &&'c CountedDocument| {
            (document, (document.weight(measure), document.part(measure, theme)))
        };
        let sides = sides.map(|side| side.iter().map(own).collect());
        Case { theme, sides, options, keys, name }
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

/// Whether a change is looked at: every one that is real.
fn is_headline(comparison: &Comparison) -> bool {
    matches!(comparison.verdict, Verdict::Rose | Verdict::Fell)
}

/// What the sides of a comparison are known by.
fn keys(comparison: &Comparison) -> [Key; 2] {
    [&comparison.from, &comparison.to].map(|label| (comparison.group.clone(), label.clone()))
}

impl Sides<'_> {
    /// Looks closer at every change that is real, and at the mix of every pair that the user named.
    pub fn look_closer(&self, trends: &mut Trends, besides: Besides<'_>) {
        let Trends { options, themes, comparisons, .. } = trends;
        let other = besides.other.map(|other| Other::new(other, options.copies));
        comparisons.par_iter_mut().for_each(|comparison| {
            let is_named = matches!(comparison.family, Family::Named | Family::NamedInGroups);
            if !is_headline(comparison) && !is_named {
                return;
            }
            let theme = themes.iter().position(|theme| theme.id == comparison.theme);
            let Some(theme) = theme else { return };
            let keys = keys(comparison);
            let sides = [&keys[0], &keys[1]]
                .map(|key| self.of.get(key).map_or(&[][..], |side| &side.documents));
            let case = Case::new(theme, sides, options, (keys, &comparison.theme));
            comparison.mix = mix::mixes(&case);
            if is_headline(comparison) {
                comparison.robustness = robust::judged(&case, besides.terms, other.as_ref());
            }
        });
    }
}
