//! A file that is one document: plain text, Markdown, HTML.

use std::io::{self, Read};

use encoding_rs::Encoding;
use serde_json::{Map, Value};

use crate::document::{Place, Reject, RejectCode};

use super::decode::{self, Bytes, Opened};
use super::fields::{Fields, Given};
use super::{Body, RawRecord, charset, html, reject};

/// Whether a file's text is read as it stands or taken out of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markup {
    /// txt, md
    Plain,
    /// html
    Html,
}

/// Reads a whole file, of at most `max_bytes`, as one record.
pub(super) fn read(opened: Opened, markup: Markup, max_bytes: u64) -> Result<RawRecord, Reject> {
    let Opened { file, reader, compression } = opened;
    let place = Place { file, line: None, byte_offset: Some(0), record: 1 };
    let mut bytes = Vec::new();
    match read_up_to(reader, max_bytes, &mut bytes) {
        Err(error) => Err(decode::broken(&place, compression, &error, &bytes)),
        Ok(()) if bytes.len() as u64 > max_bytes => {
            let message = format!(
                "the file is longer than {max_bytes} bytes; split it, or allow more with \
                 --max-record-bytes"
            );
            Err(reject::record(&place, RejectCode::TooLarge, None, message, &bytes))
        }
        Ok(()) => Ok(RawRecord { place, body: Body::File(bytes, markup), charset: "UTF-8" }),
    }
}

fn read_up_to(reader: Bytes, max_bytes: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    reader.take(max_bytes.saturating_add(1)).read_to_end(bytes).map(|_| ())
}

/// The fields of a document that is a whole file.
pub(super) fn fields(bytes: Vec<u8>, markup: Markup, place: &Place) -> Result<Fields, Reject> {
    let head = bytes[..bytes.len().min(1024)].to_vec();
    let declared = match markup {
        Markup::Plain => None,
        Markup::Html => declared_charset(&head),
    };
    let decoded = charset::decode(bytes, declared).map_err(|reason| {
        let message = format!("not a text that can be read: {reason}; save it as UTF-8 text");
        reject::record(place, RejectCode::NotText, None, message, &head)
    })?;
    let plain = Fields {
        id: place.file.to_string(),
        text: decoded.text,
        date: None,
        charset: decoded.charset,
        metadata: Map::new(),
        is_whole_file: true,
    };
    match markup {
        Markup::Plain => Ok(plain),
        Markup::Html => main_text(plain, place, &head),
    }
}

/// Puts the main text of a page in the place of its source.
fn main_text(source: Fields, place: &Place, head: &[u8]) -> Result<Fields, Reject> {
    let no_text = |reason: String| reject::record(place, RejectCode::BadHtml, None, reason, head);
    let page = html::main_text(&source.text).map_err(no_text)?;
    let title = page.title.map(|title| ("title".to_owned(), Value::String(title)));
    let metadata = title.into_iter().collect();
    let date = page.date.map(Given::Page);
    Ok(Fields { text: page.text, date, metadata, ..source })
}

/// The charset that a page names in its first bytes: `<meta charset=...>` or its older form.
fn declared_charset(head: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, after) = head.split_once("charset")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start_matches([' ', '"', '\'']);
    let label = value.split(|c: char| !c.is_ascii_alphanumeric() && !"-_:.".contains(c)).next()?;
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::tests::{codes, documents, options, read_all};

    #[test]
    fn a_text_file_is_one_document_named_by_its_path() {
        let text = "Ministers met.\r\n\r\nThey agreed. \n";
        let documents = documents(read_all("a.txt", text.as_bytes(), &options()));
        assert_eq!((documents[0].id.as_str(), documents[0].text.as_str()), ("a.txt", text));
        assert_eq!(documents[0].charset, "UTF-8");
    }

    #[test]
    fn files_without_text_are_rejected() {
        let zeros = [0u8; 100];
        let cases: [(&str, &[u8], RejectCode); 4] = [
            ("a.txt", b"", RejectCode::EmptyText),
            ("a.md", b"\xef\xbb\xbf \n\t", RejectCode::EmptyText),
            ("a.txt", &zeros, RejectCode::NotText),
            ("a.html", b"<html><body></body></html>", RejectCode::BadHtml),
        ];
        for (name, bytes, code) in cases {
            assert_eq!(codes(&read_all(name, bytes, &options())), [code], "{name}");
        }
    }

    #[test]
    fn a_file_over_the_limit_is_rejected_and_one_at_the_limit_is_not() {
        let mut options = options();
        options.max_record_bytes = 10;
        assert_eq!(codes(&read_all("a.txt", b"0123456789", &options)), []);
        assert_eq!(codes(&read_all("a.txt", b"0123456789+", &options)), [RejectCode::TooLarge]);
    }

    #[test]
    fn pages_name_their_charset_in_two_ways() {
        let cases: [(&[u8], Option<&str>); 5] = [
            (b"<meta charset=\"ISO-8859-2\">", Some("ISO-8859-2")),
            (b"<META content='text/html; charset=koi8-r' >", Some("KOI8-R")),
            (b"<meta charset = windows-1251>", Some("windows-1251")),
            (b"<meta charset=\"no-such\">", None),
            (b"<p>charset</p>", None),
        ];
        for (head, expected) in cases {
            assert_eq!(declared_charset(head).map(Encoding::name), expected);
        }
    }
}
