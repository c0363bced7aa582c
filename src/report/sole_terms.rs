//! Reading from `units.parquet` what single terms carry: for the check whether a change hangs on one.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::codebook::{Codebook, TermMatcher};
use crate::compare::SoleTerms;
use crate::error::Result;

use super::carried::{CarriedUnit, worked_units};

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
    let changed = terms.changed_themes();
    let read = |unit: &CarriedUnit<'_>| {
        let theme = |(id, score): &(&str, f64)| Some((*themes.get(id)?, *score));
        let carried = unit.themes.iter().filter_map(theme);
        let carried: Vec<(usize, f64)> = carried.filter(|own| changed.contains(&own.0)).collect();
        if carried.is_empty() {
            return None;
        }
        let all: f64 = unit.themes.iter().map(|(_, score)| score).sum();
        let sole = sole(codebook, &matcher, unit.text);
        let part = |(theme, score)| {
            let term = sole.get(&theme).copied().flatten()?;
            Some((theme, term, unit.span.len() as f64 * score / all))
        };
        let parts: Vec<(usize, &str, f64)> = carried.into_iter().filter_map(part).collect();
        (!parts.is_empty()).then(|| (unit.document.to_owned(), parts))
    };
    worked_units(units, read, |(document, parts)| {
        if terms.turn_to(&document) {
            parts.into_iter().for_each(|(theme, term, n_bytes)| terms.add(theme, term, n_bytes));
        }
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
