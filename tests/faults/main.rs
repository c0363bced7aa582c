//! A run is killed at random moments and at every call, each of its calls fails, and what is not yet synced is lost:
//! what stands is whole, nothing is doubled, and the same command again ends in the bytes of a run that nothing befell.
//!
//! `THEMELINE_KILLS=1000` asks for so many random kills, half as many power cuts, and both errors at each call; without
//! it there are 100 kills and 50 power cuts, and the errors take turns.

#![cfg(unix)]

#[path = "../site/mod.rs"]
mod site;

mod calls;
mod damage;
mod kills;

use site::{Site, finish};

/// How often chance is tried.
fn n_rounds() -> usize {
    let given = std::env::var("THEMELINE_KILLS").ok();
    given.map_or(100, |n| n.parse().expect("THEMELINE_KILLS is a number"))
}

/// Four batches, and their undisturbed run in `whole`.
fn small_site() -> Site {
    let site = Site::of_short(800);
    finish(site.run("whole"));
    site
}
