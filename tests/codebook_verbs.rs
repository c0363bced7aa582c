//! Looking after a codebook, as its author does: what is wrong with it, and what a change to it does.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

const TOWN: &str = r#"
id = "town"
name = "Town council"
version = "1"
ignore = ["town hall"]

[[theme]]
id = "housing"
name = "Housing"
definition = "Flats, rents and building plots."
terms = ["housing", "rent", "flats", "town hall", "houseboat", "building site"]
examples = ["forty new flats for young families", "The potholes on the ring road are deep."]

[[theme]]
id = "roads"
name = "Roads"
definition = "Roads, paths and their upkeep."
terms = ["road", "potholes", "building sites"]
examples = ["The potholes on the ring road will be filled by May."]
counter_examples = ["The road to agreement is long, and every road has its end."]
"#;

const MINUTES: [&str; 2] = [
    r#"{"id": "may", "date": "2023-05-04", "text": "Rents have doubled in the old town. The tram will run until midnight. The chair thanked everyone."}"#,
    r#"{"id": "june", "date": "2024-06-01", "text": "The road by the school has potholes. New housing near the tram was agreed. The flats have a building site next door."}"#,
];

fn themeline(args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("themeline").unwrap().env_remove("THEMELINE_MODELS").args(args).assert()
}

fn json(args: &[&str]) -> Value {
    let done = themeline(&[args, &["--json"]].concat()).success();
    serde_json::from_slice(&done.get_output().stdout).unwrap()
}

