//! From the fields of a record to a [`Document`]: the same rules for every format.
//!
//! The date is looked for in the order of the contract: a `--date` rule, the record's own field, a
//! dateline or header in the text, and, where a file is one document, its name. A field that is
//! there but cannot be read as one certain day rejects the record: no date is guessed.

use serde_json::{Map, Value};

use crate::document::{Date, DateOrigin, Document, Place, Reject, RejectCode};

use super::date::{self, DateFault};
use super::{IngestOptions, jsonl, reject};

/// What a record says of itself.
pub(super) struct Fields {
    pub id: String,
    pub text: String,
    pub date: Option<Given>,
    pub charset: &'static str,
    pub metadata: Map<String, Value>,
    /// Whether the file is this one document, so that its name may hold the date.
    pub is_whole_file: bool,
}

/// A date as a record gives it.
pub(super) enum Given {
    /// Written out, in a field of that name.
    Field(String),
    /// Written out by the maker of a page, for machines.
    Page(String),
    /// Of a date type.
    Exact(Date),
}

impl Fields {
    /// Takes id, text and date out of a record's fields; the rest is metadata.
    pub fn of_record(
        mut record: Map<String, Value>,
        charset: &'static str,
        options: &IngestOptions,
        place: &Place,
    ) -> Result<Fields, Reject> {
        let needed = [(&options.text_field, "--text-field"), (&options.id_field, "--id-field")];
        for (field, flag) in needed {
            if record.get(field).is_none_or(Value::is_null) {
                return Err(missing(&record, field, flag, place));
            }
        }
        // `shift_remove` keeps the order of the fields that stay.
        let mut take = |field: &str| record.shift_remove(field).unwrap_or_default();
        let (text, id) = (take(&options.text_field), take(&options.id_field));
        let date = take(&options.date_field);
        Ok(Fields {
            id: id_of(id, &options.id_field, place)?,
            text: text_of(text, &options.text_field, place)?,
            date: date_text(date, &options.date_field, place)?,
            charset,
            metadata: record,
            is_whole_file: false,
        })
    }

    /// Checks the text and settles the date.
    pub fn into_document(self, place: Place, options: &IngestOptions) -> Result<Document, Reject> {
        if self.text.trim().is_empty() {
            let field = (!self.is_whole_file).then_some(options.text_field.as_str());
            let message = "the text is empty or only white space; leave the record out";
            return Err(reject::record(&place, RejectCode::EmptyText, field, message, b""));
        }
        let (date, date_origin) = self.date(&place, options)?;
        Ok(Document {
            id: self.id,
            text: self.text,
            date,
            date_origin,
            charset: self.charset,
            metadata: self.metadata,
            place,
        })
    }

    fn date(
        &self,
        place: &Place,
        options: &IngestOptions,
    ) -> Result<(Option<Date>, DateOrigin), Reject> {
        if let Some(rule) = options.date_rules.iter().find(|rule| rule.matches(&place.file)) {
            return Ok((Some(rule.date), DateOrigin::Metadata));
        }
        if let Some(date) = self.given_date(place, options)? {
            return Ok((Some(date), DateOrigin::Metadata));
        }
        if let Some(date) = date::in_text(&self.text) {
            return Ok((Some(date), DateOrigin::Dateline));
        }
        let in_name = self.is_whole_file.then(|| date::in_filename(&place.file)).flatten();
        Ok((in_name, in_name.map_or(DateOrigin::None, |_| DateOrigin::Filename)))
    }

    fn given_date(&self, place: &Place, options: &IngestOptions) -> Result<Option<Date>, Reject> {
        let (written, field) = match &self.date {
            None => return Ok(None),
            Some(Given::Exact(date)) => return Ok(Some(*date)),
            Some(Given::Field(written)) => (written, options.date_field.as_str()),
            Some(Given::Page(written)) => (written, "date"),
        };
        match date::parse(written, options.date_format.as_ref()) {
            Ok(date) => Ok(Some(date)),
            // What a page's maker wrote for machines often is no date at all: look further. Two
            // dates in one are another matter.
            Err(fault) if self.is_page() && !matches!(fault, DateFault::Ambiguous { .. }) => {
                Ok(None)
            }
            Err(fault) => Err(date_reject(place, field, written, &fault)),
        }
    }

