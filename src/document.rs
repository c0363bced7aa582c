//! `Document` and what belongs to it: the text as given, where it came from, and its place in time.
//!
//! Rows elsewhere are tied to documents by index and to text by [`Span`]: byte offsets into
//! [`Document::text`], which is never changed after it was read.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A half-open range of byte offsets into a document's text; both ends on char boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end);
        Span { start, end }
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the span covers nothing.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The bytes that the span covers.
    pub fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }

    /// Whether the two spans share a byte.
    pub fn overlaps(self, other: Span) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The span without the white space at its two ends.
    pub fn trimmed(self, text: &str) -> Span {
        let inner = self.of(text);
        let start = self.start + (inner.len() - inner.trim_start().len());
        Span { start, end: start + inner.trim().len() }
    }
}

/// A day, a month or a year of the calendar, as precise as the source gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// 1..=9999.
    pub year: i16,
    /// 1..=12, where known.
    pub month: Option<i8>,
    /// 1..=31, where known; never without a month.
    pub day: Option<i8>,
}

impl fmt::Display for Date {
    /// ISO 8601 at its own precision: `2024-10-15`, `2024-10` or `2024`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if let Some(month) = self.month {
            write!(f, "-{month:02}")?;
        }
        if let Some(day) = self.day {
            write!(f, "-{day:02}")?;
        }
        Ok(())
    }
}

impl FromStr for Date {
    type Err = ();

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '-');
        let year = parts.next().and_then(|year| year.parse().ok()).ok_or(())?;
        let part = |part: Option<&str>| part.map(|part| part.parse().map_err(drop)).transpose();
        Ok(Date { year, month: part(parts.next())?, day: part(parts.next())? })
    }
}

impl Serialize for Date {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where a document's date was found, in the order in which the places are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DateOrigin {
    /// A field of the record, or a `--date` rule.
    Metadata,
    /// A dateline or header in the text.
    Dateline,
    /// The file's name.
    Filename,
    /// No date was found.
    None,
}

/// How time is divided.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Default,
    clap::ValueEnum,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum PeriodLength {
    /// `2024`
    #[default]
    Year,
    /// `2024-Q4`
    Quarter,
    /// `2024-10`
    Month,
    /// `all`: no division; every document is in it, dated or not.
    All,
}

impl PeriodLength {
    /// The period of a document, as its label (labels sort in time order); `None` without a date
    /// that is precise enough.
    pub fn of(self, date: Option<Date>) -> Option<String> {
        match self {
            PeriodLength::All => Some("all".to_owned()),
            _ => date?.period(self),
        }
    }

    /// The number of a period in the calendar, counted in periods, from its label; `None` for what is
    /// no such label, and where time is not divided.
    pub fn number(self, label: &str) -> Option<i64> {
        let (year, part) = label.split_at_checked(4)?;
        let (year, part) = (year.parse::<i64>().ok()?, part.strip_prefix('-'));
        match self {
            PeriodLength::Year => part.is_none().then_some(year),
            PeriodLength::Quarter => {
                Some(year * 4 + part?.strip_prefix('Q')?.parse::<i64>().ok()? - 1)
            }
            PeriodLength::Month => Some(year * 12 + part?.parse::<i64>().ok()? - 1),
            PeriodLength::All => None,
        }
    }
}

impl Date {
    /// The period that holds this date, as its label (labels sort in time order); `None` where
    /// the date is not precise enough.
    pub fn period(self, by: PeriodLength) -> Option<String> {
        let year = self.year;
        match by {
            PeriodLength::Year => Some(format!("{year:04}")),
            PeriodLength::Quarter => self.month.map(|m| format!("{year:04}-Q{}", (m - 1) / 3 + 1)),
            PeriodLength::Month => self.month.map(|m| format!("{year:04}-{m:02}")),
            PeriodLength::All => by.of(Some(self)),
        }
    }
}

/// The place of a record in the input, for messages and rejects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the input it was found under (`-` for standard input).
    pub file: Arc<str>,
    /// Line of the record, from 1, in line-based formats.
    pub line: Option<u64>,
    /// Offset of the record's first byte in the (decompressed) file.
    pub byte_offset: Option<u64>,
    /// Number of the record in the file, from 1.
    pub record: u64,
}

