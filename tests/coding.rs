//! Drawing units to code, coding them, and correcting shares by the codes, as a user does it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;

fn themeline(args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("themeline").unwrap().env_remove("THEMELINE_MODELS").args(args).assert()
}

const THEME: &str = "connectivity";

/// Three years of notes of two sentences each. Every third note speaks of a harbour, and all of 2023 do. One
/// has no date, and one is a copy. `zebra` marks what the test's coder calls connectivity: every harbour, and
/// a sentence in every eighth note that no codebook knows for it.
fn notes() -> String {
    let mut lines = Vec::new();
    for year in 2021..=2023 {
        for k in 0..60 {
            let often = if year == 2023 { 3 } else { 1 };
            // No two notes say the same.
            let n = 100 * (year - 2020) + k;
            let first = match k % 3 < often {
                true => {
                    format!("The two sides agreed to build harbour number {n} for the zebra port.")
                }
                false => format!("They discussed vaccines and the training of {n} nurses."),
            };
            let second = match k % 8 {
                0 => format!("A zebra was mentioned {n} times in the evening."),
                _ => format!("The chair of table {n} spoke last that day."),
            };
            let date = format!("{year}-{:02}-03", k % 12 + 1);
            let text = format!("{first} {second}");
            lines.push(json!({"id": format!("{year}-{k:02}"), "date": date, "text": text}));
        }
    }
    lines.push(json!({"id": "no-date", "text": "The harbour of the zebra has no date."}));
    let mut copy = lines[0].clone();
    copy["id"] = "copy".into();
    lines.push(copy);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A finished run over the notes.
fn finished(root: &Path) -> PathBuf {
    let (input, dir) = (root.join("notes.jsonl"), root.join("results"));
    fs::write(&input, notes()).unwrap();
    let run = ["--out", path(&dir), "--quiet", "--max-emergent", "0"];
    themeline(&[&["run", path(&input)], &run[..]].concat()).success();
    dir
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn write(file: &Path, lines: &[Value]) {
    fs::write(file, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

/// Codes a unit by a rule that the program does not know.
fn code(line: &mut Value) {
    let is_zebra = line["text"].as_str().unwrap().contains("zebra");
    line["themes"] = if is_zebra { json!([THEME]) } else { json!([]) };
}

fn sampled(root: &Path, dir: &Path, n: &str) -> PathBuf {
    let file = root.join(format!("to-code-{n}.jsonl"));
    themeline(&["sample", path(dir), "--n", n, "--out", path(&file)]).success();
    file
}

fn trends(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("trends.json")).unwrap()).unwrap()
}

fn row<'a>(trends: &'a Value, list: &str, wanted: &[(&str, &str)]) -> &'a Value {
    let fits = |row: &&Value| wanted.iter().all(|(field, value)| row[field] == *value);
    trends["corrected"][list].as_array().unwrap().iter().find(fits).unwrap()
}

