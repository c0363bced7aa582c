//! What is said on stderr: progress, the closing table, warnings, errors.

use std::error::Error as _;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::embed::{ModelEntry, ModelState};
use crate::error::Error;
use crate::pipeline::{Compared, Outcome, Resumed, Shard, ShardScored, Stage};
use crate::report::changes::verdicts;
use crate::report::copies::in_words;
use crate::report::table::{reject_line, table, visible};
use crate::theme::{FoundTheme, ThemeModel};

/// Columns of the closing table where the terminal's width is unknown.
const WIDTH: usize = 100;
/// Warnings and rejects shown before the rest is left to the files.
const SHOWN: usize = 5;
/// Emergent themes shown.
const SHOWN_FOUND: usize = 20;

/// How to talk to this user.
pub struct Talk {
    quiet: bool,
    json: bool,
    bar: ProgressBar,
}

impl Talk {
    /// Progress bars are drawn on a terminal only.
    pub fn new(quiet: bool, json: bool) -> Self {
        let drawn = !quiet && !json && std::io::stderr().is_terminal();
        let target = match drawn {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        if drawn {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Talk { quiet, json, bar }
    }

    /// What the pipeline tells its progress to.
    pub fn progress(&self) -> impl Fn(Stage, u64) + Sync {
        |stage, n| match stage {
            Stage::Sample => self.bar.set_message(format!("reading: {n} records")),
            Stage::Copies => self.bar.set_message(format!("looking for copies: {n} records")),
            Stage::Fit => self.bar.set_message("fitting themes"),
            Stage::Score => self.bar.set_message(format!("scoring: {n} records")),
            Stage::Compare => self.bar.set_message("comparing periods"),
            Stage::Write => self.bar.set_message("writing"),
            Stage::Report => self.bar.set_message("making the report"),
        }
    }

    /// Takes the progress bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// The end of `fit`.
    pub fn fitted(&self, model: &ThemeModel, out: &Path) {
        self.bar.finish_and_clear();
        if self.json {
            let (themes, on) = (model.theme_ids(), &model.fitted_on);
            let found = model.found();
            let fitted =
                json!({"event": "fitted", "themes": themes, "found": found, "fitted_on": on});
            say(&fitted.to_string());
        } else if !self.quiet {
            let found = found(&model.found());
            found.iter().for_each(|line| say(line));
            model.emptiness().iter().for_each(|why| say(&format!("warning: {why}")));
            let (n, on) = (model.themes.len(), &model.fitted_on);
            let from = format!("{} units of {} documents", on.n_units, on.n_documents);
            say(&format!("{n} themes fitted on {from}: {}", out.display()));
        }
    }

    /// The end of `run` and `score`: counts, shares by period, warnings, and what to open next.
    pub fn outcome(&self, outcome: &Outcome, out: Option<&Path>) {
        self.bar.finish_and_clear();
        let copies = in_words(&outcome.copies, &outcome.trends, &outcome.themes);
        if self.json {
            let (counts, found, warnings) = (outcome.counts, &outcome.found, &outcome.warnings);
            let done = json!({"event": "done", "counts": counts, "found": found,
                "copies": copies, "warnings": warnings});
            say(&done.to_string());
            return;
        }
        if self.quiet {
            return;
        }
        if out.is_some() {
            say(&table(&outcome.trends, &outcome.themes, WIDTH));
            found(&outcome.found).iter().for_each(|line| say(line));
        }
        self.rejects(outcome, out);
        for warning in outcome.warnings.iter().take(SHOWN) {
            say(&format!("warning: {}", visible(warning)));
        }
        resumed(outcome.resumed).iter().for_each(|line| say(line));
        say(&counted(outcome));
        copies.iter().for_each(|line| say(line));
        if let Some(out) = out {
            let (dir, scores) = (out.display(), out.join("documents.jsonl"));
            if !outcome.trends.comparisons.is_empty() {
                let found = verdicts(&outcome.trends.comparisons);
                say(&format!("from one period to the next: {found} (themeline compare {dir})"));
            }
            say(&format!("results: {dir}\nopen next: {}", scores.display()));
        }
    }

    /// The end of one part of a scoring.
    pub fn shard(&self, shard: Shard, scored: ShardScored, out: &Path) {
        self.bar.finish_and_clear();
        let ShardScored { n_documents, n_rejected } = scored;
        if self.json {
            let done = json!({"event": "done", "shard": shard.to_string(), "n_documents": n_documents,
                "n_rejected": n_rejected});
            say(&done.to_string());
        } else if !self.quiet {
            say(&format!(
                "shard {shard}: {n_documents} documents scored; records rejected: {n_rejected}"
            ));
            say(&format!("once all parts are done: themeline merge {}", out.display()));
        }
    }

    /// The end of `compare`.
    pub fn compared(&self, compared: &Compared) {
        for warning in &compared.warnings {
            say(&format!("warning: {}", visible(warning)));
        }
        let written = compared.written.join("trends.json");
        say(&format!("results, with the documents behind each number: {}", written.display()));
    }

    fn rejects(&self, outcome: &Outcome, out: Option<&Path>) {
        // Without a folder the rejects are nowhere else, so all of them are said.
        let shown = if out.is_some() { SHOWN } else { outcome.rejects.len() };
        for reject in outcome.rejects.iter().take(shown) {
            say(&format!("rejected: {}", reject_line(reject)));
        }
        if outcome.rejects.len() > shown {
            let more = outcome.rejects.len() - shown;
            say(&format!("rejected: {more} more, in rejects.jsonl"));
        }
    }
}

/// What an interrupted run had left.
fn resumed(left: Resumed) -> Vec<String> {
    let Resumed { n_documents, n_damaged } = left;
    let taken_up = (n_documents > 0).then(|| {
        format!("{n_documents} documents had been scored before, and were not scored again")
    });
    let damaged = (n_damaged > 0).then(|| {
        format!(
            "{n_damaged} pieces of the interrupted run were torn or damaged, and were done again"
        )
    });
    taken_up.into_iter().chain(damaged).collect()
}

/// The emergent themes, one a line, largest first: how large and how stable each is.
fn found(themes: &[FoundTheme]) -> Vec<String> {
    let line = |theme: &FoundTheme| {
        let (id, name, n_units) = (&theme.id, visible(&theme.name), theme.n_units);
        format!("found {id}: {name} ({n_units} units, stability {:.2})", theme.stability)
    };
    let mut lines: Vec<String> = themes.iter().take(SHOWN_FOUND).map(line).collect();
    if themes.len() > SHOWN_FOUND {
        lines.push(format!("found {} more, in themes.json", themes.len() - SHOWN_FOUND));
    }
    lines
}

fn counted(outcome: &Outcome) -> String {
    let counts = outcome.counts;
    format!(
        "{} records: {} scored, {} rejected, {} copies, {} filtered",
        counts.read, counts.scored, counts.rejected, counts.duplicates, counts.filtered
    )
}

/// One line on stderr; a closed stderr is no reason to fail.
pub fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// An error with its causes and the next step.
pub fn error(error: &Error) {
    say(&format!("error: {error}"));
    let mut source = error.source();
    while let Some(cause) = source {
        say(&format!("  cause: {cause}"));
        source = cause.source();
    }
    if let Some(hint) = error.hint() {
        say(&format!("  next: {hint}"));
    }
}

/// The encoders, one a line: name, state, size, licence, description.
pub fn model_list(models: &[ModelEntry]) -> String {
    let line = |model: &ModelEntry| {
        let state = match &model.state {
            ModelState::BuiltIn => "built in".to_owned(),
            ModelState::Added(folder) => format!("in {}", folder.display()),
            ModelState::NotAdded => format!("themeline models add {}", model.name),
        };
        let megabytes = model.bytes as f64 / 1e6;
        let (name, licence, about) = (&model.name, &model.licence, &model.description);
        format!("{name:<10}{megabytes:>6.1} MB  {licence}  {about} ({state})\n")
    };
    models.iter().map(line).collect()
}
