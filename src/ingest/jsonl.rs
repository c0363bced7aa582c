//! JSON Lines: one object a line. [`JsonLines`] splits, [`object`] reads one line.
//!
//! The rules are strict, because a lenient reader loses text without a word: a line is UTF-8, an
//! object, and names no field twice at any depth. A line over the limit is skipped in bounded
//! memory.

use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::document::{Place, Reject, RejectCode};

use super::charset::{self, Utf8Stream};
use super::decode::{self, Bytes, Compression, Opened};
use super::{Body, RawRecord, reject};

/// The lines of a file, as records.
pub(super) struct JsonLines {
    reader: Bytes,
    charset: &'static str,
    compression: Compression,
    max_bytes: u64,
    /// The place of the line that is read next.
    next: Place,
    ended: bool,
}

/// What the next line turned out to be.
enum Line {
    Whole(Vec<u8>),
    TooLong(Vec<u8>),
    Broken(Vec<u8>, io::Error),
    End,
}

impl JsonLines {
    /// The lines of a file, each of at most `max_bytes`.
    pub fn new(opened: Opened, max_bytes: u64) -> Self {
        let Opened { file, reader, compression } = opened;
        // Four bytes hold any byte order mark; waiting for more would stall a slow pipe.
        let Utf8Stream { reader, charset, n_skipped } = charset::utf8_stream(reader, 4, false);
        let next = Place { file, line: Some(1), byte_offset: Some(n_skipped), record: 1 };
        JsonLines { reader, charset, compression, max_bytes, next, ended: false }
    }

    /// Reads one line and moves the place on, past its end.
    fn read_line(&mut self) -> Line {
        let mut line = Vec::new();
        let limit = self.max_bytes.saturating_add(1);
        if let Err(error) = self.reader.by_ref().take(limit).read_until(b'\n', &mut line) {
            return Line::Broken(line, error);
        }
        let mut n_bytes = line.len() as u64;
        let too_long = n_bytes == limit && line.last() != Some(&b'\n');
        if too_long {
            line.truncate(1000);
            line.shrink_to_fit();
            match self.reader.skip_until(b'\n') {
                Ok(n_skipped) => n_bytes += n_skipped as u64,
                Err(error) => return Line::Broken(line, error),
            }
        }
        self.next.line = self.next.line.map(|line| line + 1);
        self.next.byte_offset = self.next.byte_offset.map(|offset| offset + n_bytes);
        match (n_bytes, too_long) {
            (0, _) => Line::End,
            (_, true) => Line::TooLong(line),
            (_, false) => Line::Whole(line),
        }
    }

    fn too_long(&self, place: &Place, head: &[u8]) -> Reject {
        let message = format!(
            "the line is longer than {} bytes; split it, or allow more with --max-record-bytes",
            self.max_bytes
        );
        reject::record(place, RejectCode::TooLarge, None, message, head)
    }
}

impl Iterator for JsonLines {
    type Item = Result<RawRecord, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let place = self.next.clone();
            let item = match self.read_line() {
                Line::Whole(line) if line.trim_ascii().is_empty() => continue,
                Line::Whole(line) => {
                    Ok(RawRecord { place, body: Body::JsonLine(line), charset: self.charset })
                }
                Line::TooLong(head) => Err(self.too_long(&place, &head)),
                Line::Broken(partial, error) => {
                    self.ended = true;
                    Err(decode::broken(&place, self.compression, &error, &partial))
                }
                Line::End => {
                    self.ended = true;
                    continue;
                }
            };
            self.next.record += 1;
            return Some(item);
        }
        None
    }
}

/// Reads one line as a JSON object, its fields in the order of the line.
pub(super) fn object(line: &[u8], place: &Place) -> Result<Map<String, Value>, Reject> {
    let line = line.trim_ascii_end();
    let fault = |code, field, message: String| reject::record(place, code, field, message, line);
    let text = std::str::from_utf8(line)
        .map_err(|error| fault(RejectCode::BadJson, None, not_utf8(place, error.valid_up_to())))?;
    match serde_json::from_str::<Strict>(text) {
        Ok(Strict(Value::Object(fields))) => Ok(fields),
        Ok(Strict(other)) => {
            let message = format!(
                "the line is {}; every line must be one object such as \
                 {{\"id\": \"...\", \"text\": \"...\"}}",
                kind(&other)
            );
            Err(fault(RejectCode::NotAnObject, None, message))
        }
        Err(error) => {
            let (code, field, message) = explain(&error, text);
            Err(fault(code, field.as_deref(), message))
        }
    }
}

