//! CSV and TSV: one record a row. [`Rows`] splits (see [`split`]), [`fields_of`] reads one row with
//! the csv crate.

mod split;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::document::{Place, Reject, RejectCode};

use super::charset::{self, Utf8Stream};
use super::decode::{self, Compression, Opened};
use super::{Body, IngestOptions, RawRecord, fields, reject};
use split::{Row, Splitter};

/// How much of a file tells its charset, in bytes.
const HEAD: usize = 1 << 20;

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
        opened: Opened,
        delimiter: Option<u8>,
        options: &IngestOptions,
    ) -> Result<Rows, Reject> {
        let Opened { file, reader, compression } = opened;
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
        let header = match delimiter {
            Some(delimiter) => Header::split(line, delimiter),
            None => Header::sniffed(line, &options.text_field),
        };
        let header = header
            .map_err(|reason| reject::record(place, RejectCode::BadCsv, None, reason, line))?;
        let names: Vec<&str> = header.names.iter().map(String::as_str).collect();
        fields::check_columns(&place.file, &names, options)?;
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
    }
}