fn written(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn minutes(dir: &TempDir) -> PathBuf {
    written(dir, "minutes.jsonl", &MINUTES.join("\n"))
}

fn str(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The findings of one kind, each as `theme/term`.
fn found(check: &Value, kind: &str) -> Vec<String> {
    let of_kind = check["findings"].as_array().unwrap().iter().filter(|f| f["kind"] == kind);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    of_kind.map(|f| format!("{}/{}", word(&f["theme"]), word(&f["term"]))).collect()
}

#[test]
fn check_names_terms_that_never_count_count_twice_or_hit_nothing() {
    let dir = TempDir::new().unwrap();
    let (codebook, corpus) = (written(&dir, "town.toml", TOWN), minutes(&dir));
    let alone = json(&["codebook", "check", str(&codebook)]);
    assert_eq!(alone["n_documents"], Value::Null);
    assert_eq!(found(&alone, "blocked_term"), ["housing/town hall"]);
    assert_eq!(found(&alone, "shared_term"), ["roads/building sites"]);
    assert!(found(&alone, "unused_term").is_empty());
    let read = json(&["codebook", "check", str(&codebook), "--corpus", str(&corpus)]);
    assert_eq!(read["n_documents"], 2);
    let unused = found(&read, "unused_term");
    assert_eq!(unused, ["housing/houseboat", "roads/building sites"], "one `site` is no plural");
}

#[test]
fn check_names_examples_that_the_model_misplaces() {
    let dir = TempDir::new().unwrap();
    let codebook = written(&dir, "town.toml", TOWN);
    let check = json(&["codebook", "check", str(&codebook)]);
    let findings = check["findings"].as_array().unwrap();
    let misplaced: Vec<&Value> =
        findings.iter().filter(|f| f["kind"] == "misplaced_example").collect();
    assert_eq!(misplaced.len(), 1, "{check}");
    assert_eq!(misplaced[0]["read_as"], "roads");
    assert!(misplaced[0]["text"].as_str().unwrap().starts_with("The potholes"));
    let accepted = findings.iter().any(|f| f["kind"] == "accepted_counter_example");
    assert!(accepted, "a counter-example with the theme's own term: {check}");
}

#[test]
fn findings_are_no_failure_unless_strict() {
    let dir = TempDir::new().unwrap();
    let codebook = written(&dir, "town.toml", TOWN);
    let check = ["codebook", "check", str(&codebook)];
    let said = || contains("term `town hall` never counts").and(contains("fingerprint"));
    themeline(&check).success().stdout(said());
    themeline(&[&check[..], &["--strict"]].concat())
        .code(2)
        .stdout(said())
        .stderr(contains("next:"));
    let broken = written(&dir, "broken.toml", &TOWN.replace("ignore", "ignored"));
    let place = format!("{}:5:1", str(&broken));
    themeline(&["codebook", "check", str(&broken)]).code(2).stderr(contains(place));
}

#[test]
fn a_codebook_without_faults_passes_strictly() {
    let dir = TempDir::new().unwrap();
    let plain = TOWN
        .replace(r#""town hall", "houseboat", "building site""#, r#""tenants""#)
        .replace(r#", "The potholes on the ring road are deep.""#, "")
        .lines()
        .filter(|line| !line.starts_with("counter_examples"))
        .collect::<Vec<_>>()
        .join("\n");
    let codebook = written(&dir, "plain.toml", &plain);
    themeline(&["codebook", "check", str(&codebook), "--strict"])
        .success()
        .stdout(contains("0 findings"));
}

#[test]
fn diff_says_which_units_change_theme_and_what_that_does_to_shares() {
    let dir = TempDir::new().unwrap();
    let (before, corpus) = (written(&dir, "a.toml", TOWN), minutes(&dir));
    let tram = "\n[[theme]]\nid = \"tram\"\nname = \"Tram\"\nterms = [\"tram\"]\n\
                examples = [\"The tram will run every ten minutes.\"]\n";
    let after = written(&dir, "b.toml", &format!("{TOWN}{tram}"));
    let args = ["codebook", "diff", str(&before), str(&after), str(&corpus)];
    let diff = json(&args);
    assert_eq!(diff["counts"]["scored"], 2);
    assert_eq!(diff["only_after"][0], "tram");
    let moves = diff["moves"].as_array().unwrap();
    assert!(moves.iter().any(|m| m["from"] == "none" && m["to"] == "tram"), "{diff}");
    for unit in diff["units"].as_array().unwrap() {
        let line = MINUTES.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let document = line.into_iter().find(|d| d["id"] == unit["document"]).unwrap();
        let at = |key: &str| unit[key].as_u64().unwrap() as usize;
        let text = document["text"].as_str().unwrap();
        assert_eq!(&text[at("start")..at("end")], unit["text"].as_str().unwrap());
    }
    let shares = diff["shares"].as_array().unwrap();
    let share = |theme: &str, period: &str| {
        let period = if period.is_empty() { Value::Null } else { period.into() };
        shares.iter().find(|s| s["theme"] == theme && s["period"] == period).unwrap().clone()
    };
    let tram = share("tram", "2023");
    assert!(tram["before"].is_null() && tram["after"].as_f64().unwrap() > 0.2, "{tram}");
    for side in ["before", "after"] {
        let all = shares.iter().filter(|share| share["period"].is_null());
        let sum: f64 = all.filter_map(|share| share[side].as_f64()).sum();
        assert!((sum - 1.0).abs() < 1e-4, "{side}: {sum}");
    }
    themeline(&args).success().stdout(contains("none > tram").and(contains("% of text")));
}

#[test]
fn diff_of_a_codebook_with_itself_finds_nothing() {
    let dir = TempDir::new().unwrap();
    let corpus = minutes(&dir);
    let diff = json(&["codebook", "diff", "cooperation", "cooperation", str(&corpus)]);
    assert_eq!((&diff["n_changed"], &diff["n_units"]), (&0.into(), &diff["n_units"]));
    assert!(diff["moves"].as_array().unwrap().is_empty());
    assert!(diff["n_units"].as_u64().unwrap() >= 6);
}

#[test]
fn both_built_in_codebooks_can_be_checked() {
    for name in ["cooperation", "policy-agendas"] {
        let check = json(&["codebook", "check", name]);
        assert_eq!(found(&check, "blocked_term"), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_fault_in_a_codebook_is_named_with_its_place() {
    let dir = TempDir::new().unwrap();
    let broken = written(&dir, "broken.toml", &TOWN.replace("ignore", "ignored"));
    let place = format!("{}:5:1", str(&broken));
    themeline(&["codebook", "check", str(&broken)]).code(2).stderr(contains(place));
}