/// What a JSON value is, with its article.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn not_utf8(place: &Place, at: usize) -> String {
    let in_file = place.byte_offset.map_or(0, |offset| offset) + at as u64;
    format!(
        "not UTF-8 at byte {at} of the line (byte {in_file} of the file); JSON is UTF-8: convert \
         the file, for example with iconv"
    )
}

fn explain(error: &serde_json::Error, text: &str) -> (RejectCode, Option<String>, String) {
    use serde_json::error::Category;
    // "… at line 1 column 5": the line is in the reject's own place.
    let reason = error.to_string();
    let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
    let column = error.column();
    match error.classify() {
        Category::Data => {
            let field = reason.strip_prefix(TWICE).unwrap_or(reason);
            let shown = reject::visible(field);
            let message = format!(
                "{TWICE}`{shown}` (column {column}), and only one value can be meant: remove one"
            );
            (RejectCode::BadField, Some(shown), message)
        }
        Category::Eof => {
            let message = format!(
                "the line ends in the middle of a value (column {column}): the file was cut off, \
                 or the object is spread over several lines; write one object a line"
            );
            (RejectCode::BadJson, None, message)
        }
        _ if lone_surrogate(text) => {
            let message = "a \\u escape is half of a surrogate pair, which is no character; write \
                           both halves or the character itself";
            (RejectCode::BadJson, None, message.to_owned())
        }
        _ if text.contains('\0') => {
            let message = "the line holds zero bytes, which no JSON does: the file may be UTF-16; save \
                           it as UTF-8";
            (RejectCode::BadJson, None, message.to_owned())
        }
        _ => {
            let message = format!("not JSON: {reason} (column {column}); write one object a line");
            (RejectCode::BadJson, None, message)
        }
    }
}

/// Whether a `\u` escape of a surrogate stands without its other half.
fn lone_surrogate(text: &str) -> bool {
    let mut rest = text;
    let mut high = false;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at + 1..];
        let unit = escape.strip_prefix('u').and_then(|digits| digits.get(..4));
        let unit = unit.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let low = unit.is_some_and(|unit| (0xdc00..0xe000).contains(&unit));
        if low != (high && at == 0) || (high && at > 0) {
            return true;
        }
        high = unit.is_some_and(|unit| (0xd800..0xdc00).contains(&unit));
        let n_escape = unit.map_or_else(|| escape.chars().next().map_or(0, char::len_utf8), |_| 5);
        rest = &escape[n_escape..];
    }
    high
}

const TWICE: &str = "the object names a field twice: ";

