//! Reading from `units.parquet` what single terms carry: for the check whether a change hangs on one.

use std::collections::BTreeMap;
use std::path::Path;

use crate::codebook::{Codebook, TermMatcher};
use crate::compare::{Changed, SoleTerm, SoleTerms};
use crate::error::Result;

use super::carried::{CarriedUnit, carried_units};

/// What single terms carry of the themes that changed, in the documents behind the change.
///
/// # Errors
/// `Io` or `Malformed` where the file cannot be read.
pub fn sole_terms(
    units: &Path,
    codebook: &Codebook,
    changed: &Changed<'_, '_>,
) -> Result<SoleTerms> {
    let mut found = SoleTerms::default();
    if changed.n_documents() == 0 {
        return Ok(found);
    }
    let matcher = TermMatcher::new(codebook);
    carried_units(units, |unit| {
        let wanted = changed.themes(unit.document);
        if unit.themes.iter().any(|(id, _)| wanted.contains(id)) {
            let terms = sole(codebook, &matcher, unit.text);
            let terms = terms.into_iter().filter(|(id, _)| wanted.contains(id));
            add(&mut found, &unit, terms);
        }
    })?;
    Ok(found)
}

/// For each theme that has a term in the text its index, and the term if it is the only one.
fn sole<'c>(
    codebook: &'c Codebook,
    matcher: &TermMatcher,
    text: &str,
) -> BTreeMap<&'c str, (usize, Option<&'c str>)> {
    let mut found: BTreeMap<&str, (usize, Option<&str>)> = BTreeMap::new();
    for hit in matcher.hits(text) {
        let Some(theme) = codebook.themes.get(hit.theme) else { continue };
        let term = if hit.weak { &theme.weak[hit.term] } else { &theme.terms[hit.term] };
        let first = found.entry(&theme.id).or_insert((hit.theme, Some(term)));
        first.1 = first.1.filter(|known| known == term);
    }
    found
}

/// Adds to the terms that stand alone what their theme takes of the unit.
fn add<'c>(
    found: &mut SoleTerms,
    unit: &CarriedUnit<'_>,
    terms: impl Iterator<Item = (&'c str, (usize, Option<&'c str>))>,
) {
    let all: f64 = unit.themes.iter().map(|(_, score)| score).sum();
    for (id, (theme, term)) in terms {
        let carried = unit.themes.iter().find(|(own, _)| *own == id);
        let Some(((_, score), term)) = carried.zip(term) else { continue };
        let n_bytes = unit.span.len() as f64 * score / all;
        let own = found.of.entry(unit.document.to_owned()).or_default();
        match own.iter_mut().find(|sole| sole.theme == theme && sole.term == term) {
            Some(sole) => {
                sole.n_bytes += n_bytes;
                sole.n_units += 1;
            }
            None => own.push(SoleTerm { theme, term: term.to_owned(), n_bytes, n_units: 1 }),
        }
    }
}
