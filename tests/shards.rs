//! A scoring in parts, merged: the bytes of one in one piece.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::json;
use tempfile::TempDir;

/// Seven batches.
const N_DOCUMENTS: usize = 1_700;

/// A folder with a corpus, of which two documents are copies and one line is broken, and themes.
fn site() -> TempDir {
    let site = TempDir::new().unwrap();
    let about = ["ports and railways", "schools and museums", "tariffs and exports", "patrols"];
    let line = |i: usize| {
        let number = if i == 1_600 { 3 } else { i };
        let text = format!(
            "In session {number} the ministers of group {} spoke of {}. They met for {} days.",
            number * 31,
            about[number % 4],
            number % 9
        );
        match i {
            900 => "{\"id\": 900, \"text\"".to_owned(),
            _ => json!({"id": i.to_string(), "date": (2000 + i % 20).to_string(), "text": text})
                .to_string(),
        }
    };
    let lines: Vec<String> = (0..N_DOCUMENTS).map(line).collect();
    fs::write(site.path().join("corpus.jsonl"), lines.join("\n")).unwrap();
    themeline(&site).args(["fit", "corpus.jsonl", "--out", "themes.json"]).assert().success();
    site
}

fn themeline(site: &TempDir) -> Command {
    let mut command = Command::cargo_bin("themeline").unwrap();
    command.current_dir(site.path());
    command
}

fn score(site: &TempDir, out: &str, more: &[&str]) -> Command {
    let mut command = themeline(site);
    command.args(["score", "corpus.jsonl", "--themes", "themes.json", "--out", out]).args(more);
    command
}

/// All files but `run.json`, which tells of times.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path));
    let others = named.filter(|(name, _)| name != "run.json");
    others.map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

#[test]
fn parts_merged_are_the_bytes_of_the_whole() {
    let site = site();
    score(&site, "whole", &[]).assert().success();
    let merge = || {
        let mut command = themeline(&site);
        command.args(["merge", "parts"]);
        command
    };
    merge().assert().code(2).stderr(contains("no part of a scoring is finished"));

    score(&site, "parts", &["--shard", "1/3"])
        .assert()
        .success()
        .stderr(contains("shard 1/3: 675 documents scored; records rejected: 1"));
    score(&site, "parts", &["--shard=3/3"]).assert().success().stderr(contains("merge parts"));
    merge().assert().code(2).stderr(contains("shard 2/3").and(contains("shard 1/3").not()));
    assert!(!site.path().join("parts/run.json").exists());
    score(&site, "parts", &["--shard", "2/3"]).assert().success().stderr(contains("rejected: 0"));
    merge().assert().success().stderr(contains("1699 documents had been scored before"));

    let (whole, merged) = (files(&site.path().join("whole")), files(&site.path().join("parts")));
    assert_eq!(whole.keys().collect::<Vec<_>>(), merged.keys().collect::<Vec<_>>());
    for (name, bytes) in whole {
        assert!(bytes == merged[&name], "{name} is another");
    }
    merge().assert().success().stderr(contains("nothing is to be done"));
}

#[test]
fn parts_of_other_themes_are_not_merged() {
    let site = site();
    score(&site, "parts", &["--shard", "1/2"]).assert().success();
    themeline(&site)
        .args(["fit", "corpus.jsonl", "--out", "themes.json", "--max-emergent", "0", "--seed", "2"])
        .assert()
        .success();
    score(&site, "parts", &["--shard", "2/2"]).assert().success();
    let mut merge = themeline(&site);
    merge.args(["merge", "parts"]).assert().code(2).stderr(contains("with other themes: shard"));
    themeline(&site).args(["resume", "parts"]).assert().success();
    score(&site, "whole", &[]).assert().success();
    assert_eq!(files(&site.path().join("whole")), files(&site.path().join("parts")));
}

#[test]
fn a_part_that_cannot_be_is_refused() {
    let site = site();
    score(&site, "parts", &["--shard", "4/3"]).assert().code(2).stderr(contains("I/N"));
    let mut none = themeline(&site);
    none.args(["score", "corpus.jsonl", "--themes", "themes.json", "--shard", "1/3"]);
    none.assert().code(2).stderr(contains("--out"));
    let mut stdin = themeline(&site);
    stdin.args(["score", "-", "--themes", "themes.json", "--out", "parts", "--shard", "1/3"]);
    stdin.write_stdin("").assert().code(2).stderr(contains("standard input"));
    assert!(!site.path().join("parts").exists());
}
