//! Did a corrected share change? As for the uncorrected ones, with a test that knows of the codes.

use std::collections::BTreeMap;

use crate::compare::change::{self, Comparison, Verdict};
use crate::compare::counted::ThemeName;
use crate::compare::side::{Key, Pair};
use crate::compare::{CompareOptions, words};

use super::estimate::of_difference;
use super::{Cell, MIN_CODED, MIN_CODED_DOCUMENTS, OfTheme, bounded, student};

/// The comparisons of all pairs: by theme, then in the order of the pairs. What no theme takes is not
/// compared, as in the uncorrected comparison.
pub(super) fn comparisons(
    pairs: &[Pair],
    cells: &BTreeMap<Key, Cell<'_>>,
    (themes, by_theme): (&[ThemeName], &[OfTheme]),
    options: &CompareOptions,
) -> Vec<Comparison> {
    let p_of = |pair: &Pair| themes.iter().zip(by_theme).map(|(_, found)| p(found, pair)).collect();
    let p: Vec<Vec<Option<f64>>> = pairs.iter().map(p_of).collect();
    let q = change::q_by_family(pairs, &p);
    let of_theme = |(index, (name, found)): (usize, (&ThemeName, &OfTheme))| {
        let compared = pairs.iter().zip(p.iter().zip(&q)).map(|(pair, (p, q))| {
            compared(pair, cells, (name, found), (p[index], q[index]), options)
        });
        compared.collect::<Vec<_>>()
    };
    themes.iter().zip(by_theme).enumerate().flat_map(of_theme).collect()
}

/// How often a difference as large comes up by chance; `None` where one of the shares is not known.
fn p(theme: &OfTheme, pair: &Pair) -> Option<f64> {
    let (from, to) =
        (theme.found[&pair.from].found.as_ref()?, theme.found[&pair.to].found.as_ref()?);
    let (variance, df) = of_difference(from, to);
    Some(student::two_sided((to.share - from.share) / variance.sqrt(), df))
}

fn compared(
    pair: &Pair,
    cells: &BTreeMap<Key, Cell<'_>>,
    (name, theme): (&ThemeName, &OfTheme),
    (p, q): (Option<f64>, Option<f64>),
    options: &CompareOptions,
) -> Comparison {
    let (from, to) = (&cells[&pair.from], &cells[&pair.to]);
    let estimate = |key: &Key| theme.found[key].found.as_ref().map(bounded);
    let both = estimate(&pair.from).zip(estimate(&pair.to));
    let n = |cell: &Cell<'_>| cell.side.documents.len() as u64;
    let mut comparison = Comparison {
        theme: name.id.clone(),
        group: pair.from.0.clone(),
        from: pair.from.1.clone(),
        to: pair.to.1.clone(),
        family: pair.family,
        n_documents: (n(from), n(to)),
        shares: both.map(|(from, to)| (from.share, to.share)),
        interval: both.and_then(|(from, to)| change::interval(from, to)),
        p,
        q,
        detectable: both.and_then(|sides| {
            change::detectable(sides, (from.n_coded_documents, to.n_coded_documents))
        }),
        verdict: Verdict::TooLittleData,
        sentence: String::new(),
        mix: Vec::new(),
        robustness: None,
    };
    comparison.verdict = change::verdict(&comparison, options.notable);
    comparison.sentence = match both {
        Some(_) => words::sentence(&comparison, &format!("{} (corrected)", name.name), options),
        None => too_few(&comparison, &name.name, (from.coded.len(), to.coded.len())),
    };
    comparison
}

fn too_few(comparison: &Comparison, name: &str, (n, m): (usize, usize)) -> String {
    let (from, to) = (&comparison.from, &comparison.to);
    format!(
        "{name} (corrected): too few coded units to compare {from} and {to} ({n} and {m}; \
         {MIN_CODED} of {MIN_CODED_DOCUMENTS} documents are needed in each)."
    )
}
