//! Which files there are, and reading them one after the other.
//!
//! Files are sorted by their name relative to the input they were found under, so that neither
//! the order of the arguments nor that of a folder on disk changes a result. A file that a folder
//! holds and we do not read is listed as [`Skipped`], never dropped without a word.

use std::fs::{self, File};
use std::io::{self, Read};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arrow_array::RecordBatch;
use tempfile::NamedTempFile;

use crate::document::Reject;
use crate::error::{Error, Result};

use super::decode::{self, Bytes, Compression, Opened};
use super::expand::Found;
use super::text::{self, Markup};
use super::{IngestOptions, RawRecord, csv, jsonl, parquet, reject, table};

/// The name of standard input.
pub(super) const STDIN: &str = "-";

/// The files of a corpus, in their order.
#[derive(Debug)]
pub struct Inputs {
    files: Arc<[InputFile]>,
    refused: Vec<Reject>,
    skipped: Vec<Skipped>,
}

/// One file of the input.
#[derive(Debug)]
pub struct InputFile {
    name: Arc<str>,
    source: Source,
    format: Format,
    compression: Compression,
    fingerprint: OnceLock<Fingerprint>,
}

#[derive(Debug)]
enum Source {
    Path(PathBuf),
    Stdin(Spool),
    Table(Vec<Arc<RecordBatch>>),
}

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Plain text or Markdown: one document.
    Text,
    /// A page: one document.
    Html,
    /// One JSON object a line.
    Jsonl,
    /// A table whose delimiter is a comma, a semicolon or a tab.
    Csv,
    /// A table whose delimiter is a tab.
    Tsv,
    /// A Parquet file.
    Parquet,
}

/// A file's length and content, as it lies on disk (packed, if it is).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Length in bytes.
    pub n_bytes: u64,
    /// BLAKE3 hash, 64 hexadecimal digits.
    pub blake3: String,
}

/// Something in a folder that is not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Its name, relative to the input.
    pub name: String,
    /// Why.
    pub why: Why,
}

/// Why something in a folder is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// No format that we read has this ending.
    UnknownFormat,
    /// The name starts with a dot.
    Hidden,
    /// It is a link; a link is followed only where it is the input itself.
    Link,
    /// It is the output folder of an earlier run, whose files are no documents.
    Output,
}

impl Inputs {
    /// Finds the files that the arguments mean: files, folders (with all below them), globs, and
    /// `-` for JSON Lines on standard input. A file that is meant twice counts once.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] where an argument means nothing that can be read, with what to do instead;
    /// [`Error::Io`] where the system refuses to look.
    pub fn expand(inputs: &[String]) -> Result<Inputs> {
        let found = Found::in_inputs(inputs)?;
        Ok(Inputs { files: found.files.into(), refused: found.refused, skipped: found.skipped })
    }

    /// Files that were read before, each under the name that it had then, with where it lies.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] or [`Error::Io`] where one is not there, or of a format that is not read.
    pub fn again(files: Vec<(String, PathBuf)>) -> Result<Inputs> {
        let found = Found::of_names(files)?;
        Ok(Inputs { files: found.files.into(), refused: found.refused, skipped: found.skipped })
    }

    /// A table in memory, under a name of its own. Its arrays are shared, not copied.
    pub fn of_table(name: &str, batches: Vec<RecordBatch>) -> Inputs {
        let files = [InputFile::table(name, batches)].into();
        Inputs { files, refused: Vec::new(), skipped: Vec::new() }
    }

    /// The files, in the order in which they are read.
    pub fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// What folders hold and we do not read.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// All records, file by file; what a folder could not give comes first, as rejects. May be
    /// called again: standard input is kept in a temporary file on first use.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where standard input cannot be kept.
    pub fn read(&self, options: &IngestOptions) -> Result<Records> {
        for file in self.files.iter() {
            if let Source::Stdin(spool) = &file.source {
                spool.path()?;
            }
        }
        Ok(self.records(options))
    }

    /// All records, once: standard input is read as it comes, and not kept.
    pub fn read_once(&self, options: &IngestOptions) -> Records {
        self.records(options)
    }

