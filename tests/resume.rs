//! Runs that are cut short: killed, interrupted, with damaged pieces. Started again they end in the bytes that
//! they would have had, and do again only what is missing.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use predicates::prelude::*;
use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;

const KEPT: &str = ".resume";
/// Six batches.
const N_DOCUMENTS: usize = 1500;

/// A corpus of some batches, each document with words of its own, and where it is scored.
struct Site {
    root: TempDir,
}

impl Site {
    fn new(n_documents: usize) -> Self {
        let site = Site { root: TempDir::new().unwrap() };
        let lines: Vec<String> = (0..n_documents).map(|i| document(i).to_string()).collect();
        fs::write(site.path("corpus.jsonl"), lines.join("\n")).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// `themeline run` into `out`, from within the site, with relative paths.
    fn run(&self, out: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_themeline"));
        command.current_dir(self.root.path()).args(["run", "corpus.jsonl", "--out", out]);
        command.args(["--threads", "2"]).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// The bytes of the finished files of `out`, but for `run.json`, which tells of times.
    fn files(&self, out: &str) -> BTreeMap<String, Vec<u8>> {
        let read = |path: PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name != "run.json").then(|| (name, fs::read(path).unwrap()))
        };
        let entries = fs::read_dir(self.path(out)).unwrap();
        entries.filter_map(|entry| read(entry.unwrap().path())).collect()
    }

    fn report(&self, out: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(out).join("run.json")).unwrap()).unwrap()
    }

    /// The pieces that are kept in `out`.
    fn pieces(&self, out: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(out).join(KEPT)).into_iter().flatten();
        let mut pieces: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        pieces.retain(|piece| !piece.ends_with("command.json"));
        pieces.sort();
        pieces
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

/// Waits until `n` pieces are kept in `out`, or the child has ended.
fn wait_for_pieces(site: &Site, out: &str, n: usize, child: &mut Child) {
    let start = Instant::now();
    while site.pieces(out).len() < n && child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(120), "nothing is kept");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

fn assert_same(files: &BTreeMap<String, Vec<u8>>, expected: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(files.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in files {
        assert!(*bytes == expected[name], "{name} is another");
    }
}

fn finish(mut command: Command) -> String {
    let done = command.output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{said}");
    said
}

#[test]
fn killed_at_any_moment_a_run_ends_in_the_same_bytes_and_nothing_is_done_twice() {
    let site = Site::new(N_DOCUMENTS);
    finish(site.run("whole"));
    let whole = site.files("whole");
    assert!(!site.path("whole").join(KEPT).exists());
    for (round, n_pieces) in [1, 3, 5].into_iter().enumerate() {
        let out = format!("killed-{round}");
        let mut child = site.run(&out).spawn().unwrap();
        wait_for_pieces(&site, &out, n_pieces, &mut child);
        signal(&child, "KILL");
        child.wait().unwrap();
        assert!(!site.path(&out).join("run.json").exists(), "it was to be killed before its end");
        let said = finish(site.run(&out));
        // The first piece is the themes, and the last may be torn.
        let is_told = said.contains("had been scored before");
        assert!(is_told || n_pieces < 3, "{said}");
        assert_same(&site.files(&out), &whole);
        assert_eq!(site.report(&out)["counts"], site.report("whole")["counts"]);
        assert!(!site.path(&out).join(KEPT).exists());
    }
}

#[test]
fn a_signal_ends_a_run_soon_and_resume_goes_on_from_another_folder() {
    let site = Site::new(N_DOCUMENTS);
    finish(site.run("whole"));
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = site.run(name).spawn().unwrap();
        wait_for_pieces(&site, name, 3, &mut child);
        let asked = Instant::now();
        signal(&child, name);
        let ended = child.wait_with_output().unwrap();
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{said}");
        assert!(said.contains(&format!("stopped by SIG{name}")), "{said}");
        assert!(said.contains(&format!("`themeline resume {name}`")), "{said}");
        let names = fs::read_dir(site.path(name)).unwrap().map(|e| e.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), [KEPT], "nothing unfinished stays");

        let resume = assert_cmd::Command::cargo_bin("themeline")
            .unwrap()
            .arg("resume")
            .arg(site.path(name))
            .assert();
        resume.success().stderr(contains("had been scored before"));
        assert_same(&site.files(name), &site.files("whole"));
    }
}

#[test]
fn a_damaged_piece_is_done_again_and_told_and_the_others_are_not() {
    let site = Site::new(N_DOCUMENTS);
    finish(site.run("whole"));
    let mut child = site.run("out").spawn().unwrap();
    wait_for_pieces(&site, "out", 4, &mut child);
    signal(&child, "KILL");
    child.wait().unwrap();
    let pieces = site.pieces("out");
    let damaged = &pieces[pieces.len() / 2];
    let mut bytes = fs::read(damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(damaged, &bytes).unwrap();
    fs::write(&pieces[0], b"torn").unwrap();

    let said = finish(site.run("out"));
    assert!(said.contains("pieces of the interrupted run were torn or damaged"), "{said}");
    assert_same(&site.files("out"), &site.files("whole"));
}

#[test]
fn what_follows_from_other_options_is_not_taken_up() {
    let site = Site::new(N_DOCUMENTS);
    let mut other = site.run("whole");
    other.args(["--max-evidence", "1", "--seed", "7"]);
    finish(other);
    let mut child = site.run("out").spawn().unwrap();
    wait_for_pieces(&site, "out", 4, &mut child);
    signal(&child, "KILL");
    child.wait().unwrap();
    let mut other = site.run("out");
    other.args(["--max-evidence", "1", "--seed", "7"]);
    let said = finish(other);
    assert!(!said.contains("cut short"), "{said}");
    assert_same(&site.files("out"), &site.files("whole"));
}

#[test]
fn there_must_be_something_to_go_on_with() {
    let site = Site::new(20);
    let resume = |dir: &Path| {
        let mut command = assert_cmd::Command::cargo_bin("themeline").unwrap();
        command.arg("resume").arg(dir).assert()
    };
    finish(site.run("done"));
    resume(&site.path("done")).success().stderr(contains("finished; nothing is to be done"));
    let step = contains("give the folder that `run` or `score` was writing to");
    resume(&site.path("nowhere")).code(2).stderr(contains("no run was cut short").and(step));
    let kept = site.path("done").join(KEPT);
    fs::create_dir(&kept).unwrap();
    for text in ["{", r#"{"folder": "/", "arguments": ["themeline", "resume", "x"]}"#] {
        fs::write(kept.join("command.json"), text).unwrap();
        resume(&site.path("done")).code(2).stderr(contains("again"));
    }
}
