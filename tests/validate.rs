//! `themeline validate` as a user does it: a run, hand codes, and what is said of the two.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::{Value, json};
use tempfile::TempDir;

fn themeline() -> Command {
    let mut command = Command::cargo_bin("themeline").unwrap();
    command.env_remove("THEMELINE_MODELS");
    command
}

/// Twelve short documents of four years, a coded sentence of each, and the run on them.
struct Study {
    root: TempDir,
    codes: Vec<Value>,
}

/// What is said in a document of each kind, its second sentence coded with the theme.
const SAID: [(&str, &str); 3] = [
    ("They agreed to lower tariffs on rice and fruit.", "trade"),
    ("A railway and a deep-water port will be built.", "connectivity"),
    ("The two armies will hold a joint exercise against terrorism.", "security"),
];

impl Study {
    fn new(flags: &[&str]) -> Study {
        let root = TempDir::new().unwrap();
        let (mut documents, mut codes) = (String::new(), Vec::new());
        for i in 0..12 {
            let (said, theme) = SAID[i % 3];
            let opening = format!("Minister number {i} received the guests on Monday.");
            let (id, year) = (format!("d{i:02}"), 2020 + i / 3);
            let text = format!("{opening} {said}");
            let source = ["gazette", "herald"][i % 2];
            let document =
                json!({"id": id, "date": year.to_string(), "source": source, "text": text});
            documents.push_str(&format!("{document}\n"));
            let start = opening.len() + 1;
            codes.push(json!({"doc": id, "start": start, "text": said, "themes": [theme]}));
            codes.push(json!({"doc": id, "start": 0, "text": opening, "themes": []}));
        }
        let study = Study { root, codes };
        fs::write(study.path("corpus.jsonl"), documents).unwrap();
        study.write("codes.jsonl", &study.codes);
        study.run(flags);
        study
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, codes: &[Value]) -> PathBuf {
        let lines: String = codes.iter().map(|code| format!("{code}\n")).collect();
        fs::write(self.path(name), lines).unwrap();
        self.path(name)
    }

    fn run(&self, flags: &[&str]) {
        let (corpus, out) = (self.path("corpus.jsonl"), self.path("out"));
        let run = ["run".as_ref(), corpus.as_os_str(), "--out".as_ref(), out.as_os_str()];
        themeline().current_dir(self.root.path()).args(run).args(flags).assert().success();
    }

    fn validate(&self, flags: &[&str]) -> assert_cmd::assert::Assert {
        let mut command = themeline();
        command.current_dir(self.root.path()).args(["validate", "out"]).args(flags).assert()
    }

    fn json(&self, flags: &[&str]) -> Value {
        let done = self.validate(&[flags, &["--json"]].concat()).success();
        serde_json::from_slice(&done.get_output().stdout).unwrap()
    }
}

const CODES: [&str; 2] = ["--codes", "codes.jsonl"];