    fn records(&self, options: &IngestOptions) -> Records {
        Records {
            refused: self.refused.clone().into_iter(),
            files: Arc::clone(&self.files),
            n_opened: 0,
            current: Box::new(iter::empty()),
            options: options.clone(),
        }
    }
}

impl InputFile {
    pub(super) fn new(
        name: &str,
        path: PathBuf,
        format: Format,
        compression: Compression,
    ) -> InputFile {
        let (name, source) = (Arc::from(name), Source::Path(path));
        InputFile { name, source, format, compression, fingerprint: OnceLock::new() }
    }

    pub(super) fn stdin() -> InputFile {
        InputFile {
            name: Arc::from(STDIN),
            source: Source::Stdin(Spool::default()),
            format: Format::Jsonl,
            compression: Compression::None,
            fingerprint: OnceLock::new(),
        }
    }

    fn table(name: &str, batches: Vec<RecordBatch>) -> InputFile {
        InputFile {
            name: Arc::from(name),
            source: Source::Table(batches.into_iter().map(Arc::new).collect()),
            format: Format::Parquet,
            compression: Compression::None,
            fingerprint: OnceLock::new(),
        }
    }

    /// The name relative to the input that the file was found under, `/` between its parts.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the file is laid out.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Where the file lies (for standard input, where it is kept).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where standard input cannot be kept, [`Error::Usage`] for a table in memory.
    pub fn path(&self) -> Result<PathBuf> {
        match &self.source {
            Source::Path(path) => Ok(path.clone()),
            Source::Stdin(spool) => spool.path(),
            Source::Table(_) => Err(Error::usage(
                format!("{}: a table in memory lies nowhere", self.name),
                "write it to a file first, and give that",
            )),
        }
    }

    /// Length on disk in bytes, for a measure of progress; `None` where that is not known.
    pub fn size(&self) -> Option<u64> {
        match &self.source {
            Source::Path(path) => fs::metadata(path).ok().map(|found| found.len()),
            Source::Stdin(_) | Source::Table(_) => None,
        }
    }

    /// Length and hash of the file; read through on first use, then remembered.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file cannot be read.
    pub fn fingerprint(&self) -> Result<&Fingerprint> {
        if let Some(known) = self.fingerprint.get() {
            return Ok(known);
        }
        let path = self.path()?;
        let read = fingerprint(&path).map_err(|error| Error::io(&path, "read", error))?;
        Ok(self.fingerprint.get_or_init(|| read))
    }

    fn records(&self, options: &IngestOptions) -> std::result::Result<FileRecords, Reject> {
        let file = Arc::clone(&self.name);
        if let (Format::Parquet, Source::Path(path)) = (self.format, &self.source) {
            return Ok(Box::new(parquet::Rows::open(file, path, options)?));
        }
        if let Source::Table(batches) = &self.source {
            return Ok(Box::new(table::Rows::open(file, batches, options)?));
        }
        let reader = self.open().map_err(|error| reject::unreadable(&file, &error))?;
        let opened = Opened { file, reader, compression: self.compression };
        let limit = options.max_record_bytes;
        Ok(match self.format {
            Format::Html => Box::new(iter::once(text::read(opened, Markup::Html, limit))),
            Format::Csv => Box::new(csv::Rows::open(opened, None, options)?),
            Format::Tsv => Box::new(csv::Rows::open(opened, Some(b'\t'), options)?),
            Format::Jsonl => Box::new(jsonl::JsonLines::new(opened, limit)),
            Format::Text | Format::Parquet => {
                Box::new(iter::once(text::read(opened, Markup::Plain, limit)))
            }
        })
    }

    fn open(&self) -> io::Result<Bytes> {
        match &self.source {
            Source::Path(path) => decode::open(path, self.compression),
            Source::Stdin(spool) => spool.open(),
            Source::Table(_) => Err(io::Error::other("a table in memory has no bytes")),
        }
    }
}

fn fingerprint(path: &Path) -> io::Result<Fingerprint> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(Fingerprint { n_bytes: hasher.count(), blake3: hasher.finalize().to_hex().to_string() })
}

/// Standard input: read as it comes, or, once a path is asked for, kept in a temporary file that
/// goes when this value does.
#[derive(Debug, Default)]
struct Spool(Mutex<Option<NamedTempFile>>);