/// One document: the text as given and what is known of it.
#[derive(Debug, Clone)]
pub struct Document {
    /// Unique in the corpus.
    pub id: String,
    /// The text as given (for HTML, as extracted). All spans are byte offsets into it.
    pub text: String,
    /// The date, as precise as it was given.
    pub date: Option<Date>,
    /// Where the date was found.
    pub date_origin: DateOrigin,
    /// WHATWG name of the charset that the bytes were decoded from ("UTF-8", "windows-1252").
    pub charset: &'static str,
    /// Every other field of the record.
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Where it came from.
    pub place: Place,
}

/// A record that could not become a document. The rest of the corpus goes on without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Reject {
    /// The file, relative to the input it was found under.
    pub file: String,
    /// Line of the record, from 1. Null: the format has no lines.
    pub line: Option<u64>,
    /// Offset of the record's first byte in the (decompressed) file, from 0. Null: unknown.
    pub byte_offset: Option<u64>,
    /// Number of the record in the file, from 1. Null: the whole file is rejected.
    pub record: Option<u64>,
    /// The field at fault. Null: no single one is.
    pub field: Option<String>,
    /// Stable code, snake_case (`bad_json`, `missing_field`, `ambiguous_date`, ...).
    pub code: RejectCode,
    /// What is wrong and what to do next.
    pub message: String,
    /// The start of the offending bytes, with control characters made visible; at most 120 chars.
    pub excerpt: String,
}

/// Why a record was rejected. The names are promises: add, never change.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// The file could not be opened or read to its end.
    UnreadableFile,
    /// Not a regular file (a device, a pipe, a socket).
    NotAFile,
    /// The compressed stream is corrupt or ends early.
    BadCompression,
    /// The bytes are not text in any charset that we can tell.
    NotText,
    /// The line is not JSON.
    BadJson,
    /// The JSON value is not an object.
    NotAnObject,
    /// The CSV row does not fit the header.
    BadCsv,
    /// The Parquet file cannot be read.
    BadParquet,
    /// The page has no text that could be extracted.
    BadHtml,
    /// A required field is not there.
    MissingField,
    /// A field has the wrong type.
    BadField,
    /// The text is empty or only white space.
    EmptyText,
    /// The date is not a date.
    BadDate,
    /// The date can be read in two ways, and no flag says which.
    AmbiguousDate,
    /// The id was used before, for another text.
    DuplicateId,
    /// The record is longer than the limit.
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_print_at_their_own_precision_and_fall_into_calendar_periods() {
        let day = Date { year: 2024, month: Some(10), day: Some(5) };
        assert_eq!(day.to_string(), "2024-10-05");
        assert_eq!(day.period(PeriodLength::Year).unwrap(), "2024");
        assert_eq!(day.period(PeriodLength::Quarter).unwrap(), "2024-Q4");
        assert_eq!(day.period(PeriodLength::Month).unwrap(), "2024-10");
        let numbers = ["2024", "2024-Q4", "2025-Q1", "2024-12", "2025-01"];
        let by = [PeriodLength::Year, PeriodLength::Quarter, PeriodLength::Month];
        let numbers = numbers.map(|label| by.map(|by| by.number(label)));
        assert_eq!(numbers[0], [Some(2024), None, None]);
        assert_eq!(numbers[2][1].unwrap() - numbers[1][1].unwrap(), 1);
        assert_eq!(numbers[4][2].unwrap() - numbers[3][2].unwrap(), 1);
        assert_eq!(PeriodLength::All.number("all"), None);
        let year = Date { year: 987, month: None, day: None };
        assert_eq!(year.to_string(), "0987");
        assert_eq!(year.period(PeriodLength::Month), None);
        assert_eq!([Some(day), None].map(|date| PeriodLength::All.of(date).unwrap()), ["all"; 2]);
        assert_eq!(PeriodLength::Year.of(None), None);
        for date in [day, year, Date { day: None, ..day }] {
            assert_eq!(date.to_string().parse(), Ok(date));
        }
        assert_eq!("2024-".parse::<Date>(), Err(()));
    }

    #[test]
    fn trimming_a_span_keeps_it_on_the_text() {
        let text = "\u{a0} Häuser \n";
        let span = Span::new(0, text.len()).trimmed(text);
        assert_eq!(span.of(text), "Häuser");
        assert!(Span::new(0, 3).trimmed("   ").is_empty());
    }
}