#[test]
fn codes_are_set_against_scores_and_every_error_can_be_read() {
    let mut study = Study::new(&[]);
    let whole = study.json(&CODES);
    assert_eq!((&whole["n_passages"], &whole["n_documents"]), (&json!(24), &json!(12)));
    for theme in ["trade", "connectivity", "security"] {
        let agreement = &whole["themes"][theme];
        assert_eq!(agreement["n_coded"], 4, "{theme}");
        assert_eq!(agreement["recall"], 1.0, "{theme}: {agreement}");
        assert!(agreement["intervals"]["recall"].is_object(), "{theme}: {agreement}");
    }
    let names = |list: &str| {
        let groups = whole[list].as_array().unwrap().iter();
        groups.map(|g| g["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("periods"), ["2020", "2021", "2022", "2023"]);
    assert_eq!(names("sources"), ["gazette", "herald"]);
    assert_eq!(whole["drift"]["early"], json!(["2020", "2021"]));
    assert!(whole["calibration"]["ece"].as_f64().unwrap() < 0.5);
    assert!(whole["warnings"].to_string().contains("only 12 coded documents"));
    assert_eq!(whole["coders"], Value::Null);

    // One code says what no sentence does: that error is told, with its place.
    study.codes[0]["themes"] = json!(["energy"]);
    study.write("codes.jsonl", &study.codes);
    let wrong = study.json(&CODES);
    let missed =
        wrong["wrong"].as_array().unwrap().iter().find(|p| p["theme"] == "energy").unwrap();
    assert_eq!((&missed["fault"], &missed["document"]), (&json!("missed"), &json!("d00")));
    assert_eq!((&missed["coded"], &missed["scored"]), (&json!(["energy"]), &json!(["trade"])));
    assert_eq!(missed["start"], study.codes[0]["start"]);
    let confusion = json!({"coded": "energy", "scored": "trade", "n": 1});
    assert!(
        wrong["confusions"].as_array().unwrap().contains(&confusion),
        "{}",
        wrong["confusions"]
    );
    let text = study.validate(&CODES).success();
    let text = String::from_utf8(text.get_output().stdout.clone()).unwrap();
    assert!(text.contains(SAID[0].0) && text.contains("macro F1"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let none = study.json(&["--codes", "codes.jsonl", "--errors", "0"]);
    assert_eq!(none["wrong"], json!([]));
}

#[test]
fn the_same_bytes_for_any_number_of_threads_and_other_intervals_for_another_seed() {
    let study = Study::new(&[]);
    let with = |flags: &[&str]| {
        study.validate(&[&CODES, flags].concat()).success().get_output().stdout.clone()
    };
    for leave_out in [&[][..], &["--leave-out", "3"]] {
        let [one, three] =
            ["1", "3"].map(|n| with(&[leave_out, &["--json", "--threads", n]].concat()));
        assert_eq!(one, three);
    }
    let mut codes = study.codes.clone();
    codes.iter_mut().step_by(5).for_each(|code| code["themes"] = json!(["energy"]));
    study.write("codes.jsonl", &codes);
    assert_ne!(with(&["--json"]), with(&["--json", "--seed", "2"]));
}

#[test]
fn documents_that_were_trained_on_are_refused() {
    let study = Study::new(&[]);
    study.write("learned.jsonl", &study.codes[..8]);
    study.run(&["--codes", "learned.jsonl"]);
    let said = contains("4 of the 12 coded documents (d00, d01, d02, d03)");
    study.validate(&CODES).code(2).stderr(said.and(contains("--allow-trained")));
    let allowed = study.json(&["--codes", "codes.jsonl", "--allow-trained"]);
    assert_eq!(allowed["n_trained_on"], 4);
    assert!(allowed["warnings"][0].as_str().unwrap().contains("how well the codes were learned"));
    study.write("others.jsonl", &study.codes[8..]);
    let others = study.json(&["--codes", "others.jsonl"]);
    assert_eq!((&others["n_trained_on"], &others["n_documents"]), (&json!(0), &json!(8)));
    // Cross-validation fits anew, so that it may use them all.
    study.validate(&["--codes", "codes.jsonl", "--leave-out", "4"]).success();
}

#[test]
fn left_out_documents_are_scored_by_a_fit_that_did_not_see_them() {
    let mut study = Study::new(&["--max-emergent", "0"]);
    let found = study.json(&["--codes", "codes.jsonl", "--leave-out", "4"]);
    assert_eq!((&found["leave_out"], &found["n_passages"]), (&json!(4), &json!(24)));
    assert_eq!(found["n_documents"], 12);
    assert_eq!(found["periods"][0]["name"], "2020");
    assert_eq!(found["sources"][1]["name"], "herald");
    assert!(found["calibration"].is_object());

    // A document's own codes do not move its scores, but they do move those of the others, which
    // learn from them. Both passages are coded otherwise than scored, so that their scores are shown.
    let score = |study: &Study, document: &str| {
        let flags = ["--codes", "codes.jsonl", "--leave-out", "12", "--errors", "50"];
        let found = study.json(&flags);
        let mut wrong = found["wrong"].as_array().unwrap().iter();
        let is_meant = |p: &&Value| {
            p["theme"] == "trade" && p["fault"] == "wrong" && p["document"] == document
        };
        wrong.find(is_meant).unwrap_or_else(|| panic!("{document}: {}", found["wrong"]))["score"]
            .clone()
    };
    let mut scores = Vec::new();
    for themes in [json!(["energy"]), json!(["politics", "relief"])] {
        study.codes[0]["themes"] = themes;
        study.codes[6]["themes"] = json!(["energy"]);
        study.write("codes.jsonl", &study.codes);
        scores.push(["d00", "d03"].map(|document| score(&study, document)));
    }
    assert_eq!(scores[0][0], scores[1][0], "what was left out was not learned");
    assert_ne!(scores[0][1], scores[1][1], "what was kept was learned");

    for (flags, said) in [("1", "from 2 to 12"), ("13", "from 2 to 12")] {
        let flags = ["--codes", "codes.jsonl", "--leave-out", flags];
        study.validate(&flags).code(2).stderr(contains(said));
    }
    let corpus = study.path("corpus.jsonl");
    let text = fs::read_to_string(&corpus).unwrap();
    fs::write(&corpus, text.replace("rice", "tea")).unwrap();
    let flags = ["--codes", "codes.jsonl", "--leave-out", "4"];
    study.validate(&flags).code(2).stderr(contains("has changed since the run"));
    fs::remove_file(&corpus).unwrap();
    study.validate(&flags).code(2).stderr(contains("is gone").and(contains("next: ")));
}

#[test]
fn a_folder_of_texts_is_read_again_under_the_same_ids() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let run = ["run", "examples/readouts", "--max-emergent", "0", "--out"];
    themeline().args(run).arg(&out).assert().success();
    let documents = fs::read_to_string(out.join("documents.jsonl")).unwrap();
    let codes: Vec<String> = documents
        .lines()
        .filter_map(|line| {
            let document: Value = serde_json::from_str(line).unwrap();
            let passage = document["evidence"].get(0)?;
            Some(
                json!({"doc": document["id"], "start": passage["start"], "text": passage["text"],
                "themes": [passage["theme"]]})
                .to_string(),
            )
        })
        .collect();
    let path = root.path().join("codes.jsonl");
    fs::write(&path, codes.join("\n")).unwrap();
    let validate = ["--leave-out", "3", "--json", "--codes"];
    let done = themeline().arg("validate").arg(&out).args(validate).arg(&path).assert().success();
    let found: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    assert_eq!(found["n_passages"], codes.len());
    assert_eq!(found["n_without_units"], 0);
}

/// Every file of a folder.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
    };
    fs::read_dir(dir).unwrap().map(read).collect()
}

#[test]
fn what_is_found_is_kept_in_the_folder_and_its_report_shows_it() {
    let study = Study::new(&[]);
    let dir = study.path("out");
    let before = files(&dir);
    study.validate(&["--codes", "codes.jsonl", "--print-only"]).success();
    study.validate(&["--codes", "no-such-file.jsonl"]).failure();
    assert!(files(&dir) == before, "nothing was to be written");

    let path = study.path("codes.jsonl");
    let printed = study.json(&["--codes", path.to_str().unwrap()]);
    let after = files(&dir);
    let kept: Value = serde_json::from_slice(&after["validation.json"]).unwrap();
    assert_eq!(kept, printed);
    let page = String::from_utf8(after["report.html"].clone()).unwrap();
    assert!(page.contains("Macro F1") && page.contains("Calibration error"));
    let run: Value = serde_json::from_slice(&after["run.json"]).unwrap();
    for file in run["files"].as_array().unwrap() {
        let bytes = &after[file["name"].as_str().unwrap()];
        assert_eq!(file["blake3"], blake3::hash(bytes).to_hex().to_string(), "{file}");
    }
    let changed = ["validation.json", "report.html", "datapackage.json", "run.json"];
    for (name, bytes) in &after {
        let is_machine = name != "run.json" && bytes_contain(bytes, study.root.path());
        assert!(!is_machine, "{name} names a path of this machine");
        assert!(changed.contains(&name.as_str()) || *bytes == before[name], "{name} changed");
    }

    // Cross-validation says so on the page; a later run takes the figures of the earlier one away.
    study.json(&["--codes", "codes.jsonl", "--leave-out", "3"]);
    let page = fs::read_to_string(dir.join("report.html")).unwrap();
    assert!(page.contains("scored by a fit without it (3 parts)"));
    study.run(&[]);
    assert!(!dir.join("validation.json").exists());
}

fn bytes_contain(bytes: &[u8], path: &Path) -> bool {
    String::from_utf8_lossy(bytes).contains(path.to_str().unwrap())
}

#[test]
fn two_coders_are_compared_with_each_other() {
    let study = Study::new(&[]);
    let mut second = study.codes.clone();
    second[0]["themes"] = json!(["energy"]);
    second.truncate(20);
    study.write("second.jsonl", &second);
    let both = ["--codes", "codes.jsonl", "--codes", "second.jsonl"];
    let coders = &study.json(&both)["coders"];
    assert_eq!(coders["n_shared"], 20);
    assert_eq!(coders["themes"]["security"]["alpha"], 1.0);
    let trade = coders["themes"]["trade"]["alpha"].as_f64().unwrap();
    assert!((0.5..1.0).contains(&trade), "{coders}");
    assert_eq!(coders["files"][1]["file"], "second.jsonl");
    assert!(
        coders["files"][0]["alpha_with_scores"].as_f64()
            > coders["files"][1]["alpha_with_scores"].as_f64()
    );
    study.validate(&both).success().stdout(contains("alpha between them"));
}

#[test]
fn codes_that_cannot_be_used_are_exit_2_with_the_next_step() {
    let study = Study::new(&[]);
    let code =
        |doc: &str, text: &str, theme: &str| json!({"doc": doc, "text": text, "themes": [theme]});
    let refused = |name: &str, lines: &[Value], said: &str| {
        study.write(name, lines);
        study.validate(&["--codes", name]).code(2).stderr(contains(said).and(contains("next: ")));
    };
    refused("empty.jsonl", &[], "it has no codes");
    refused("theme.jsonl", &[code("d00", "x", "ports")], "theme.jsonl:1: theme `ports`");
    refused("others.jsonl", &[code("e", "x", "trade")], "none of the coded documents");
    refused("text.jsonl", &[code("d00", "Not there.", "trade")], "no coded passage was found");
    let twice = [&study.codes[..3], &study.codes[1..2]].concat();
    refused("twice.jsonl", &twice, "twice.jsonl:4: the passage of line 2 again");
    refused("form.jsonl", &[json!(["a"])], "form.jsonl:1");

    let some = [&study.codes[..4], &[code("e", "x", "trade")]].concat();
    study.write("some.jsonl", &some);
    let found = study.json(&["--codes", "some.jsonl"]);
    assert_eq!((&found["n_not_found"], &found["n_passages"]), (&json!(1), &json!(4)));
    study.validate(&["--codes", "some.jsonl"]).success().stdout(contains("not in the folder: e"));

    fs::remove_file(study.path("out/run.json")).unwrap();
    study.validate(&CODES).code(2).stderr(contains("has no run.json").and(contains("next: ")));
}

#[test]
fn what_is_printed_fits_its_schema() {
    let study = Study::new(&[]);
    let printed = study.json(&CODES);
    let done = themeline().args(["schema", "validation"]).assert().success();
    let schema: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    let fields = schema["properties"].as_object().unwrap();
    let printed: Vec<&String> = printed.as_object().unwrap().keys().collect();
    let missing: Vec<_> = printed.iter().filter(|key| !fields.contains_key(**key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(fields.contains_key("macro_f1"), "flattened fields are described too");
}