impl Spool {
    fn path(&self) -> Result<PathBuf> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            let spooled = spool(io::stdin().lock());
            *kept = Some(spooled.map_err(|error| Error::io(STDIN, "keep a copy", error))?);
        }
        Ok(kept.as_ref().map(|file| file.path().to_path_buf()).unwrap_or_default())
    }

    fn open(&self) -> io::Result<Bytes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.as_ref() {
            Some(file) => decode::open(file.path(), Compression::None),
            None => decode::unpack(io::stdin(), Compression::None),
        }
    }
}

fn spool(mut source: impl Read) -> io::Result<NamedTempFile> {
    let mut kept = NamedTempFile::new()?;
    io::copy(&mut source, &mut kept)?;
    Ok(kept)
}

/// The records of one file.
type FileRecords = Box<dyn Iterator<Item = std::result::Result<RawRecord, Reject>> + Send>;

/// The records of all files, in order: sorted by file name, then as they stand in the file.
pub struct Records {
    refused: std::vec::IntoIter<Reject>,
    files: Arc<[InputFile]>,
    n_opened: usize,
    current: FileRecords,
    options: IngestOptions,
}

impl Iterator for Records {
    type Item = std::result::Result<RawRecord, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(reject) = self.refused.next() {
            return Some(Err(reject));
        }
        loop {
            if let Some(record) = self.current.next() {
                return Some(record);
            }
            let file = self.files.get(self.n_opened)?;
            self.n_opened += 1;
            match file.records(&self.options) {
                Ok(records) => self.current = records,
                Err(reject) => return Some(Err(reject)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::document::RejectCode;
    use crate::ingest::parse;

    const LINES: &[u8] = b"{\"id\": 1, \"text\": \"x\"}\n{\"id\": 2, \"text\": \"y\"}\n";

    fn outline(records: Records, options: &IngestOptions) -> Vec<String> {
        let read = records.map(|raw| raw.and_then(|raw| parse(raw, options)));
        read.map(|document| match document {
            Ok(document) => format!("{}#{}", document.place.file, document.id),
            Err(reject) => format!("{}!{:?}", reject.file, reject.code),
        })
        .collect()
    }

    fn inputs(folder: &tempfile::TempDir) -> Inputs {
        Inputs::expand(&[folder.path().to_str().unwrap().to_owned()]).unwrap()
    }

    #[test]
    fn records_come_file_by_file_and_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b.jsonl"), LINES).unwrap();
        fs::write(folder.path().join("c.txt"), "words").unwrap();
        fs::write(folder.path().join("a.csv"), "id,text\n7,z\n").unwrap();
        let inputs = inputs(&folder);
        let options = IngestOptions::default();
        for _ in 0..2 {
            let records = inputs.read(&options).unwrap();
            let expected = ["a.csv#7", "b.jsonl#1", "b.jsonl#2", "c.txt#c.txt"];
            assert_eq!(outline(records, &options), expected);
        }
    }

    #[test]
    fn a_file_that_goes_before_it_is_read_is_rejected_and_the_rest_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.txt", "b.parquet", "c.txt"] {
            fs::write(folder.path().join(name), "words").unwrap();
        }
        let inputs = inputs(&folder);
        fs::remove_file(folder.path().join("a.txt")).unwrap();
        fs::remove_file(folder.path().join("b.parquet")).unwrap();
        let options = IngestOptions::default();
        let outline = outline(inputs.read(&options).unwrap(), &options);
        assert_eq!(outline, ["a.txt!UnreadableFile", "b.parquet!UnreadableFile", "c.txt#c.txt"]);
    }

