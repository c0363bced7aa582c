//! `themeline codebook`: a codebook read, or two compared.

use std::fmt::Write;
use std::path::Path;

use crate::codebook::Codebook;
use crate::compare::codebooks::{CarriedTheme, ChangedUnit, Move, ShareChange};
use crate::config::{Config, Options};
use crate::document::PeriodLength;
use crate::error::{Error, Result};
use crate::pipeline::{self, CodebookComparison};
use crate::report::table::visible;
use crate::theme::promote::Promotion;

use super::args::{Codebooks, Study};
use super::talk::{self, Talk};
use super::{print, print_json};

/// Does what the verb says.
pub fn act(verb: Codebooks) -> Result<()> {
    match verb {
        Codebooks::Check { codebook } => check(&codebook),
        Codebooks::Diff { before, after, corpus, top, by, study } => {
            let config = config(&study, None, by)?;
            let talk = Talk::new(study.json, false);
            let books = (before.as_str(), after.as_str());
            let found = pipeline::diff_codebooks(books, &corpus, &config, top, &talk.progress())?;
            talk.clear();
            if study.json {
                print_json(&found)?
            } else {
                print(&diff_text(&found))?
            }
            check_rejects(found.counts.rejected, found.counts.read, config.max_reject_rate)
        }
        Codebooks::Promote { themes, theme, into, id, name } => {
            let (id, name) = (id.as_deref(), name.as_deref());
            let id = pipeline::promote(&themes, Promotion { theme: &theme, id, name }, &into)?;
            let into = into.display();
            talk::say(&format!(
                "{theme} is now theme `{id}` of {into}: write its definition, look at its terms and \
                 examples, then run themeline codebook check {into}"
            ));
            Ok(())
        }
    }
}

fn check_rejects(rejected: u64, total: u64, max_rate: f64) -> Result<()> {
    match rejected as f64 > max_rate * total as f64 {
        true => Err(Error::TooManyRejects { rejected, total, max_rate }),
        false => Ok(()),
    }
}

fn check(name: &str) -> Result<()> {
    let codebook = Codebook::open(name)?;
    let n_terms: usize = codebook.themes.iter().map(|theme| theme.terms.len()).sum();
    print(&format!(
        "{}: {} themes, {n_terms} terms, fingerprint {}\n",
        codebook.id,
        codebook.themes.len(),
        codebook.fingerprint()
    ))
}

fn config(study: &Study, codebook: Option<String>, by: Option<PeriodLength>) -> Result<Config> {
    let file = study.config.as_deref().map(Options::from_file as fn(&Path) -> _);
    let file = file.transpose()?.unwrap_or_default();
    let given = Options {
        codebook,
        encoder: study.encoder.clone(),
        seed: study.seed,
        by,
        models_dir: study.models_dir.clone(),
        ..Options::default()
    };
    given.or(file).check()
}

fn diff_text(found: &CodebookComparison) -> String {
    let (diff, n_rejected) = (&found.diff, found.counts.rejected);
    let mut text = format!(
        "{} of {} units in {} documents change theme; {n_rejected} records rejected\n",
        diff.n_changed, diff.n_units, diff.n_documents
    );
    for (side, ids) in [("first", &diff.only_before), ("second", &diff.only_after)] {
        if !ids.is_empty() {
            let _ = writeln!(text, "only in the {side} codebook: {}", ids.join(", "));
        }
    }
    text.push_str(&moves_text(&diff.moves));
    text.push_str(&shares_text(&diff.shares));
    if !diff.units.is_empty() {
        text.push_str("\nlargest changes\n");
    }
    for unit in &diff.units {
        text.push_str(&unit_text(unit));
    }
    text
}

fn moves_text(moves: &[Move]) -> String {
    let mut text = String::new();
    if !moves.is_empty() {
        text.push_str("\nunits  from > to\n");
    }
    for found in moves {
        let from = found.from.as_deref().unwrap_or("(kept)");
        let to = found.to.as_deref().unwrap_or("(kept)");
        let _ = writeln!(text, "{:>5}  {from} > {to}", found.n_units);
    }
    text
}

/// Shares in percent over all documents, then those of periods where they differ.
fn shares_text(shares: &[ShareChange]) -> String {
    let mut text = String::from("\n% of text             period   before    after   change\n");
    for share in shares {
        let percent = |value: Option<f64>| match value {
            Some(value) => format!("{:.1}", value * 100.0),
            None => "-".to_owned(),
        };
        let change = share.before.zip(share.after).map(|(before, after)| after - before);
        let differs = change.is_none_or(|change| change.abs() >= 0.0005);
        if share.period.is_some() && !differs {
            continue;
        }
        let period = share.period.as_deref().unwrap_or("all");
        let signed = change.map_or("-".to_owned(), |change| format!("{:+.1}", change * 100.0));
        let (before, after) = (percent(share.before), percent(share.after));
        let theme = &share.theme;
        let _ = writeln!(text, "{theme:<20}{period:>8}{before:>9}{after:>9}{signed:>9}");
    }
    text
}

fn unit_text(unit: &ChangedUnit) -> String {
    let themes = |carried: &[CarriedTheme]| match carried {
        [] => "none".to_owned(),
        carried => {
            let one = |c: &CarriedTheme| format!("{} {:.2}", c.theme, c.score);
            carried.iter().map(one).collect::<Vec<_>>().join(", ")
        }
    };
    let (before, after) = (themes(&unit.before), themes(&unit.after));
    let document = visible(&unit.document);
    let (start, end, words) = (unit.start, unit.end, visible(&unit.text));
    format!("{document} {start}..{end}: {before} > {after}\n  {words}\n")
}
