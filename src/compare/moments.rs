//! Documents as rows of sums: what a share and its variance are made of.
//!
//! The share of a theme is a ratio of sums, Σy / Σx, over documents with parts y of weights x. Its
//! variance by linearization (Cochran 1977, section 6.3) needs Σy², Σxy and Σx² besides, so a row
//! holds x, x² and for each theme y, y², xy. The sums of any resample of documents are then a row of
//! counts times this matrix.

use ndarray::{Array2, ArrayView1};

use super::counted::{CountedDocument, Measure};
use super::draws::Draws;

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
    documents: &'d [&'d CountedDocument],
    measure: Measure,
    n_themes: usize,
}

impl<'d> Weighed<'d> {
    pub fn new(
        documents: &'d [&'d CountedDocument],
        measure: Measure,
        n_themes: usize,
    ) -> Weighed<'d> {
        Weighed { documents, measure, n_themes }
    }

    /// The number of documents.
    pub fn n(self) -> usize {
        self.documents.len()
    }

    pub fn n_themes(self) -> usize {
        self.n_themes
    }

    /// The weight of each document, and what every theme takes of it.
    pub fn each(self) -> impl Iterator<Item = (f64, impl Iterator<Item = f64>)> {
        let parts = move |document: &'d CountedDocument| document.parts(self.measure);
        let row = move |&document| (self.weight(document), parts(document).take(self.n_themes));
        self.documents.iter().map(row)
    }

    fn weight(self, document: &CountedDocument) -> f64 {
        document.weight(self.measure)
    }

    /// The weight of each document, and what one theme takes of it.
    pub fn of_theme(self, theme: usize) -> impl Iterator<Item = (f64, f64)> {
        let part = move |document: &CountedDocument| document.part(self.measure, theme);
        self.documents.iter().map(move |document| (self.weight(document), part(document)))
    }

    /// The sums over all documents, a row of the shape of [`Moments`].
    pub fn total(self) -> Vec<f64> {
        let mut total = vec![0.0; HEAD + EACH * self.n_themes];
        for (x, parts) in self.each() {
            total[0] += x;
            total[1] += x * x;
            for (sums, y) in total[HEAD..].chunks_exact_mut(EACH).zip(parts) {
                sums[0] += y;
                sums[1] += y * y;
                sums[2] += x * y;
            }
        }
        total
    }

    /// The documents gathered at random into groups of `size`, the last one perhaps smaller; a row a group,
    /// as if it were one document. Groups of documents vary about the share as documents do, so what is
    /// drawn of them says the same of chance, at a fraction of the cost.
    pub fn gathered(self, size: usize, draws: &mut Draws) -> Moments {
        let width = HEAD + EACH * self.n_themes;
        let mut rows = draws.gathered((self.n(), width), size, |index, row| {
            let document = self.documents[index];
            row[0] += self.weight(document);
            let parts = document.parts(self.measure);
            row[HEAD..].chunks_exact_mut(EACH).zip(parts).for_each(|(sums, y)| sums[0] += y);
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
