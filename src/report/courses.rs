//! The part of the text of `themeline compare` on whole series: changes of level, emergent themes, and where
//! themes moved.

use std::fmt::Write;

use super::changes::MAX_SENTENCES;
use super::emergence::{DriftRow, EmergenceRow};
use super::table::{name_of, shortened, visible};
use super::trends::{ChangePointRow, TrendsFile};
use super::validation::wrapped;

/// Columns that an example may take.
const EXAMPLE_WIDTH: usize = 160;

/// Adds what there is, each kind with its title and an empty line after it.
pub(super) fn text(out: &mut String, trends: &TrendsFile, names: &[(String, String)]) {
    levels(out, &trends.change_points);
    emergence(out, &trends.emergence);
    drift(out, &trends.drift, names);
}

/// The largest changes of level, by theme, then time.
fn levels(out: &mut String, points: &[ChangePointRow]) {
    let size = |row: &ChangePointRow| (row.share_after.get() - row.share_before.get()).abs();
    let mut largest: Vec<usize> = (0..points.len()).collect();
    largest.sort_by(|a, b| size(&points[*b]).total_cmp(&size(&points[*a])).then(a.cmp(b)));
    largest.truncate(MAX_SENTENCES);
    largest.sort_unstable();
    let title = format!("Changes of level over the whole series: {}", points.len());
    let lines = largest.into_iter().map(|index| points[index].sentence.clone());
    listed(out, &title, (lines, points.len()));
}

fn emergence(out: &mut String, themes: &[EmergenceRow]) {
    let line = |theme: &EmergenceRow| {
        let first = theme.passages.iter().find(|passage| passage.period == theme.first_period);
        let example = first.map_or(String::new(), |passage| {
            let text = shortened(&passage.text, EXAMPLE_WIDTH);
            format!(" Such as, in {} ({}): {text}", passage.period, passage.document)
        });
        format!("{}{example}", theme.sentence)
    };
    let lines = themes.iter().take(MAX_SENTENCES).map(line);
    listed(out, "Emergent themes", (lines, themes.len()));
}

/// Themes and periods with new terms, the farthest moved first.
fn drift(out: &mut String, rows: &[DriftRow], names: &[(String, String)]) {
    let mut told: Vec<&DriftRow> = rows.iter().filter(|row| !row.new_terms.is_empty()).collect();
    let shift = |row: &DriftRow| row.shift.map_or(0.0, |shift| shift.get());
    told.sort_by(|a, b| shift(b).total_cmp(&shift(a)));
    let line = |row: &&DriftRow| {
        let moved = row.shift.map_or(String::new(), |shift| format!(" ({:.2})", shift.get()));
        let terms = row.new_terms.join(", ");
        format!("{} in {}{moved}: {terms}", name_of(&row.theme, names), row.period)
    };
    let title = "Where themes moved (distance from all earlier periods), and new terms";
    listed(out, title, (told.iter().take(MAX_SENTENCES).map(line), told.len()));
}

/// A title and its lines; `n_all`: lines that there are in the file. Nothing where there is none.
fn listed(out: &mut String, title: &str, (lines, n_all): (impl Iterator<Item = String>, usize)) {
    if n_all == 0 {
        return;
    }
    let _ = writeln!(out, "{title}");
    lines.for_each(|line| wrapped(out, &format!("- {}", visible(&line)), "  "));
    if n_all > MAX_SENTENCES {
        let _ = writeln!(out, "and {} more, in trends.json", n_all - MAX_SENTENCES);
    }
    out.push('\n');
}
