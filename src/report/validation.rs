//! The text of a validation, for a person at a terminal: at most 100 columns, the figures first,
//! then where the errors lie, then errors to read.

use std::fmt::Write;

use crate::validate::{
    Agreement, Calibration, CoderAgreement, Confusion, Drift, Fault, Group, Interval, Validation,
    WrongPassage,
};

use super::table::visible;

/// Columns of a line.
const WIDTH: usize = 100;
/// Columns that the name of a theme, period or source may take.
const NAME_WIDTH: usize = 16;
/// Columns of a rate with its interval.
const RATE_WIDTH: usize = 17;
/// Confusions shown; JSON has all.
const MAX_CONFUSIONS: usize = 15;
/// Characters of a passage shown; JSON has all.
const MAX_PASSAGE: usize = 360;

/// The whole text, ending in a line feed. `docs/validate.md` explains it.
pub fn text(validation: &Validation) -> String {
    let mut out = String::new();
    themes(&mut out, validation);
    summary(&mut out, validation);
    for warning in &validation.warnings {
        wrapped(&mut out, &format!("note: {}", visible(warning)), "  ");
    }
    if let Some(coders) = &validation.coders {
        between_coders(&mut out, coders);
    }
    confusions(&mut out, &validation.confusions);
    if let Some(calibration) = &validation.calibration {
        reliability(&mut out, calibration);
    }
    groups(&mut out, "period", &validation.periods);
    if let Some(drift) = &validation.drift {
        changes(&mut out, drift);
    }
    groups(&mut out, "source", &validation.sources);
    wrong(&mut out, &validation.wrong);
    out
}

fn themes(out: &mut String, validation: &Validation) {
    let name = format!("{:<NAME_WIDTH$}", "theme");
    let rates = ["precision  95 %", "recall  95 %", "F1  95 %"];
    let rates: String = rates.iter().map(|rate| format!("{rate:>RATE_WIDTH$}")).collect();
    let _ = writeln!(out, "{name}{:>6}{:>7}{rates}{:>7}{:>7}", "coded", "scored", "alpha", "ECE");
    let calibration = validation.calibration.as_ref();
    for (theme, agreement) in &validation.figures.themes {
        let ece = calibration.and_then(|c| Some(c.themes.get(theme)?.ece));
        theme_line(out, theme, agreement, ece);
    }
    theme_line(out, "none", &validation.figures.none, calibration.map(|c| c.none.ece));
}

fn theme_line(out: &mut String, theme: &str, agreement: &Agreement, ece: Option<f64>) {
    let intervals = &agreement.intervals;
    let rates = rate(agreement.precision, intervals.precision)
        + &rate(agreement.recall, intervals.recall)
        + &rate(agreement.f1, intervals.f1);
    let (coded, scored) = (agreement.n_coded, agreement.n_scored);
    let (alpha, ece) = (number(agreement.alpha), number(ece));
    let _ = writeln!(out, "{}{coded:>6}{scored:>7}{rates}{alpha:>7}{ece:>7}", name(theme));
}

fn summary(out: &mut String, validation: &Validation) {
    let figures = &validation.figures;
    let of = &figures.intervals;
    let _ = writeln!(
        out,
        "\nmacro F1 {:.3}{}, micro F1 {:.3}{}, alpha {}{}",
        figures.macro_f1,
        within(of.macro_f1),
        figures.micro_f1,
        within(of.micro_f1),
        number(figures.alpha),
        within(of.alpha)
    );
    if let Some(calibration) = &validation.calibration {
        let (ece, all, none) = (calibration.ece, calibration.all.ece, calibration.none.ece);
        let _ = writeln!(
            out,
            "expected calibration error {ece:.3} (mean over themes), {all:.3} (all scores together), \
             {none:.3} (none)"
        );
    }
    let left_out = validation.leave_out.map_or(String::new(), |n| {
        format!("; each document scored by a fit without it ({n} parts)")
    });
    wrapped(
        out,
        &format!(
            "{} passages of {} documents{left_out}; intervals: 95 %, documents resampled {} times",
            figures.n_passages, figures.n_documents, validation.n_resamples
        ),
        "  ",
    );
}