#[test]
fn a_sample_tells_where_units_stand_and_nothing_of_their_scores() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    let file = root.path().join("to-code.jsonl");
    themeline(&["sample", path(&dir), "--n", "120", "--out", path(&file)])
        .success()
        .stderr(contains("120 of "))
        .stderr(contains("left out: 1 copies of other documents, 1 documents in no period"))
        .stderr(contains("95 % interval to expect"))
        .stderr(contains("compare"));
    let drawn = lines(&file);
    assert_eq!(drawn.len(), 120);
    let (mut seen, mut weight, mut carrying) = (BTreeSet::new(), 0.0, BTreeSet::new());
    let notes: Vec<Value> =
        notes().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &drawn {
        assert!(seen.insert((line["doc"].to_string(), line["unit"].to_string())));
        let text = notes.iter().find(|note| note["id"] == line["doc"]).unwrap();
        let text = text["text"].as_str().unwrap();
        let span = line["start"].as_u64().unwrap() as usize..line["end"].as_u64().unwrap() as usize;
        assert_eq!(line["text"], text[span]);
        assert!(line["context"].as_str().unwrap().contains(line["text"].as_str().unwrap()));
        assert_eq!(line["themes"], Value::Null);
        assert!(!["no-date", "copy"].contains(&line["doc"].as_str().unwrap()));
        weight += 1.0 / line["probability"].as_f64().unwrap();
        carrying.insert(line["stratum"].as_u64().unwrap());
        for hint in ["score", "cluster", THEME] {
            assert!(!line.to_string().contains(hint), "{line}");
        }
    }
    let documents = fs::read_to_string(dir.join("documents.jsonl")).unwrap();
    let documents = documents.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let in_frame = |line: &Value| line["period"].is_string() && line["duplicate_of"].is_null();
    let n_units = documents.filter(in_frame).map(|line| line["n_units"].as_u64().unwrap());
    assert!((weight - n_units.sum::<u64>() as f64).abs() < 1e-6, "{weight}");
    assert!(carrying.len() >= 6, "periods by themes");

    // The same seed gives the same bytes, to stdout too; another one other units.
    let again = |flags: &[&str]| {
        let made = themeline(&[&["sample", path(&dir), "--n", "120"], flags].concat()).success();
        made.get_output().stdout.clone()
    };
    assert!(again(&[]) == fs::read(&file).unwrap());
    assert!(again(&["--out", "-", "--seed", "2"]) != fs::read(&file).unwrap());
    // Nothing that is there is overwritten.
    themeline(&["sample", path(&dir), "--n", "5", "--out", path(&file)])
        .code(2)
        .stderr(contains("never overwritten").and(contains("--out")));
    assert_eq!(lines(&file).len(), 120);
}

#[test]
fn codes_correct_shares_and_changes() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    let file = sampled(root.path(), &dir, "200");
    let mut coded = lines(&file);
    coded.iter_mut().for_each(code);
    write(&file, &coded);
    let told = themeline(&["compare", path(&dir), "--codes", path(&file), "--measure", "units"])
        .success()
        .stdout(contains("Corrected by 200 coded units, all periods"))
        .stdout(contains("Corrected changes: "));
    let told = String::from_utf8(told.get_output().stdout.clone()).unwrap();
    assert!(told.contains("(corrected) rose from"), "{told}");
    let found = trends(&dir);
    // By hand: the units of which the coder would say so, in the whole corpus.
    let units = |year: &str| {
        let texts = notes();
        let notes = texts.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let of_year = notes.filter(|note| note["id"].as_str().unwrap().starts_with(year));
        let sentences = of_year.flat_map(|note| {
            let text = note["text"].as_str().unwrap().to_owned();
            text.split_inclusive(". ").map(str::to_owned).collect::<Vec<_>>()
        });
        let all: Vec<bool> = sentences.map(|sentence| sentence.contains("zebra")).collect();
        all.iter().filter(|is| **is).count() as f64 / all.len() as f64
    };
    for year in ["2021", "2023"] {
        let row = row(&found, "shares", &[("theme", THEME), ("period", year)]);
        let number = |field: &str| row[field].as_f64().unwrap();
        let truth = units(year);
        assert!(number("low") <= truth && truth <= number("high"), "{row} {truth}");
        let (error, before) = (number("share") - truth, number("uncorrected") - truth);
        assert!(error.abs() < 0.8 * before.abs(), "closer than the scores: {row} {truth}");
        assert!(number("n_coded") >= 10.0 && number("lambda") <= 1.0);
    }
    let all = row(&found, "shares", &[("theme", THEME), ("period", "all")]);
    assert_eq!(all["n_coded"], 200);
    assert_eq!(all["reason"], Value::Null);
    let change = row(&found, "comparisons", &[("theme", THEME), ("to", "2023")]);
    assert_eq!(change["verdict"], "rose", "{change}");
    assert!(change["q"].as_f64().unwrap() < 0.05);
    // The uncorrected ones stand where they stood, and the folder may be compared without codes again.
    assert!(found["shares"].as_array().unwrap().len() > 30);
    let whole = fs::read(dir.join("trends.json")).unwrap();
    coded.reverse();
    write(&file, &coded);
    let threads = ["--measure", "units", "--threads", "1"];
    themeline(&[&["compare", path(&dir), "--codes", path(&file)], &threads[..]].concat()).success();
    assert!(fs::read(dir.join("trends.json")).unwrap() == whole, "the order of lines");
    themeline(&["compare", path(&dir)]).success();
    assert_eq!(trends(&dir)["corrected"], Value::Null);
}