/// A JSON value in which no object names a field twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("{TWICE}{key}")));
            }
            let Strict(value) = entries.next_value()?;
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::tests::{codes, documents, options, read_all};
    use proptest::prelude::*;

    fn read(text: &[u8]) -> Vec<Result<crate::document::Document, Reject>> {
        read_all("in.jsonl", text, &options())
    }

    #[test]
    fn each_bad_line_is_rejected_for_its_own_reason_and_the_rest_goes_on() {
        use RejectCode::*;
        let cases: [(&[u8], RejectCode, Option<&str>, &str); 14] = [
            (b"{\"id\": \"a\", \"text\": \"cut of", BadJson, None, "cut off"),
            (b"[1, 2]", NotAnObject, None, "an array"),
            (b"7", NotAnObject, None, "a number"),
            (b"{id: 1}", BadJson, None, "column 2"),
            (b"{\"id\": \"a\"} {}", BadJson, None, "one object a line"),
            (b"{\"id\": \"a\", \"body\": \"x\"}", MissingField, Some("text"), "`id`, `body`"),
            (b"{\"text\": \"x\"}", MissingField, Some("id"), "`text`"),
            (b"{\"id\": \"a\", \"text\": 3}", BadField, Some("text"), "a number"),
            (b"{\"id\": [1], \"text\": \"x\"}", BadField, Some("id"), "an array"),
            (b"{\"id\": \"a\", \"text\": \" \"}", EmptyText, Some("text"), "white space"),
            (b"{\"id\": 1, \"id\": 2, \"text\": \"x\"}", BadField, Some("id"), "twice"),
            (
                b"{\"id\": 1, \"text\": \"x\", \"m\": {\"k\": 1, \"k\": 1}}",
                BadField,
                Some("k"),
                "twice",
            ),
            (b"{\"id\": 1, \"text\": \"caf\xe9\"}", BadJson, None, "byte 22 of the line (byte 54 "),
            (b"{\"id\": 1, \"text\": \"\\ud83d!\"}", BadJson, None, "surrogate"),
        ];
        for (line, code, field, message) in cases {
            let good = b"{\"id\": \"good\", \"text\": \"words\"}".as_slice();
            let read = read(&[good, b"\n", line, b"\n\n", good].concat());
            let [Ok(_), Err(reject), Ok(_)] = read.as_slice() else { panic!("{read:?}") };
            let shown = String::from_utf8_lossy(line);
            assert_eq!((reject.code, reject.field.as_deref()), (code, field), "{shown}");
            assert!(reject.message.contains(message), "{shown}: {}", reject.message);
            let place = (reject.line, reject.byte_offset, reject.record);
            assert_eq!(place, (Some(2), Some(32), Some(2)), "{shown}");
            assert!(!reject.excerpt.is_empty());
        }
    }

    #[test]
    fn fields_beside_id_date_and_text_are_metadata_in_their_order() {
        let line =
            br#"{"z": 1, "id": 7, "date": "2024-10", "a": {"b": [null, 1.5, true]}, "text": "x"}"#;
        let documents = documents(read(line));
        assert_eq!(documents[0].id, "7");
        assert_eq!(documents[0].date.unwrap().to_string(), "2024-10");
        let metadata = serde_json::to_string(&documents[0].metadata).unwrap();
        assert_eq!(metadata, r#"{"z":1,"a":{"b":[null,1.5,true]}}"#);
    }

    #[test]
    fn a_text_comes_through_byte_for_byte() {
        let line =
            "{\"id\":\"a\",\"text\":\" \u{202e}x\\u0000\\ud83d\\ude00\\r\\n\u{200b}\u{1b}[1m \"}"
                .replace('\u{1b}', "\\u001b");
        let documents = documents(read(line.as_bytes()));
        assert_eq!(documents[0].text, " \u{202e}x\0😀\r\n\u{200b}\u{1b}[1m ");
    }

    #[test]
    fn byte_order_marks_are_read() {
        let text = "{\"id\": \"a\", \"text\": \"Häuser\"}\n{\"id\": \"b\", \"text\": \"x\"}\n";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let cases = [
            ("UTF-8", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
            ("UTF-16LE", [b"\xff\xfe".as_slice(), &utf16].concat()),
        ];
        for (charset, bytes) in cases {
            let documents = documents(read(&bytes));
            assert_eq!(documents.len(), 2);
            assert_eq!((documents[0].text.as_str(), documents[0].charset), ("Häuser", charset));
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_a_deep_stack() {
        for open in ["[", "{\"a\":"] {
            let line = format!("{{\"id\": \"a\", \"text\": \"x\", \"m\": {}", open.repeat(100_000));
            assert_eq!(codes(&read(line.as_bytes())), [RejectCode::BadJson]);
        }
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_and_the_rest_goes_on() {
        let mut options = options();
        options.max_record_bytes = 50;
        let line =
            |id: &str, n: usize| format!("{{\"id\":\"{id}\",\"text\":\"{}\"}}\n", "x".repeat(n));
        let text = [line("a", 5), line("b", 500_000), line("c", 25), line("d", 60)].concat();
        let read = read_all("in.jsonl", text.as_bytes(), &options);
        let [Ok(_), Err(long), Ok(third), Err(last)] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((long.code, long.line), (RejectCode::TooLarge, Some(2)));
        assert_eq!((third.id.as_str(), third.place.line), ("c", Some(3)));
        assert_eq!(third.place.byte_offset, Some(26 + 500_021));
        assert_eq!((last.code, last.line), (RejectCode::TooLarge, Some(4)));
    }

    #[test]
    fn a_lone_surrogate_is_told_from_a_pair() {
        let cases = [
            (r"\ud83d\ude00", false),
            (r"\ud83d", true),
            (r"\ude00", true),
            (r"\ud83d \ude00", true),
            (r"\\ud83d", false),
            (r"\ud83d\n", true),
            (r"\u00e9\ud83d\ude00\n", false),
        ];
        for (text, expected) in cases {
            assert_eq!(lone_surrogate(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn corrupt_lines_are_counted_one_by_one(
            n in 1usize..20,
            faults in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        ) {
            let line = |i| format!("{{\"id\": {i}, \"text\": \"so it is\", \"date\": \"2021\"}}\n");
            let mut bytes: Vec<u8> = (0..n).map(line).collect::<String>().into_bytes();
            for (at, byte) in faults {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let n_lines = bytes.split(|&b| b == b'\n').filter(|l| !l.trim_ascii().is_empty()).count();
            prop_assert_eq!(read(&bytes).len(), n_lines);
        }
    }
}