    fn is_page(&self) -> bool {
        matches!(self.date, Some(Given::Page(_)))
    }
}

fn missing(record: &Map<String, Value>, field: &str, flag: &str, place: &Place) -> Reject {
    let present = reject::names(record.keys().map(String::as_str));
    let message = format!(
        "the field `{field}` is missing or null; the fields are {present}: name the right one with \
         {flag}"
    );
    reject::record(place, RejectCode::MissingField, Some(field), message, b"")
}

/// Checks that a table has the columns we need, and none twice; otherwise the whole file is
/// rejected, once.
pub(super) fn check_columns(
    file: &str,
    names: &[&str],
    options: &IngestOptions,
) -> Result<(), Reject> {
    let fault = |code, field: &str, message: String| {
        Err(Reject { field: Some(field.to_owned()), ..reject::file(file, code, message) })
    };
    let needed = [(&options.text_field, "--text-field"), (&options.id_field, "--id-field")];
    for (field, flag) in needed {
        if !names.contains(&field.as_str()) {
            let present = reject::names(names.iter().copied());
            let message = format!(
                "the table has no column `{field}`; its columns are {present}: name the right one \
                 with {flag}"
            );
            return fault(RejectCode::MissingField, field, message);
        }
    }
    let mut seen = rustc_hash::FxHashSet::default();
    match names.iter().find(|name| !seen.insert(**name)) {
        Some(name) => {
            let message = format!("two columns are named `{name}`; rename one");
            fault(RejectCode::BadField, name, message)
        }
        None => Ok(()),
    }
}

fn date_reject(place: &Place, field: &str, written: &str, fault: &DateFault) -> Reject {
    let code = match fault {
        DateFault::Ambiguous { .. } => RejectCode::AmbiguousDate,
        _ => RejectCode::BadDate,
    };
    reject::record(place, code, Some(field), fault.to_string(), written.as_bytes())
}

fn bad_field(place: &Place, field: &str, expected: &str, value: &Value) -> Reject {
    let message = format!("`{field}` must be {expected}, and is {}", jsonl::kind(value));
    let excerpt = value.to_string();
    reject::record(place, RejectCode::BadField, Some(field), message, excerpt.as_bytes())
}

fn text_of(value: Value, field: &str, place: &Place) -> Result<String, Reject> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(bad_field(place, field, "a string", &other)),
    }
}

fn id_of(value: Value, field: &str, place: &Place) -> Result<String, Reject> {
    match value {
        Value::String(id) if !id.trim().is_empty() => Ok(id),
        Value::Number(id) => Ok(id.to_string()),
        Value::String(_) => {
            let message = format!("`{field}` is empty; give every record a name of its own");
            Err(reject::record(place, RejectCode::BadField, Some(field), message, b""))
        }
        other => Err(bad_field(place, field, "a string or a number", &other)),
    }
}

