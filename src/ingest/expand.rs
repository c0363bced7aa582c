//! From the arguments of the command line to files: folders walked, globs matched, formats told.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::{DirEntry, WalkDir};

use crate::document::{Reject, RejectCode};
use crate::error::{Error, Result};

use super::charset;
use super::decode::{self, Compression};
use super::files::{Format, InputFile, STDIN, Skipped, Why};
use super::reject;

const FORMATS: &str =
    "txt, md, html, jsonl, csv, tsv and parquet, all but parquet also as .gz or .zst";

/// What the arguments mean, sorted by name.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub files: Vec<InputFile>,
    pub refused: Vec<Reject>,
    pub skipped: Vec<Skipped>,
    /// Files before they are sorted, and where each really lies.
    paths: Vec<(String, PathBuf, Kind)>,
    has_stdin: bool,
}

type Kind = (Format, Compression);

/// Which files of a folder are meant.
enum Wanted {
    /// Those of a format that we read.
    Known,
    /// Those that match, and all below folders that match.
    Matching(GlobMatcher),
}

impl Found {
    /// Finds the files of all arguments.
    pub fn in_inputs(inputs: &[String]) -> Result<Found> {
        let mut found = Found::default();
        if inputs.is_empty() {
            let hint = "give a file, a folder, a glob in quotes, or - for standard input";
            return Err(Error::usage("no input was given", hint));
        }
        for input in inputs {
            found.add(input)?;
        }
        found.settle(inputs.len() > 1);
        Ok(found)
    }

    /// Files whose names are known.
    pub fn of_names(files: Vec<(String, PathBuf)>) -> Result<Found> {
        let mut found = Found::default();
        for (name, path) in files {
            if !path.is_file() {
                return Err(missing(&path));
            }
            let kind = kind_by_name(&path).map_or_else(|| named_kind(&path), Ok)?;
            found.paths.push((name, path, kind));
        }
        found.settle(false);
        Ok(found)
    }