#[test]
fn a_period_with_few_codes_has_no_corrected_share_and_says_why() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    let file = sampled(root.path(), &dir, "60");
    let mut coded = lines(&file);
    // The coder stopped after forty lines.
    coded.iter_mut().take(40).for_each(code);
    write(&file, &coded);
    themeline(&["compare", path(&dir), "--by", "month", "--codes", path(&file)])
        .success()
        .stderr(contains("20 of 60 lines are not coded"));
    let found = trends(&dir);
    assert_eq!(
        (&found["corrected"]["n_coded"], &found["corrected"]["n_uncoded"]),
        (&json!(40), &json!(20))
    );
    let month = row(&found, "shares", &[("theme", THEME), ("period", "2021-01")]);
    assert_eq!((&month["share"], &month["low"]), (&Value::Null, &Value::Null));
    assert!(month["reason"].as_str().unwrap().contains("coded units of"), "{month}");
    assert!(month["uncorrected"].is_number());
    let change = row(&found, "comparisons", &[("theme", THEME), ("from", "2021-01")]);
    assert_eq!((&change["verdict"], &change["p"]), (&json!("too little data"), &Value::Null));
    assert!(change["sentence"].as_str().unwrap().contains("too few coded units"), "{change}");
    assert!(row(&found, "shares", &[("theme", THEME), ("period", "all")])["share"].is_number());
    // The same file may be judged by `validate`, which skips what is not coded.
    themeline(&["validate", path(&dir), "--codes", path(&file)])
        .success()
        .stdout(contains("20 lines are not yet coded"));
}

#[test]
fn codes_that_cannot_correct_are_refused_in_words() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    let file = sampled(root.path(), &dir, "60");
    let mut whole = lines(&file);
    whole.iter_mut().for_each(code);
    let before = fs::read(dir.join("trends.json")).unwrap();
    let codes = root.path().join("codes.jsonl");
    let refused = |spoil: &dyn Fn(&mut Vec<Value>), flags: &[&str], words: &str| {
        let mut lines = whole.clone();
        spoil(&mut lines);
        write(&codes, &lines);
        themeline(&[&["compare", path(&dir), "--codes", path(&codes)], flags].concat())
            .code(2)
            .stderr(contains(words).and(contains("next: ")));
    };
    let with = |field: &'static str, value: Value| {
        move |lines: &mut Vec<Value>| lines[2][field] = value.clone()
    };
    let without = |lines: &mut Vec<Value>| {
        lines[2].as_object_mut().unwrap().remove("probability");
    };
    refused(&without, &[], "codes.jsonl:3: it has no `probability`");
    refused(&with("probability", json!(0)), &[], "codes.jsonl:3: probability 0 is not over 0");
    refused(&with("probability", json!(1.5)), &[], "probability 1.5");
    refused(&with("probability", json!(0.0123)), &[], "stratum has another probability");
    refused(&with("unit", json!(99)), &[], "codes.jsonl:3: unit 99 of");
    refused(&with("doc", json!("elsewhere")), &[], "codes.jsonl:3: unit");
    refused(&with("text", json!("Another text.")), &[], "has another text");
    refused(&with("themes", json!(["zebras"])), &[], "theme `zebras` is not in the codebook");
    refused(
        &with("frame", json!("0123456789abcdef")),
        &[],
        "codes.jsonl:3: it was drawn for another",
    );
    refused(
        &|lines| lines.iter_mut().for_each(|l| l["frame"] = json!("x")),
        &[],
        "it was not drawn from",
    );
    refused(&|lines| lines.push(lines[2].clone()), &[], "codes.jsonl:61: the unit of line 3 again");
    refused(
        &|lines| lines.iter_mut().for_each(|l| l["themes"] = Value::Null),
        &[],
        "no line is coded",
    );
    refused(&|lines| lines.truncate(4), &[], "only 4 coded units");
    refused(&Vec::clear, &[], "it has no lines");
    refused(&|_| {}, &["--measure", "documents"], "--measure documents cannot be corrected");
    let own = json!({"doc": "2021-01", "text": "The chair of table 101 spoke last that day.", "themes": []});
    refused(&|lines| lines.push(own.clone()), &[], "it has no `probability`");
    assert!(fs::read(dir.join("trends.json")).unwrap() == before, "nothing is written");
    themeline(&["compare", path(&dir), path(&dir), "--codes", path(&file), "--out", "x"])
        .code(2)
        .stderr(contains("--codes corrects one folder"));
    themeline(&["sample", path(&dir), "--n", "0"]).code(2).stderr(contains("--n 0"));
    themeline(&["sample", path(root.path())]).code(2).stderr(contains("has no run.json"));
}