fn date_text(value: Value, field: &str, place: &Place) -> Result<Option<Given>, Reject> {
    match value {
        Value::Null => Ok(None),
        Value::String(date) if date.trim().is_empty() => Ok(None),
        Value::String(date) => Ok(Some(Given::Field(date))),
        Value::Number(date) => Ok(Some(Given::Field(date.to_string()))),
        other => Err(bad_field(place, field, "a string such as \"2024-10-15\"", &other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::DateFormat;
    use crate::ingest::tests::{documents, options, read_all};

    /// The date and origin of a document, or the field, code and message of its reject.
    fn dated(name: &str, text: &str, options: &IngestOptions) -> String {
        match read_all(name, text.as_bytes(), options).remove(0) {
            Ok(Document { date: Some(date), date_origin, .. }) => format!("{date} {date_origin:?}"),
            Ok(document) => format!("{:?}", document.date_origin),
            Err(reject) => {
                format!("{:?} {:?}: {}", reject.field.unwrap(), reject.code, reject.message)
            }
        }
    }

    fn line(date: &str) -> String {
        format!("{{\"id\": 1, \"date\": {date}, \"text\": \"Two ministers met.\"}}")
    }

    #[test]
    fn the_places_of_a_date_are_tried_in_order() {
        let mut options = options();
        let text = "HANOI, 12 March 2023 - Two ministers met and spoke of rice.\n";
        assert_eq!(dated("2021-05-06.txt", text, &options), "2023-03-12 Dateline");
        assert_eq!(dated("2021-05-06.txt", "Two met.", &options), "2021-05-06 Filename");
        assert_eq!(dated("notes.txt", "Two met.", &options), "None");
        assert_eq!(dated("2021-05-06.jsonl", &line("\"2024\""), &options), "2024 Metadata");
        let page = format!("<html><body><p>{text}</p></body></html>");
        assert_eq!(dated("2021-05-06.html", &page, &options), "2023-03-12 Dateline");

        options.date_rules =
            ["2020*=1999", "2021*=2001-02", "*=1970"].map(|r| r.parse().unwrap()).into();
        assert_eq!(dated("2021-05-06.txt", text, &options), "2001-02 Metadata");
        assert_eq!(dated("2021-05-06.jsonl", &line("\"2024\""), &options), "2001-02 Metadata");
    }

    #[test]
    fn the_name_of_a_file_of_records_dates_none_of_them() {
        for empty in ["null", "\"\"", "\" \""] {
            assert_eq!(dated("2021-05-06.jsonl", &line(empty), &options()), "None", "{empty}");
        }
    }

    #[test]
    fn a_field_that_is_no_certain_date_rejects_the_record_and_names_the_flag() {
        let cases = [
            ("\"03/04/2021\"", "\"date\" AmbiguousDate"),
            ("\"2021-02-30\"", "\"date\" BadDate"),
            ("\"soon\"", "\"date\" BadDate"),
            ("0", "\"date\" BadDate"),
            ("true", "\"date\" BadField"),
        ];
        for (date, expected) in cases {
            let dated = dated("a.jsonl", &line(date), &options());
            assert!(dated.starts_with(expected), "{date}: {dated}");
        }
        assert!(
            dated("a.jsonl", &line("\"03/04/2021\""), &options()).contains("--date-format dmy")
        );
        let options = IngestOptions { date_format: Some(DateFormat::Dmy), ..options() };
        assert_eq!(dated("a.jsonl", &line("\"03/04/2021\""), &options), "2021-04-03 Metadata");
        assert_eq!(dated("a.jsonl", &line("2021"), &options), "2021 Metadata");
    }

    #[test]
    fn the_names_of_the_fields_can_be_chosen() {
        let options = IngestOptions {
            text_field: "body".to_owned(),
            date_field: "day".to_owned(),
            id_field: "key".to_owned(),
            ..options()
        };
        let line = r#"{"key": "k", "body": "words", "day": "2020", "id": 7, "text": "t"}"#;
        let documents = documents(read_all("a.jsonl", line.as_bytes(), &options));
        assert_eq!((documents[0].id.as_str(), documents[0].text.as_str()), ("k", "words"));
        assert_eq!(documents[0].date.unwrap().to_string(), "2020");
        assert_eq!(documents[0].metadata["text"], "t");
    }

    #[test]
    fn date_rules_are_checked_when_they_are_given() {
        for rule in ["2024", "*.txt=", "*.txt=03/04/2021", "[=2021"] {
            rule.parse::<crate::ingest::DateRule>().unwrap_err();
        }
    }
}
