//! Precision as a user meets it: scored with what was fitted, and never with the other by mistake.

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn themeline(verb: &str) -> Command {
    let mut command = Command::cargo_bin("themeline").unwrap();
    command.env_remove("THEMELINE_MODELS");
    command.args([verb, "examples/readouts", "--encoder", "tests/fixtures/tiny-bert", "-q"]);
    command
}

fn fit(themes: &Path, precision: &[&str]) -> Value {
    themeline("fit").args(precision).arg("--out").arg(themes).assert().success();
    serde_json::from_slice(&fs::read(themes).unwrap()).unwrap()
}

#[test]
fn themes_are_scored_at_the_precision_they_were_fitted_at_and_the_other_is_refused() {
    let folder = TempDir::new().unwrap();
    let (themes, out) = (folder.path().join("themes.json"), folder.path().join("out"));
    let score = |flags: &[&str]| {
        let mut command = themeline("score");
        command.arg("--themes").arg(&themes).arg("--out").arg(&out).args(flags);
        command.assert()
    };
    assert_eq!(fit(&themes, &[])["encoder"]["precision"], "int8");
    score(&[]).success();
    score(&["--precision", "f32"]).failure().stderr(contains("--precision int8"));

    assert_eq!(fit(&themes, &["--precision", "f32"])["encoder"]["precision"], "f32");
    score(&[]).success();
    score(&["--precision", "int8"]).failure().stderr(contains("--precision f32"));

    // Themes of before there were two tell none: they are f32.
    let mut old: Value = serde_json::from_slice(&fs::read(&themes).unwrap()).unwrap();
    old["encoder"].as_object_mut().unwrap().remove("precision");
    fs::write(&themes, old.to_string()).unwrap();
    score(&[]).success();
}

#[test]
fn a_file_of_results_is_the_same_whatever_the_instructions() {
    let folder = TempDir::new().unwrap();
    let bytes = |kernel: Option<&str>| {
        let out = folder.path().join(kernel.unwrap_or("best"));
        let mut run = themeline("run");
        if let Some(kernel) = kernel {
            run.env("THEMELINE_KERNEL", kernel);
        }
        run.arg("--out").arg(&out).assert().success();
        fs::read(out.join("documents.jsonl")).unwrap()
    };
    assert!(bytes(Some("portable")) == bytes(None), "documents.jsonl differs");
}

#[test]
fn instructions_that_are_not_there_are_named_with_those_that_are() {
    let mut run = themeline("run");
    run.env("THEMELINE_KERNEL", "abacus").args(["--out", "nowhere"]);
    run.assert().code(2).stderr(contains("THEMELINE_KERNEL=abacus").and(contains("portable")));
}
