//! `--memory`: a run that needs more ends cleanly, and goes on with more.

#![cfg(target_os = "linux")]

mod site;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;

use site::Site;

fn run(site: &Site, out: &str, memory: &str) -> assert_cmd::assert::Assert {
    let mut command = Command::from_std(site.run(out));
    command.args(["--memory", memory]).assert()
}

#[test]
fn a_run_that_needs_more_memory_says_so_and_goes_on_with_more() {
    let site = Site::new(600);
    run(&site, "whole", "20GB").success();
    // No process is that small.
    let too_small = run(&site, "out", "1MB").code(1);
    too_small
        .stderr(contains("of memory are needed, and --memory allows").and(contains("allow more")));
    assert!(!site.path("out/run.json").exists());
    run(&site, "out", "20GB").success();
    site.assert_whole("out", "whole");
    run(&site, "other", "much").code(2).stderr(contains("2GB"));
}
