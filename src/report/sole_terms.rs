//! Reading from `units.parquet` what single terms carry: for the check whether a change hangs on one.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, RecordBatch};

use crate::codebook::{Codebook, TermMatcher};
use crate::compare::{SoleTerm, SoleTerms};
use crate::error::Result;

use super::read::unit_batches;

/// Columns of `units.parquet` that are read.
const COLUMNS: [&str; 5] = ["document", "start", "end", "text", "themes"];

/// What single terms carry of some themes in some documents. `wanted`: theme ids by document.
///
/// # Errors
/// `Io` or `Malformed` where the file cannot be read.
pub fn sole_terms(
    units: &Path,
    codebook: &Codebook,
    wanted: &HashMap<&str, Vec<&str>>,
) -> Result<SoleTerms> {
    let mut found = SoleTerms::default();
    if wanted.is_empty() {
        return Ok(found);
    }
    let reader = Reader { matcher: TermMatcher::new(codebook), codebook, wanted };
    unit_batches(units, &COLUMNS, |batch| reader.add(batch, &mut found))?;
    Ok(found)
}

struct Reader<'r> {
    matcher: TermMatcher,
    codebook: &'r Codebook,
    wanted: &'r HashMap<&'r str, Vec<&'r str>>,
}

impl Reader<'_> {
    /// `None` where a column is not there or not of its type.
    fn add(&self, batch: &RecordBatch, found: &mut SoleTerms) -> Option<()> {
        let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
        let text = batch.column_by_name("text")?.as_string_opt::<i32>()?;
        let start = batch.column_by_name("start")?.as_primitive_opt::<Int64Type>()?;
        let end = batch.column_by_name("end")?.as_primitive_opt::<Int64Type>()?;
        let themes = batch.column_by_name("themes")?.as_list_opt::<i32>()?;
        for row in 0..batch.num_rows() {
            let Some(wanted) = self.wanted.get(document.value(row)) else { continue };
            let cells = themes.value(row);
            let cells = cells.as_struct_opt()?;
            let ids = cells.column_by_name("theme")?.as_string_opt::<i32>()?;
            let scores = cells.column_by_name("score")?.as_primitive_opt::<Float64Type>()?;
            let carried = || (0..ids.len()).map(|k| (ids.value(k), scores.value(k)));
            if !carried().any(|(id, _)| wanted.contains(&id)) {
                continue;
            }
            let n_bytes = (end.value(row) - start.value(row)) as f64;
            let all: f64 = carried().map(|(_, score)| score).sum();
            let terms = self.sole(text.value(row));
            for (id, score) in carried().filter(|(id, _)| wanted.contains(id)) {
                let Some((theme, Some(term))) = terms.get(id) else { continue };
                let own = found.of.entry(document.value(row).to_owned()).or_default();
                add(own, (*theme, term), n_bytes * score / all);
            }
        }
        Some(())
    }

    /// For each theme that has a term in the text its index, and the term if it is the only one.
    fn sole(&self, text: &str) -> BTreeMap<&str, (usize, Option<&str>)> {
        let mut found: BTreeMap<&str, (usize, Option<&str>)> = BTreeMap::new();
        for hit in self.matcher.hits(text) {
            let Some(theme) = self.codebook.themes.get(hit.theme) else { continue };
            let term = if hit.weak { &theme.weak[hit.term] } else { &theme.terms[hit.term] };
            let first = found.entry(&theme.id).or_insert((hit.theme, Some(term)));
            first.1 = first.1.filter(|known| known == term);
        }
        found
    }
}

fn add(own: &mut Vec<SoleTerm>, (theme, term): (usize, &str), n_bytes: f64) {
    match own.iter_mut().find(|sole| sole.theme == theme && sole.term == term) {
        Some(sole) => {
            sole.n_bytes += n_bytes;
            sole.n_units += 1;
        }
        None => own.push(SoleTerm { theme, term: term.to_owned(), n_bytes, n_units: 1 }),
    }
}
