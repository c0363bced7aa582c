//! Comparing periods, as a user does it: what changed, and whether it is real.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;

fn themeline(args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("themeline").unwrap().env_remove("THEMELINE_MODELS").args(args).assert()
}

/// Three years of notes from two offices. Harbours are spoken of in every fourth note, from 2022 on in
/// three of four; the south sends most notes of 2023. One note is sent twice, one has no office, and
/// one no date.
fn notes() -> String {
    let mut lines = Vec::new();
    for year in 2021..=2023 {
        for k in 0..40 {
            let often = if year == 2021 { 1 } else { 3 };
            let about = match k % 4 < often {
                true => "The two sides agreed to build a new harbour and a railway line.",
                false => "They discussed vaccines and the training of nurses.",
            };
            let office = if k % 5 < if year == 2023 { 4 } else { 2 } { "south" } else { "north" };
            let text = format!("Note {k} of {year}. {about} {about} The chair spoke last.");
            let date = format!("{year}-{:02}-03", k % 12 + 1);
            lines.push(json!({"id": format!("{year}-{k}"), "date": date, "text": text,
                "office": office}));
        }
    }
    let text = "Note 0 of 2021. The railway.";
    lines.push(json!({"id": "no-office", "date": "2021-01-01", "text": text}));
    lines.push(json!({"id": "no-date", "office": "north", "text": "The harbour has no date."}));
    let mut copy = lines[0].clone();
    copy["id"] = "copy".into();
    lines.push(copy);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A finished run over the notes.
fn finished(root: &Path) -> PathBuf {
    let (input, dir) = (root.join("notes.jsonl"), root.join("results"));
    fs::write(&input, notes()).unwrap();
    themeline(&["run", path(&input), "--out", path(&dir), "--quiet"]).success();
    dir
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn trends(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("trends.json")).unwrap()).unwrap()
}

fn rows<'a>(trends: &'a Value, list: &str, wanted: &[(&str, Value)]) -> Vec<&'a Value> {
    let fits = |row: &&Value| wanted.iter().all(|(field, value)| row[field] == *value);
    trends[list].as_array().unwrap().iter().filter(fits).collect()
}

const THEME: &str = "connectivity";

#[test]
fn a_run_says_what_changed_and_compare_says_the_same_again() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    let whole = fs::read(dir.join("trends.json")).unwrap();
    let found = trends(&dir);
    let change =
        rows(&found, "comparisons", &[("theme", json!(THEME)), ("to", json!("2022"))])[0].clone();
    assert_eq!((&change["from"], &change["verdict"]), (&json!("2021"), &json!("rose")));
    let sentence = change["sentence"].as_str().unwrap();
    assert!(sentence.contains("rose from") && sentence.contains("q < 0.001"), "{sentence}");
    let still = rows(&found, "comparisons", &[("theme", json!(THEME)), ("to", json!("2023"))]);
    assert_eq!(still[0]["verdict"], "no evidence of change", "{}", still[0]["sentence"]);

    // The folder alone, read back, gives the same bytes; run.json knows them.
    for threads in ["1", "3"] {
        themeline(&["compare", path(&dir), "--threads", threads]).success();
        assert!(fs::read(dir.join("trends.json")).unwrap() == whole);
        let run: Value = serde_json::from_slice(&fs::read(dir.join("run.json")).unwrap()).unwrap();
        let files = run["files"].as_array().unwrap();
        let entry = files.iter().find(|file| file["name"] == "trends.json").unwrap();
        assert_eq!(entry["blake3"], blake3::hash(&whole).to_hex().to_string());
        assert!(files.iter().any(|file| file["name"] == "units.parquet"));
    }
}