    #[test]
    fn a_packed_file_that_ends_early_keeps_what_came_before() {
        let line = |i: u32| {
            format!("{{\"id\": {i}, \"text\": \"{:x}\"}}\n", i.wrapping_mul(2_654_435_761))
        };
        let lines: String = (0..20_000).map(line).collect();
        let rows: String = (0..20_000u32)
            .map(|i| format!("{i},\"x\n{:x}\"\n", i.wrapping_mul(2_654_435_761)))
            .collect();
        let table = format!("id,text\n{rows}");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(lines.as_bytes()).unwrap();
        let files = [
            ("a.jsonl.gz", gzip.finish().unwrap()),
            ("a.jsonl.zst", zstd::encode_all(lines.as_bytes(), 1).unwrap()),
            ("a.csv.zst", zstd::encode_all(table.as_bytes(), 1).unwrap()),
            ("a.txt.zst", zstd::encode_all(table.as_bytes(), 1).unwrap()),
        ];
        for (name, mut packed) in files {
            packed.truncate(packed.len() * 3 / 4);
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), packed).unwrap();
            let records: Vec<_> =
                inputs(&folder).read(&IngestOptions::default()).unwrap().collect();
            let (last, kept) = records.split_last().unwrap();
            assert_eq!(last.as_ref().unwrap_err().code, RejectCode::BadCompression, "{name}");
            assert!(kept.iter().all(|record| record.is_ok()), "{name}");
            assert!(kept.len() > 5000 || name == "a.txt.zst", "{name}: {}", kept.len());
        }
    }

    #[test]
    fn a_bomb_is_not_unpacked_beyond_the_limit() {
        let zeros = zstd::encode_all(std::io::repeat(b' ').take(300 << 20), 1).unwrap();
        for name in ["a.txt.zst", "a.jsonl.zst", "a.csv.zst"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), &zeros).unwrap();
            let options = IngestOptions { max_record_bytes: 1 << 20, ..Default::default() };
            let outline = outline(inputs(&folder).read(&options).unwrap(), &options);
            assert_eq!(outline, [format!("{name}!TooLarge")]);
        }
    }

    #[test]
    fn standard_input_is_kept_so_that_it_can_be_read_twice() {
        let kept = spool(LINES).unwrap();
        let file = InputFile {
            source: Source::Stdin(Spool(Mutex::new(Some(kept)))),
            ..InputFile::stdin()
        };
        let inputs = Inputs { files: [file].into(), refused: Vec::new(), skipped: Vec::new() };
        let options = IngestOptions::default();
        for _ in 0..2 {
            assert_eq!(outline(inputs.read(&options).unwrap(), &options), ["-#1", "-#2"]);
        }
        assert_eq!(inputs.files()[0].fingerprint().unwrap().n_bytes, LINES.len() as u64);
    }

    #[test]
    fn a_fingerprint_is_of_the_file_as_it_lies_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), "words").unwrap();
        let inputs = inputs(&folder);
        let found = inputs.files()[0].fingerprint().unwrap();
        assert_eq!(found.n_bytes, 5);
        assert_eq!(found.blake3, blake3::hash(b"words").to_hex().to_string());
    }

    /// Seconds that this thread has had a processor, which other work does not change.
    fn cpu_seconds() -> f64 {
        let spent = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        spent.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
    }

    /// The rates of reading on one processor, each the best of seven rounds.
    /// `cargo test --release --lib ingest::files -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn the_rate_of_reading_json_lines() {
        let shared = std::env::var("THEMELINE_SHARED").unwrap_or("../shared".to_owned());
        let path = format!("{shared}/corpora/ungdc-35-countries-1946-2024.jsonl.zst");
        if !Path::new(&path).exists() {
            return eprintln!("SKIPPED: no {path}");
        }
        let (options, inputs) = (IngestOptions::default(), Inputs::expand(&[path]).unwrap());
        let records = || inputs.read(&options).unwrap().map(|raw| raw.unwrap());
        let n_bytes: usize = records().map(|raw| raw.n_bytes()).sum();
        let report = |step: &str, work: &dyn Fn()| {
            let seconds = |_| {
                let start = cpu_seconds();
                work();
                cpu_seconds() - start
            };
            let best = (0..7).map(seconds).fold(f64::INFINITY, f64::min);
            println!("{step}: {:.0} MB/s of processor time", n_bytes as f64 / 1e6 / best);
        };
        report("unpack and split", &|| assert_eq!(records().count(), 2363));
        report("unpack, split, JSON, fields", &|| {
            for raw in records() {
                let super::super::Body::JsonLine(line) = &raw.body else { panic!("JSON Lines") };
                let object = jsonl::object(line, &raw.place).unwrap();
                super::super::Fields::of_record(object, "UTF-8", &options, &raw.place).unwrap();
            }
        });
        report("all, with date", &|| {
            records().for_each(|raw| drop(parse(raw, &options).unwrap()));
        });
    }
}
