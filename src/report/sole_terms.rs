//! Reading from `units.parquet` what single terms carry: for the check whether a change hangs on one.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rayon::prelude::*;

use crate::codebook::{Codebook, TermMatcher};
use crate::compare::SoleTerms;
use crate::error::Result;

use super::carried::{CarriedUnit, carried_units};

/// Adds what single terms carry of the themes that changed, in the documents behind the change.
///
/// # Errors
/// `Io` or `Malformed` where the file cannot be read.
pub fn add_sole_terms(units: &Path, codebook: &Codebook, terms: &mut SoleTerms<'_>) -> Result<()> {
    if terms.is_empty() {
        return Ok(());
    }
    let matcher = TermMatcher::new(codebook);
    let themes: HashMap<&str, usize> =
        codebook.themes.iter().zip(0..).map(|(theme, index)| (&*theme.id, index)).collect();
    carried_units(units, |batch| {
        let carried = |unit: &CarriedUnit<'_>| -> Vec<(usize, f64)> {
            let theme = |(id, score): &(&str, f64)| Some((*themes.get(id)?, *score));
            unit.themes.iter().filter_map(theme).collect()
        };
        let mut behind = |unit| {
            let carried = carried(unit);
            let document = terms.turn_to(unit.document, carried.iter().map(|own| own.0))?;
            Some((document, unit, carried))
        };
        let found: Vec<(usize, &CarriedUnit<'_>, _)> =
            batch.iter().filter_map(&mut behind).collect();
        let sole: Vec<_> =
            found.par_iter().map(|(_, unit, _)| sole(codebook, &matcher, unit.text)).collect();
        for ((document, unit, carried), sole) in found.into_iter().zip(sole) {
            let all: f64 = unit.themes.iter().map(|(_, score)| score).sum();
            for (theme, score) in carried {
                if let Some(Some(term)) = sole.get(&theme) {
                    terms.add(document, theme, term, unit.span.len() as f64 * score / all);
                }
            }
        }
        terms.end_documents();
    })?;
    terms.end_folder();
    Ok(())
}

/// For each theme that has a term in the text the term, if it is the only one.
fn sole<'c>(
    codebook: &'c Codebook,
    matcher: &TermMatcher,
    text: &str,
) -> BTreeMap<usize, Option<&'c str>> {
    let mut found: BTreeMap<usize, Option<&str>> = BTreeMap::new();
    for hit in matcher.hits(text) {
        let Some(theme) = codebook.themes.get(hit.theme) else { continue };
        let term = if hit.weak { &theme.weak[hit.term] } else { &theme.terms[hit.term] };
        let first = found.entry(hit.theme).or_insert(Some(term));
        *first = first.filter(|known| known == term);
    }
    found
}
