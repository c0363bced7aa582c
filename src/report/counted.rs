//! Reading back from an output folder what shares are computed from: `documents.jsonl` for the
//! themes and fields of each document, `units.parquet` for the length of its units.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::compare::{CountedDocument, CountedTheme, Field, FirstSaid};
use crate::document::{Date, PeriodLength};
use crate::error::Result;

use super::folder::OutputFile;
use super::read::{CarriedThemes, each_document, not_units, other_units, unit_batch_iter};
use super::rows::{NoneCell, ThemeCell};
use super::value::InOrder;

/// Columns of `units.parquet` that are read; the text is not.
const COLUMNS: [&str; 5] = ["document", "start", "end", "themes", "copy_of"];

/// Levels over which a field is a name or a text, not a kind of document.
const MAX_LEVELS: usize = 1000;

/// Reads what is counted of documents, folder by folder, with one document in memory at a time.
pub struct CountedReader<'r> {
    by: PeriodLength,
    group: Option<&'r str>,
    shared: Shared,
}

impl<'r> CountedReader<'r> {
    /// Documents in the periods of `by`, grouped by a field where one is named: one of `metadata`, else `language` or
    /// `file`.
    pub fn new(by: PeriodLength, group: Option<&'r str>) -> Self {
        CountedReader { by, group, shared: Shared::default() }
    }

    /// Hands the documents of a finished run to `take`, in their order: each as it is, and what is left of it where
    /// copies count once; `None`: nothing.
    ///
    /// # Errors
    /// `Io` or `Malformed` where `documents.jsonl` or `units.parquet` cannot be read, and those of `take`.
    pub fn read(
        &mut self,
        dir: &Path,
        mut take: impl FnMut(CountedDocument, Option<CountedDocument>) -> Result<()> + Send,
    ) -> Result<()> {
        let units = dir.join(OutputFile::UnitsParquet.name());
        let mut units = Units::open(&units)?;
        let path = dir.join(OutputFile::Documents.name());
        each_document(&path, |line: Line| {
            let sums = units.of(&line)?;
            let whole = CountedDocument {
                n_bytes: sums.n_bytes,
                n_bare: sums.n_bare,
                ..line.counted(self.by, self.group, &mut self.shared)
            };
            let once = match (line.is_copy(), line.has_parts()) {
                (true, _) => None,
                (false, true) => sums.first_said.and_then(|said| said.counted(&whole)),
                (false, false) => Some(whole.clone()),
            };
            take(whole, once)
        })
    }

    /// Whether a field says of what kind a document is; with very many levels it is a name or a text.
    pub fn is_kind(&self, field: &str) -> bool {
        self.shared.levels.get(field).is_some_and(|levels| levels.len() <= MAX_LEVELS)
    }
}

/// The documents of a finished run, copies left out, in memory and without their fields.
///
/// # Errors
/// Those of [`CountedReader::read`].
pub fn counted_once(
    dir: &Path,
    by: PeriodLength,
    group: Option<&str>,
) -> Result<Vec<CountedDocument>> {
    let mut documents = Vec::new();
    CountedReader::new(by, group).read(dir, |_, once| {
        documents.extend(once.map(|once| CountedDocument { fields: Arc::default(), ..once }));
        Ok(())
    })?;
    Ok(documents)
}

/// Of a line of `documents.jsonl`, what is needed here.
#[derive(Deserialize)]
struct Line {
    id: String,
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

impl Line {
    fn is_copy(&self) -> bool {
        self.duplicate_of.is_some()
    }

    /// Whether it says again what others have said.
    fn has_parts(&self) -> bool {
        !self.is_copy() && self.n_repeated_units > 0
    }

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
            id: self.id.as_str().into(),
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
    fn fields(&mut self, line: &Line) -> Arc<[Field]> {
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
}

/// The sums over the units of a document.
#[derive(Default)]
struct Sums {
    n_units: u64,
    n_bytes: u64,
    n_bare: u64,
    /// Those that it says first.
    first_said: Option<FirstSaid>,
}

/// The units of a run, one after the other: they stand in the order of documents.
struct Units<'p> {
    path: &'p Path,
    batches: Box<dyn Iterator<Item = Result<RecordBatch>> + Send + 'p>,
    batch: Option<Columns>,
    row: usize,
    /// The themes of the model by their ids.
    themes: HashMap<String, usize>,
}

/// The columns of some units.
struct Columns {
    document: StringArray,
    start: Int64Array,
    end: Int64Array,
    themes: CarriedThemes,
    /// Came later than the others and may be missing.
    copy_of: Option<ArrayRef>,
}

impl Columns {
    /// `None` where a column is not there or not of its type.
    fn of(batch: &RecordBatch) -> Option<Self> {
        Some(Columns {
            document: batch.column_by_name("document")?.as_string_opt::<i32>()?.clone(),
            start: batch.column_by_name("start")?.as_primitive_opt::<Int64Type>()?.clone(),
            end: batch.column_by_name("end")?.as_primitive_opt::<Int64Type>()?.clone(),
            themes: CarriedThemes::of(batch)?,
            copy_of: batch.column_by_name("copy_of").cloned(),
        })
    }
}

impl<'p> Units<'p> {
    fn open(path: &'p Path) -> Result<Self> {
        let batches = Box::new(unit_batch_iter(path, &COLUMNS)?);
        Ok(Units { path, batches, batch: None, row: 0, themes: HashMap::new() })
    }

    /// The sums over the units of the next document.
    fn of(&mut self, line: &Line) -> Result<Sums> {
        if self.themes.is_empty() {
            let ids = line.themes.0.iter().enumerate();
            self.themes = ids.map(|(index, (id, _))| (id.clone(), index)).collect();
        }
        let first_said = line.has_parts().then(|| FirstSaid::new(self.themes.len()));
        let mut sums = Sums { first_said, ..Sums::default() };
        while sums.n_units < line.n_units {
            if self.document()? != Some(&line.id) {
                return Err(other_units(self.path));
            }
            self.add_to(&mut sums);
        }
        Ok(sums)
    }

    /// The document of the next unit; `None` after the last.
    fn document(&mut self) -> Result<Option<&str>> {
        while self.batch.as_ref().is_none_or(|batch| self.row == batch.document.len()) {
            let Some(batch) = self.batches.next().transpose()? else { return Ok(None) };
            self.batch = Some(Columns::of(&batch).ok_or_else(|| not_units(self.path))?);
            self.row = 0;
        }
        Ok(self.batch.as_ref().map(|batch| batch.document.value(self.row)))
    }

    /// Adds the next unit, and goes on to the one after it.
    fn add_to(&mut self, sums: &mut Sums) {
        let Some(batch) = &self.batch else { return };
        let row = self.row;
        let n_bytes = (batch.end.value(row) - batch.start.value(row)).unsigned_abs();
        sums.n_units += 1;
        sums.n_bytes += n_bytes;
        sums.n_bare += u64::from(batch.themes.row(row).len() == 0);
        let is_first_said = batch.copy_of.as_ref().is_none_or(|copy_of| copy_of.is_null(row));
        if let (true, Some(first_said)) = (is_first_said, &mut sums.first_said) {
            let theme = |(id, score): (&str, f64)| Some((*self.themes.get(id)?, score));
            let carried: Vec<(usize, f64)> = batch.themes.row(row).filter_map(theme).collect();
            first_said.add(n_bytes, &carried);
        }
        self.row += 1;
    }
}
