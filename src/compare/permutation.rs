//! Whether two periods differ by more than chance: documents are dealt out between them anew, again
//! and again, and the difference found is set against those of the deals.
//!
//! The difference is divided by its standard error before it is set against the others (Janssen
//! 1997; Chung and Romano 2013): the test is then exact where the two periods are alike in all, and
//! holds in large samples where their shares are equal but their spread, or their number of documents,
//! is not. Deals go on for a theme until `ENOUGH` of them were as large as what was found (Besag and
//! Clifford 1991), so that themes without a change cost little and small p-values are told apart. A
//! p-value is never 0. Where both periods have thousands of documents, groups of as many from either are dealt
//! in their place.

use ndarray::Array2;

use super::draws::Draws;
use super::moments::{ENOUGH_DOCUMENTS, Moments, Sums, Weighed};

/// Deals as large as the difference found after which a theme's p-value is known well enough.
const ENOUGH: u32 = 50;
/// Part by which a deal may fall short of the difference found and still count as its like, so that
/// rounding breaks no tie.
const TIE: f64 = 1e-9;

/// A theme that deals are still made for.
struct Open {
    theme: usize,
    found: f64,
    n_as_large: u32,
    p: Option<f64>,
}

impl Open {
    /// Takes in the `n`-th deal.
    fn take(&mut self, dealt: f64, n: usize) {
        self.n_as_large += u32::from(dealt >= self.found * (1.0 - TIE));
        if self.n_as_large == ENOUGH && self.p.is_none() {
            self.p = Some(f64::from(ENOUGH) / n as f64);
        }
    }

    /// The p-value after `n` deals.
    fn closed(&self, n: usize) -> f64 {
        self.p.unwrap_or((f64::from(self.n_as_large) + 1.0) / (n as f64 + 1.0))
    }
}

/// For each of the first `n_themes` themes how often a difference as large comes up by chance, 0 < p <= 1; `None` where
/// no document of either period has the theme. Deals come in blocks: there are `max_deals` at most,
/// rounded up to whole ones.
pub(super) fn p_values(
    (from, to): (Weighed<'_>, Weighed<'_>),
    n_themes: usize,
    max_deals: usize,
    mut draws: Draws,
) -> Vec<Option<f64>> {
    let of_group = from.n().min(to.n()) / ENOUGH_DOCUMENTS;
    let (from, to) = (&from.gathered(of_group, &mut draws), &to.gathered(of_group, &mut draws));
    let all = from.followed_by(to);
    let sizes = (from.n_documents(), to.n_documents());
    let (from, to) = (from.total(), to.total());
    let is_there = |theme: &usize| all.parts(*theme).iter().any(|&y| y > 0.0);
    let new = |theme| Open { theme, found: size(&from, &to, sizes, theme), n_as_large: 0, p: None };
    let mut open: Vec<Open> = (0..n_themes).filter(is_there).map(new).collect();

    let mut p = vec![None; n_themes];
    let mut n_deals = 0;
    while !open.is_empty() && n_deals < max_deals {
        let narrow = all.only(&open.iter().map(|open| open.theme).collect::<Vec<_>>());
        let chosen = draws.choices(all.n_documents(), sizes.0);
        deal(&mut open, &narrow, &chosen, (sizes, &mut n_deals));
        open.iter().for_each(|open| p[open.theme] = Some(open.closed(n_deals)));
        open.retain(|open| open.p.is_none());
    }
    p
}

/// Sets a block of deals against what was found. `narrow`: the columns of the open themes; `chosen`:
/// the documents dealt to the first period.
fn deal(
    open: &mut [Open],
    narrow: &Moments,
    chosen: &Array2<f64>,
    (sizes, n_deals): ((usize, usize), &mut usize),
) {
    let total = narrow.total();
    let mut second = vec![0.0; total.len()];
    for first in chosen.dot(&narrow.rows).rows() {
        *n_deals += 1;
        let Some(first) = first.to_slice() else { continue };
        for ((rest, all), part) in second.iter_mut().zip(&total).zip(first) {
            *rest = all - part;
        }
        for (column, open) in open.iter_mut().enumerate() {
            open.take(size(first, &second, sizes, column), *n_deals);
        }
    }
}

/// The difference of a theme's shares in standard errors, without its sign. Infinite where a period
/// weighs nothing, or the shares differ and do not vary.
fn size(first: &[f64], second: &[f64], (n_first, n_second): (usize, usize), theme: usize) -> f64 {
    let (first, second) = (Sums { sums: first, n: n_first }, Sums { sums: second, n: n_second });
    if first.weight() <= 0.0 || second.weight() <= 0.0 {
        return f64::INFINITY;
    }
    let difference = (first.share(theme) - second.share(theme)).abs();
    let variance = first.variance(theme) + second.variance(theme);
    match difference < TIE {
        true => 0.0,
        false => difference / variance.sqrt(),
    }
}