    /// Sorts what was found, and keeps each file once.
    fn settle(&mut self, may_repeat: bool) {
        let mut paths = std::mem::take(&mut self.paths);
        paths.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        let mut seen = BTreeSet::new();
        paths.retain(|(_, path, _)| {
            !may_repeat || seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone()))
        });
        let stdin = self.has_stdin.then(InputFile::stdin);
        let files = paths
            .into_iter()
            .map(|(name, path, (format, packed))| InputFile::new(&name, path, format, packed));
        self.files = stdin.into_iter().chain(files).collect();
        self.refused.sort_by(|a, b| a.file.cmp(&b.file));
        self.refused.dedup();
        self.skipped.sort();
        self.skipped.dedup();
    }

    fn add(&mut self, input: &str) -> Result<()> {
        let path = Path::new(input);
        match fs::metadata(path) {
            _ if input == STDIN => {
                self.has_stdin = true;
                Ok(())
            }
            Ok(found) if found.is_dir() => self.add_folder(path),
            Ok(found) if found.is_file() => self.add_file(path),
            Ok(_) => Err(Error::usage(
                format!("{input}: not a regular file"),
                "pipe it in, and give - as the input",
            )),
            Err(error) if is_missing(&error) && is_glob(input) => self.add_glob(input),
            Err(error) if is_missing(&error) => Err(missing(path)),
            Err(error) => Err(Error::io(path, "read", error)),
        }
    }

    fn add_file(&mut self, path: &Path) -> Result<()> {
        let kind = match kind_by_name(path) {
            Some(kind) => kind,
            None => named_kind(path)?,
        };
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        self.paths.push((name, path.to_path_buf(), kind));
        Ok(())
    }

    fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let (n_before, n_skipped) = (self.paths.len(), self.skipped.len());
        self.walk(folder, folder, &Wanted::Known, usize::MAX);
        if self.paths.len() > n_before {
            return Ok(());
        }
        let rest = match (self.refused.first(), self.skipped.get(n_skipped)) {
            (Some(refused), _) => format!(" (`{}`: {})", refused.file, refused.message),
            (None, Some(skipped)) => {
                let n = self.skipped.len() - n_skipped;
                format!(" ({n} of other kinds, such as `{}`)", reject::visible(&skipped.name))
            }
            (None, None) => String::new(),
        };
        Err(Error::usage(
            format!("{}: the folder holds no file that can be read{rest}", folder.display()),
            format!("themeline reads {FORMATS}"),
        ))
    }

    fn add_glob(&mut self, glob: &str) -> Result<()> {
        let (base, pattern) = split_glob(glob);
        let matcher = GlobBuilder::new(pattern).literal_separator(true).build();
        let matcher = matcher.map_err(|error| {
            Error::usage(error.to_string(), "a glob has *, ?, [...], {...} and **")
        })?;
        let depth = if pattern.contains("**") { usize::MAX } else { pattern.split('/').count() };
        let n_before = self.paths.len();
        let base = Path::new(base);
        if base.is_dir() {
            self.walk(base, base, &Wanted::Matching(matcher.compile_matcher()), depth);
        }
        if self.paths.len() > n_before {
            return Ok(());
        }
        Err(Error::usage(
            format!("{glob}: no file that can be read matches"),
            format!("themeline reads {FORMATS}; * stops at /, ** does not"),
        ))
    }

    /// Walks a folder; names are relative to `base`. Links are not followed.
    fn walk(&mut self, folder: &Path, base: &Path, wanted: &Wanted, depth: usize) {
        let mut entries = WalkDir::new(folder).min_depth(1).max_depth(depth).into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.refuse_folder(base, &error);
                    continue;
                }
            };
            let name = relative(entry.path(), base);
            let is_folder = entry.file_type().is_dir();
            if is_folder && is_output(entry.path()) {
                entries.skip_current_dir();
                self.skip(name, Why::Output);
                continue;
            }
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            let is_match = match wanted {
                Wanted::Known => true,
                Wanted::Matching(matcher) => matcher.is_match(&name),
            };
            if is_folder && (is_hidden || is_match && matches!(wanted, Wanted::Matching(_))) {
                entries.skip_current_dir();
            }
            match (is_hidden, is_folder, is_match) {
                (true, _, _) => self.skip(name, Why::Hidden),
                (_, true, true) if matches!(wanted, Wanted::Matching(_)) => {
                    self.walk(entry.path(), base, &Wanted::Known, usize::MAX);
                }
                (_, false, true) => self.entry(&entry, name, wanted),
                _ => {}
            }
        }
    }

    /// Takes in something in a folder that is no folder.
    fn entry(&mut self, entry: &DirEntry, name: String, wanted: &Wanted) {
        let path = entry.path();
        let kind = entry.file_type();
        if kind.is_symlink() {
            return self.skip(name, Why::Link);
        }
        if !kind.is_file() {
            let message = "not a regular file (a pipe, a socket or a device); leave it out";
            return self.refused.push(reject::file(&name, RejectCode::NotAFile, message));
        }
        let sniffed = || match wanted {
            Wanted::Known => None,
            Wanted::Matching(_) => named_kind(path).ok(),
        };
        match kind_by_name(path).or_else(sniffed) {
            Some(kind) => self.paths.push((name, path.to_path_buf(), kind)),
            None => self.skip(name, Why::UnknownFormat),
        }
    }

    fn skip(&mut self, name: String, why: Why) {
        self.skipped.push(Skipped { name, why });
    }

    fn refuse_folder(&mut self, base: &Path, error: &walkdir::Error) {
        let name = error.path().map_or_else(String::new, |path| relative(path, base));
        let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
        let message = format!("the folder cannot be read: {reason}; check its rights");
        self.refused.push(reject::file(&name, RejectCode::UnreadableFile, message));
    }
}

/// Whether a folder holds what an earlier run or export wrote.
fn is_output(folder: &Path) -> bool {
    let of_run = ["run.json", "documents.jsonl", "themes.json"];
    of_run.iter().all(|name| folder.join(name).is_file()) || is_export(folder)
}

/// The name of the package in the `datapackage.json` of `themeline export`: what is exported is no input.
pub const EXPORT_NAME: &str = "themeline-export";