#[test]
fn all_units_are_drawn_where_there_are_no_more_and_then_codes_say_all() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    let file = root.path().join("all.jsonl");
    themeline(&["sample", path(&dir), "--n", "100000", "--by", "all", "--out", path(&file)])
        .success()
        .stderr(contains("all of them are to be coded"));
    let mut coded = lines(&file);
    assert!(coded.iter().all(|line| line["probability"] == 1.0));
    assert!(coded.iter().any(|line| line["doc"] == "no-date"));
    coded.iter_mut().for_each(code);
    write(&file, &coded);
    themeline(&["compare", path(&dir), "--by", "all", "--codes", path(&file)]).success();
    let found = trends(&dir);
    let share = row(&found, "shares", &[("theme", THEME), ("period", "all")]);
    let bytes = |line: &Value| line["end"].as_f64().unwrap() - line["start"].as_f64().unwrap();
    let of_theme = |line: &&Value| line["themes"] == json!([THEME]);
    let truth = coded.iter().filter(of_theme).map(bytes).sum::<f64>()
        / coded.iter().map(bytes).sum::<f64>();
    assert!((share["share"].as_f64().unwrap() - truth).abs() < 1e-5, "{share} {truth}");
    assert_eq!(found["corrected"]["comparisons"], json!([]));
}

/// Documents of the shared coded sentences, and of each where its sentences stand, with their codes.
type Coded = BTreeMap<String, (Value, Vec<(Range<u64>, Vec<String>)>)>;

/// `None` (said aloud) where the file is missing.
fn coded_sentences() -> Option<Coded> {
    let shared = std::env::var("THEMELINE_SHARED").unwrap_or_else(|_| "../shared".to_owned());
    let path = Path::new(&shared).join("gold/coded-sentences.jsonl");
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no {}; set THEMELINE_SHARED", path.display());
        return None;
    };
    let mut documents = Coded::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let id = line["doc"].as_str().unwrap().to_owned();
        let (document, sentences) = documents.entry(id).or_insert_with(|| {
            (json!({"id": line["doc"], "date": line["date"], "text": ""}), Vec::new())
        });
        let before = document["text"].as_str().unwrap();
        let before = if before.is_empty() { String::new() } else { format!("{before}\n\n") };
        let whole = format!("{before}{}", line["text"].as_str().unwrap());
        let themes = serde_json::from_value(line["themes"].clone()).unwrap();
        sentences.push((before.len() as u64..whole.len() as u64, themes));
        document["text"] = whole.into();
    }
    Some(documents)
}

