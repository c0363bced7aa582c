//! A scoring in parts, merged: the bytes of one in one piece.

#![cfg(unix)]

mod site;

use std::fs;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::json;

use site::{Site, assert_same};

/// Seven batches.
const N_DOCUMENTS: usize = 1_700;

/// A corpus, of which two documents are copies and one line is broken, and themes.
fn corpus_and_themes() -> Site {
    let site = Site::of_short(0);
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
    fs::write(site.path("corpus.jsonl"), lines.join("\n")).unwrap();
    themeline(&site, &["fit", "corpus.jsonl", "--out", "themes.json"]).assert().success();
    site
}

fn themeline(site: &Site, arguments: &[&str]) -> Command {
    Command::from_std(site.themeline(arguments))
}

fn score(site: &Site, out: &str, more: &[&str]) -> Command {
    let given = ["score", "corpus.jsonl", "--themes", "themes.json", "--out", out];
    themeline(site, &[&given, more].concat())
}

#[test]
fn parts_merged_are_the_bytes_of_the_whole() {
    let site = corpus_and_themes();
    score(&site, "whole", &[]).assert().success();
    let merge = || themeline(&site, &["merge", "parts"]).assert();
    merge().code(2).stderr(contains("no part of a scoring is finished"));

    score(&site, "parts", &["--shard", "1/3"])
        .assert()
        .success()
        .stderr(contains("shard 1/3: 675 documents scored; records rejected: 1"));
    score(&site, "parts", &["--shard=3/3"]).assert().success().stderr(contains("merge parts"));
    merge().code(2).stderr(contains("shard 2/3").and(contains("shard 1/3").not()));
    assert!(!site.path("parts/run.json").exists());
    score(&site, "parts", &["--shard", "2/3"]).assert().success().stderr(contains("rejected: 0"));
    merge().success().stderr(contains("1699 documents had been scored before"));

    site.assert_whole("parts", "whole");
    merge().success().stderr(contains("nothing is to be done"));
}

#[test]
fn parts_of_other_themes_are_not_merged() {
    let site = corpus_and_themes();
    score(&site, "parts", &["--shard", "1/2"]).assert().success();
    let other = ["--max-emergent", "0", "--seed", "2"];
    let fit = ["fit", "corpus.jsonl", "--out", "themes.json"];
    themeline(&site, &[&fit[..], &other].concat()).assert().success();
    score(&site, "parts", &["--shard", "2/2"]).assert().success();
    let merge = themeline(&site, &["merge", "parts"]).assert();
    merge.code(2).stderr(contains("with other themes: shard"));
    themeline(&site, &["resume", "parts"]).assert().success();
    score(&site, "whole", &[]).assert().success();
    assert_same(&site.files("parts"), &site.files("whole"));
}

#[test]
fn a_part_that_cannot_be_is_refused() {
    let site = corpus_and_themes();
    score(&site, "parts", &["--shard", "4/3"]).assert().code(2).stderr(contains("I/N"));
    let part_of = |input: &str, more: &[&str]| {
        let given = ["score", input, "--themes", "themes.json", "--shard", "1/3"];
        themeline(&site, &[&given, more].concat()).assert().code(2)
    };
    part_of("corpus.jsonl", &[]).stderr(contains("--out"));
    part_of("-", &["--out", "parts"]).stderr(contains("standard input"));
    assert!(!site.path("parts").exists());
}
