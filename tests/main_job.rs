//! The main job as a user does it: commands in, files out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

fn themeline() -> Command {
    let mut command = Command::cargo_bin("themeline").unwrap();
    command.env_remove("THEMELINE_MODELS");
    command
}

fn run(inputs: &[&str], out: &Path, flags: &[&str]) {
    themeline().arg("run").args(inputs).arg("--out").arg(out).args(flags).assert().success();
}

/// Every file of an output folder but run.json, which alone may hold timings and paths.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name != "run.json").then(|| (name, fs::read(&path).unwrap()))
    };
    fs::read_dir(dir).unwrap().filter_map(read).collect()
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn same_files(a: &Path, b: &Path) {
    let (a, b) = (files(a), files(b));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, bytes) in &a {
        assert!(*bytes == b[name], "{name} differs");
    }
}

#[test]
fn a_folder_of_readouts_becomes_scores_with_the_passages_behind_them() {
    let out = TempDir::new().unwrap();
    let dir = out.path().join("results");
    run(&["examples/readouts"], &dir, &["--units", "jsonl"]);

    let run_file: Value = serde_json::from_slice(&fs::read(dir.join("run.json")).unwrap()).unwrap();
    let counts = &run_file["counts"];
    assert_eq!(counts["rejected"], 0, "{run_file}");
    assert!(counts["in"].as_u64().unwrap() >= 12);

    let files = files(&dir);
    let mut n_evidence = 0;
    for document in lines(&files["documents.jsonl"]) {
        let shares: f64 = document["themes"]
            .as_object()
            .unwrap()
            .values()
            .map(|t| t["share"].as_f64().unwrap())
            .sum();
        let none = document["none"]["share"].as_f64().unwrap();
        assert!((shares + none - 1.0).abs() < 1e-4, "{}", document["id"]);
        let file = document["file"].as_str().unwrap();
        if file.ends_with(".txt") || file.ends_with(".md") {
            let source = fs::read(Path::new("examples/readouts").join(file)).unwrap();
            for passage in document["evidence"].as_array().unwrap() {
                let at = |key: &str| passage[key].as_u64().unwrap() as usize;
                let bytes = &source[at("start")..at("end")];
                assert_eq!(bytes, passage["text"].as_str().unwrap().as_bytes());
                n_evidence += 1;
            }
        }
    }
    assert!(n_evidence > 50, "only {n_evidence} passages");

    let trends: Value = serde_json::from_slice(&files["trends.json"]).unwrap();
    let years: std::collections::BTreeSet<&str> = trends["shares"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["period"].as_str().unwrap())
        .collect();
    assert!(years.len() >= 5, "{years:?}");
}

#[test]
fn the_same_input_gives_the_same_bytes_for_any_threads_and_order() {
    let out = TempDir::new().unwrap();
    let dir = |name: &str| out.path().join(name);
    let texts = "examples/readouts/*.txt";
    let office = "examples/readouts/press-office";
    run(&[texts, office], &dir("one"), &["--threads", "1"]);
    run(&[office, texts], &dir("two"), &["--threads", "2"]);
    run(&[texts, office], &dir("eight"), &["--threads", "8"]);
    same_files(&dir("one"), &dir("two"));
    same_files(&dir("one"), &dir("eight"));
}

#[test]
fn fit_then_score_equals_run() {
    let out = TempDir::new().unwrap();
    let (whole, themes, scored) =
        (out.path().join("run"), out.path().join("themes.json"), out.path().join("scored"));
    run(&["examples/readouts"], &whole, &["--max-evidence", "3"]);
    themeline().args(["fit", "examples/readouts", "--out"]).arg(&themes).assert().success();
    assert_eq!(fs::read(&themes).unwrap(), fs::read(whole.join("themes.json")).unwrap());
    let score = ["score", "examples/readouts", "--max-evidence", "3", "--themes"];
    themeline().args(score).arg(&themes).arg("--out").arg(&scored).assert().success();
    same_files(&whole, &scored);
}

#[test]
fn a_pipe_takes_records_and_gives_scores_in_their_order() {
    let out = TempDir::new().unwrap();
    let themes = out.path().join("themes.json");
    themeline().args(["fit", "examples/readouts", "--out"]).arg(&themes).assert().success();
    let records = r#"{"id": "b", "date": "2024-05", "text": "The ministers agreed to lower tariffs."}
{"id": "a", "text": "They will build a railway and a port."}
"#;
    let done =
        themeline().args(["score", "-", "--themes"]).arg(&themes).write_stdin(records).assert();
    let rows = lines(&done.success().get_output().stdout);
    assert_eq!([&rows[0]["id"], &rows[1]["id"]], ["b", "a"]);
    assert_eq!(rows[0]["period"], "2024");
    assert!(rows[0]["themes"]["trade"]["share"].as_f64().unwrap() > 0.9, "{}", rows[0]);
    assert!(rows[1]["themes"]["connectivity"]["share"].as_f64().unwrap() > 0.9, "{}", rows[1]);
    assert_eq!(rows[1]["period"], Value::Null);
}

