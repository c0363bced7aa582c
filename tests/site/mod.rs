//! A corpus of our own and the folders that it is scored into: what the tests of runs that are cut short share.

#![allow(dead_code, reason = "not every test does all of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Where a run keeps what is done until the whole is done.
pub const KEPT: &str = ".resume";

/// A corpus of some batches, each document with words of its own, and where it is scored.
pub struct Site {
    pub root: TempDir,
}

impl Site {
    /// A corpus of so many documents, of a length that takes some time.
    pub fn new(n_documents: usize) -> Self {
        Site::of((0..n_documents).map(document))
    }

    /// A corpus of so many documents that are quickly done: of one sentence each, from two years.
    pub fn of_short(n_documents: usize) -> Self {
        Site::of((0..n_documents).map(short_document))
    }

    fn of(documents: impl Iterator<Item = Value>) -> Self {
        let site = Site { root: TempDir::new().unwrap() };
        site.add("corpus.jsonl", documents);
        site
    }

    /// Writes another corpus.
    pub fn add(&self, name: &str, documents: impl Iterator<Item = Value>) {
        let lines: Vec<String> = documents.map(|document| document.to_string()).collect();
        fs::write(self.path(name), lines.join("\n")).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// `themeline run` into `out`, from within the site, with relative paths.
    pub fn run(&self, out: &str) -> Command {
        let mut command = self.themeline(&["run", "corpus.jsonl", "--out", out]);
        command.args(["--threads", "2"]);
        command
    }

    /// `themeline` with these arguments, from within the site.
    pub fn themeline(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_themeline"));
        command.current_dir(self.root.path()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// The bytes of the finished files of `out`, but for `run.json`, which tells of times.
    pub fn files(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let read = |path: PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (path.is_file() && name != "run.json").then(|| (name, fs::read(path).unwrap()))
        };
        let entries = fs::read_dir(self.path(out)).unwrap();
        entries.filter_map(|entry| read(entry.unwrap().path())).collect()
    }

    /// The names of all that is in `out`.
    pub fn names(&self, out: &str) -> BTreeSet<OsString> {
        fs::read_dir(self.path(out)).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    pub fn report(&self, out: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(out).join("run.json")).unwrap()).unwrap()
    }

    /// What `run.json` tells that is no time.
    pub fn told(&self, out: &str) -> Value {
        let mut report = self.report(out);
        let fields = report.as_object_mut().unwrap();
        for field in ["timings", "scoring", "n_threads"] {
            fields.remove(field);
        }
        report
    }

    /// The pieces that are kept in `out`.
    pub fn pieces(&self, out: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(out).join(KEPT)).into_iter().flatten();
        let mut pieces: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        pieces.retain(|piece| !piece.ends_with("command.json"));
        pieces.sort();
        pieces
    }

    /// Whether `out` has a `run.json`; then all files that it names must be as it says.
    pub fn is_trusted(&self, out: &str) -> bool {
        let folder = self.path(out);
        if !folder.join("run.json").exists() {
            return false;
        }
        for file in self.report(out)["files"].as_array().unwrap() {
            let name = file["name"].as_str().unwrap();
            let bytes = fs::read(folder.join(name)).unwrap_or_default();
            assert_eq!(file["bytes"], bytes.len(), "{name} of {out}");
            assert_eq!(file["blake3"], blake3::hash(&bytes).to_hex().as_str(), "{name} of {out}");
        }
        true
    }

    /// The files that `whole` has are in `out` too, and the same.
    pub fn assert_files(&self, out: &str, whole: &str) {
        for (name, bytes) in self.files(whole) {
            assert!(fs::read(self.path(out).join(&name)).unwrap() == bytes, "{name} is another");
        }
    }

    /// `out` holds what `whole` holds, and nothing is left of what was cut short.
    pub fn assert_whole(&self, out: &str, whole: &str) {
        assert!(self.is_trusted(out), "{out} is unfinished");
        assert_same(&self.files(out), &self.files(whole));
        assert_eq!(self.names(out), self.names(whole), "something is left");
        assert_eq!(self.told(out), self.told(whole));
    }
}

/// Ports, schools and treaties, numbered, so that no two texts are copies.
fn document(i: usize) -> Value {
    let subjects = ["ports and railways", "schools and museums", "tariffs and exports", "patrols"];
    let sentence = |j: usize| {
        let about = subjects[(i / 3 + j) % subjects.len()];
        format!("In session {i} item {j} the ministers of group {} spoke of {about}.", i * 31 + j)
    };
    let text: Vec<String> = (0..12).map(sentence).collect();
    json!({"id": format!("d{i:05}"), "date": format!("{}", 2000 + i % 20), "text": text.join(" ")})
}

/// Trade in this and that, numbered likewise.
pub fn short_document(i: usize) -> Value {
    let subject = ["ports", "schools", "tariffs", "patrols"][i / 2 % 4];
    let text = format!("Trade item {i} of {subject} grew.");
    json!({"id": format!("s{i:05}"), "date": format!("{}", 2000 + i % 2), "text": text})
}

pub fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

pub fn assert_same(files: &BTreeMap<String, Vec<u8>>, expected: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(files.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in files {
        assert!(*bytes == expected[name], "{name} is another");
    }
}

/// Runs it to its end, which must be a good one; what it said.
pub fn finish(mut command: Command) -> String {
    let done = command.output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{said}");
    said
}

/// Copies the folder `from` with all in it to `to`, which is not there.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        match from.is_dir() {
            true => copy_folder(&from, &to),
            false => drop(fs::copy(&from, &to).unwrap()),
        }
    }
}
