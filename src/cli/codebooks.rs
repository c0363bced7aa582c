//! `themeline codebook`: findings and differences, as text or JSON.

use std::fmt::Write;
use std::path::Path;

use crate::compare::codebooks::{CarriedTheme, ChangedUnit, Move, ShareChange};
use crate::config::{Config, Options};
use crate::document::PeriodLength;
use crate::error::{Error, Result};
use crate::pipeline::{self, CodebookCheck, CodebookComparison};
use crate::report::table::visible;
use crate::theme::check::Finding;
use crate::theme::promote::Promotion;

use super::args::{Codebooks, Study};
use super::talk::{self, Talk};
use super::{print, print_json};

/// Does what the verb says.
pub fn act(verb: Codebooks) -> Result<()> {
    match verb {
        Codebooks::Check { codebook, corpus, strict, study } => {
            check(codebook, &corpus, strict, &study)
        }
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

fn check(codebook: String, corpus: &[String], strict: bool, study: &Study) -> Result<()> {
    let config = config(study, Some(codebook), None)?;
    let talk = Talk::new(study.json, false);
    let found = pipeline::check_codebook(corpus, &config, &talk.progress())?;
    talk.clear();
    if study.json {
        print_json(&found)?
    } else {
        print(&check_text(&found))?
    }
    let n_read = found.n_documents.unwrap_or(0) + found.n_rejected;
    check_rejects(found.n_rejected, n_read, config.max_reject_rate)?;
    match found.findings.len() {
        n if n > 0 && strict => Err(Error::usage(
            format!("the codebook has {n} findings"),
            "change what they name, or leave --strict away",
        )),
        _ => Ok(()),
    }
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

fn check_text(found: &CodebookCheck) -> String {
    let (id, n_themes, n_terms) = (&found.codebook, found.n_themes, found.n_terms);
    let print = &found.fingerprint;
    let mut text = format!("{id}: {n_themes} themes, {n_terms} terms, fingerprint {print}\n");
    for finding in &found.findings {
        let _ = writeln!(text, "{}: {}", finding.theme(), visible(&said(finding)));
    }
    let read = match found.n_documents {
        Some(n) => format!("on {n} documents, {} records rejected", found.n_rejected),
        None => "without a corpus (--corpus INPUT looks for terms that hit nothing)".to_owned(),
    };
    let n = found.findings.len();
    let _ = writeln!(text, "{n} findings, read with `{}` {read}", found.encoder);
    text
}

/// A finding in words, without its theme.
fn said(finding: &Finding) -> String {
    match finding {
        Finding::BlockedTerm { term, .. } => format!(
            "term `{term}` never counts: `ignore`, `exclude` or another theme takes its words"
        ),
        Finding::RepeatedTerm { term, same_as, .. } => {
            format!("term `{term}` adds nothing to `{same_as}`")
        }
        Finding::UnusedTerm { term, .. } => format!("term `{term}` hits nothing in the corpus"),
        Finding::SharedTerm { term, also, .. } => {
            format!("term `{term}` counts for {} too", also.join(" and "))
        }
        Finding::MisplacedExample { text, score, read_as, read_score, .. } => {
            format!("example \"{text}\" is read as {read_as} ({read_score:.2}; here {score:.2})")
        }
        Finding::AcceptedCounterExample { text, score, .. } => {
            format!("counter-example \"{text}\" is taken for the theme ({score:.2})")
        }
        Finding::NearTwins { other, cosine, n_shared_terms, .. } => {
            format!("near-twin of {other}: cosine {cosine:.2}, {n_shared_terms} terms in common")
        }
    }
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
