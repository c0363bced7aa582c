//! Runs that are cut short: killed, interrupted, with damaged pieces. Started again they end in the bytes that
//! they would have had, and do again only what is missing.

#![cfg(unix)]

mod site;

use std::fs;
use std::path::Path;
use std::process::{Child, Output};
use std::time::{Duration, Instant};

use predicates::prelude::*;
use predicates::str::contains;

use site::{KEPT, Site, assert_same, finish, signal};

/// Six batches.
const N_DOCUMENTS: usize = 1500;

/// Waits until `n` pieces are kept in `out`, or the child has ended.
fn wait_for_pieces(site: &Site, out: &str, n: usize, child: &mut Child) {
    let start = Instant::now();
    while site.pieces(out).len() < n && child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(120), "nothing is kept");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// How a run that was sent a signal once `n` pieces were kept ended, and how long after. One that was done before the
/// signal came is started again.
fn cut_short(site: &Site, out: &str, n: usize, name: &str) -> (Output, Duration) {
    for _ in 0..20 {
        let mut child = site.run(out).spawn().unwrap();
        wait_for_pieces(site, out, n, &mut child);
        let asked = Instant::now();
        if child.try_wait().unwrap().is_none() {
            signal(&child, name);
        }
        let ended = child.wait_with_output().unwrap();
        if !site.path(out).join("run.json").exists() {
            return (ended, asked.elapsed());
        }
        fs::remove_dir_all(site.path(out)).unwrap();
    }
    panic!("it was always done before it was sent SIG{name}");
}

#[test]
fn killed_at_any_moment_a_run_ends_in_the_same_bytes_and_nothing_is_done_twice() {
    let site = Site::new(N_DOCUMENTS);
    finish(site.run("whole"));
    let whole = site.files("whole");
    assert!(!site.path("whole").join(KEPT).exists());
    for (round, n_pieces) in [1, 3, 5].into_iter().enumerate() {
        let out = format!("killed-{round}");
        cut_short(&site, &out, n_pieces, "KILL");
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
        let (ended, took) = cut_short(&site, name, 3, name);
        assert!(took < Duration::from_secs(2), "{took:?}");
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
    cut_short(&site, "out", 4, "KILL");
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
    cut_short(&site, "out", 4, "KILL");
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