#[test]
fn bad_records_are_named_counted_and_left_behind() {
    let out = TempDir::new().unwrap();
    let input = out.path().join("in.jsonl");
    let records = [
        r#"{"id": "1", "date": "2020-01-02", "text": "They spoke of trade."}"#,
        r#"["not", "an", "object"]"#,
        r#"{"id": "2", "date": "03/04/2021", "text": "They spoke of ports."}"#,
        r#"{"id": "3", "date": "2020-01-02"}"#,
        r#"{"id": "1", "text": "Another text under the same id."}"#,
        r#"{"id": "4", "date": "2020", "text": "They spoke of trade."}"#,
    ];
    fs::write(&input, records.join("\n")).unwrap();
    let dir = out.path().join("results");
    themeline()
        .args(["run".as_ref(), input.as_os_str(), "--out".as_ref(), dir.as_os_str()])
        .assert()
        .code(3)
        .stderr(contains("4 of 6 records were rejected"));
    let rejects = lines(&fs::read(dir.join("rejects.jsonl")).unwrap());
    let field =
        |name: &str| rejects.iter().map(|r| r[name].to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(field("line"), "2 3 4 5");
    assert_eq!(field("code"), r#""not_an_object" "ambiguous_date" "missing_field" "duplicate_id""#);
    assert!(field("message").contains("--date-format"));
    let run_file: Value = serde_json::from_slice(&fs::read(dir.join("run.json")).unwrap()).unwrap();
    let expected: Value = serde_json::from_str(
        r#"{"in": 6, "scored": 1, "rejected": 4, "duplicates": 1, "filtered": 0}"#,
    )
    .unwrap();
    assert_eq!(run_file["counts"], expected);
}

#[test]
fn the_flag_that_a_reject_names_settles_it() {
    let out = TempDir::new().unwrap();
    let input = out.path().join("in.csv");
    fs::write(&input, "id;date;text\n1;03/04/2021;They spoke of ports.\n").unwrap();
    let dir = out.path().join("results");
    run(&[input.to_str().unwrap()], &dir, &["--date-format", "dmy"]);
    let document = &lines(&fs::read(dir.join("documents.jsonl")).unwrap())[0];
    assert_eq!(
        (&document["date"], &document["date_origin"]),
        (&"2021-04-03".into(), &"metadata".into())
    );
}

#[test]
fn what_cannot_be_used_as_given_is_exit_2_with_the_next_step() {
    let out = TempDir::new().unwrap();
    let empty = out.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let codebook = out.path().join("mine.toml");
    fs::write(&codebook, "id = \"mine\"\nname = \"Mine\"\nversion = \"1\"\nterm = []\n").unwrap();
    let config = out.path().join("config.toml");
    fs::write(&config, "thread = 2\n").unwrap();
    let dir = out.path().join("results");
    let records = out.path().join("records.jsonl");
    fs::write(&records, "{\"id\": \"1\", \"body\": \"They spoke of trade.\"}\n").unwrap();
    let cases: [(&[&str], &str); 8] = [
        (&[records.to_str().unwrap()], "\n  records.jsonl:1: "),
        (&["examples/readouts/*.nothing"], "*.nothing"),
        (&["examples/readoutz"], "readouts"),
        (&[empty.to_str().unwrap()], "empty"),
        (&["examples/readouts", "--codebook", codebook.to_str().unwrap()], "mine.toml:4:1"),
        (&["examples/readouts", "--config", config.to_str().unwrap()], "config.toml:1:1"),
        (&["examples/readouts", "--encoder", "statik"], "static"),
        (&["examples/readouts", "--max-reject-rate", "2"], "--max-reject-rate 2"),
    ];
    for (args, said) in cases {
        let done = themeline().arg("run").args(args).arg("--out").arg(&dir).assert();
        done.code(2).stderr(contains(said).and(contains("next: ")));
        assert!(!dir.exists(), "{args:?} left something behind");
    }
    themeline().args(["run", "examples", "--oot", "x"]).assert().code(2).stderr(contains("--out"));
}

#[test]
fn a_folder_that_is_not_ours_is_left_alone() {
    let out = TempDir::new().unwrap();
    fs::write(out.path().join("thesis.txt"), "irreplaceable").unwrap();
    let dir = out.path().to_str().unwrap();
    themeline().args(["run", "examples/readouts", "--out", dir]).assert().code(2);
    assert_eq!(fs::read_to_string(out.path().join("thesis.txt")).unwrap(), "irreplaceable");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
}

#[test]
fn scoring_refuses_to_refit_and_other_files() {
    let out = TempDir::new().unwrap();
    let wrong = out.path().join("themes.json");
    fs::write(&wrong, "{\"schema\": 1}").unwrap();
    let wrong = wrong.to_str().unwrap();
    let score = ["score", "examples/readouts", "--out", "nowhere", "--themes", wrong];
    themeline().args(score).assert().code(2).stderr(contains("not a theme model"));
    let refit = ["--codebook", "cooperation"];
    themeline().args(score).args(refit).assert().code(2).stderr(contains("never refits"));
    assert!(!Path::new("nowhere").exists());
}

#[test]
fn stdout_carries_data_alone() {
    let out = TempDir::new().unwrap();
    let dir = out.path().join("results");
    let run = ["run", "examples/readouts", "--out", dir.to_str().unwrap()];
    themeline().args(run).assert().success().stdout("").stderr(contains("open next"));
    themeline().args(run).arg("--quiet").assert().success().stdout("").stderr("");
    themeline().args(run).arg("--dry-run").assert().success().stdout(contains("would be read"));
    let config = themeline().args(run).args(["--show-config", "--seed", "7"]).assert().success();
    config.stdout(contains("seed = 7").and(contains("encoder = \"static\"")));
    let json = themeline().args(run).arg("--json-logs").assert().success();
    for line in String::from_utf8(json.get_output().stderr.clone()).unwrap().lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
}

#[test]
fn every_output_has_a_schema_and_help_starts_with_examples() {
    for name in ["documents", "units", "scores", "themes", "trends", "rejects", "run"] {
        let done = themeline().args(["schema", name]).assert().success();
        let schema: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
        assert!(
            schema["properties"]["schema"].is_object() || schema["title"].is_string(),
            "{name}"
        );
    }
    themeline().args(["schema", "x"]).assert().code(2).stderr(contains("documents"));
    for verb in [vec!["--help"], vec!["run", "--help"], vec!["score", "--help"]] {
        let help = themeline().args(verb).assert().success();
        let text = String::from_utf8(help.get_output().stdout.clone()).unwrap();
        assert!(text.starts_with("Example"), "{text}");
    }
}

#[test]
fn codes_are_learned_from_and_judged_by() {
    let out = TempDir::new().unwrap();
    let dir = out.path().join("results");
    run(&["examples/readouts/vietnam-korea-seoul.txt"], &dir, &[]);
    let document = &lines(&fs::read(dir.join("documents.jsonl")).unwrap())[0];
    // A passage may stand as evidence for several themes; it has one code.
    let mut themes: BTreeMap<(u64, String), Vec<String>> = BTreeMap::new();
    for passage in document["evidence"].as_array().unwrap() {
        let place = (passage["start"].as_u64().unwrap(), passage["text"].to_string());
        themes.entry(place).or_default().push(passage["theme"].to_string());
    }
    let code = |((start, text), themes): (&(u64, String), &Vec<String>)| {
        let (doc, themes) = (&document["id"], themes.join(", "));
        format!(r#"{{"doc": {doc}, "start": {start}, "text": {text}, "themes": [{themes}]}}"#)
    };
    let codes: Vec<String> = themes.iter().map(code).collect();
    let path = out.path().join("codes.jsonl");
    fs::write(&path, codes.join("\n")).unwrap();
    let done =
        themeline().arg("validate").arg(&dir).arg("--codes").arg(&path).arg("--json").assert();
    let validation: Value = serde_json::from_slice(&done.success().get_output().stdout).unwrap();
    assert_eq!(validation["n_passages"], codes.len());
    // Every code gives themes that its unit carries.
    for (theme, agreement) in validation["themes"].as_object().unwrap() {
        let recall = &agreement["recall"];
        assert!(recall.is_null() || *recall == 1.0, "{theme}: {agreement}");
    }
    fs::write(&path, r#"{"doc": "x", "text": "y", "themes": ["ports"]}"#).unwrap();
    let done = themeline().arg("validate").arg(&dir).arg("--codes").arg(&path).assert();
    done.code(2).stderr(contains("codes.jsonl:1: theme `ports`").and(contains("connectivity")));
}