fn is_export(folder: &Path) -> bool {
    let package = std::fs::read(folder.join("datapackage.json")).ok();
    let package: Option<serde_json::Value> = package.and_then(|p| serde_json::from_slice(&p).ok());
    package.is_some_and(|package| package["name"] == EXPORT_NAME)
}

/// The name of a path below `base`, with `/` between its parts.
fn relative(path: &Path, base: &Path) -> String {
    let below = path.strip_prefix(base).unwrap_or(path);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// Format and compression as the file's ending says.
fn kind_by_name(path: &Path) -> Option<Kind> {
    let (ending, packed) = ending(path)?;
    let format = match ending.as_str() {
        "txt" | "text" | "md" | "markdown" => Format::Text,
        "html" | "htm" | "xhtml" => Format::Html,
        "jsonl" | "ndjson" => Format::Jsonl,
        "csv" => Format::Csv,
        "tsv" => Format::Tsv,
        "parquet" if packed == Compression::None => Format::Parquet,
        _ => return None,
    };
    Some((format, packed))
}

/// A file's ending in small letters, without the one of its compression.
fn ending(path: &Path) -> Option<(String, Compression)> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let (name, packed) = match name.rsplit_once('.') {
        Some((name, "gz")) => (name, Compression::Gzip),
        Some((name, "zst")) => (name, Compression::Zstd),
        _ => (name.as_str(), Compression::None),
    };
    Some((name.rsplit_once('.').map_or("", |(_, ending)| ending).to_owned(), packed))
}

/// The format of a file that the user named, by its content.
fn named_kind(path: &Path) -> Result<Kind> {
    let (ending, packed) = ending(path).unwrap_or((String::new(), Compression::None));
    let head = head(path, packed).map_err(|error| Error::io(path, "read", error))?;
    let unreadable = |message: &str, hint: &str| {
        Err(Error::usage(format!("{}: {message}", path.display()), hint))
    };
    if head.starts_with(b"PAR1") && packed == Compression::None {
        return Ok((Format::Parquet, packed));
    }
    let first_line = head.split(|&b| b == b'\n').next().unwrap_or_default();
    if serde_json::from_slice::<serde_json::Map<_, _>>(first_line).is_ok() {
        return Ok((Format::Jsonl, packed));
    }
    if ending == "json" {
        let hint = "make it JSON Lines, one object a line, for example with: jq -c '.[]'";
        return unreadable("not JSON Lines", hint);
    }
    let is_text = |bytes: &[u8]| charset::decode(bytes.to_vec(), None).is_ok();
    let whole_lines = head.iter().rposition(|&b| b == b'\n').unwrap_or(0);
    if is_text(&head) || is_text(&head[..whole_lines]) && whole_lines > 0 {
        return Ok((Format::Text, packed));
    }
    unreadable(
        "not a text, and of no format that can be read",
        &format!("themeline reads {FORMATS}; convert the file to one of them"),
    )
}

fn head(path: &Path, packed: Compression) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    decode::open(path, packed)?.take(8 << 10).read_to_end(&mut head)?;
    Ok(head)
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn is_glob(input: &str) -> bool {
    input.contains(['*', '?', '[', '{'])
}

/// The folder that a glob starts from, and the rest of it.
fn split_glob(glob: &str) -> (&str, &str) {
    let first = glob.find(['*', '?', '[', '{']).unwrap_or(glob.len());
    match glob[..first].rfind('/') {
        Some(0) => ("/", &glob[1..]),
        Some(at) => (&glob[..at], &glob[at + 1..]),
        None => (".", glob),
    }
}

/// The error for a path that is not there, with the names nearby that are like it.
fn missing(path: &Path) -> Error {
    let near = near_names(path);
    let hint = match near.is_empty() {
        true => "check the path; a glob with no match is reported as such".to_owned(),
        false => format!("did you mean {}?", reject::names(near.iter().map(String::as_str))),
    };
    Error::usage(format!("{}: no such file or folder", path.display()), hint)
}