fn between_coders(out: &mut String, coders: &CoderAgreement) {
    let _ = writeln!(out, "\nCoders: {} passages in more than one file", coders.n_shared);
    for file in &coders.files {
        let (name, n) = (visible(&file.file), file.n_codes);
        let alpha = number(file.alpha_with_scores);
        let _ = writeln!(out, "  {name}: {n} codes, alpha with the scores {alpha}");
    }
    let (alpha, sets) = (number(coders.alpha.alpha), number(coders.alpha_of_sets));
    let range = within(coders.alpha.interval);
    let _ = writeln!(out, "  alpha between them {alpha}{range}; of whole sets of themes {sets}");
    for (theme, found) in &coders.themes {
        let _ = writeln!(out, "  {}{}", name(theme), rate(found.alpha, found.interval));
    }
}

fn confusions(out: &mut String, confusions: &[Confusion]) {
    if confusions.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{:<NAME_WIDTH$}  {:<NAME_WIDTH$}{:>9}", "coded", "scored", "passages");
    for row in confusions.iter().take(MAX_CONFUSIONS) {
        let coded = name(row.coded.as_deref().unwrap_or("(nothing more)"));
        let scored = name(row.scored.as_deref().unwrap_or("(nothing more)"));
        let _ = writeln!(out, "{coded}  {scored}{:>9}", row.n);
    }
    if confusions.len() > MAX_CONFUSIONS {
        let _ = writeln!(out, "and {} rarer pairs (--json)", confusions.len() - MAX_CONFUSIONS);
    }
}

fn reliability(out: &mut String, calibration: &Calibration) {
    let _ = writeln!(
        out,
        "\n{:<NAME_WIDTH$}{:>9}{:>12}{:>9}  (all themes)",
        "score", "mean", "coded part", "n"
    );
    for bin in &calibration.all.bins {
        let range = format!("{:.3} to {:.3}", bin.low, bin.high);
        let (score, rate, n) = (bin.score, bin.rate, bin.n);
        let _ = writeln!(out, "{range:<NAME_WIDTH$}{score:>9.3}{rate:>12.3}{n:>9}");
    }
}

fn groups(out: &mut String, title: &str, groups: &[Group]) {
    if groups.is_empty() {
        return;
    }
    let rates = ["precision  95 %", "recall  95 %", "micro F1  95 %"];
    let rates: String = rates.iter().map(|rate| format!("{rate:>RATE_WIDTH$}")).collect();
    let heading = format!("{title:<NAME_WIDTH$}");
    let _ = writeln!(out, "\n{heading}{:>6}{:>7}{rates}{:>7}", "docs", "pass.", "alpha");
    for group in groups {
        let (figures, of) = (&group.figures, &group.figures.intervals);
        let rates = rate(figures.micro_precision, of.micro_precision)
            + &rate(figures.micro_recall, of.micro_recall)
            + &rate(Some(figures.micro_f1), of.micro_f1);
        let name = name(group.name.as_deref().unwrap_or("(without)"));
        let (documents, passages) = (figures.n_documents, figures.n_passages);
        let alpha = number(figures.alpha);
        let _ = writeln!(out, "{name}{documents:>6}{passages:>7}{rates}{alpha:>7}");
    }
}

fn changes(out: &mut String, drift: &Drift) {
    let [early, late] = [&drift.early, &drift.late].map(|[first, last]| match first == last {
        true => first.clone(),
        false => format!("{first} to {last}"),
    });
    let clear = drift.themes.iter().filter(|(_, change)| change.is_clear);
    let mut n_clear = 0;
    for (theme, change) in clear {
        n_clear += 1;
        let (verb, points) =
            (if change.change > 0.0 { "rose" } else { "fell" }, change.change.abs());
        let range = change.interval.map_or(String::new(), |i| {
            let (low, high) = (i.low.abs().min(i.high.abs()), i.low.abs().max(i.high.abs()));
            format!(" ({:.1} to {:.1})", 100.0 * low, 100.0 * high)
        });
        let said = format!(
            "drift: between the earlier periods ({early}) and the later ({late}) the part of passages \
             scored as {} {verb} by {:.1} points{range} against the part so coded: that much of its \
             trend is error",
            visible(theme),
            100.0 * points
        );
        wrapped(out, &said, "  ");
    }
    if n_clear == 0 {
        let said = format!(
            "the bias of no theme changed clearly between the earlier periods ({early}) and the \
             later ({late})"
        );
        wrapped(out, &said, "  ");
    }
}

