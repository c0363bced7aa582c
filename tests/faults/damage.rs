//! A power cut: of what a killed run left, any part that was not synced is lost, cut short, or zeros.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::kills::{is_killed, length_of_a_run};
use super::site::{KEPT, Site, copy_folder, finish};
use super::{n_rounds, small_site};

/// Folders that killed runs left.
const N_LEFT: usize = 12;

/// Kills runs until enough of them have left batches behind; the names of the folders.
fn left(site: &Site, draws: &mut ChaCha8Rng) -> Vec<String> {
    let length = length_of_a_run(site);
    let mut left = Vec::new();
    for round in 0..N_LEFT * 50 {
        let out = format!("left-{round}");
        let life: Duration = length.mul_f64(draws.random());
        if is_killed(site.run(&out), life) && site.pieces(&out).len() > 1 {
            left.push(out);
        }
        if left.len() == N_LEFT {
            return left;
        }
    }
    panic!("only {} of the killed runs left anything", left.len());
}

/// All files below a folder, sorted.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}

/// What was not synced: with a `run.json` that stands, what is kept; else everything.
fn unsynced(site: &Site, out: &str) -> Vec<PathBuf> {
    match site.is_trusted(out) {
        true => files_below(&site.path(out).join(KEPT)),
        false => files_below(&site.path(out)),
    }
}

/// Loses something of the file.
fn damage(file: &Path, draws: &mut ChaCha8Rng) {
    let mut bytes = fs::read(file).unwrap();
    let at = draws.random_range(0..=bytes.len());
    match draws.random_range(0..5) {
        0 => return fs::remove_file(file).unwrap(),
        1 => bytes.clear(),
        2 => bytes.truncate(at),
        3 => bytes[at..].fill(0),
        _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (at % 8)),
    }
    fs::write(file, bytes).unwrap();
}

#[test]
fn whatever_a_power_cut_takes_the_same_command_ends_in_the_same_bytes() {
    let site = small_site();
    let mut draws = ChaCha8Rng::seed_from_u64(8);
    let left = left(&site, &mut draws);
    let (n_cuts, mut n_damaged, mut n_taken_up) = (n_rounds() / 2, 0, 0);
    for _ in 0..n_cuts {
        copy_folder(&site.path(&left[draws.random_range(0..N_LEFT)]), &site.path("out"));
        let share = draws.random();
        for file in unsynced(&site, "out") {
            if draws.random_bool(share) {
                damage(&file, &mut draws);
                n_damaged += 1;
            }
        }
        let said = finish(site.run("out"));
        n_taken_up += usize::from(said.contains("had been scored before"));
        site.assert_whole("out", "whole");
        fs::remove_dir_all(site.path("out")).unwrap();
    }
    println!("{n_damaged} files damaged in {n_cuts} folders; batches taken up in {n_taken_up}");
    assert!(n_damaged > n_cuts, "too little was damaged");
    assert!(n_taken_up > n_cuts / 10, "nothing was left to take up");
}
