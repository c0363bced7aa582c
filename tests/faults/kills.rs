//! SIGKILL at random moments of a run, and of the run that goes on from it.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::site::{Site, finish};
use super::{n_rounds, small_site};

/// Lets `command` live for `life` at most; whether it was killed.
pub fn is_killed(mut command: Command, life: Duration) -> bool {
    let mut child = command.spawn().unwrap();
    std::thread::sleep(life);
    let _ = Child::kill(&mut child);
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() || ended.status.code().is_none(), "{said}");
    !ended.status.success()
}

/// How long a run takes, with whatever else the machine is doing.
pub fn length_of_a_run(site: &Site) -> Duration {
    let start = Instant::now();
    finish(site.run("timed"));
    std::fs::remove_dir_all(site.path("timed")).unwrap();
    start.elapsed()
}

/// Goes on by `resume`; where that has nothing to go by, by the same command. Whether it was by `resume`.
fn is_resumed(site: &Site, out: &str) -> bool {
    let resume = site.themeline(&["resume", out]).output().unwrap();
    match resume.status.code() {
        Some(0) => true,
        // Nothing was begun, or the file with the command is torn.
        Some(2) => {
            finish(site.run(out));
            false
        }
        _ => panic!("{}", String::from_utf8_lossy(&resume.stderr)),
    }
}

#[test]
fn killed_at_random_moments_a_run_ends_in_the_same_bytes() {
    let site = small_site();
    let length = length_of_a_run(&site);
    let mut draws = ChaCha8Rng::seed_from_u64(7);
    let (mut n_killed, mut n_kept, mut n_resumed) = (0, 0, 0);
    for round in 0..n_rounds() {
        let out = &format!("killed-{round}");
        let mut n_kills = 1 + usize::from(draws.random_bool(0.3));
        while n_kills > 0 && is_killed(site.run(out), length.mul_f64(draws.random())) {
            n_kills -= 1;
            n_killed += 1;
            n_kept += usize::from(site.pieces(out).len() > 1);
            if site.is_trusted(out) {
                site.assert_files(out, "whole");
            }
        }
        match site.is_trusted(out) {
            true => drop(finish(site.run(out))),
            false => n_resumed += usize::from(is_resumed(&site, out)),
        }
        site.assert_whole(out, "whole");
        std::fs::remove_dir_all(site.path(out)).unwrap();
    }
    println!(
        "{n_killed} kills in runs of {length:?}, {n_kept} with batches kept, {n_resumed} resumed"
    );
    assert!(n_killed >= n_rounds() / 2, "the moments were too late");
    assert!(n_kept >= n_rounds() / 10, "the moments were too early");
}
