//! A closer look at what changed, as a user asks for it: is it the mix or the content, is it robust, when did
//! levels change, and do themes still mean what they meant?

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

/// Ten years of notes. Motorways, railways or airports are in every fourth note, from 2016 on in three of four, and then a
/// lighthouse stands by them. The south, which speaks of vaccines, sends two thirds of the notes from 2019 on; before, a third.
fn notes() -> String {
    let mut lines = Vec::new();
    for year in 2011..=2020 {
        for k in 0..36 {
            let is_south = k % 3 < if year >= 2019 { 2 } else { 1 };
            let often = if year < 2016 { 1 } else { 3 };
            let built = ["a motorway", "a railway line", "an airport"][k / 12];
            let about = match (k / 3 % 4 < often, year < 2016) {
                (true, true) => format!("They agreed to build {built} in the east."),
                (true, false) => format!("They agreed to build {built} by the lighthouse."),
                _ => "They spoke of old friends and of the weather.".to_owned(),
            };
            let other = match is_south {
                true => "They discussed vaccines and the training of nurses for hospitals.",
                false => "They spoke of the many guests and of their long journeys home.",
            };
            let office = if is_south { "south" } else { "north" };
            let text = format!("Note {k} of {year}. {about} {other} The chair spoke last.");
            lines.push(json!({"id": format!("{year}-{k:02}"), "date": format!("{year}-05-{:02}", k % 28 + 1),
                "text": text, "office": office}));
        }
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn finished(root: &Path) -> PathBuf {
    finished_with(root, &notes())
}

fn finished_with(root: &Path, notes: &str) -> PathBuf {
    let (input, dir) = (root.join("notes.jsonl"), root.join("results"));
    fs::write(&input, notes).unwrap();
    themeline(&["run", path(&input), "--out", path(&dir), "--quiet", "--max-emergent", "0"])
        .success();
    dir
}

fn trends(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("trends.json")).unwrap()).unwrap()
}

fn list<'t>(of: &'t Value, name: &str) -> &'t Vec<Value> {
    of[name].as_array().unwrap()
}

fn comparison<'t>(trends: &'t Value, theme: &str, to: &str) -> &'t Value {
    let fits = |row: &&Value| row["theme"] == theme && row["to"] == to;
    list(trends, "comparisons").iter().find(fits).unwrap()
}

#[test]
fn a_change_is_called_robust_and_its_level_is_found() {
    let root = TempDir::new().unwrap();
    // Without offices: the north alone says much more of it.
    let without_office = |line: &str| {
        let mut note: Value = serde_json::from_str(line).unwrap();
        note.as_object_mut().unwrap().remove("office");
        format!("{note}\n")
    };
    let notes: String = notes().lines().map(without_office).collect();
    let dir = finished_with(root.path(), &notes);
    themeline(&[
        "compare",
        path(&dir),
        "--also",
        path(&dir),
        "--out",
        path(&root.path().join("b")),
    ])
    .success()
    .stdout(contains("Robust.").and(contains("the level")));
    let found = trends(&root.path().join("b"));
    let robustness = &comparison(&found, "connectivity", "2016")["robustness"];
    assert_eq!(robustness["robust"], true, "{}", robustness["sentence"]);
    let kinds: Vec<&str> =
        list(robustness, "checks").iter().map(|check| check["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["document", "term", "halves", "encoder"]);
    assert_eq!(comparison(&found, "connectivity", "2015")["robustness"], Value::Null);

    let points = list(&found, "change_points");
    let own: Vec<&Value> = points.iter().filter(|point| point["theme"] == "connectivity").collect();
    assert_eq!((own.len(), &own[0]["period"]), (1, &json!("2016")), "{points:?}");
    assert_eq!((&own[0]["earliest"], &own[0]["latest"]), (&json!("2016"), &json!("2016")));
    let trend = |year: &str| {
        let fits = |row: &&Value| row["theme"] == "connectivity" && row["period"] == year;
        let row = list(&found, "shares").iter().find(fits).unwrap();
        let of = |field: &str| row[field].as_f64().unwrap();
        assert!(of("trend_low") <= of("trend") && of("trend") <= of("trend_high"));
        of("trend")
    };
    assert!(trend("2020") > 2.0 * trend("2011"));
}

#[test]
fn a_change_of_who_writes_is_told_from_what_is_written() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    themeline(&["compare", path(&dir), "--between", "2016..2018,2019..2020"])
        .success()
        .stdout(contains("By `office`: content"));
    let found = trends(&dir);
    let health = comparison(&found, "relief", "2019..2020");
    assert_eq!(health["verdict"], "rose", "{}", health["sentence"]);
    let by_office = list(health, "mix").iter().find(|mix| mix["field"] == "office").unwrap();
    let part = |name: &str| by_office[name]["difference"].as_f64().unwrap();
    let whole = health["difference"].as_f64().unwrap();
    assert!((part("content") + part("mix") + part("turnover") - whole).abs() < 1e-5);
    assert!(part("mix") > 0.8 * whole, "{by_office}");
}

#[test]
fn a_new_term_shows_in_its_year_and_in_none_before() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    assert_eq!(trends(&dir)["drift"], json!([]), "only where it is asked for");
    themeline(&["compare", path(&dir), "--drift"]).success().stdout(contains("lighthouse"));
    let found = trends(&dir);
    let own: Vec<&Value> =
        list(&found, "drift").iter().filter(|row| row["theme"] == "connectivity").collect();
    assert_eq!(own.len(), 10);
    for row in own {
        let is_new = list(row, "new_terms").contains(&json!("lighthouse"));
        assert_eq!(is_new, row["period"] == "2016", "{row}");
        assert!(row["distance"].as_f64().is_some() && row["n_documents"].as_u64() >= Some(5));
    }
    let shift = |year: &str| {
        let fits = |row: &&Value| row["theme"] == "connectivity" && row["period"] == year;
        list(&found, "drift").iter().find(fits).unwrap()["shift"].as_f64()
    };
    assert_eq!(shift("2011"), None);
    assert!(shift("2016") > shift("2015"));
}

#[test]
fn a_second_scoring_with_other_themes_is_refused() {
    let root = TempDir::new().unwrap();
    let dir = finished(root.path());
    let other = root.path().join("other");
    let codebook = root.path().join("own.toml");
    fs::write(&codebook, "id = \"own\"\nname = \"Own\"\nversion = \"1\"\n[[theme]]\nid = \"ships\"\nname = \"Ships\"\nterms = [\"harbour\"]\n")
        .unwrap();
    let input = root.path().join("notes.jsonl");
    let run =
        ["run", path(&input), "--out", path(&other), "--codebook", path(&codebook), "--quiet"];
    themeline(&run).success();
    themeline(&["compare", path(&dir), "--also", path(&other)])
        .code(2)
        .stderr(contains("scored with other themes").and(contains("same codebook")));
    themeline(&["compare", path(&dir), "--also", path(root.path())])
        .code(2)
        .stderr(contains("has no run.json"));
}