/// At most three names in the path's folder that are like its own, the likest first.
fn near_names(path: &Path) -> Vec<String> {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_lowercase()) else {
        return Vec::new();
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = fs::read_dir(parent.unwrap_or(Path::new("."))).into_iter().flatten().flatten();
    let mut near: Vec<(usize, String)> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .map(|other| (strsim::osa_distance(&name, &other.to_lowercase()), other))
        .filter(|(distance, _)| *distance <= 2.max(name.chars().count() / 3))
        .collect();
    near.sort();
    near.truncate(3);
    near.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;
    use crate::ingest::{Inputs, Why};

    const JSON: &str = "{\"id\": \"a\", \"text\": \"words\"}\n";

    fn folder(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn expand(folder: &TempDir, inputs: &[&str]) -> Result<Inputs> {
        let root = folder.path().to_str().unwrap();
        let inputs: Vec<String> = inputs.iter().map(|input| format!("{root}/{input}")).collect();
        Inputs::expand(&inputs)
    }

    fn names(inputs: &Inputs) -> Vec<&str> {
        inputs.files().iter().map(InputFile::name).collect()
    }

    /// Message and hint of a usage error.
    fn fault(result: Result<Inputs>) -> String {
        let error = result.map(|inputs| names(&inputs).join(" ")).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        format!("{error} | {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn a_folder_is_walked_in_order_and_what_is_not_read_is_listed() {
        let folder = folder(&[
            ("b.TXT", "x"),
            ("a/z.md", "x"),
            ("a/y.jsonl.gz", "x"),
            ("x.txt/inner.html", "x"),
            ("photo.jpg", "x"),
            ("notes", "x"),
            (".git/config.txt", "x"),
        ]);
        symlink(folder.path(), folder.path().join("loop")).unwrap();
        symlink("/etc/hostname", folder.path().join("out.txt")).unwrap();
        let inputs = expand(&folder, &[""]).unwrap();
        assert_eq!(names(&inputs), ["a/y.jsonl.gz", "a/z.md", "b.TXT", "x.txt/inner.html"]);
        let skipped: Vec<_> =
            inputs.skipped().iter().map(|skipped| (skipped.name.as_str(), skipped.why)).collect();
        let expected = [
            (".git", Why::Hidden),
            ("loop", Why::Link),
            ("notes", Why::UnknownFormat),
            ("out.txt", Why::Link),
            ("photo.jpg", Why::UnknownFormat),
        ];
        assert_eq!(skipped, expected);
    }

    #[test]
    fn the_output_of_an_earlier_run_is_not_read_as_documents() {
        let folder = folder(&[
            ("a.txt", "A text."),
            ("out/run.json", "{}"),
            ("out/documents.jsonl", "{}"),
            ("out/themes.json", "{}"),
            ("half/documents.jsonl", "{}"),
            ("csv/units.csv", "text"),
            ("csv/datapackage.json", r#"{"name": "themeline-export"}"#),
            ("own/units.csv", "text"),
            ("own/datapackage.json", r#"{"name": "my-corpus"}"#),
        ]);
        let inputs = expand(&folder, &["."]).unwrap();
        assert_eq!(names(&inputs), ["a.txt", "half/documents.jsonl", "own/units.csv"]);
        let outputs = inputs.skipped().iter().filter(|skipped| skipped.why == Why::Output);
        assert_eq!(outputs.map(|skipped| &*skipped.name).collect::<Vec<_>>(), ["csv", "out"]);
    }

    #[test]
    fn the_order_of_arguments_and_a_file_named_twice_change_nothing() {
        let folder = folder(&[("d/a.txt", "x"), ("d/b.txt", "x"), ("c.txt", "x")]);
        let forward = expand(&folder, &["d", "c.txt", "d/a.txt", "d/*.txt"]).unwrap();
        let backward = expand(&folder, &["d/*.txt", "d/a.txt", "c.txt", "d"]).unwrap();
        assert_eq!(names(&forward), ["a.txt", "b.txt", "c.txt"]);
        assert_eq!(names(&forward), names(&backward));
    }

    #[test]
    fn a_link_that_the_user_names_is_followed() {
        let folder = folder(&[("d/a.txt", "x")]);
        symlink(folder.path().join("d"), folder.path().join("to-folder")).unwrap();
        symlink(folder.path().join("d/a.txt"), folder.path().join("to-file.txt")).unwrap();
        assert_eq!(names(&expand(&folder, &["to-folder"]).unwrap()), ["a.txt"]);
        assert_eq!(names(&expand(&folder, &["to-file.txt"]).unwrap()), ["to-file.txt"]);
    }

    #[test]
    fn globs_match_files_and_the_files_of_folders() {
        let folder = folder(&[
            ("a.txt", "x"),
            ("b.md", "x"),
            ("n1", "words"),
            ("n2", "\0\u{1}\u{2}"),
            ("d/c.txt", "x"),
            ("d/e/f.txt", "x"),
            ("w[1].txt", "x"),
        ]);
        let cases: [(&str, &[&str]); 6] = [
            ("*.txt", &["a.txt", "w[1].txt"]),
            ("*/c.txt", &["d/c.txt"]),
            ("**/f.txt", &["d/e/f.txt"]),
            ("d*", &["d/c.txt", "d/e/f.txt"]),
            ("{b.md,n*}", &["b.md", "n1"]),
            ("w[1].txt", &["w[1].txt"]),
        ];
        for (glob, expected) in cases {
            assert_eq!(names(&expand(&folder, &[glob]).unwrap()), expected, "{glob}");
        }
    }

    #[test]
    fn a_named_file_of_an_unknown_ending_is_known_by_its_content() {
        let folder = folder(&[
            ("notes", "Plain words.\n"),
            ("log.dat", JSON),
            ("lines.json", JSON),
            ("array.json", "[{\n \"id\": 1}]"),
            ("image.jpg", "\0\u{1}\u{2}JFIF\0\0\0"),
            ("table.pq", "PAR1..."),
        ]);
        let format = |name| expand(&folder, &[name]).unwrap().files()[0].format();
        assert_eq!(format("notes"), Format::Text);
        assert_eq!(format("log.dat"), Format::Jsonl);
        assert_eq!(format("lines.json"), Format::Jsonl);
        assert_eq!(format("table.pq"), Format::Parquet);
        assert!(fault(expand(&folder, &["array.json"])).contains("jq -c"));
        assert!(fault(expand(&folder, &["image.jpg"])).contains("themeline reads txt"));
    }

    #[test]
    fn inputs_that_mean_nothing_say_what_to_do() {
        let folder = folder(&[("readouts.jsonl", JSON), ("pictures/a.jpg", "x")]);
        fs::create_dir(folder.path().join("empty")).unwrap();
        let cases = [
            ("readuots.jsonl", "no such file or folder | did you mean `readouts.jsonl`?"),
            ("quite-another-name", "no such file or folder | check the path"),
            ("readouts.jsonl/x", "no such file or folder"),
            ("empty", "the folder holds no file that can be read | themeline reads"),
            ("pictures", "(1 of other kinds, such as `a.jpg`)"),
            ("*.csv", "no file that can be read matches"),
            ("no/such/*.csv", "no file that can be read matches"),
            ("a[", "unclosed character class"),
        ];
        for (input, expected) in cases {
            let fault = fault(expand(&folder, &["readouts.jsonl", input]));
            assert!(fault.contains(expected), "{input}: {fault}");
        }
        assert!(fault(Inputs::expand(&[])).contains("no input"));
        assert!(fault(Inputs::expand(&["/dev/null".to_owned()])).contains("give -"));
    }

    #[test]
    fn a_pipe_in_a_folder_is_rejected_and_not_opened() {
        let folder = folder(&[("a.txt", "words here")]);
        let pipe = folder.path().join("pipe.txt");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let inputs = expand(&folder, &[""]).unwrap();
        let records: Vec<_> = inputs.read(&Default::default()).unwrap().collect();
        assert_eq!(records[0].as_ref().unwrap_err().code, RejectCode::NotAFile);
        assert_eq!(records[0].as_ref().unwrap_err().file, "pipe.txt");
        assert!(records[1].is_ok() && records.len() == 2);
        fault(expand(&folder, &["pipe.txt"]));
    }
}
