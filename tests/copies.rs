//! Copies count once, as a user sees it: what is found, marked, counted and said.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;

fn themeline(args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("themeline").unwrap().env_remove("THEMELINE_MODELS").args(args).assert()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn trends(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("trends.json")).unwrap()).unwrap()
}

/// The shares by theme and period, in millionths.
fn shares(trends: &Value, field: &str) -> BTreeMap<(String, String), Option<i64>> {
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let share = |row: &Value| row[field].as_f64().map(|share| (share * 1e6).round() as i64);
    let rows = trends["shares"].as_array().unwrap().iter();
    rows.map(|row| ((text(row, "theme"), text(row, "period")), share(row))).collect()
}

const ABOUT: [&str; 4] = [
    "agreed to build a new harbour and to widen the coastal railway",
    "spoke of vaccines, of nurses and of a hospital in the north",
    "lowered the tariffs on timber and on fruit",
    "thanked the hosts for a warm welcome in the old town",
];

/// A report of 24 sentences, like no other.
fn report(number: usize) -> Vec<String> {
    let sentence = |k: usize| {
        let about = ABOUT[(number * 7 + k * k) % 4];
        format!(
            "In round {k} of meeting {number} the two delegations {about} by stage {}.",
            k * number
        )
    };
    (0..24).map(sentence).collect()
}

fn record(id: &str, date: &str, sentences: &[String]) -> Value {
    json!({"id": id, "date": date, "text": sentences.join(" ")})
}

fn write(records: &[Value], file: &Path) {
    fs::write(file, records.iter().map(|record| format!("{record}\n")).collect::<String>())
        .unwrap();
}

/// Ten reports of two years.
fn reports() -> Vec<Value> {
    let record = |k: usize| {
        record(&format!("report-{k}"), &format!("{}-03-{:02}", 2020 + k % 2, k + 1), &report(k))
    };
    (0..10).map(record).collect()
}

/// Reports, with one of them sent again, with small changes, with a part of it taken over, and told by
/// another outlet two days later.
fn corpus() -> Vec<Value> {
    let mut records = reports();
    let text = report(4);
    records.insert(0, record("same", "2021-05-01", &text));
    let mut changed = text.clone();
    changed[20] = changed[20].replace("delegations", "sides");
    records.push(record("changed", "2021-05-02", &changed));
    let mut other = report(31);
    other.splice(10..12, text[14..20].iter().cloned());
    records.push(record("taken-over", "2021-06-01", &other));
    let mut outlet = report(32);
    outlet.splice(3..12, text[1..13].iter().cloned());
    records.push(record("outlet", "2020-03-07", &outlet));
    records
}

fn run(root: &Path, name: &str, records: &[Value], flags: &[&str]) -> PathBuf {
    let (input, dir) = (root.join(format!("{name}.jsonl")), root.join(name));
    write(records, &input);
    let args = ["run", path(&input), "--out", path(&dir), "--quiet"];
    themeline(&[&args, flags].concat()).success();
    dir
}

#[test]
fn what_repeats_what_is_listed_and_marked() {
    let root = TempDir::new().unwrap();
    let dir = run(root.path(), "all", &corpus(), &["--units", "jsonl"]);
    let rows = lines(&dir.join("copies.jsonl"));
    let said: Vec<String> = rows
        .iter()
        .map(|row| {
            format!("{} {} of {}", row["kind"], row["document"], row["original"]).replace('"', "")
        })
        .collect();
    let expected = [
        "exact same of report-4",
        "near changed of report-4",
        "passage taken-over of report-4",
        "passage outlet of report-4",
        "event outlet of report-4",
    ];
    assert_eq!(said, expected);
    assert_eq!(rows[0]["group"], rows[1]["group"]);

    // A passage has the same words in both texts, and its units are marked.
    let texts: BTreeMap<String, String> = corpus()
        .iter()
        .map(|r| (r["id"].as_str().unwrap().into(), r["text"].as_str().unwrap().into()))
        .collect();
    let part = |row: &Value, id: &str, start: &str, end: &str| {
        let at = |field: &str| row[field].as_u64().unwrap() as usize;
        texts[row[id].as_str().unwrap()][at(start)..at(end)].trim_end_matches('.').to_owned()
    };
    let own = part(&rows[2], "document", "start", "end");
    assert_eq!(own, part(&rows[2], "original", "original_start", "original_end"));
    assert_eq!(own, report(4)[14..20].join(" ").trim_end_matches('.'));
    let units = lines(&dir.join("units.jsonl"));
    let marked =
        units.iter().filter(|u| u["document"] == "taken-over" && u["copy_of"] == "report-4");
    assert!(marked.clone().count() > 5);
    assert!(
        marked
            .into_iter()
            .all(|unit| own.contains(unit["text"].as_str().unwrap().trim_end_matches('.')))
    );

    let documents = lines(&dir.join("documents.jsonl"));
    let document = |id: &str| documents.iter().find(|d| d["id"] == id).unwrap();
    assert_eq!(
        (&document("same")["similarity"], &document("report-4")["similarity"]),
        (&json!(1.0), &Value::Null)
    );
    let near = &document("changed");
    assert!(near["similarity"].as_f64().unwrap() > 0.9 && near["duplicate_of"] == "report-4");
    assert_eq!(document("taken-over")["duplicate_of"], Value::Null);
    assert!(document("taken-over")["n_repeated_units"].as_u64().unwrap() > 5);
    let run: Value = serde_json::from_slice(&fs::read(dir.join("run.json")).unwrap()).unwrap();
    assert_eq!(
        run["counts"],
        json!({"in": 14, "scored": 12, "rejected": 0, "duplicates": 2, "filtered": 0})
    );
    assert!(run["files"].as_array().unwrap().iter().any(|file| file["name"] == "copies.jsonl"));
    themeline(&["schema", "copies"]).success().stdout(contains("original_start"));
}

