//! Dividing a table into rows.
//!
//! The division is our own. A quote that is opened and never closed makes a lenient reader swallow
//! the rows after it, to the end of the file or to the next quote, and count them as one. Here such
//! a row is rejected, and reading goes on with the line after its first: no row is lost behind a
//! fault of another, memory is bounded by the limit of a record, and no byte is looked at more than
//! twice.

use std::io::{self, BufRead, Read};

use crate::document::{Place, Reject, RejectCode};
use crate::ingest::decode::Bytes;
use crate::ingest::reject;

/// How much is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// What stands next in a table.
pub(super) enum Row {
    Whole(Place, Vec<u8>),
    /// The first line of a row that cannot be read; the next row is read from the line after it.
    Bad(Place, Fault, Vec<u8>),
    Broken(Place, Vec<u8>, io::Error),
    End,
}

/// Why the end of a row cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A quote is open at the end of the file, or for as long as a record may be.
    Unclosed,
    /// Text follows a closing quote.
    AfterQuote,
    /// One line is longer than a record may be.
    TooLong(u64),
}

impl Fault {
    pub fn reject(self, place: &Place, line: &[u8]) -> Reject {
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
pub(super) struct Splitter {
    reader: Bytes,
    /// Bytes read and not yet handed out: those from `start`.
    buffer: Vec<u8>,
    start: usize,
    /// Why no more bytes come: the end, or an error that is still to be told.
    ended: bool,
    error: Option<io::Error>,
    max_bytes: u64,
    /// The place of the row that is read next.
    pub next: Place,
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
    pub fn new(reader: Bytes, next: Place, max_bytes: u64) -> Self {
        let buffer = Vec::new();
        Splitter { reader, buffer, start: 0, ended: false, error: None, max_bytes, next }
    }

    /// The next row that is not empty. Without a delimiter (in the header) each candidate is one.
    pub fn next_row(&mut self, delimiter: Option<u8>) -> Row {
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
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
