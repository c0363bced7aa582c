//! CSV and TSV: one record a row. [`Rows`] splits, [`fields_of`] reads one row.
//!
//! The split is our own, and the reading of a row is the csv crate's. A quote that is opened and
//! never closed makes a lenient reader swallow the rows after it, to the end of the file or to
//! the next quote, and count them as one. Here such a row is rejected, and reading goes on with
//! the line after its first: no row is lost behind a fault of another, memory is bounded by the
//! limit of a record, and no byte is looked at more than twice.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::document::{Place, Reject, RejectCode};

use super::charset::{self, Utf8Stream};
use super::decode::{self, Bytes, Compression};
use super::{Body, IngestOptions, RawRecord, reject};

/// How much of a file tells its charset, in bytes.
const HEAD: usize = 1 << 20;

/// How much is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// The columns of a table and what divides them.
#[derive(Debug)]
pub(super) struct Header {
    delimiter: u8,
    names: Vec<String>,
}

/// The rows of a file, as records.
pub(super) struct Rows {
    rows: Splitter,
    header: Arc<Header>,
    charset: &'static str,
    compression: Compression,
}

impl Rows {
    /// Reads the header of a file; `delimiter` is found from it where it is not given.
    pub fn open(
        file: Arc<str>,
        reader: Bytes,
        compression: Compression,
        delimiter: Option<u8>,
        options: &IngestOptions,
    ) -> Result<Rows, Reject> {
        let Utf8Stream { reader, charset, n_skipped } = charset::utf8_stream(reader, HEAD, true);
        let place = Place { file, line: Some(1), byte_offset: Some(n_skipped), record: 1 };
        let mut rows = Splitter::new(reader, place, options.max_record_bytes);
        let (place, line) = match rows.next_row(delimiter) {
            Row::Whole(place, line) => (place, line),
            Row::Bad(place, fault, line) => return Err(fault.reject(&place, &line)),
            Row::Broken(place, partial, error) => {
                return Err(decode::broken(&place, compression, &error, &partial));
            }
            Row::End => {
                let message = "the file is empty; its first row must name the columns";
                return Err(reject::file(&rows.next.file, RejectCode::EmptyText, message));
            }
        };
        rows.next.record = 1;
        let header = Header::read(&line, delimiter, &place, options)?;
        Ok(Rows { rows, header: Arc::new(header), charset, compression })
    }
}

impl Iterator for Rows {
    type Item = Result<RawRecord, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.rows.next_row(Some(self.header.delimiter)) {
            Row::Whole(place, row) => {
                let body = Body::CsvRow(row, Arc::clone(&self.header));
                Ok(RawRecord { place, body, charset: self.charset })
            }
            Row::Bad(place, fault, line) => Err(fault.reject(&place, &line)),
            Row::Broken(place, partial, error) => {
                Err(decode::broken(&place, self.compression, &error, &partial))
            }
            Row::End => return None,
        })
    }
}

impl Header {
    /// Reads the header's names and checks that the columns we need are among them.
    fn read(
        line: &[u8],
        delimiter: Option<u8>,
        place: &Place,
        options: &IngestOptions,
    ) -> Result<Header, Reject> {
        let fault = |code, field, message: String| Reject {
            record: None,
            ..reject::record(place, code, field, message, line)
        };
        let header = match delimiter {
            Some(delimiter) => Header::split(line, delimiter),
            None => Header::sniffed(line, &options.text_field),
        };
        let header = header.map_err(|reason| fault(RejectCode::BadCsv, None, reason))?;
        if let Some(name) = header.repeated() {
            let message = format!("two columns are named `{name}`; rename one");
            return Err(fault(RejectCode::BadField, Some(name), message));
        }
        let needed = [(&options.text_field, "--text-field"), (&options.id_field, "--id-field")];
        for (field, flag) in needed {
            if !header.names.contains(field) {
                let present = reject::names(header.names.iter().map(String::as_str));
                let message = format!(
                    "the table has no column `{field}`; its columns are {present}: name the right \
                     one with {flag}"
                );
                return Err(fault(RejectCode::MissingField, Some(field), message));
            }
        }
        Ok(header)
    }