#[test]
fn every_number_leads_to_the_documents_behind_it() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    themeline(&["compare", path(&dir), "--group", "office", "--measure", "documents"])
        .success()
        .stderr(contains("1 of 122 documents are in no period"))
        .stderr(contains("1 of 122 documents have no text or number in `office`"));
    let found = trends(&dir);
    let wanted = [("period", json!("2023")), ("group", json!("south"))];
    let period = rows(&found, "periods", &wanted)[0];
    let ids: Vec<&str> =
        period["documents"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(period["n_documents"], ids.len());
    // By hand: those of the documents that mention the theme, over all of them.
    let documents = fs::read_to_string(dir.join("documents.jsonl")).unwrap();
    let lines = documents.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mentions = |line: &Value| {
        ids.contains(&line["id"].as_str().unwrap())
            && line["themes"][THEME]["n_mentions"].as_u64().unwrap() > 0
    };
    let expected = lines.filter(mentions).count() as f64 / ids.len() as f64;
    let share = rows(&found, "shares", &[&wanted[..], &[("theme", json!(THEME))]].concat())[0];
    assert!((share["share"].as_f64().unwrap() - expected).abs() < 1e-6);
    assert!(share["low"].as_f64().unwrap() <= expected);
    assert!(share["high"].as_f64().unwrap() >= expected);
    // The copy counts nowhere, and the note without an office in no group.
    let all = rows(&found, "periods", &[("period", json!("2021")), ("group", Value::Null)])[0];
    let all = all["documents"].as_array().unwrap();
    assert!(all.contains(&json!("no-office")) && !all.contains(&json!("copy")));
    let grouped = rows(&found, "periods", &[("period", json!("2021"))]);
    let n: u64 = grouped[1..].iter().map(|row| row["n_documents"].as_u64().unwrap()).sum();
    assert_eq!(n, all.len() as u64 - 1);
}

#[test]
fn periods_may_be_named_put_together_or_done_without() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    let named = ["--by", "quarter", "--between", "2021,2022..2023"];
    themeline(&[&["compare", path(&dir)], &named[..]].concat())
        .success()
        .stdout(contains("2021 to 2022..2023: "))
        .stdout(contains("between 2021 and 2022..2023"))
        .stdout(contains("have fewer than 20 documents"));
    let found = trends(&dir);
    let row = rows(&found, "comparisons", &[("theme", json!(THEME)), ("family", json!("named"))]);
    assert_eq!((row[0]["n_documents_from"].as_u64(), row.len()), (Some(41), 1));
    assert_eq!(row[0]["n_documents_to"], 80);

    let out = root.path().join("by-office");
    let flags = ["--by", "all", "--group", "office", "--out", path(&out)];
    themeline(&[&["compare", path(&dir)], &flags[..]].concat()).success();
    let found = trends(&out);
    let groups = rows(&found, "periods", &[("period", json!("all"))]);
    assert_eq!(groups.len(), 3);
    assert_eq!(groups[0]["n_documents"], 122, "dated or not");
    assert_eq!(found["comparisons"], json!([]));
    assert!(out.join("run.json").is_file() && !out.join("units.parquet").exists());
}

#[test]
fn folders_are_compared_together_where_they_share_their_themes() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    let more = root.path().join("more.jsonl");
    let line = |k: usize| {
        json!({"id": format!("more-{k}"), "date": "2024-01-05",
        "text": format!("Note {k}. A railway was opened.")})
    };
    let lines: String = (0..6).map(|k| format!("{}\n", line(k))).collect();
    fs::write(&more, lines + &notes()).unwrap();
    let (second, out) = (root.path().join("second"), root.path().join("both"));
    let themes = dir.join("themes.json");
    let score = ["--themes", path(&themes), "--out", path(&second), "--quiet"];
    themeline(&[&["score", path(&more)], &score[..]].concat()).success();
    themeline(&["compare", path(&dir), path(&second)]).code(2).stderr(contains("--out"));
    themeline(&["compare", path(&dir), path(&second), "--out", path(&out)])
        .success()
        .stderr(contains("122 ids stand in more than one folder"));
    let found = trends(&out);
    let periods = rows(&found, "periods", &[]);
    let n: Vec<u64> = periods.iter().map(|row| row["n_documents"].as_u64().unwrap()).collect();
    assert_eq!(n, [41, 40, 40, 6]);

    let other = root.path().join("other");
    let run = ["--out", path(&other), "--max-emergent", "0", "--seed", "7", "--quiet"];
    themeline(&[&["run", path(&more)], &run[..]].concat()).success();
    themeline(&["compare", path(&dir), path(&other), "--out", path(&out)])
        .code(2)
        .stderr(contains("different themes").and(contains("score --themes")));
}

