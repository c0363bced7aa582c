//! Rows on their way into CSV: from JSON values to text that a spreadsheet takes for text.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::Value;

use super::columns::Column;

/// A CSV file that is being written (RFC 4180).
pub struct CsvRows<'c, W: Write> {
    out: csv::Writer<W>,
    columns: &'c [Column],
    is_raw: bool,
    /// Rows written, the header not counted.
    pub n_rows: u64,
}

impl<'c, W: Write> CsvRows<'c, W> {
    /// Writes the header. `is_raw`: text is written as it is, whatever a spreadsheet makes of it.
    pub fn new(out: W, columns: &'c [Column], is_raw: bool) -> io::Result<Self> {
        let mut builder = csv::WriterBuilder::new();
        let mut out = builder.terminator(csv::Terminator::CRLF).from_writer(out);
        out.write_record(columns.iter().map(|column| column.field.name.as_str()))?;
        Ok(CsvRows { out, columns, is_raw, n_rows: 0 })
    }

    /// Writes a row.
    pub fn push(&mut self, row: &Value) -> io::Result<()> {
        for column in self.columns {
            let text = text(column.value(row));
            let guarded = if self.is_raw { text } else { guarded(column.value(row), text) };
            self.out.write_field(guarded.as_bytes())?;
        }
        self.out.write_record(None::<&[u8]>)?;
        self.n_rows += 1;
        Ok(())
    }

    /// Gives the writer back, which then has all bytes of the file.
    pub fn finish(self) -> io::Result<W> {
        self.out.into_inner().map_err(|e| io::Error::other(e.to_string()))
    }
}

/// A value as the text of a field: null is empty, a list or an object is JSON.
fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "".into(),
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

/// Text that a spreadsheet would take for a formula gets an apostrophe in front, which makes it text again
/// (OWASP, "CSV Injection"). A number is no text, and `-0.25` stays a number.
fn guarded<'v>(value: &Value, text: Cow<'v, str>) -> Cow<'v, str> {
    let is_formula = value.is_string() && text.starts_with(opens_formula);
    if is_formula { format!("'{text}").into() } else { text }
}

/// Whether a spreadsheet may read on after this character as a formula: the signs, also in full width, and
/// the control characters that it skips.
fn opens_formula(first: char) -> bool {
    matches!(first, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0' | '＝' | '＋' | '－' | '＠')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::package::Field;
    use proptest::prelude::*;
    use serde_json::json;

    fn columns(names: &[&str]) -> Vec<Column> {
        names.iter().map(|name| Column::of(Field::new(name, &json!({"type": "string"})))).collect()
    }

    /// The text of a table with one column `a`.
    fn written(values: &[Value], is_raw: bool) -> String {
        let columns = columns(&["a"]);
        let mut rows = CsvRows::new(Vec::new(), &columns, is_raw).unwrap();
        values.iter().for_each(|value| rows.push(&json!({"a": value})).unwrap());
        String::from_utf8(rows.finish().unwrap()).unwrap()
    }

    #[test]
    fn text_that_would_be_a_formula_gets_an_apostrophe_and_numbers_do_not() {
        for formula in [
            "=1+1", "+1", "-1", "- item", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "＝1", "＋1",
            "－1", "＠a",
        ] {
            let guarded = written(&[json!(formula)], false);
            let field = guarded.strip_prefix("a\r\n").unwrap().trim_start_matches('"');
            assert!(field.starts_with('\''), "{formula:?}: {guarded:?}");
            let raw = written(&[json!(formula)], true);
            assert!(!raw.contains('\''), "{formula:?}: {raw:?}");
        }
        let numbers = [json!(-0.25), json!(-3), json!(1e-6), json!(true), Value::Null];
        assert_eq!(written(&numbers, false), "a\r\n-0.25\r\n-3\r\n1e-6\r\ntrue\r\n\"\"\r\n");
        // An apostrophe at the start of a number's field would make text of it; of lists, JSON.
        assert_eq!(written(&[json!([-1])], false), "a\r\n[-1]\r\n");
        assert_eq!(written(&[json!("a=1"), json!("'a")], false), "a\r\na=1\r\n'a\r\n");
    }

    proptest! {
        #[test]
        fn every_text_reads_back(texts in proptest::collection::vec(any::<(String, Option<i64>)>(), 1..5)) {
            let columns = columns(&["text", "n"]);
            let mut rows = CsvRows::new(Vec::new(), &columns, false).unwrap();
            for (text, n) in &texts {
                rows.push(&json!({"text": text, "n": n})).unwrap();
            }
            let bytes = rows.finish().unwrap();
            let read: Vec<csv::StringRecord> =
                csv::Reader::from_reader(&bytes[..]).records().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(read.len(), texts.len());
            for (record, (text, n)) in read.iter().zip(&texts) {
                let plain = match text.starts_with(opens_formula) {
                    true => record[0].strip_prefix('\'').unwrap(),
                    false => &record[0],
                };
                prop_assert_eq!(plain, text);
                prop_assert_eq!(&record[1], n.map_or(String::new(), |n| n.to_string()));
                prop_assert!(!record[0].starts_with(opens_formula));
            }
        }
    }
}
