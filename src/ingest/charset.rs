//! From bytes to text: UTF-8 first, then a byte order mark, a charset that the page declares, and
//! only then a guess from the bytes themselves.
//!
//! Nothing is replaced silently: bytes that the charset has no char for make the text no text.

use std::io::{self, BufRead, Cursor, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::decode::Bytes;

/// A byte that UTF-8 never has: it stands for a malformed sequence in a transcoded stream, so
/// that the record around it is found to be bad, and no other.
const NEVER_UTF8: u8 = 0xff;

/// A text and the WHATWG name of the charset that it was read in.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub text: String,
    pub charset: &'static str,
}

/// Decodes a whole file; `declared` is the charset that the file itself names, if it does.
/// A byte order mark is removed; nothing else is changed. `Err` says why the bytes are no text.
pub(crate) fn decode(
    bytes: Vec<u8>,
    declared: Option<&'static Encoding>,
) -> Result<Decoded, String> {
    let (text, encoding) = match Encoding::for_bom(&bytes) {
        Some((encoding, n_bom)) => (strict(encoding, bytes, n_bom)?, encoding),
        None => match utf16_by_its_zeros(&bytes) {
            Some(encoding) => (strict(encoding, bytes, 0)?, encoding),
            None => utf8_or_guess(bytes, declared)?,
        },
    };
    match control_share(&text) {
        share if share > 0.01 => Err(format!("{:.0} % of it are control characters", share * 100.)),
        _ => Ok(Decoded { text, charset: encoding.name() }),
    }
}

fn utf8_or_guess(
    bytes: Vec<u8>,
    declared: Option<&'static Encoding>,
) -> Result<(String, &'static Encoding), String> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, UTF_8)),
        Err(error) => {
            let bytes = error.into_bytes();
            let encoding = declared.filter(|&e| e != UTF_8).unwrap_or_else(|| guess(&bytes, true));
            Ok((strict(encoding, bytes, 0)?, encoding))
        }
    }
}

/// Decodes all of `bytes` but the first `n_bom`, or says which charset they do not fit.
fn strict(encoding: &'static Encoding, mut bytes: Vec<u8>, n_bom: usize) -> Result<String, String> {
    let text = if encoding == UTF_8 {
        bytes.drain(..n_bom);
        String::from_utf8(bytes).ok()
    } else {
        let decoded = encoding.decode_without_bom_handling_and_without_replacement(&bytes[n_bom..]);
        decoded.map(|text| text.into_owned())
    };
    text.ok_or_else(|| format!("it looks like {} but has bytes that are not", encoding.name()))
}

/// The charset that bytes outside UTF-8 most likely are in; `whole` where they are all there is.
fn guess(bytes: &[u8], whole: bool) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, whole);
    detector.guess(None, Utf8Detection::Deny)
}

/// UTF-16 without a mark: text of mostly Latin letters has a zero in every other byte.
fn utf16_by_its_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let pairs = bytes[..bytes.len().min(4096)].chunks_exact(2);
    let n_pairs = pairs.len();
    let (high, low) = pairs.fold((0, 0), |(high, low), pair| {
        (high + usize::from(pair[0] == 0), low + usize::from(pair[1] == 0))
    });
    match (high, low) {
        (0, low) if n_pairs > 1 && low * 2 > n_pairs => Some(UTF_16LE),
        (high, 0) if n_pairs > 1 && high * 2 > n_pairs => Some(UTF_16BE),
        _ => None,
    }
}

/// The part (0..1) of a text's bytes that belong to control chars which no text file uses.
fn control_share(text: &str) -> f64 {
    let bytes = text.as_bytes();
    let n_c0 = bytes.iter().filter(|&&b| b < 0x20 && !matches!(b, b'\t'..=b'\r' | 0x1b)).count();
    let is_c1 =
        |pair: &&[u8]| pair[0] == 0xc2 && (0x80..0xa0).contains(&pair[1]) && pair[1] != 0x85;
    let n_c1 = bytes.windows(2).filter(is_c1).count();
    (n_c0 + n_c1) as f64 / bytes.len().max(1) as f64
}

/// A stream that has been turned into UTF-8.
pub(crate) struct Utf8Stream {
    pub reader: Bytes,
    pub charset: &'static str,
    /// Bytes of a UTF-8 byte order mark that were taken off the front.
    pub n_skipped: u64,
}

/// Turns a stream into UTF-8 as its first `n_head` bytes demand: a byte order mark, or, with
/// `guessing`, a head that is not UTF-8. Sequences that are malformed come out as a byte that is
/// no UTF-8 either; byte offsets then count the UTF-8.
pub(crate) fn utf8_stream(mut reader: Bytes, n_head: usize, guessing: bool) -> Utf8Stream {
    let mut head = Vec::new();
    let error = reader.by_ref().take(n_head as u64).read_to_end(&mut head).err();
    let whole = error.is_none() && head.len() < n_head;
    let (encoding, n_bom) = match Encoding::for_bom(&head) {
        Some(found) => found,
        None if guessing && !is_utf8_head(&head) => (guess(&head, whole), 0),
        None => (UTF_8, 0),
    };
    let mut head = Cursor::new(head);
    head.set_position(n_bom as u64);
    let rest = head.chain(Failure(error)).chain(reader);
    let (reader, n_skipped): (Bytes, usize) = match encoding == UTF_8 {
        true => (Box::new(rest), n_bom),
        false => (Box::new(Transcoder::new(rest, encoding)), 0),
    };
    Utf8Stream { reader, charset: encoding.name(), n_skipped: n_skipped as u64 }
}

