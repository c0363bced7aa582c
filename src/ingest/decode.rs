//! Opening a file: what its bytes are packed in, and what it means when reading them fails.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use crate::document::{Place, Reject, RejectCode};

use super::reject;

/// A stream of bytes, as it comes out of the file.
pub(crate) type Bytes = Box<dyn BufRead + Send>;

const BUFFER: usize = 256 << 10;

/// What a file's bytes are packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Nothing.
    None,
    /// One or more gzip members.
    Gzip,
    /// One or more Zstandard frames.
    Zstd,
}

/// A file that has been opened.
pub(crate) struct Opened {
    /// Its name, for the place of its records.
    pub file: Arc<str>,
    /// Its bytes, unpacked.
    pub reader: Bytes,
    /// What they were packed in.
    pub compression: Compression,
}

/// Opens a file for reading, unpacked.
pub(crate) fn open(path: &Path, compression: Compression) -> io::Result<Bytes> {
    unpack(File::open(path)?, compression)
}

/// Unpacks a stream; memory is bounded by the decoder's window (zstd: 128 MiB at most).
pub(crate) fn unpack(
    packed: impl Read + Send + 'static,
    compression: Compression,
) -> io::Result<Bytes> {
    let packed = BufReader::with_capacity(BUFFER, packed);
    Ok(match compression {
        Compression::None => Box::new(packed),
        Compression::Gzip => buffered(flate2::bufread::MultiGzDecoder::new(packed)),
        Compression::Zstd => buffered(zstd::stream::read::Decoder::with_buffer(packed)?),
    })
}

fn buffered(unpacked: impl Read + Send + 'static) -> Bytes {
    Box::new(BufReader::with_capacity(BUFFER, unpacked))
}

/// The reject for a stream that failed at `place`: the compressed stream is bad, or the system
/// could not read. `partial` is what had been read of the record.
pub(crate) fn broken(
    place: &Place,
    compression: Compression,
    error: &io::Error,
    partial: &[u8],
) -> Reject {
    if compression == Compression::None || error.raw_os_error().is_some() {
        let unreadable = reject::unreadable(&place.file, error);
        return Reject { line: place.line, byte_offset: place.byte_offset, ..unreadable };
    }
    let message = format!(
        "the compressed file is corrupt or ends early ({error}); records before this place were \
         read, the rest is lost: fetch or pack the file again"
    );
    reject::record(place, RejectCode::BadCompression, None, message, partial)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(packed: Vec<u8>, compression: Compression) -> (Vec<u8>, Option<io::Error>) {
        let mut bytes = Vec::new();
        let stream = unpack(io::Cursor::new(packed), compression);
        let error = stream.and_then(|mut stream| stream.read_to_end(&mut bytes)).err();
        (bytes, error)
    }

    #[test]
    fn members_and_frames_are_read_one_after_the_other() {
        let gz = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(unpacked(gz, Compression::Gzip).0, b"one two");
        let frame = |text: &[u8]| zstd::encode_all(text, 1).unwrap();
        let zst = [frame(b"one "), frame(b"two")].concat();
        assert_eq!(unpacked(zst, Compression::Zstd).0, b"one two");
    }

    #[test]
    fn a_stream_that_ends_early_is_an_error_and_not_an_end() {
        let text: Vec<u8> = (0..200_000u32).flat_map(|i| i.to_le_bytes()).collect();
        let cases = [
            (gzip(&text), Compression::Gzip),
            (zstd::encode_all(text.as_slice(), 1).unwrap(), Compression::Zstd),
        ];
        for (mut packed, compression) in cases {
            packed.truncate(packed.len() / 2);
            let (bytes, error) = unpacked(packed, compression);
            let error = error.expect("cut in the middle");
            assert!(!bytes.is_empty() && text.starts_with(&bytes));
            assert_eq!(error.raw_os_error(), None);
        }
    }
}