    fn split(line: &[u8], delimiter: u8) -> Result<Header, String> {
        let cells = cells(line, delimiter)?;
        let name = |(i, cell): (usize, String)| match cell.trim() {
            "" => format!("column_{}", i + 1),
            name => name.to_owned(),
        };
        Ok(Header { delimiter, names: cells.into_iter().enumerate().map(name).collect() })
    }

    /// The delimiter under which the text's column shows, else the one with the most columns.
    fn sniffed(line: &[u8], text_field: &str) -> Result<Header, String> {
        let headers = [b'\t', b';', b','].map(|delimiter| Header::split(line, delimiter));
        let headers = headers.into_iter().collect::<Result<Vec<_>, _>>()?;
        let rank = |header: &Header| {
            (header.names.iter().any(|name| name == text_field), header.names.len())
        };
        Ok(headers.into_iter().max_by_key(rank).expect("three headers"))
    }

    fn repeated(&self) -> Option<&str> {
        let mut seen = rustc_hash::FxHashSet::default();
        self.names.iter().map(String::as_str).find(|name| !seen.insert(*name))
    }
}

/// The fields of one row by the names of their columns; empty cells are left out.
pub(super) fn fields_of(
    row: &[u8],
    header: &Header,
    needed: [&str; 2],
    place: &Place,
) -> Result<Map<String, Value>, Reject> {
    let fault = |message: String| reject::record(place, RejectCode::BadCsv, None, message, row);
    let cells = cells(row, header.delimiter).map_err(fault)?;
    if cells.len() != header.names.len() {
        return Err(fault(format!(
            "the row has {} fields and the header has {}; quote the fields that hold a delimiter, \
             a quote or a line break",
            cells.len(),
            header.names.len()
        )));
    }
    let named = header.names.iter().cloned().zip(cells);
    let filled = named.filter(|(name, cell)| !cell.is_empty() || needed.contains(&name.as_str()));
    Ok(filled.map(|(name, cell)| (name, Value::String(cell))).collect())
}

/// The cells of one row, without their quotes.
fn cells(row: &[u8], delimiter: u8) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(row).map_err(|error| {
        let at = error.valid_up_to();
        format!("not UTF-8 at byte {at} of the row, unlike the start of the file; save it as UTF-8")
    })?;
    // A lone carriage return is text here, and not the end of a row.
    let text = text.trim_end_matches(['\r', '\n']);
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .terminator(::csv::Terminator::Any(b'\n'))
        .buffer_capacity(8 << 10)
        .from_reader(text.as_bytes());
    let mut cells = ::csv::StringRecord::new();
    reader.read_record(&mut cells).map_err(|error| error.to_string())?;
    Ok(cells.iter().map(str::to_owned).collect())
}

/// What stands next in a table.
enum Row {
    Whole(Place, Vec<u8>),
    /// The first line of a row that cannot be read; the next row is read from the line after it.
    Bad(Place, Fault, Vec<u8>),
    Broken(Place, Vec<u8>, io::Error),
    End,
}

/// Why the end of a row cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// A quote is open at the end of the file, or for as long as a record may be.
    Unclosed,
    /// Text follows a closing quote.
    AfterQuote,
    /// One line is longer than a record may be.
    TooLong(u64),
}

impl Fault {
    fn reject(self, place: &Place, line: &[u8]) -> Reject {
        let (code, message) = match self {
            Fault::Unclosed => (
                RejectCode::BadCsv,
                "a quote is opened in this row and never closed (or not within the limit of a \
                 record); close it, and write \"\" for a quote inside a quoted field"
                    .to_owned(),
            ),
            Fault::AfterQuote => (
                RejectCode::BadCsv,
                "text follows a closing quote, so where this row ends is not certain; close the \
                 quote at the field's end, and write \"\" for a quote inside a quoted field"
                    .to_owned(),
            ),
            Fault::TooLong(limit) => (
                RejectCode::TooLarge,
                format!(
                    "the row is longer than {limit} bytes; split it, or allow more with \
                     --max-record-bytes"
                ),
            ),
        };
        reject::record(place, code, None, message, line)
    }
}

/// Divides a table into rows, with bounded memory.
struct Splitter {
    reader: Bytes,
    /// Bytes read and not yet handed out: those from `start`.
    buffer: Vec<u8>,
    start: usize,
    /// Why no more bytes come: the end, or an error that is still to be told.
    ended: bool,
    error: Option<io::Error>,
    max_bytes: u64,
    /// The place of the row that is read next.
    next: Place,
}