/// Whether bytes are UTF-8, but for a char that their end may cut.
fn is_utf8_head(head: &[u8]) -> bool {
    std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// An error that is due when the bytes before it have been read.
struct Failure(Option<io::Error>);

impl Read for Failure {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

impl BufRead for Failure {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.take().map_or(Ok(&[]), Err)
    }

    fn consume(&mut self, _: usize) {}
}

/// Reads a stream of another charset as UTF-8.
struct Transcoder<R> {
    source: R,
    decoder: Decoder,
    ended: bool,
    /// What was decoded, and how much of it was handed out.
    decoded: Vec<u8>,
    n_taken: usize,
}

impl<R: BufRead> Transcoder<R> {
    fn new(source: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_without_bom_handling();
        Transcoder { source, decoder, ended: false, decoded: Vec::new(), n_taken: 0 }
    }

    /// Decodes what the source holds ready.
    fn decode_more(&mut self) -> io::Result<()> {
        let bytes = self.source.fill_buf()?;
        self.decoded.resize(64 << 10, 0);
        let last = bytes.is_empty();
        let (result, n_read, n_written) =
            self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.decoded, last);
        self.source.consume(n_read);
        self.decoded.truncate(n_written);
        self.ended = last && result == DecoderResult::InputEmpty;
        if matches!(result, DecoderResult::Malformed(..)) {
            self.decoded.push(NEVER_UTF8);
        }
        Ok(())
    }
}

impl<R: BufRead> BufRead for Transcoder<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.n_taken == self.decoded.len() && !self.ended {
            self.n_taken = 0;
            self.decoded.clear();
            self.decode_more()?;
        }
        Ok(&self.decoded[self.n_taken..])
    }

    fn consume(&mut self, n: usize) {
        self.n_taken += n;
    }
}

impl<R: BufRead> Read for Transcoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(into)?;
        self.consume(n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{SHIFT_JIS, WINDOWS_1252};
    use proptest::prelude::*;

    use super::*;

    fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    fn marked(mark: &[u8], bytes: Vec<u8>) -> Vec<u8> {
        [mark, &bytes].concat()
    }

    #[test]
    fn texts_of_several_charsets_are_read_and_named() {
        let latin = "Le communiqué a été publié à l’issue de la réunion — à 18 h.";
        let japanese = "両首脳は経済協力について意見を交換しました。今後も対話を続けます。";
        let cases = [
            (latin.as_bytes().to_vec(), latin, "UTF-8"),
            (marked(b"\xef\xbb\xbf", latin.into()), latin, "UTF-8"),
            (marked(b"\xff\xfe", utf16(latin, u16::to_le_bytes)), latin, "UTF-16LE"),
            (marked(b"\xfe\xff", utf16(latin, u16::to_be_bytes)), latin, "UTF-16BE"),
            (utf16(latin, u16::to_le_bytes), latin, "UTF-16LE"),
            (utf16(latin, u16::to_be_bytes), latin, "UTF-16BE"),
            (WINDOWS_1252.encode(latin).0.into_owned(), latin, "windows-1252"),
            (SHIFT_JIS.encode(japanese).0.into_owned(), japanese, "Shift_JIS"),
            (Vec::new(), "", "UTF-8"),
        ];
        for (bytes, text, charset) in cases {
            let decoded = decode(bytes, None).unwrap();
            assert_eq!((decoded.text.as_str(), decoded.charset), (text, charset));
        }
    }

    #[test]
    fn a_declared_charset_wins_over_a_guess_but_not_over_utf8() {
        let text = "Cena wzrosła o 5 zł, co potwierdził rząd.";
        let encoding = encoding_rs::ISO_8859_2;
        let bytes = encoding.encode(text).0.into_owned();
        assert_eq!(decode(bytes, Some(encoding)).unwrap().text, text);
        assert_eq!(decode(text.into(), Some(encoding)).unwrap().charset, "UTF-8");
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_and_a_stray_control_is_not() {
        let random: Vec<u8> =
            (0..4000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for bytes in [random, vec![0; 500], marked(b"\xff\xfe", vec![0, 0xd8, 0x41, 0])] {
            decode(bytes, None).unwrap_err();
        }
        let stray = format!("{}\0 and \u{1b}[0m on", "words ".repeat(40));
        assert_eq!(decode(stray.clone().into_bytes(), None).unwrap().text, stray);
    }

    #[test]
    fn a_malformed_sequence_in_a_stream_is_visible_as_bad_utf8() {
        let mut bytes = marked(b"\xff\xfe", utf16("ab", u16::to_le_bytes));
        bytes.extend([0x00, 0xd8, b'c', 0]);
        let mut text = Vec::new();
        let stream = utf8_stream(Box::new(Cursor::new(bytes)), 4, false);
        assert_eq!(stream.charset, "UTF-16LE");
        { stream.reader }.read_to_end(&mut text).unwrap();
        assert_eq!(text, b"ab\xffc");
    }

    proptest! {
        #[test]
        fn a_transcoded_stream_has_the_same_text(text in "\\PC{0,300}", n_head in 4usize..40) {
            let bytes = marked(b"\xff\xfe", utf16(&text, u16::to_le_bytes));
            let stream = utf8_stream(Box::new(Cursor::new(bytes)), n_head, true);
            let mut read = Vec::new();
            { stream.reader }.read_to_end(&mut read).unwrap();
            prop_assert_eq!(String::from_utf8(read).unwrap(), text);
        }

        #[test]
        fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(bytes, None);
        }
    }
}
