//! From files to documents, so that everything after this module sees one kind of thing.
//!
//! Reading has two halves. [`Inputs::read`] is sequential and cheap: it opens, unpacks and splits
//! files into [`RawRecord`]s, in an order that depends on the files alone. [`parse`] is pure and
//! takes the time: charset, JSON, the main text of a page, date; any number of threads
//! may call it. What cannot become a document comes out as a [`Reject`] with its place and reason,
//! and the rest goes on: the documents and rejects together are the records that went in.

#![allow(
    clippy::result_large_err,
    reason = "a reject is no larger than the document it stands for"
)]

pub mod date;
pub mod furniture;
pub mod html;
pub mod language;

mod charset;
mod csv;
mod decode;
mod expand;
mod fields;
mod files;
mod jsonl;
mod parquet;
mod reject;
mod table;
mod text;

use std::sync::Arc;

use arrow_array::RecordBatch;
use globset::{Glob, GlobMatcher};

use crate::document::{Date, Document, Place, Reject};

pub use date::DateFormat;
pub use decode::Compression;
pub use expand::EXPORT_NAME;
pub use files::{Fingerprint, Format, InputFile, Inputs, Records, Skipped, Why};

use fields::Fields;

/// How records are read. The fields are those of JSONL, CSV and Parquet.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// The field with the text.
    pub text_field: String,
    /// The field with the date.
    pub date_field: String,
    /// The field with the id.
    pub id_field: String,
    /// How dates in fields are written, where they could be read in two ways.
    pub date_format: Option<DateFormat>,
    /// Dates of files that say none or a wrong one; the first rule that matches holds.
    pub date_rules: Vec<DateRule>,
    /// The longest record, in bytes (unpacked); a longer one is rejected.
    pub max_record_bytes: u64,
}

impl Default for IngestOptions {
    fn default() -> Self {
        IngestOptions {
            text_field: "text".to_owned(),
            date_field: "date".to_owned(),
            id_field: "id".to_owned(),
            date_format: None,
            date_rules: Vec::new(),
            max_record_bytes: 64 << 20,
        }
    }
}

/// A rule of `--date GLOB=DATE`: the documents of the files that match have this date.
#[derive(Debug, Clone)]
pub struct DateRule {
    matcher: GlobMatcher,
    date: Date,
}

impl DateRule {
    fn matches(&self, file: &str) -> bool {
        self.matcher.is_match(file)
    }
}

impl std::str::FromStr for DateRule {
    type Err = String;

    /// `GLOB=DATE`, the date in ISO or another form that can be read in one way only.
    fn from_str(rule: &str) -> Result<Self, String> {
        let (glob, date) = rule.rsplit_once('=').ok_or_else(|| {
            format!("`{rule}` is no date rule: write GLOB=DATE, such as '2024/*.txt=2024'")
        })?;
        let glob = Glob::new(glob).map_err(|error| error.to_string())?;
        let date = date::parse(date, None).map_err(|fault| fault.to_string())?;
        Ok(DateRule { matcher: glob.compile_matcher(), date })
    }
}

/// A record as it lay in its file, not yet read.
#[derive(Debug)]
pub struct RawRecord {
    place: Place,
    body: Body,
    charset: &'static str,
}

#[derive(Debug)]
enum Body {
    /// A whole file.
    File(Vec<u8>, text::Markup),
    /// A line of JSON.
    JsonLine(Vec<u8>),
    /// A row of a table, with the table's header.
    CsvRow(Vec<u8>, Arc<csv::Header>),
    /// A row of a batch.
    ParquetRow(Arc<RecordBatch>, usize),
}

impl RawRecord {
    /// Where the record lies in the input.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// About what the record takes in memory, in bytes.
    pub fn n_bytes(&self) -> usize {
        match &self.body {
            Body::ParquetRow(batch, _) => batch.get_array_memory_size() / batch.num_rows().max(1),
            body => body.bytes().len(),
        }
    }

    /// The start of the record, for the excerpt of a reject.
    fn head(&self) -> Vec<u8> {
        let bytes = self.body.bytes();
        bytes[..bytes.len().min(500)].to_vec()
    }
}

impl Body {
    /// The record as bytes; none for a row of a batch, which has no bytes of its own.
    fn bytes(&self) -> &[u8] {
        match self {
            Body::File(bytes, _) | Body::JsonLine(bytes) | Body::CsvRow(bytes, _) => bytes,
            Body::ParquetRow(..) => &[],
        }
    }
}

/// Reads a record. Pure: the same record and options give the same document.
///
/// # Errors
///
/// A [`Reject`] with the record's place, the field at fault and a stable code.
pub fn parse(raw: RawRecord, options: &IngestOptions) -> Result<Document, Reject> {
    let head = raw.head();
    document(raw, options).map_err(|reject| match reject.excerpt.is_empty() {
        true => Reject { excerpt: reject::excerpt(&head), ..reject },
        false => reject,
    })
}

fn document(raw: RawRecord, options: &IngestOptions) -> Result<Document, Reject> {
    let RawRecord { place, body, charset } = raw;
    let fields = match body {
        Body::File(bytes, markup) => text::fields(bytes, markup, &place)?,
        Body::JsonLine(line) => {
            Fields::of_record(jsonl::object(&line, &place)?, charset, options, &place)?
        }
        Body::CsvRow(row, header) => {
            let needed = [options.text_field.as_str(), options.id_field.as_str()];
            let record = csv::fields_of(&row, &header, needed, &place)?;
            Fields::of_record(record, charset, options, &place)?
        }
        Body::ParquetRow(batch, row) => parquet::fields(&batch, row, &place, options)?,
    };
    fields.into_document(place, options)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::document::RejectCode;

    pub(super) fn options() -> IngestOptions {
        IngestOptions::default()
    }

    pub(super) type Read = Vec<Result<Document, Reject>>;

    /// Reads one file of that name and content.
    pub(super) fn read_all(name: &str, bytes: &[u8], options: &IngestOptions) -> Read {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let inputs = Inputs::expand(&[path.to_str().unwrap().to_owned()]).unwrap();
        let records = inputs.read(options).unwrap();
        records.map(|raw| raw.and_then(|raw| parse(raw, options))).collect()
    }

    pub(super) fn documents(read: Read) -> Vec<Document> {
        read.into_iter().map(|document| document.unwrap()).collect()
    }

    pub(super) fn codes(read: &Read) -> Vec<RejectCode> {
        read.iter().filter_map(|document| document.as_ref().err()).map(|r| r.code).collect()
    }
}
