//! Reading from `units.parquet` what single terms carry: for the check whether a change hangs on one.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use rayon::prelude::*;

use crate::codebook::{Codebook, TermMatcher};
use crate::compare::SoleTerms;
use crate::error::Result;

use super::carried::carried_units;

/// Units whose terms are looked up together, by all threads.
const AT_ONCE: usize = 4096;

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
    let read = |found: &mut Vec<Found>, terms: &mut SoleTerms<'_>| {
        let sole: Vec<_> =
            found.par_iter().map(|unit| sole(codebook, &matcher, &unit.text)).collect();
        for (unit, sole) in found.drain(..).zip(sole) {
            for (theme, n_bytes) in unit.parts {
                if let Some(Some(term)) = sole.get(&theme) {
                    terms.add(unit.document, theme, term, n_bytes);
                }
            }
        }
        terms.end_documents();
    };
    let mut found = Vec::new();
    carried_units(units, |unit| {
        let all: f64 = unit.themes.iter().map(|(_, score)| score).sum();
        let n_bytes = unit.span.len() as f64;
        let part = |(id, score): &(&str, f64)| Some((*themes.get(id)?, n_bytes * score / all));
        let parts: Vec<(usize, f64)> = unit.themes.iter().filter_map(part).collect();
        if let Some(document) = terms.turn_to(unit.document, parts.iter().map(|part| part.0)) {
            found.push(Found { document, text: unit.text.to_owned(), parts });
        }
        if found.len() == AT_ONCE {
            read(&mut found, terms);
        }
    })?;
    read(&mut found, terms);
    terms.end_folder();
    Ok(())
}

/// A unit that a change rests on.
struct Found {
    /// The number of its document, as [`SoleTerms::turn_to`] gave it.
    document: usize,
    text: String,
    /// What each of its themes takes of it, in bytes.
    parts: Vec<(usize, f64)>,
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