#[test]
fn a_report_sent_fifty_times_counts_as_if_it_came_once() {
    let root = TempDir::new().unwrap();
    let mut records = reports();
    let once = run(root.path(), "once", &records, &[]);
    for k in 0..50 {
        let mut text = report(4);
        text[k % 24] = text[k % 24].replace("delegations", &format!("sides, {k} in all,"));
        records.push(record(&format!("copy-{k}"), "2020-12-01", &text));
    }
    // The same themes, so that shares can be compared to the last digit.
    let (input, often) = (root.path().join("often.jsonl"), root.path().join("often"));
    write(&records, &input);
    let themes = once.join("themes.json");
    themeline(&["score", path(&input), "--themes", path(&themes), "--out", path(&often)])
        .success()
        .stderr(contains("copies: 50 documents and 0 passages repeat others and count once"));
    let (one, many) = (trends(&once), trends(&often));
    assert_eq!(shares(&one, "share"), shares(&many, "share"));
    assert_eq!(one["comparisons"], many["comparisons"]);
    assert_eq!(shares(&one, "share"), shares(&one, "share_with_copies"));
    let with_copies = shares(&many, "share_with_copies");
    assert_ne!(shares(&one, "share"), with_copies);

    // Counted like any other text, they move the shares as far as was said before.
    let all = root.path().join("all");
    themeline(&["compare", path(&often), "--copies", "all", "--out", path(&all)]).success();
    let all = trends(&all);
    assert_eq!((&all["copies"], &many["copies"]), (&json!("all"), &json!("once")));
    assert_eq!(shares(&all, "share"), with_copies);
    assert_eq!(shares(&all, "share_with_copies"), with_copies);
    let asked = root.path().join("asked");
    let score = ["score", path(&input), "--themes", path(&themes), "--copies", "all", "--out"];
    themeline(&[&score[..], &[path(&asked)]].concat())
        .success()
        .stderr(contains("count all the same (--copies all)"));
    assert_eq!(trends(&asked)["shares"], all["shares"]);
}

#[test]
fn the_same_bytes_for_any_threads_and_order_and_from_the_folder() {
    let root = TempDir::new().unwrap();
    let (a, b) = (root.path().join("a.jsonl"), root.path().join("b.jsonl"));
    let records = corpus();
    write(&records[..6], &a);
    write(&records[6..], &b);
    let read = |dir: &Path| {
        let names =
            ["documents.jsonl", "copies.jsonl", "units.parquet", "trends.json", "trends.parquet"];
        names.map(|name| fs::read(dir.join(name)).unwrap())
    };
    let dir = |name: &str| root.path().join(name);
    themeline(&["run", path(&a), path(&b), "--out", path(&dir("one")), "--threads", "1"]).success();
    let one = read(&dir("one"));
    for threads in ["2", "8"] {
        themeline(&["run", path(&b), path(&a), "--out", path(&dir(threads)), "--threads", threads])
            .success();
        assert!(read(&dir(threads)) == one, "{threads} threads");
    }
    let themes = dir("one").join("themes.json");
    let score = ["score", path(&a), path(&b), "--themes", path(&themes), "--out"];
    themeline(&[&score[..], &[path(&dir("scored"))]].concat()).success();
    assert!(read(&dir("scored")) == one, "scored");
    themeline(&["compare", path(&dir("one"))]).success();
    assert!(read(&dir("one")) == one, "compared again");
}

#[test]
fn the_earlier_date_counts_though_the_file_begins_with_the_latest() {
    let root = TempDir::new().unwrap();
    let mut records = reports();
    let mut text = report(4);
    text[20] = text[20].replace("delegations", "sides");
    records.insert(0, record("late", "2021-11-01", &text));
    let dir = run(root.path(), "sorted", &records, &[]);
    let rows = lines(&dir.join("copies.jsonl"));
    assert_eq!((&rows[0]["document"], &rows[0]["original"]), (&json!("late"), &json!("report-4")));
}

#[test]
fn what_is_no_text_is_taken_too() {
    let root = TempDir::new().unwrap();
    let mut records = reports();
    records.push(json!({"id": "blank", "date": "2020", "text": " "}));
    records.push(json!({"id": "long", "date": "2020", "text": "x".repeat(1 << 20)}));
    records.push(json!({"id": "short", "date": "2020", "text": "They met."}));
    records.push(json!({"id": "short-too", "date": "2020", "text": "They met."}));
    for k in 0..2_000 {
        records
            .push(json!({"id": format!("again-{k}"), "date": "2021", "text": report(4).join(" ")}));
        records.push(records[4].clone());
    }
    let dir = run(root.path(), "odd", &records, &["--max-reject-rate", "1"]);
    let run: Value = serde_json::from_slice(&fs::read(dir.join("run.json")).unwrap()).unwrap();
    let counts =
        json!({"in": 4014, "scored": 12, "rejected": 1, "duplicates": 4001, "filtered": 0});
    assert_eq!(run["counts"], counts);
    assert_eq!(lines(&dir.join("copies.jsonl")).len(), 2_001);
}

#[test]
fn an_unknown_way_to_count_is_refused() {
    themeline(&["run", "examples/readouts", "--out", "nowhere", "--copies", "twice"])
        .code(2)
        .stderr(contains("once").and(contains("all")));
    themeline(&["run", "examples/readouts", "--out", "nowhere", "--show-config"])
        .success()
        .stdout(contains("copies = \"once\""));
}
