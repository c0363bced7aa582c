//! Documents as rows of sums: what a share and its variance are made of.
//!
//! The share of a theme is a ratio of sums, Σy / Σx, over documents with parts y of weights x. Its
//! variance by linearization (Cochran 1977, section 6.3) needs Σy², Σxy and Σx² besides, so a row
//! holds x, x² and for each theme y, y², xy. The sums of any resample of documents are then a row of
//! counts times this matrix.

use ndarray::{Array2, ArrayView1};

use super::counted::{CountedDocument, Measure};
use super::draws::Draws;
use super::store::Documents;

/// Documents, or groups of documents, that chance is drawn from at least, where there are as many.
pub(super) const ENOUGH_DOCUMENTS: usize = 500;
/// Columns before those of the themes: x and x².
const HEAD: usize = 2;
/// Columns of a theme: y, y² and xy.
const EACH: usize = 3;
/// Part of its terms under which a variance is nothing but rounding.
const ROUNDING: f64 = 1e-12;

/// Documents of which rows can be made; `n_themes` counts what no theme takes as one.
#[derive(Clone, Copy)]
pub(super) struct Weighed<'d> {
    documents: &'d Documents,
    measure: Measure,
    n_themes: usize,
}

impl<'d> Weighed<'d> {
    pub fn new(documents: &'d Documents, measure: Measure, n_themes: usize) -> Weighed<'d> {
        Weighed { documents, measure, n_themes }
    }

    /// The number of documents.
    pub fn n(self) -> usize {
        self.documents.n()
    }

    pub fn n_themes(self) -> usize {
        self.n_themes
    }

    /// Whether a theme takes all of every document.
    pub fn are_all_about(self, theme: usize) -> bool {
        let mut are_all = true;
        self.documents.each(|row| {
            let document = &row.document;
            are_all &= document.part(self.measure, theme) >= document.weight(self.measure);
        });
        are_all
    }

    /// The sums over all documents.
    pub fn total(self) -> Total {
        let mut total = Total { sums: vec![0.0; HEAD + EACH * self.n_themes], ..Total::default() };
        self.documents.each(|row| total.add(&row.document, self.measure));
        total
    }

    /// The documents gathered at random into groups of `size`, the last one perhaps smaller; a row a group,
    /// as if it were one document. Groups of documents vary about the share as documents do, so what is
    /// drawn of them says the same of chance, at a fraction of the cost.
    pub fn gathered(self, size: usize, draws: &mut Draws) -> Moments {
        let mut groups = draws.groups(self.n(), size);
        let mut rows = Array2::zeros((groups.n(), HEAD + EACH * self.n_themes));
        self.documents.each(|row| {
            let mut sums = rows.row_mut(groups.next());
            sums[0] += row.document.weight(self.measure);
            let parts = row.document.parts(self.measure).take(self.n_themes);
            (HEAD..).step_by(EACH).zip(parts).for_each(|(at, y)| sums[at] += y);
        });
        for mut row in rows.outer_iter_mut() {
            let x = row[0];
            row[1] = x * x;
            for at in (HEAD..row.len()).step_by(EACH) {
                let y = row[at];
                (row[at + 1], row[at + 2]) = (y * y, x * y);
            }
        }
        Moments { rows }
    }
}

/// A sum that is the same in whatever order its parts are added: in whole steps, far finer than a byte.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ExactSum(i128);

impl ExactSum {
    const STEPS: f64 = (1_u64 << 30) as f64;

    pub fn add(&mut self, part: f64) {
        self.0 += (part * Self::STEPS).round() as i128;
    }

