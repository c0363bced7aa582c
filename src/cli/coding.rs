//! `themeline sample`, and what it says of the sample.

use std::fmt::Write;
use std::path::Path;

use crate::compare::corrected::MIN_CODED;
use crate::compare::corrected::design::{Drawn, reach};
use crate::error::{Error, Result};
use crate::pipeline::{self, SampleRequest, ToCode};
use crate::report::table::{shortened, visible};
use crate::report::write_whole;

use super::args::SampleFlags;
use super::{print, talk};

/// Columns that a name may take.
const NAME_WIDTH: usize = 34;

pub fn sample(dir: &Path, flags: &SampleFlags) -> Result<()> {
    let out = flags.out.as_deref().filter(|out| out.as_os_str() != "-");
    out.map_or(Ok(()), refuse_existing)?;
    let request = SampleRequest { n: flags.n, seed: flags.seed, by: flags.by };
    let to_code = pipeline::sample(dir, &request)?;
    match out {
        // Again, since drawing takes its time.
        Some(out) => refuse_existing(out).and_then(|()| write_whole(out, &to_code.lines))?,
        None => print(&String::from_utf8_lossy(&to_code.lines))?,
    }
    talk::say(said(&to_code, flags.n).trim_end());
    if let Some(out) = out {
        let (dir, out) = (dir.display(), out.display());
        talk::say(&format!(
            "to code: {out}\nnext: fill in `themes` of its lines, from the top on, then\n  themeline compare \
             {dir} --codes {out}"
        ));
    }
    Ok(())
}

/// A file that is there may hold hours of a coder's work.
fn refuse_existing(out: &Path) -> Result<()> {
    match out.exists() {
        true => Err(Error::usage(
            format!("{} is there, and may hold codes: it is never overwritten", out.display()),
            "give another file with --out, or move that one away",
        )),
        false => Ok(()),
    }
}

fn said(to_code: &ToCode, n_asked: usize) -> String {
    let (drawn, mut out) = (&to_code.drawn, String::new());
    let (n, n_units) = (drawn.units.len(), to_code.n_units);
    let _ = writeln!(out, "{n} of {n_units} units drawn, from {} strata", drawn.n_strata);
    let (copies, undated) = to_code.n_left_out;
    if copies + undated > 0 {
        let _ = writeln!(
            out,
            "left out: {copies} copies of other documents, {undated} documents in no period"
        );
    }
    if n < n_asked {
        let _ =
            writeln!(out, "there are no more than {n_units} units: all of them are to be coded");
    }
    strata(&mut out, to_code);
    widths(&mut out, to_code);
    out
}

fn strata(out: &mut String, to_code: &ToCode) {
    let drawn = &to_code.drawn;
    let (n_bands, n_periods) = (drawn.bands.len(), drawn.n_periods);
    if n_bands < n_periods {
        let name = |(first, last): &(String, String)| match first == last {
            true => first.clone(),
            false => format!("{first}..{last}"),
        };
        let bands: Vec<String> = drawn.bands.iter().map(name).collect();
        let _ = writeln!(
            out,
            "{n_periods} periods are too many for strata of their own, and were put together: {}",
            bands.join(", ")
        );
    }
    if !drawn.by_theme {
        let _ = writeln!(out, "too few units are drawn for themes to be strata");
    }
}

/// The interval to expect for each theme.
fn widths(out: &mut String, to_code: &ToCode) {
    let drawn = &to_code.drawn;
    let (all, one) = drawn.n_effective;
    let _ = writeln!(
        out,
        "95 % interval to expect at most, in points (taking the scored share for the share):"
    );
    let each = if drawn.bands.len() < drawn.n_periods { "one of these" } else { "one period" };
    line(out, "", ["scored", "all periods", each]);
    for (name, share) in &to_code.themes {
        let points = |n: f64| format!("± {:.1}", 100.0 * reach(*share, n));
        let one = if n_each(drawn) < MIN_CODED { "too few".to_owned() } else { points(one) };
        let name = shortened(&visible(name), NAME_WIDTH);
        line(out, &name, [&format!("{:.1} %", share * 100.0), &points(all), &one]);
    }
}

/// Units drawn of a period, or of periods put together, on average.
fn n_each(drawn: &Drawn) -> usize {
    drawn.units.len() / drawn.bands.len().max(1)
}

fn line(out: &mut String, name: &str, [a, b, c]: [&str; 3]) {
    let gap = " ".repeat(NAME_WIDTH.saturating_sub(name.chars().count()));
    let _ = writeln!(out, "  {name}{gap}{a:>8}{b:>13}{c:>14}");
}