/// A pretend coder, who has coded all sentences long ago: what 300 of their units say of all. The heads of
/// the encoder learned from these sentences, so scores are better here than elsewhere.
#[test]
fn three_hundred_units_come_closer_to_all_codes_than_the_scores_do() {
    let Some(documents) = coded_sentences() else { return };
    let root = TempDir::new().unwrap();
    let (input, dir) = (root.path().join("sentences.jsonl"), root.path().join("results"));
    let heads: Vec<Value> = documents.values().map(|(document, _)| document.clone()).collect();
    write(&input, &heads);
    let run = ["--out", path(&dir), "--quiet", "--max-emergent", "0", "--units", "jsonl"];
    themeline(&[&["run", path(&input), "--max-reject-rate", "0.01"], &run[..]].concat()).success();
    let themes_of = |line: &Value, document: &str| {
        let (start, end) = (line["start"].as_u64().unwrap(), line["end"].as_u64().unwrap());
        let (_, sentences) = &documents[line[document].as_str().unwrap()];
        let shared = |at: &Range<u64>| at.end.min(end).saturating_sub(at.start.max(start));
        sentences.iter().max_by_key(|(at, _)| shared(at)).unwrap().1.clone()
    };
    let documents_out = lines(&dir.join("documents.jsonl"));
    let counted: BTreeSet<&str> = documents_out
        .iter()
        .filter(|line| line["duplicate_of"].is_null() && line["period"].is_string())
        .map(|line| line["id"].as_str().unwrap())
        .collect();
    let units = lines(&dir.join("units.jsonl"));
    let units = units.iter().filter(|unit| counted.contains(unit["document"].as_str().unwrap()));
    let length = |unit: &Value| unit["end"].as_f64().unwrap() - unit["start"].as_f64().unwrap();
    let coded: Vec<(f64, Vec<String>)> =
        units.map(|unit| (length(unit), themes_of(unit, "document"))).collect();
    let samples = ["1", "2", "3", "4", "5"].map(|seed| {
        let file = root.path().join(format!("{seed}.jsonl"));
        let draw = ["--n", "300", "--seed", seed, "--out", path(&file)];
        themeline(&[&["sample", path(&dir)], &draw[..]].concat()).success();
        let mut drawn = lines(&file);
        drawn.iter_mut().for_each(|line| line["themes"] = json!(themes_of(line, "doc")));
        write(&file, &drawn);
        file
    });
    for (measure, gain) in [("units", 0.5), ("text", 1.3)] {
        let truth = |theme: &str| share_of_all(&coded, theme, measure == "text");
        let (mut before, mut after, mut n_held, mut n) = (0.0, 0.0, 0.0, 0.0);
        for file in &samples {
            let out = root.path().join("out");
            let by = ["--codes", path(file), "--measure", measure, "--resamples", "100"];
            let compare = ["compare", path(&dir), "--out", path(&out)];
            themeline(&[&compare[..], &by[..]].concat()).success();
            let found = trends(&out);
            let rows = found["corrected"]["shares"].as_array().unwrap().iter();
            for row in rows.filter(|row| row["period"] == "all") {
                let number = |field: &str| row[field].as_f64().unwrap();
                let truth = truth(row["theme"].as_str().unwrap());
                before += (number("uncorrected") - truth).powi(2);
                after += (number("share") - truth).powi(2);
                n_held += f64::from(u8::from(number("low") <= truth && truth <= number("high")));
                n += 1.0;
            }
        }
        let (before, after, held) = (f64::sqrt(before / n), f64::sqrt(after / n), n_held / n);
        println!(
            "{measure}: {n} shares off by {before:.4} scored, {after:.4} corrected; {held:.2} held"
        );
        assert!(after < gain * before && held > 0.9, "{measure} {before} {after} {held}");
    }
}

/// The share of a theme by all codes; of the text, a unit with several themes is divided among them.
fn share_of_all(coded: &[(f64, Vec<String>)], theme: &str, of_text: bool) -> f64 {
    let weight = |length: f64| if of_text { length } else { 1.0 };
    let part = |themes: &[String]| match theme {
        "none" => f64::from(u8::from(themes.is_empty())),
        theme if !themes.iter().any(|own| own == theme) => 0.0,
        _ if of_text => 1.0 / themes.len() as f64,
        _ => 1.0,
    };
    let total: f64 = coded.iter().map(|(length, _)| weight(*length)).sum();
    coded.iter().map(|(length, themes)| weight(*length) * part(themes)).sum::<f64>() / total
}
