//! Reading back from an output folder what shares are computed from: `documents.jsonl` for the
//! themes and fields of each document, `units.parquet` for the length of its units.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::compare::{Counted, CountedDocument, CountedTheme};
use crate::document::{Date, PeriodLength};
use crate::error::{Error, Result};

use super::folder::OutputFile;
use super::read::{HINT, unit_batches};
use super::rows::{NoneCell, ThemeCell};
use super::value::InOrder;

/// Columns of `units.parquet` that are read; the text is not.
const COLUMNS: [&str; 4] = ["document", "start", "end", "themes"];

/// Levels over which a field is a name or a text, not a kind of document.
const MAX_LEVELS: usize = 1000;

/// The documents of a finished run in the periods of `by`, grouped by a field where one is named:
/// one of `metadata`, else `language` or `file`. Copies are left out.
///
/// # Errors
/// `Io` or `Malformed` where `documents.jsonl` or `units.parquet` cannot be read.
pub fn counted(dir: &Path, by: PeriodLength, group: Option<&str>) -> Result<Counted> {
    let mut documents = heads(&dir.join(OutputFile::Documents.name()), by, group)?;
    add_lengths(&dir.join(OutputFile::UnitsParquet.name()), &mut documents)?;
    Ok(Counted { documents })
}

/// Of a line of `documents.jsonl`, what is needed here.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    date: Option<String>,
    language: Option<String>,
    file: Option<String>,
    duplicate_of: Option<String>,
    n_units: u64,
    themes: InOrder<ThemeCell>,
    none: NoneCell,
    #[serde(default)]
    metadata: Map<String, Value>,
}

impl Line<'_> {
    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        match (self.metadata.get(name), name) {
            (Some(value), _) => level(value),
            (None, "language") => self.language.as_deref().map(Cow::from),
            (None, "file") => self.file.as_deref().map(Cow::from),
            (None, _) => None,
        }
    }

    /// Names of all fields that may say of what kind the document is.
    fn field_names(&self) -> impl Iterator<Item = &str> {
        let own =
            ["file", "language"].into_iter().filter(|name| !self.metadata.contains_key(*name));
        own.chain(self.metadata.keys().map(String::as_str))
    }

    fn counted(
        &self,
        by: PeriodLength,
        group: Option<&str>,
        levels: &mut Levels,
    ) -> CountedDocument {
        let date: Option<Date> = self.date.as_deref().and_then(|date| date.parse().ok());
        let theme = |(_, cell): &(String, ThemeCell)| CountedTheme {
            share: cell.share.get(),
            n_mentions: cell.n_mentions,
        };
        CountedDocument {
            id: self.id.to_string(),
            period: by.of(date),
            group: group.and_then(|name| self.field(name)).map(Cow::into_owned),
            n_bytes: 0,
            n_units: self.n_units,
            n_bare: 0,
            themes: self.themes.0.iter().map(theme).collect(),
            none_share: self.none.share.get(),
            fields: levels.of(self),
        }
    }
}

fn heads(path: &Path, by: PeriodLength, group: Option<&str>) -> Result<Vec<CountedDocument>> {
    let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
    let (mut found, mut levels) = (Vec::new(), Levels::default());
    for (n, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|e| Error::io(path, "read", e))?;
        let line: Line<'_> = serde_json::from_str(&line).map_err(|e| {
            let place = (n + 1, e.column());
            Error::malformed(path, place, format!("not the row of a document: {e}"), HINT)
        })?;
        if line.duplicate_of.is_none() {
            found.push(line.counted(by, group, &mut levels));
        }
    }
    levels.drop_names(&mut found);
    Ok(found)
}

/// The text of a value that can be the level of a field.
fn level(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.as_str().into()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string().into()),
        _ => None,
    }
}

/// The levels of every field, each text kept once.
#[derive(Default)]
struct Levels {
    of: BTreeMap<Arc<str>, HashSet<Arc<str>>>,
}

impl Levels {
    /// Fields and levels of a document, by the field's name.
    fn of(&mut self, line: &Line<'_>) -> Vec<(Arc<str>, Arc<str>)> {
        let mut names: Vec<&str> = line.field_names().collect();
        names.sort_unstable();
        let pair = |name| Some((name, line.field(name)?));
        names
            .into_iter()
            .filter_map(pair)
            .filter_map(|(name, level)| self.add(name, &level))
            .collect()
    }

    /// `None` where the field is known to have too many levels to be one.
    fn add(&mut self, name: &str, level: &str) -> Option<(Arc<str>, Arc<str>)> {
        let name = match self.of.get_key_value(name) {
            Some((known, _)) => known.clone(),
            None => Arc::from(name),
        };
        let levels = self.of.entry(name.clone()).or_default();
        if let Some(known) = levels.get(level) {
            return Some((name, known.clone()));
        }
        if levels.len() > MAX_LEVELS {
            return None;
        }
        let level: Arc<str> = level.into();
        levels.insert(level.clone());
        Some((name, level))
    }

    /// Takes away from documents the fields with too many levels: names and texts, not kinds.
    fn drop_names(&self, documents: &mut [CountedDocument]) {
        let is_kind =
            |name: &Arc<str>| self.of.get(name).is_some_and(|all| all.len() <= MAX_LEVELS);
        documents.iter_mut().for_each(|document| document.fields.retain(|(name, _)| is_kind(name)));
    }
}

fn add_lengths(path: &Path, documents: &mut [CountedDocument]) -> Result<()> {
    let ids: Vec<String> = documents.iter().map(|document| document.id.clone()).collect();
    let index: HashMap<&str, usize> =
        ids.iter().enumerate().map(|(index, id)| (id.as_str(), index)).collect();
    unit_batches(path, &COLUMNS, |batch| add(batch, &index, documents))
}

/// Adds the units of a batch; `None` where a column is not there or not of its type.
fn add(
    batch: &RecordBatch,
    index: &HashMap<&str, usize>,
    documents: &mut [CountedDocument],
) -> Option<()> {
    let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
    let start = batch.column_by_name("start")?.as_primitive_opt::<Int64Type>()?;
    let end = batch.column_by_name("end")?.as_primitive_opt::<Int64Type>()?;
    let themes = batch.column_by_name("themes")?.as_list_opt::<i32>()?;
    for row in 0..batch.num_rows() {
        let Some(&at) = index.get(document.value(row)) else { continue };
        documents[at].n_bytes += (end.value(row) - start.value(row)).unsigned_abs();
        documents[at].n_bare += u64::from(themes.value_length(row) == 0);
    }
    Some(())
}
