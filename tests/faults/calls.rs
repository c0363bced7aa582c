//! Every call of a run on its output folder fails, or is the last before a SIGKILL: `fail_nth.c`, loaded before the C
//! library, counts them. And their order is one that a power cut cannot turn into a folder that looks whole.

#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rayon::prelude::*;

use super::site::{Site, copy_folder, finish, short_document};

/// Error numbers of Linux: a disk that fails, and one that is full.
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Calls that may fail without harm: a piece that cannot be read is done again, and what was staged is in place by
/// the time that its folder is removed.
const UNHARMED: [&str; 3] = ["open .resume/PIECE", "open .staging", "remove .staging"];

/// What befalls a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// It fails, and later ones do not.
    Once(i32),
    /// It and all later ones fail.
    FromThere(i32),
    /// The process is killed.
    Kill,
}

/// A call that a run made in its folder.
#[derive(Clone, Debug)]
struct Call {
    kind: String,
    /// Within the folder; empty for the folder itself.
    path: String,
    /// What was moved to `path`.
    from: String,
    is_failed: bool,
}

/// A small corpus, an earlier run in `earlier`, what the run on top of it gives in `whole`, and the library.
struct Faults {
    site: Site,
    library: PathBuf,
}

impl Faults {
    /// `None`, and loudly, where there is no C compiler.
    fn new() -> Option<Self> {
        let site = Site::of_short(260);
        let library = site.path("fail_nth.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/fail_nth.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(source);
        match cc.status() {
            Ok(status) => assert!(status.success(), "cc refuses fail_nth.c"),
            Err(error) => {
                eprintln!("SKIPPED: calls are not made to fail, since `cc` cannot be run: {error}");
                return None;
            }
        }
        let faults = Faults { site, library };
        faults.site.add("other.jsonl", (1000..1005).map(short_document));
        finish(faults.site.themeline(&[
            "run",
            "other.jsonl",
            "--out",
            "earlier",
            "--threads",
            "1",
        ]));
        finish(faults.run("whole"));
        Some(faults)
    }

    /// The run whose calls fail: on one thread, so that they are the same each time.
    fn run(&self, out: &str) -> Command {
        let out = self.site.path(out);
        let out = out.to_str().unwrap();
        self.site.themeline(&["run", "corpus.jsonl", "--out", out, "--threads", "1"])
    }

    /// Runs into `out` while the n-th call fails (none for 0); the calls.
    fn run_with(&self, fault: Fault, n: usize, out: &str) -> (Output, Vec<Call>) {
        let (number, is_on) = match fault {
            Fault::Once(number) => (number, ""),
            Fault::FromThere(number) => (number, "on"),
            Fault::Kill => (0, ""),
        };
        let mut command = self.run(out);
        command.env("FAULTS_AT", n.to_string()).env("FAULTS_AS", number.to_string());
        command.env("FAULTS_ON", is_on);
        self.watch(command, out)
    }

    /// Runs the command under the library; its calls in `folder`.
    fn watch(&self, mut command: Command, folder: &str) -> (Output, Vec<Call>) {
        let (log, folder) = (self.site.path(&format!("{folder}.log")), self.site.path(folder));
        command.env("LD_PRELOAD", &self.library).env("FAULTS_IN", &folder).env("FAULTS_LOG", &log);
        let done = command.output().unwrap();
        let calls = fs::read_to_string(&log).unwrap();
        fs::remove_file(log).unwrap();
        (done, calls.lines().map(|line| call(line, folder.to_str().unwrap())).collect())
    }

    /// Lets the n-th call of a run on top of an earlier one fail; the call, and whether the run failed for it.
    fn befall(&self, fault: Fault, n: usize) -> (Call, bool) {
        let out = &format!("out-{n}-{fault:?}").replace(['(', ')'], "-");
        copy_folder(&self.site.path("earlier"), &self.site.path(out));
        let (done, calls) = self.run_with(fault, n, out);
        let call = calls.iter().find(|call| call.is_failed);
        let call = call.unwrap_or_else(|| panic!("{fault:?}: there is no call {n}")).clone();
        let said = String::from_utf8(done.stderr).unwrap();
        let is_told = said.contains("error: ") && said.contains(out.as_str());
        let place = format!("{fault:?} of call {n}, {call:?}: {said}");
        match (fault, done.status.code()) {
            (Fault::Kill, None) => {}
            (_, Some(0)) => self.site.assert_files(out, "whole"),
            (_, Some(1)) => assert!(is_told && !said.contains("panicked"), "{place}"),
            (_, code) => panic!("exit {code:?}; {place}"),
        }
        if self.site.is_trusted(out) {
            let is_earlier = self.site.report(out)["counts"]["in"] == 5;
            self.site.assert_files(out, if is_earlier { "earlier" } else { "whole" });
        }
        finish(self.run(out));
        self.site.assert_whole(out, "whole");
        fs::remove_dir_all(self.site.path(out)).unwrap();
        (call, !done.status.success())
    }

    /// The calls of a run that nothing befalls, on top of an earlier one.
    fn calls(&self) -> Vec<Call> {
        copy_folder(&self.site.path("earlier"), &self.site.path("all"));
        let (done, calls) = self.run_with(Fault::Kill, 0, "all");
        assert!(done.status.success());
        self.site.assert_whole("all", "whole");
        assert!(calls.iter().all(|call| !call.is_failed));
        calls
    }
}

/// Reads a line of the log of `fail_nth.c`.
fn call(line: &str, folder: &str) -> Call {
    let is_failed = line.starts_with("! ");
    let fields: Vec<&str> = line.trim_start_matches("! ").split('\t').collect();
    let within = |path: &str| path.replace(folder, "").trim_start_matches('/').to_owned();
    Call { kind: fields[0].to_owned(), path: within(fields[1]), from: within(fields[2]), is_failed }
}

/// Names without what differs from run to run: the process in that of the staging folder, keys of pieces.
fn kind_of_file(path: &str) -> String {
    let of_part = |part: &str| match part {
        part if part.starts_with(".staging-") => ".staging".to_owned(),
        part if part.len() == 32 => "PIECE".to_owned(),
        part => part.to_owned(),
    };
    path.split('/').map(of_part).collect::<Vec<_>>().join("/")
}

/// Whether all is tried, and not what is likely to show a fault.
fn is_thorough() -> bool {
    super::n_rounds() > 100
}

/// How the n-th call fails: by the two errors in turn. Of reads, which are many, some do.
fn failures(n: usize, call: &Call) -> Vec<(usize, Fault)> {
    let faults = [Fault::Once(ENOSPC), Fault::FromThere(EIO)];
    match call.kind == "read" {
        _ if is_thorough() => faults.iter().map(|&fault| (n, fault)).collect(),
        true if n % 8 > 1 => vec![],
        _ => vec![(n, faults[n % 2])],
    }
}

/// A kill before the n-th call, where that would change the folder.
fn kills(n: usize, call: &Call) -> Vec<(usize, Fault)> {
    let is_change = ["mkdir", "create", "write", "rename", "remove"].contains(&call.kind.as_str());
    (is_change || is_thorough()).then_some((n, Fault::Kill)).into_iter().collect()
}

/// Lets befall each call what `of` says; what was called, and whether the run failed for it.
fn befall_each(
    faults: &Faults,
    of: impl Fn(usize, &Call) -> Vec<(usize, Fault)>,
) -> BTreeSet<(String, bool)> {
    let calls = faults.calls();
    let all: Vec<_> = (1..).zip(&calls).flat_map(|(n, call)| of(n, call)).collect();
    println!("{} calls, {} faults", calls.len(), all.len());
    let befall = |(n, fault)| {
        let (call, is_failed) = faults.befall(fault, n);
        (format!("{} {}", call.kind, kind_of_file(&call.path)), is_failed)
    };
    all.into_par_iter().map(befall).collect()
}

#[test]
fn whichever_call_fails_the_run_fails_by_name_and_can_be_gone_on_with() {
    let Some(faults) = Faults::new() else { return };
    let befallen = befall_each(&faults, failures);
    let unharmed = befallen.iter().filter(|(_, is_failed)| !is_failed);
    let unharmed: Vec<&str> = unharmed.map(|(call, _)| call.as_str()).collect();
    assert!(unharmed.iter().all(|call| UNHARMED.contains(call)), "{unharmed:?}");
}

#[test]
fn killed_at_any_call_a_run_ends_in_the_same_bytes() {
    let Some(faults) = Faults::new() else { return };
    assert!(befall_each(&faults, kills).iter().all(|(_, is_failed)| *is_failed));
}

/// Whatever is not synced may be lost in a power cut, in any order.
#[test]
fn what_run_json_stands_for_is_synced_before_it_stands() {
    let Some(faults) = Faults::new() else { return };
    let (mut unsynced, mut moved) = (BTreeMap::new(), 0);
    // Whether names in the folder were changed since it was last synced.
    let mut is_dirty = false;
    let calls = faults.calls();
    for call in &calls {
        match call.kind.as_str() {
            "create" | "write" => drop(unsynced.insert(&call.path, call)),
            "sync" if call.path.is_empty() => is_dirty = false,
            "sync" => drop(unsynced.remove(&call.path)),
            "remove" if call.path == "run.json" => (is_dirty, moved) = (true, 1),
            "rename" => {
                assert!(!unsynced.contains_key(&call.from), "{call:?} of what is not synced");
                // The earlier run.json is gone for good before the first file is moved, and all files stay for good
                // before the new one is.
                let is_first_or_last = moved == 1 || call.path == "run.json";
                assert!(!is_dirty || !is_first_or_last, "{call:?} before the folder is synced");
                (is_dirty, moved) = (true, moved + 1);
            }
            "remove" if call.path.starts_with(".resume") => {
                assert!(!is_dirty, "{call:?} before run.json stands for good");
            }
            _ => {}
        }
    }
    assert!(moved > 9, "{calls:#?}");
}

#[test]
fn the_names_of_new_folders_are_synced() {
    let Some(faults) = Faults::new() else { return };
    fs::create_dir(faults.site.path("there")).unwrap();
    let (done, calls) = faults.watch(faults.run("there/new/newer"), "there");
    assert!(done.status.success());
    for (parent, made) in [("", "new"), ("new", "new/newer")] {
        let mut calls = calls.iter().map(|call| (call.kind.as_str(), call.path.as_str()));
        assert!(calls.any(|call| call == ("mkdir", made)), "{made} is made");
        assert!(calls.any(|call| call == ("sync", parent)), "{made} is synced in its folder");
    }
}
