//! Reading back from an output folder what shares are computed from: `documents.jsonl` for the
//! themes and fields of each document, `units.parquet` for the length of its units.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::compare::{Counted, CountedDocument, CountedTheme, FirstSaid};
use crate::document::{Date, PeriodLength};
use crate::error::{Error, Result};

use super::folder::OutputFile;
use super::read::{CarriedThemes, HINT, unit_batches};
use super::rows::{NoneCell, ThemeCell};
use super::value::InOrder;

/// Columns of `units.parquet` that are read; the text is not.
const COLUMNS: [&str; 5] = ["document", "start", "end", "themes", "copy_of"];

/// Levels over which a field is a name or a text, not a kind of document.
const MAX_LEVELS: usize = 1000;

/// The documents of a finished run in the periods of `by`, grouped by a field where one is named:
/// one of `metadata`, else `language` or `file`.
///
/// # Errors
/// `Io` or `Malformed` where `documents.jsonl` or `units.parquet` cannot be read.
pub fn counted(dir: &Path, by: PeriodLength, group: Option<&str>) -> Result<Counted> {
    let mut heads = Heads::read(&dir.join(OutputFile::Documents.name()), by, group)?;
    add_lengths(&dir.join(OutputFile::UnitsParquet.name()), &mut heads)?;
    Ok(heads.counted())
}

/// The documents of a run, while their units are added.
#[derive(Default)]
struct Heads {
    documents: Vec<Head>,
    /// The themes of the model by their ids.
    themes: HashMap<String, usize>,
}

struct Head {
    document: CountedDocument,
    is_copy: bool,
    /// Where the document repeats passages, the sums over its other units.
    first_said: Option<FirstSaid>,
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
    #[serde(default)]
    n_repeated_units: u64,
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

impl Heads {
    fn read(path: &Path, by: PeriodLength, group: Option<&str>) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, "read", e))?;
        let (mut heads, mut levels) = (Heads::default(), Levels::default());
        for (n, line) in BufReader::new(file).lines().enumerate() {
            let line = line.map_err(|e| Error::io(path, "read", e))?;
            let line: Line<'_> = serde_json::from_str(&line).map_err(|e| {
                let place = (n + 1, e.column());
                Error::malformed(path, place, format!("not the row of a document: {e}"), HINT)
            })?;
            heads.push(&line, line.counted(by, group, &mut levels));
        }
        levels.drop_names(&mut heads.documents);
        Ok(heads)
    }

    fn push(&mut self, line: &Line<'_>, document: CountedDocument) {
        if self.documents.is_empty() {
            let ids = line.themes.0.iter().enumerate();
            self.themes = ids.map(|(index, (id, _))| (id.clone(), index)).collect();
        }
        let is_copy = line.duplicate_of.is_some();
        let repeats = !is_copy && line.n_repeated_units > 0;
        let first_said = repeats.then(|| FirstSaid::new(document.themes.len()));
        self.documents.push(Head { document, is_copy, first_said });
    }

    fn counted(self) -> Counted {
        let mut counted = Counted::default();
        for Head { document, is_copy, first_said } in self.documents {
            match first_said {
                _ if is_copy => counted.copies.push(document),
                None => counted.documents.push(document),
                Some(first_said) => counted.add_part(document, first_said),
            }
        }
        counted
    }
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
    fn drop_names(&self, heads: &mut [Head]) {
        let is_kind =
            |name: &Arc<str>| self.of.get(name).is_some_and(|all| all.len() <= MAX_LEVELS);
        heads.iter_mut().for_each(|head| head.document.fields.retain(|(name, _)| is_kind(name)));
    }
}

fn add_lengths(path: &Path, heads: &mut Heads) -> Result<()> {
    let ids: Vec<String> = heads.documents.iter().map(|head| head.document.id.clone()).collect();
    let index: HashMap<&str, usize> =
        ids.iter().enumerate().map(|(index, id)| (id.as_str(), index)).collect();
    unit_batches(path, &COLUMNS, |batch| add(batch, &index, heads))
}

/// Adds the units of a batch; `None` where a column is not there or not of its type. `copy_of` came
/// later than the others and may be missing.
fn add(batch: &RecordBatch, index: &HashMap<&str, usize>, heads: &mut Heads) -> Option<()> {
    let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
    let start = batch.column_by_name("start")?.as_primitive_opt::<Int64Type>()?;
    let end = batch.column_by_name("end")?.as_primitive_opt::<Int64Type>()?;
    let themes = CarriedThemes::of(batch)?;
    let copy_of = batch.column_by_name("copy_of");
    for row in 0..batch.num_rows() {
        let Some(&at) = index.get(document.value(row)) else { continue };
        let head = &mut heads.documents[at];
        let n_bytes = (end.value(row) - start.value(row)).unsigned_abs();
        head.document.n_bytes += n_bytes;
        head.document.n_bare += u64::from(themes.row(row).len() == 0);
        let is_first_said = copy_of.is_none_or(|copy_of| copy_of.is_null(row));
        if let (true, Some(first_said)) = (is_first_said, &mut head.first_said) {
            let theme = |(id, score): (&str, f64)| Some((*heads.themes.get(id)?, score));
            let carried: Vec<(usize, f64)> = themes.row(row).filter_map(theme).collect();
            first_said.add(n_bytes, &carried);
        }
    }
    Some(())
}
