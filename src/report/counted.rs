//! Reading back from an output folder what shares are computed from: `documents.jsonl` for the
//! themes and fields of each document, `units.parquet` for the length of its units.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::compare::{Counted, CountedDocument, CountedTheme, Field, FirstSaid};
use crate::document::{Date, PeriodLength};
use crate::error::Result;

use super::folder::OutputFile;
use super::read::{CarriedThemes, document_rows, line_batches, unit_batches};
use super::rows::{NoneCell, ThemeCell};
use super::value::InOrder;

/// Columns of `units.parquet` that are read; the text is not.
const COLUMNS: [&str; 5] = ["document", "start", "end", "themes", "copy_of"];

/// Documents among which that of the next unit is looked for: some have no unit.
const NEAR: usize = 64;
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
    documents: Vec<CountedDocument>,
    /// For each whether it is a copy of another.
    are_copies: Vec<bool>,
    /// Of those that repeat passages, by their places, the sums over their other units.
    first_said: BTreeMap<usize, FirstSaid>,
    /// The themes of the model by their ids.
    themes: HashMap<String, usize>,
    /// The document that units were added to last.
    last: usize,
    /// The documents by their ids, made where units are not in the order of documents.
    by_id: Option<HashMap<Arc<str>, usize>>,
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
        shared: &mut Shared,
    ) -> CountedDocument {
        let date: Option<Date> = self.date.as_deref().and_then(|date| date.parse().ok());
        let theme = |(_, cell): &(String, ThemeCell)| CountedTheme {
            share: cell.share.get(),
            n_mentions: cell.n_mentions,
        };
        CountedDocument {
            id: (&*self.id).into(),
            period: by.of(date).map(|period| shared.text(&period)),
            group: group.and_then(|name| self.field(name)).map(|group| shared.text(&group)),
            n_documents: 1,
            n_bytes: 0,
            n_units: self.n_units,
            n_bare: 0,
            themes: self.themes.0.iter().map(theme).collect(),
            none_share: self.none.share.get(),
            fields: shared.fields(self),
        }
    }
}