    pub fn value(self) -> f64 {
        self.0 as f64 / Self::STEPS
    }
}

/// Sums over documents.
#[derive(Debug, Clone, Default)]
pub(super) struct Total {
    /// A row of the shape of [`Moments`].
    pub sums: Vec<f64>,
    /// Documents, those of groups with them.
    pub n_documents: u64,
    /// Their units.
    pub n_units: u64,
}

impl Total {
    fn add(&mut self, document: &CountedDocument, measure: Measure) {
        let (sums, x) = (&mut self.sums, document.weight(measure));
        sums[0] += x;
        sums[1] += x * x;
        for (sums, y) in sums[HEAD..].chunks_exact_mut(EACH).zip(document.parts(measure)) {
            sums[0] += y;
            sums[1] += y * y;
            sums[2] += x * y;
        }
        self.n_documents += document.n_documents;
        self.n_units += document.n_units;
    }
}

/// Shape (documents or groups of them, 2 + 3 * themes).
#[derive(Debug, Clone)]
pub(super) struct Moments {
    pub rows: Array2<f64>,
}

impl Moments {
    pub fn n_documents(&self) -> usize {
        self.rows.nrows()
    }

    /// The sums over all documents.
    pub fn total(&self) -> Vec<f64> {
        self.rows.sum_axis(ndarray::Axis(0)).to_vec()
    }

    /// What the theme takes of each document.
    pub fn parts(&self, theme: usize) -> ArrayView1<'_, f64> {
        self.rows.column(HEAD + EACH * theme)
    }

    /// The columns of some themes alone.
    pub fn only(&self, themes: &[usize]) -> Moments {
        let of_theme = |&theme: &usize| (0..EACH).map(move |k| HEAD + EACH * theme + k);
        let columns: Vec<usize> = (0..HEAD).chain(themes.iter().flat_map(of_theme)).collect();
        Moments { rows: self.rows.select(ndarray::Axis(1), &columns) }
    }

    /// The documents of both, those of `self` first.
    pub fn followed_by(&self, other: &Moments) -> Moments {
        let rows = ndarray::concatenate![ndarray::Axis(0), self.rows, other.rows];
        Moments { rows }
    }
}

/// Sums over `n` documents, a row of the shape of [`Moments`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums<'s> {
    pub sums: &'s [f64],
    pub n: usize,
}

impl Sums<'_> {
    /// What all documents weigh together.
    pub fn weight(&self) -> f64 {
        self.sums[0]
    }

    /// The number of documents of equal weight that would say as much (Kish 1965).
    pub fn n_effective(&self) -> f64 {
        self.sums[0] * self.sums[0] / self.sums[1]
    }

    /// The share of a theme; the weight must not be 0.
    pub fn share(&self, theme: usize) -> f64 {
        (self.sums[HEAD + EACH * theme] / self.weight()).clamp(0.0, 1.0)
    }

    /// The variance of the share; 0 where it is nothing but rounding. Two documents at least.
    pub fn variance(&self, theme: usize) -> f64 {
        let at = HEAD + EACH * theme;
        let (yy, xy, xx) = (self.sums[at + 1], self.sums[at + 2], self.sums[1]);
        let share = self.sums[at] / self.weight();
        let squares = yy - 2.0 * share * xy + share * share * xx;
        let n = self.n as f64;
        match squares > ROUNDING * (yy + share * share * xx) {
            true => squares * n / (n - 1.0) / (self.weight() * self.weight()),
            false => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ExactSum;

    proptest! {
        #[test]
        fn the_order_of_parts_makes_no_difference_to_a_sum(
            parts in prop::collection::vec((0_u64..1 << 40, 0_u32..=1_000_000), 0..200),
        ) {
            let parts: Vec<f64> =
                parts.into_iter().map(|(n, share)| n as f64 * f64::from(share) / 1e6).collect();
            let sum = |parts: &mut dyn Iterator<Item = &f64>| {
                let mut sum = ExactSum::default();
                parts.for_each(|part| sum.add(*part));
                sum.value()
            };
            let found = sum(&mut parts.iter());
            prop_assert_eq!(found, sum(&mut parts.iter().rev()));
            let plain: f64 = parts.iter().sum();
            prop_assert!((found - plain).abs() <= 1e-12 * plain + 1e-6);
        }
    }
}