/// Where a reader of CSV stands within a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote in a quoted field: it is closed, or the quote is doubled.
    QuoteSeen,
}

/// What a scan of the buffer found; lengths are in bytes from the row's start.
enum Scan {
    /// The row, with its line break.
    Row(usize),
    /// Text after a closing quote.
    AfterQuote,
    /// No end so far.
    Open(State),
}

impl Splitter {
    fn new(reader: Bytes, next: Place, max_bytes: u64) -> Self {
        let buffer = Vec::new();
        Splitter { reader, buffer, start: 0, ended: false, error: None, max_bytes, next }
    }

    /// The next row that is not empty. Without a delimiter (in the header) each candidate is one.
    fn next_row(&mut self, delimiter: Option<u8>) -> Row {
        loop {
            let row = self.any_row(delimiter);
            match &row {
                Row::Whole(_, row) if row.trim_ascii().is_empty() => continue,
                Row::End => {}
                _ => self.next.record += 1,
            }
            return row;
        }
    }

    fn any_row(&mut self, delimiter: Option<u8>) -> Row {
        let mut n_scanned = 0;
        let mut state = State::FieldStart;
        loop {
            let open = &self.buffer[self.start + n_scanned..];
            match scan(open, state, delimiter) {
                Scan::Row(length) => return self.whole(n_scanned + length),
                Scan::AfterQuote => return self.first_line(Fault::AfterQuote),
                Scan::Open(now) => {
                    n_scanned += open.len();
                    state = now;
                }
            }
            if n_scanned as u64 > self.max_bytes {
                return self.over_limit();
            }
            if self.ended {
                return self.last_row(state);
            }
            self.fill();
        }
    }

    /// Reads one more chunk, after dropping what was handed out.
    fn fill(&mut self) {
        self.buffer.drain(..std::mem::take(&mut self.start));
        let chunk = self.reader.by_ref().take(CHUNK as u64).read_to_end(&mut self.buffer);
        self.ended = !matches!(chunk, Ok(CHUNK));
        self.error = chunk.err();
    }

    /// What is left when no more bytes come.
    fn last_row(&mut self, state: State) -> Row {
        let length = self.buffer.len() - self.start;
        match self.error.take() {
            Some(error) => {
                let place = self.next.clone();
                Row::Broken(place, self.hand_out(length), error)
            }
            None if state == State::Quoted => self.first_line(Fault::Unclosed),
            None if length == 0 => Row::End,
            None => self.whole(length),
        }
    }

    /// A row that is longer than the limit: one line of it, or a quote that was never closed.
    fn over_limit(&mut self) -> Row {
        if self.buffer[self.start..].contains(&b'\n') {
            return self.first_line(Fault::Unclosed);
        }
        let place = self.next.clone();
        let head = self.buffer[self.start..].iter().take(1000).copied().collect();
        let n_held = self.buffer.len() - self.start;
        (self.buffer, self.start) = (Vec::new(), 0);
        match self.reader.skip_until(b'\n') {
            Ok(n_skipped) => self.advance(1, n_held + n_skipped),
            Err(error) => (self.ended, self.error) = (true, Some(error)),
        }
        Row::Bad(place, Fault::TooLong(self.max_bytes), head)
    }

    fn whole(&mut self, length: usize) -> Row {
        let place = self.next.clone();
        let row = self.hand_out(length);
        match row.trim_ascii_end().len() as u64 > self.max_bytes {
            true => Row::Bad(place, Fault::TooLong(self.max_bytes), row),
            false => Row::Whole(place, row),
        }
    }

    /// Rejects the row's first line; the next row starts on the line after it.
    fn first_line(&mut self, fault: Fault) -> Row {
        let place = self.next.clone();
        let rest = &self.buffer[self.start..];
        let length = rest.iter().position(|&b| b == b'\n').map_or(rest.len(), |at| at + 1);
        Row::Bad(place, fault, self.hand_out(length))
    }

    fn hand_out(&mut self, length: usize) -> Vec<u8> {
        let row = self.buffer[self.start..self.start + length].to_vec();
        self.start += length;
        self.advance(row.iter().filter(|&&b| b == b'\n').count(), length);
        row
    }