impl Heads {
    fn read(path: &Path, by: PeriodLength, group: Option<&str>) -> Result<Self> {
        let (mut heads, mut shared) = (Heads::default(), Shared::default());
        line_batches(path, |first, lines| {
            for line in document_rows::<Line<'_>>(path, first, lines)? {
                heads.push(&line, line.counted(by, group, &mut shared));
            }
            Ok(())
        })?;
        shared.drop_names(&mut heads.documents);
        Ok(heads)
    }

    fn push(&mut self, line: &Line<'_>, document: CountedDocument) {
        if self.documents.is_empty() {
            let ids = line.themes.0.iter().enumerate();
            self.themes = ids.map(|(index, (id, _))| (id.clone(), index)).collect();
        }
        let is_copy = line.duplicate_of.is_some();
        if !is_copy && line.n_repeated_units > 0 {
            self.first_said.insert(self.documents.len(), FirstSaid::new(document.themes.n()));
        }
        self.are_copies.push(is_copy);
        self.documents.push(document);
    }

    fn counted(mut self) -> Counted {
        let is_left_out =
            |place: &usize| self.are_copies[*place] || self.first_said.contains_key(place);
        let left_out: BTreeSet<usize> = (0..self.documents.len()).filter(is_left_out).collect();
        let mut places = 0..;
        // In place: there may be millions, and these are few.
        let documents = self
            .documents
            .extract_if(.., |_| places.next().is_some_and(|place| left_out.contains(&place)));
        let documents: Vec<CountedDocument> = documents.collect();
        let mut counted = Counted { documents: self.documents, ..Counted::default() };
        for (place, document) in left_out.into_iter().zip(documents) {
            match self.first_said.remove(&place) {
                Some(first_said) => counted.add_part(document, first_said),
                None => counted.copies.push(document),
            }
        }
        counted
    }

    /// The document of an id: units lie in the order of documents, so it is mostly the last one, or the next.
    fn place(&mut self, id: &str) -> Option<usize> {
        let documents = &self.documents;
        let is_own = |place: &usize| documents.get(*place).is_some_and(|own| *own.id == *id);
        let place = (self.last..self.last + NEAR).find(is_own).or_else(|| {
            let by_id = self.by_id.get_or_insert_with(|| {
                documents.iter().map(|document| document.id.clone()).zip(0..).collect()
            });
            by_id.get(id).copied()
        })?;
        self.last = place;
        Some(place)
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

/// What documents have in common, each text kept once.
#[derive(Default)]
struct Shared {
    texts: HashSet<Arc<str>>,
    /// The levels of every field.
    levels: BTreeMap<Arc<str>, HashSet<Arc<str>>>,
    /// Fields with their levels, as some document has them.
    fields: HashSet<Arc<[Field]>>,
}

impl Shared {
    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        self.texts.insert(text.clone());
        text
    }

    /// Fields and levels of a document, by the field's name.
    fn fields(&mut self, line: &Line<'_>) -> Arc<[Field]> {
        let mut names: Vec<&str> = line.field_names().collect();
        names.sort_unstable();
        let pair = |name| Some((name, line.field(name)?));
        let pairs = names.into_iter().filter_map(pair);
        let own: Vec<Field> = pairs.filter_map(|(name, level)| self.level(name, &level)).collect();
        if let Some(known) = self.fields.get(own.as_slice()) {
            return known.clone();
        }
        let own: Arc<[Field]> = own.into();
        self.fields.insert(own.clone());
        own
    }

    /// `None` where the field is known to have too many levels to be one.
    fn level(&mut self, name: &str, level: &str) -> Option<Field> {
        let name = match self.levels.get_key_value(name) {
            Some((known, _)) => known.clone(),
            None => Arc::from(name),
        };
        let levels = self.levels.entry(name.clone()).or_default();
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
            |name: &Arc<str>| self.levels.get(name).is_some_and(|all| all.len() <= MAX_LEVELS);
        let is_whole = |fields: &[Field]| fields.iter().all(|(name, _)| is_kind(name));
        let mut kinds: HashSet<Arc<[Field]>> = HashSet::new();
        for document in documents.iter_mut().filter(|document| !is_whole(&document.fields)) {
            let fields = document.fields.iter();
            let own: Vec<Field> = fields.filter(|(name, _)| is_kind(name)).cloned().collect();
            let known = kinds.get(own.as_slice()).cloned();
            document.fields = known.unwrap_or_else(|| own.into());
            kinds.insert(document.fields.clone());
        }
    }
}

fn add_lengths(path: &Path, heads: &mut Heads) -> Result<()> {
    unit_batches(path, &COLUMNS, |batch| add(batch, heads))
}

/// Adds the units of a batch; `None` where a column is not there or not of its type. `copy_of` came
/// later than the others and may be missing.
fn add(batch: &RecordBatch, heads: &mut Heads) -> Option<()> {
    let document = batch.column_by_name("document")?.as_string_opt::<i32>()?;
    let start = batch.column_by_name("start")?.as_primitive_opt::<Int64Type>()?;
    let end = batch.column_by_name("end")?.as_primitive_opt::<Int64Type>()?;
    let themes = CarriedThemes::of(batch)?;
    let copy_of = batch.column_by_name("copy_of");
    for row in 0..batch.num_rows() {
        let Some(place) = heads.place(document.value(row)) else { continue };
        let document = &mut heads.documents[place];
        let n_bytes = (end.value(row) - start.value(row)).unsigned_abs();
        document.n_bytes += n_bytes;
        document.n_bare += u64::from(themes.row(row).len() == 0);
        let is_first_said = copy_of.is_none_or(|copy_of| copy_of.is_null(row));
        if let (true, Some(first_said)) = (is_first_said, heads.first_said.get_mut(&place)) {
            let theme = |(id, score): (&str, f64)| Some((*heads.themes.get(id)?, score));
            let carried: Vec<(usize, f64)> = themes.row(row).filter_map(theme).collect();
            first_said.add(n_bytes, &carried);
        }
    }
    Some(())
}
