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

/// Shape (documents, 2 + 3 * themes).
#[derive(Debug, Clone)]
pub(super) struct Moments {
    pub rows: Array2<f64>,
}

impl Moments {
    pub fn new(documents: &[&CountedDocument], measure: Measure, n_themes: usize) -> Self {
        let width = HEAD + EACH * n_themes;
        let mut rows = Array2::zeros((documents.len(), width));
        for (document, mut row) in documents.iter().zip(rows.outer_iter_mut()) {
            let x = document.weight(measure);
            let parts = document.parts(measure).flat_map(|y| [y, y * y, x * y]);
            for (cell, value) in row.iter_mut().zip([x, x * x].into_iter().chain(parts)) {
                *cell = value;
            }
        }
        Moments { rows }
    }

    pub fn n_documents(&self) -> usize {
        self.rows.nrows()
    }

    pub fn n_themes(&self) -> usize {
        (self.rows.ncols() - HEAD) / EACH
    }

    /// The sums over all documents.
    pub fn total(&self) -> Vec<f64> {
        self.rows.sum_axis(ndarray::Axis(0)).to_vec()
    }

    /// The weights of the documents.
    pub fn weights(&self) -> ArrayView1<'_, f64> {
        self.rows.column(0)
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

    /// The documents gathered at random into groups of `size`, the last one perhaps smaller; a row a group,
    /// as if it were one document. Groups of documents vary about the share as documents do, so what is
    /// drawn of them says the same of chance, at a fraction of the cost.
    pub fn gathered(&self, size: usize, draws: &mut Draws) -> Moments {
        let mut rows = draws.gathered(self.rows.view(), size);
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