/// Writes `units.parquet` anew, the last unit first.
fn turn_units_round(dir: &Path) {
    let path = dir.join("units.parquet");
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    let mut out = ArrowWriter::try_new(fs::File::create(&path).unwrap(), schema, None).unwrap();
    for batch in batches.iter().rev() {
        (0..batch.num_rows()).rev().for_each(|row| out.write(&batch.slice(row, 1)).unwrap());
    }
    out.close().unwrap();
}

#[test]
fn units_in_another_order_than_documents_are_refused() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    let before = fs::read(dir.join("trends.json")).unwrap();
    turn_units_round(&dir);
    let said = contains("units.parquet: its units are not those of documents.jsonl");
    themeline(&["compare", path(&dir)]).code(2).stderr(said.and(contains("again")));
    assert!(fs::read(dir.join("trends.json")).unwrap() == before);
}

#[test]
fn what_cannot_be_compared_is_refused_in_words() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    let before = fs::read(dir.join("trends.json")).unwrap();
    let refused = |flags: &[&str], words: &str| {
        themeline(&[&["compare", path(&dir)], flags].concat()).code(2).stderr(contains(words));
    };
    refused(&["--group", "ofice"], "no document has a field `ofice`");
    refused(&["--between", "1999,2021"], "there are no documents in 1999");
    refused(&["--between", "2021"], "no two periods");
    refused(&["--resamples", "3"], "--resamples 3 is out of range");
    refused(&["--notable", "5"], "--notable 5 is out of range");
    assert!(fs::read(dir.join("trends.json")).unwrap() == before);
    themeline(&["compare", path(root.path())]).code(2).stderr(contains("has no run.json"));
    let alone = root.path().join("alone");
    themeline(&["compare", path(&dir), "--out", path(&alone)]).success();
    themeline(&["compare", path(&alone)]).code(2).stderr(contains("holds no themes.json"));
}

#[test]
fn one_document_or_one_period_is_no_error_and_no_nan() {
    let root = TempDir::new().unwrap();
    let (input, dir) = (root.path().join("one.jsonl"), root.path().join("one"));
    let line = json!({"id": "a", "date": "2021", "text": "A new harbour was opened."});
    fs::write(&input, format!("{line}\n")).unwrap();
    themeline(&["run", path(&input), "--out", path(&dir), "--quiet"]).success();
    themeline(&["compare", path(&dir)]).success().stdout(contains("1 period, 1 document"));
    let found = trends(&dir);
    assert_eq!(found["comparisons"], json!([]));
    let share = &rows(&found, "shares", &[("theme", json!(THEME))])[0];
    assert_eq!((&share["low"], &share["small"]), (&Value::Null, &json!(true)));
    let other = json!({"id": "b", "date": "2022", "text": "A harbour, and one more harbour."});
    fs::write(&input, format!("{line}\n{other}\n")).unwrap();
    themeline(&["run", path(&input), "--out", path(&dir), "--quiet"]).success();
    let found = trends(&dir);
    let row = rows(&found, "comparisons", &[("theme", json!(THEME))])[0];
    assert_eq!(row["verdict"], "too little data");
    assert!(row["sentence"].as_str().unwrap().contains("1 and 1 documents"), "{row}");
}
