//! The folder that a page's commands are run in: the example corpus, and what else the pages speak of as the
//! reader's own, made from it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::topics::{TOPICS, news};

/// Years of the archive: early and late ones, neighbours, and all that a page compares.
const YEARS: [u16; 16] = [
    1946, 1957, 1963, 1975, 1988, 1989, 1990, 1999, 2007, 2014, 2019, 2020, 2021, 2022, 2023, 2024,
];

/// Makes the folder.
pub fn set() -> TempDir {
    let stage = TempDir::new().unwrap();
    let dir = stage.path();
    copy(Path::new("examples"), &dir.join("examples"));
    copy(Path::new("examples/readouts"), &dir.join("my-readouts"));
    write_records(dir);
    write_codebooks(dir);
    for made in [
        "run archive --out results",
        "run archive --out results-reader --encoder reader --max-emergent 0",
        "score archive/2023.jsonl --themes results/themes.json --out 2023",
        "score archive/2024.jsonl --themes results/themes.json --out 2024",
        "fit clubs.jsonl --codebook none --out themes.json",
    ] {
        succeed(dir, &format!("themeline {made} --quiet"));
    }
    write_codes(dir);
    stage
}

/// A copy of a folder, for one page alone.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &target),
            false => _ = fs::copy(&path, &target).unwrap(),
        }
    }
}

/// Runs a line of shell in a folder, with the built `themeline` first on the path. What goes to
/// stderr stands in its place in stdout.
pub fn shell(dir: &Path, line: &str) -> Output {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_themeline"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [binary.parent().unwrap().to_owned()].into_iter();
    let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec 2>&1\n{line}")]).current_dir(dir).env("PATH", path);
    command.env("THEMELINE_MODELS", dir.join("no-models")).output().unwrap()
}

fn succeed(dir: &Path, line: &str) {
    let done = shell(dir, line);
    assert!(done.status.success(), "{line}\n{}", String::from_utf8_lossy(&done.stdout));
}

/// `archive/`, a file a year; `new/` and new.jsonl, what came in later; ungdc.jsonl.zst, as the
/// archive in one file; clubs.jsonl.
fn write_records(dir: &Path) {
    let mut files: BTreeMap<u16, String> = BTreeMap::new();
    for (year, record) in archive() {
        *files.entry(year).or_default() += &(record.to_string() + "\n");
    }
    fs::create_dir(dir.join("archive")).unwrap();
    for (year, lines) in &files {
        fs::write(dir.join(format!("archive/{year}.jsonl")), lines).unwrap();
    }
    let all: String = files.values().map(String::as_str).collect();
    let packed = zstd::encode_all(all.as_bytes(), 1).unwrap();
    fs::write(dir.join("ungdc.jsonl.zst"), packed).unwrap();
    let news =
        "{\"id\": \"late\", \"date\": \"2025-03-02\", \"text\": \"They will build a railway.\"}\n";
    fs::create_dir(dir.join("new")).unwrap();
    fs::write(dir.join("new/news.jsonl"), news).unwrap();
    fs::write(dir.join("clubs.jsonl"), clubs()).unwrap();
}

/// The paragraphs of the example readouts, two to a record, spread over the years; each with its year.
fn archive() -> Vec<(u16, Value)> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir("examples/readouts").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "txt"));
    paths.sort();
    let texts: Vec<String> = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let paragraphs = texts.iter().flat_map(|text| text.split("\n\n"));
    let long: Vec<&str> = paragraphs.filter(|paragraph| paragraph.len() >= 100).collect();
    let record = |(n, pair): (usize, &[&str])| {
        let (year, month) = (YEARS[n % YEARS.len()], 1 + n % 12);
        let (source, country) = (["Post", "Wire"][n % 2], ["KEN", "FJI", "VNM"][n % 3]);
        let record = json!({"id": format!("record-{n}"), "date": format!("{year}-{month:02}-05"),
            "source": source, "country": country, "text": pair.join("\n\n")});
        (year, record)
    };
    long.chunks_exact(2).enumerate().map(record).collect()
}

/// News of three clubs, 60 records of two paragraphs.
fn clubs() -> String {
    let line = |n: usize| {
        let text = news(&TOPICS[..3], n);
        json!({"id": n.to_string(), "date": (2010 + n % 10).to_string(), "text": text}).to_string()
            + "\n"
    };
    (0..60).map(line).collect()
}

/// my-themes.toml and mine.toml, which a page may write anew, and my-themes-2.toml.
fn write_codebooks(dir: &Path) {
    let world = fs::read_to_string("examples/codebooks/world-agenda.toml").unwrap();
    fs::write(dir.join("my-themes.toml"), &world).unwrap();
    fs::write(dir.join("mine.toml"), &world).unwrap();
    let without = world.replace("  \"tuberculosis\",\n", "");
    assert!(without.len() < world.len());
    fs::write(dir.join("my-themes-2.toml"), without).unwrap();
}

/// codes.jsonl and first.jsonl: what the scores say, as if a coder agreed; second.jsonl: a coder who
/// leaves out every third theme.
fn write_codes(dir: &Path) {
    let documents = fs::read_to_string(dir.join("results/documents.jsonl")).unwrap();
    let (mut first, mut second) = (String::new(), String::new());
    for line in documents.lines() {
        let document: Value = serde_json::from_str(line).unwrap();
        for (n, (start, (text, themes))) in passages(&document).into_iter().enumerate() {
            let code = |themes: &[String]| {
                json!({"doc": document["id"], "start": start, "text": text, "themes": themes})
                    .to_string()
                    + "\n"
            };
            first += &code(&themes);
            second += &code(if n % 3 == 0 { &[] } else { &themes });
        }
    }
    fs::write(dir.join("codes.jsonl"), &first).unwrap();
    fs::write(dir.join("first.jsonl"), first).unwrap();
    fs::write(dir.join("second.jsonl"), second).unwrap();
}

/// The passages behind the scores of a row of documents.jsonl, by their first byte: text and themes.
fn passages(document: &Value) -> BTreeMap<u64, (String, Vec<String>)> {
    let mut found: BTreeMap<u64, (String, Vec<String>)> = BTreeMap::new();
    for passage in document["evidence"].as_array().unwrap() {
        let word = |key: &str| passage[key].as_str().unwrap().to_owned();
        let at = found.entry(passage["start"].as_u64().unwrap()).or_default();
        at.0 = word("text");
        at.1.push(word("theme"));
    }
    found
}

/// What a person does between two commands of coding.md: gives the units that were drawn their
/// themes (here one that is in every codebook of ours, where the unit has its word).
pub fn code_what_was_drawn(dir: &Path) {
    let drawn = dir.join("to-code.jsonl");
    if let Ok(lines) = fs::read_to_string(&drawn) {
        let code = |line: &str| match line.contains("vaccin") {
            true => line.replace("\"themes\":null", "\"themes\":[\"relief\"]"),
            false => line.replace("\"themes\":null", "\"themes\":[]"),
        };
        let coded: Vec<String> = lines.lines().map(code).collect();
        fs::write(drawn, coded.join("\n") + "\n").unwrap();
    }
}