fn wrong(out: &mut String, passages: &[WrongPassage]) {
    if passages.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nThe most confident errors");
    for passage in passages {
        let fault = match passage.fault {
            Fault::Missed => "missed",
            Fault::Wrong => "wrong",
        };
        let score = passage.score.map_or(String::new(), |score| format!(" at {score:.3}"));
        let place = passage.start.zip(passage.end);
        let place = place.map_or(String::new(), |(start, end)| format!(" {start}..{end}"));
        let head = format!(
            "{} {fault}{score}: {}{place}; coded {}, scored {}",
            visible(&passage.theme),
            visible(&passage.document),
            listed(&passage.coded),
            listed(&passage.scored)
        );
        wrapped(out, &head, "  ");
        let text = passage.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut shown: String = text.chars().take(MAX_PASSAGE).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        wrapped(out, &format!("    {}", visible(&shown)), "    ");
    }
}

fn listed(themes: &[String]) -> String {
    match themes.is_empty() {
        true => "none".to_owned(),
        false => visible(&themes.join(" + ")),
    }
}

/// A name in as many columns as names have, shortened where it is longer.
fn name(name: &str) -> String {
    let name = visible(name);
    match name.chars().count() > NAME_WIDTH {
        true => name.chars().take(NAME_WIDTH - 1).chain(['…']).collect(),
        false => format!("{name:<NAME_WIDTH$}"),
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.3}"))
}

/// A rate and its interval, such as `0.712 0.65-0.77`.
fn rate(value: Option<f64>, interval: Option<Interval>) -> String {
    let interval = interval.map_or(String::new(), |i| format!(" {:.2}-{:.2}", i.low, i.high));
    let rate = format!("{:>5}{interval:<10}", number(value));
    format!("{rate:>RATE_WIDTH$}")
}

fn within(interval: Option<Interval>) -> String {
    interval.map_or(String::new(), |i| format!(" ({:.2} to {:.2})", i.low, i.high))
}

/// Adds a text in lines of at most [`WIDTH`] columns; lines after the first start with `indent`.
pub(super) fn wrapped(out: &mut String, text: &str, indent: &str) {
    let mut column = 0;
    for word in text.split_inclusive(' ') {
        let width = word.trim_end().chars().count();
        if column > indent.len() && column + width > WIDTH {
            while out.ends_with(' ') {
                out.pop();
            }
            out.push('\n');
            out.push_str(indent);
            column = indent.len();
        }
        out.push_str(word);
        column += word.chars().count();
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_at_its_words() {
        let mut out = String::new();
        wrapped(&mut out, &"word ".repeat(45), "  ");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{out}");
        assert!(lines[1].starts_with("  word"));
        assert_eq!(out.matches("word").count(), 45);
        let mut long = String::new();
        wrapped(&mut long, &"x".repeat(300), "  ");
        assert_eq!(long.lines().count(), 1, "a word is not cut");
    }

    #[test]
    fn a_rate_has_its_columns_with_and_without_an_interval() {
        let interval = Some(Interval { low: 0.654, high: 0.771 });
        assert_eq!(rate(Some(0.7125), interval), "  0.713 0.65-0.77");
        assert_eq!(rate(Some(1.0), None).len(), RATE_WIDTH);
        assert_eq!(rate(None, None).trim(), "-");
        assert_eq!(name("a-name-that-is-longer-than-that").chars().count(), NAME_WIDTH);
    }
}