    fn advance(&mut self, n_lines: usize, n_bytes: usize) {
        self.next.line = self.next.line.map(|line| line + n_lines as u64);
        self.next.byte_offset = self.next.byte_offset.map(|offset| offset + n_bytes as u64);
    }
}

/// Looks for the end of a row from `state` on.
fn scan(bytes: &[u8], mut state: State, delimiter: Option<u8>) -> Scan {
    let divides = |byte| delimiter.map_or(matches!(byte, b',' | b';' | b'\t'), |d| d == byte);
    for (i, &byte) in bytes.iter().enumerate() {
        state = match (state, byte) {
            (State::Quoted, b'"') => State::QuoteSeen,
            (State::Quoted, _) => State::Quoted,
            (State::QuoteSeen, b'"') => State::Quoted,
            (_, b'\n') => return Scan::Row(i + 1),
            (_, byte) if divides(byte) => State::FieldStart,
            (State::QuoteSeen, b' ' | b'\r' | b'\t') => State::QuoteSeen,
            (State::QuoteSeen, _) => return Scan::AfterQuote,
            (State::FieldStart, b'"') => State::Quoted,
            (_, _) => State::Plain,
        };
    }
    Scan::Open(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::tests::{codes, documents, options, read_all};
    use proptest::prelude::*;

    type Read = crate::ingest::tests::Read;

    fn read(table: &str) -> Read {
        read_all("in.csv", table.as_bytes(), &options())
    }

    /// The id and text of each document, and the code of each reject.
    fn outline(read: &Read) -> Vec<String> {
        let line = |record: &Result<crate::document::Document, Reject>| match record {
            Ok(document) => format!("{}={}", document.id, document.text),
            Err(reject) => format!("{:?}@{}", reject.code, reject.line.unwrap_or(0)),
        };
        read.iter().map(line).collect()
    }

    #[test]
    fn tables_of_every_make_are_read() {
        let cases = [
            ("comma", "id,text\na,one\nb,two\n"),
            ("semicolon, mark, CRLF", "\u{feff}id;text\r\na;one\r\n\r\nb;two\r\n"),
            ("tab", "id\ttext\na\tone\nb\ttwo"),
            ("quotes", "\"id\",\"text\"\n\"a\",\"one\"\n\"b\" ,\"two\"\n"),
            ("a wider delimiter in the header's names", "id;text;\"x,y,z\"\na;one;1\nb;two;2\n"),
        ];
        for (make, table) in cases {
            let outline = outline(&read(table));
            assert_eq!(outline.join(" ").replace("b =", "b="), "a=one b=two", "{make}");
        }
    }

    #[test]
    fn quoted_fields_hold_line_breaks_quotes_and_delimiters() {
        let table = "id,text,n\na,\"one, \"\"two\"\"\r\n\r\nthree\",1\nb,5\" pipe\rx,2\n";
        let documents = documents(read(table));
        assert_eq!(documents[0].text, "one, \"two\"\r\n\r\nthree");
        assert_eq!(documents[1].text, "5\" pipe\rx");
        assert_eq!(documents[1].place.line, Some(5));
        assert_eq!(documents[1].place.record, 2);
        assert_eq!(documents[1].place.byte_offset, Some(table.find("\nb").unwrap() as u64 + 1));
    }

    #[test]
    fn other_columns_are_metadata_and_empty_cells_are_absent() {
        let documents = documents(read(",id,text,date,country,note\n0,a,one,2024-03,SG,\n"));
        let metadata = serde_json::to_string(&documents[0].metadata).unwrap();
        assert_eq!(metadata, r#"{"column_1":"0","country":"SG"}"#);
        assert_eq!(documents[0].date.unwrap().to_string(), "2024-03");
    }

    #[test]
    fn a_bad_row_is_rejected_alone() {
        let cases = [
            ("ragged", "a,one\nb\nc,three,3\nd,four\n", "a=one BadCsv@3 BadCsv@4 d=four"),
            ("unclosed at the end", "a,one\nb,\"two\nc,three\n", "a=one BadCsv@3 c=three"),
            (
                "unclosed till a later quote",
                "a,\"one\nb,\"two\"\nc,three\n",
                "BadCsv@2 b=two c=three",
            ),
            ("text after a quote", "a,\"one\" more\nb,two\n", "BadCsv@2 b=two"),
            ("empty text", "a,\nb,two\n", "EmptyText@2 b=two"),
            ("empty id", ",one\nb,two\n", "BadField@2 b=two"),
        ];
        for (fault, rows, expected) in cases {
            assert_eq!(outline(&read(&format!("id,text\n{rows}"))).join(" "), expected, "{fault}");
        }
    }

    #[test]
    fn a_table_without_its_columns_is_rejected_once() {
        let cases = [
            ("id,body\na,one\nb,two\n", RejectCode::MissingField, "`id`, `body`"),
            ("id,text,id\na,one,b\n", RejectCode::BadField, "`id`"),
            ("", RejectCode::EmptyText, "name the columns"),
            ("\"id,text\na,one\n", RejectCode::BadCsv, "quote"),
        ];
        for (table, code, message) in cases {
            let read = read(table);
            assert_eq!(codes(&read), [code], "{table}");
            assert!(read[0].as_ref().unwrap_err().message.contains(message), "{read:?}");
        }
    }

    #[test]
    fn rows_over_the_limit_are_rejected_in_bounded_memory() {
        let mut options = options();
        options.max_record_bytes = 100;
        let long = "x".repeat(300_000);
        let lines = "y\n".repeat(60);
        let table =
            format!("id,text\na,{long}\nb,two\nc,\"{lines}\"\nd,\"{long}\nstill\"\ne,five\n");
        let read = read_all("in.csv", table.as_bytes(), &options);
        let outline = outline(&read);
        assert_eq!(outline[..3], ["TooLarge@2", "b=two", "TooLarge@4"]);
        assert_eq!(outline.last().unwrap(), "e=five");
    }

    #[test]
    fn charsets_are_told_from_the_start_of_the_table() {
        let table = "id;text\na;Die Außenminister erörterten Öl- und Gaslieferungen für Europa\n";
        let latin = encoding_rs::WINDOWS_1252.encode(table).0.into_owned();
        let utf16: Vec<u8> = "\u{feff}"
            .chars()
            .chain(table.chars())
            .collect::<String>()
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (bytes, charset) in [(latin, "windows-1252"), (utf16, "UTF-16LE")] {
            let documents = documents(read_all("in.csv", &bytes, &options()));
            assert_eq!(documents[0].charset, charset);
            assert!(documents[0].text.starts_with("Die Außenminister erörterten Öl-"));
        }
    }

    #[test]
    fn a_million_open_quotes_cost_what_the_file_costs() {
        let mut table = String::from("id,text\n");
        for i in 0..50_000 {
            table.push_str(&format!("{i},\"\"\"\n"));
        }
        let start = std::time::Instant::now();
        assert!(!read(&table).is_empty());
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }

    proptest! {
        #[test]
        fn what_a_csv_writer_wrote_is_read_back(
            rows in proptest::collection::vec(("[a-z]{1,8}", "[ -~\n\r;é]{0,40}[a-z]"), 1..20),
        ) {
            let mut writer = ::csv::Writer::from_writer(Vec::new());
            writer.write_record(["id", "text"]).unwrap();
            for (id, text) in &rows {
                writer.write_record([id, text]).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let documents = documents(read_all("in.csv", &bytes, &options()));
            let read: Vec<_> = documents.into_iter().map(|d| (d.id, d.text)).collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn no_line_is_lost_and_nothing_panics(
            body in proptest::collection::vec(
                prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'a'), any::<u8>()], 0..300),
        ) {
            let table = [b"id,text\n".as_slice(), &body].concat();
            let place = Place { file: "t".into(), line: Some(1), byte_offset: Some(0), record: 1 };
            let reader = Box::new(io::Cursor::new(table.clone()));
            let mut rows = Splitter::new(reader, place, 1 << 20);
            let mut seen = Vec::new();
            loop {
                match rows.any_row(Some(b',')) {
                    Row::Whole(place, row) | Row::Bad(place, _, row) => {
                        prop_assert_eq!(place.byte_offset, Some(seen.len() as u64));
                        seen.extend(row);
                    }
                    Row::Broken(..) => prop_assert!(false, "nothing breaks here"),
                    Row::End => break,
                }
            }
            prop_assert_eq!(seen, table);
        }
    }
}
