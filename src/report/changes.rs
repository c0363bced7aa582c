//! The text of `themeline compare`, for a person at a terminal: a line of bars for each theme, then
//! what changed, in sentences.

use std::collections::BTreeMap;
use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::codebook::NONE_ID;
use crate::compare::{Family, MIN_DOCUMENTS, Measure, SMALL};

use super::table::{name_of, shortened, visible};
use super::trends::{ComparisonRow, PeriodRow, ShareRow, TrendsFile, Verdict};

/// Columns that bars may take; longer series are drawn together.
const MAX_BARS: usize = 40;
/// Columns that a name may take.
const NAME_WIDTH: usize = 30;
/// Groups that get a table of their own; the others are in the files.
const MAX_GROUPS: usize = 6;
/// Sentences of one kind that are shown; the others are in the files.
const MAX_SENTENCES: usize = 12;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The whole text, ending in a line feed. `names` gives themes by (id, name to show).
pub fn text(trends: &TrendsFile, names: &[(String, String)]) -> String {
    let mut out = String::new();
    let groups = groups(trends);
    for group in groups.iter().take(MAX_GROUPS + 1) {
        series(&mut out, trends, *group, names);
    }
    if groups.len() > MAX_GROUPS + 1 {
        let _ =
            writeln!(out, "and {} smaller groups, in trends.json\n", groups.len() - MAX_GROUPS - 1);
    }
    sentences(&mut out, trends);
    small(&mut out, trends);
    out
}

/// All documents first, then groups, the largest first.
fn groups(trends: &TrendsFile) -> Vec<Option<&str>> {
    let mut sizes: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    for row in &trends.periods {
        *sizes.entry(row.group.as_deref()).or_default() += row.n_documents;
    }
    let mut groups: Vec<_> = sizes.into_iter().collect();
    groups.sort_by_key(|(group, n)| (group.is_some(), std::cmp::Reverse(*n)));
    groups.into_iter().map(|(group, _)| group).collect()
}

fn series(out: &mut String, trends: &TrendsFile, group: Option<&str>, names: &[(String, String)]) {
    let periods: Vec<&PeriodRow> =
        trends.periods.iter().filter(|row| row.group.as_deref() == group).collect();
    let (Some(first), Some(last)) = (periods.first(), periods.last()) else { return };
    let n_documents: u64 = periods.iter().map(|row| row.n_documents).sum();
    let of_whom = match (group, &trends.group_by) {
        (Some(group), Some(field)) => format!("{} {}: ", visible(field), visible(group)),
        _ => String::new(),
    };
    let of_what = match trends.measure {
        Measure::Text => "text",
        Measure::Units => "units",
        Measure::Documents => "documents",
    };
    let _ = writeln!(
        out,
        "{of_whom}% of {of_what}, {} to {} ({}, {})",
        first.period,
        last.period,
        counted(periods.len() as u64, "period"),
        counted(n_documents, "document"),
    );
    let width = periods.len().min(MAX_BARS);
    let (a, b) = (first.period.as_str(), last.period.as_str());
    line(out, "", &" ".repeat(width), [a, "", b, "", "highest"]);
    let mut rows: BTreeMap<&str, Vec<&ShareRow>> = BTreeMap::new();
    for row in trends.shares.iter().filter(|row| row.group.as_deref() == group) {
        rows.entry(&row.theme).or_default().push(row);
    }
    let mut themes: Vec<_> = rows.into_iter().collect();
    let size = |rows: &[&ShareRow]| rows.iter().map(|row| share(row)).sum::<f64>();
    themes.sort_by(|a, b| {
        (a.0 == NONE_ID).cmp(&(b.0 == NONE_ID)).then(size(&b.1).total_cmp(&size(&a.1)))
    });
    for (theme, rows) in themes {
        theme_line(out, &name_of(theme, names), &rows, width);
    }
    out.push('\n');
}

fn theme_line(out: &mut String, name: &str, rows: &[&ShareRow], width: usize) {
    let highest = rows.iter().max_by(|a, b| share(a).total_cmp(&share(b)));
    let shown = |row: Option<&&ShareRow>| {
        row.and_then(|row| row.share).map_or("-".to_owned(), |x| format!("{:.1}", x.get() * 100.0))
    };
    let range = |row: Option<&&ShareRow>| match row.map(|row| (row.low, row.high)) {
        Some((Some(low), Some(high))) => {
            format!("{:.1}-{:.1}", low.get() * 100.0, high.get() * 100.0)
        }
        _ => String::new(),
    };
    let peak = highest.map_or(String::new(), |row| format!("{} in {}", shown(highest), row.period));
    let (first, last) = (rows.first(), rows.last());
    let cells = [&shown(first), &range(first), &shown(last), &range(last), &peak];
    line(out, name, &bars(rows, width), cells.map(|cell| cell.as_str()));
}

fn line(out: &mut String, name: &str, bars: &str, [a, ab, b, bb, peak]: [&str; 5]) {
    let name = shortened(name, NAME_WIDTH);
    let gap = " ".repeat(NAME_WIDTH.saturating_sub(name.width()));
    let line = format!("{name}{gap} {bars} {a:>7} {ab:<11}{b:>7} {bb:<11} {peak}");
    let _ = writeln!(out, "{}", line.trim_end());
}

fn share(row: &ShareRow) -> f64 {
    row.share.map_or(0.0, |share| share.get())
}

/// One bar a period, or for several in a row their mean; from 0 to the theme's highest.
fn bars(rows: &[&ShareRow], width: usize) -> String {
    let n = rows.len();
    let mean = |bar: usize| {
        let part = &rows[bar * n / width..((bar + 1) * n / width)];
        let shares: Vec<f64> = part.iter().filter_map(|row| Some(row.share?.get())).collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    };
    let means: Vec<Option<f64>> = (0..width).map(mean).collect();
    let highest = means.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |mean: &Option<f64>| match mean {
        None => ' ',
        Some(_) if highest == 0.0 => BARS[0],
        Some(mean) => BARS[((mean / highest * 8.0) as usize).min(7)],
    };
    means.iter().map(bar).collect()
}

fn sentences(out: &mut String, trends: &TrendsFile) {
    let of = |family: Family| trends.comparisons.iter().filter(move |row| row.family == family);
    for (family, title) in [
        (Family::Named, "Between the periods that you named:"),
        (Family::NamedInGroups, "The same within groups:"),
    ] {
        let rows: Vec<&ComparisonRow> = of(family).collect();
        listed(out, title, &rows, &rows);
    }
    for (family, title) in [
        (Family::Neighbours, "From one period to the next:"),
        (Family::NeighboursInGroups, "From one period to the next, within groups:"),
    ] {
        let rows: Vec<&ComparisonRow> = of(family).collect();
        let is_change =
            |row: &&&ComparisonRow| matches!(row.verdict, Verdict::Rose | Verdict::Fell);
        let changes: Vec<&ComparisonRow> = rows.iter().filter(is_change).copied().collect();
        listed(out, title, &rows, &changes);
    }
}

/// A heading that counts verdicts, then sentences: the surest first.
fn listed(out: &mut String, title: &str, rows: &[&ComparisonRow], shown: &[&ComparisonRow]) {
    if rows.is_empty() {
        return;
    }
    let n = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let _ = writeln!(
        out,
        "{title} {} rose, {} fell, {} no evidence of change, {} too little data",
        n(Verdict::Rose),
        n(Verdict::Fell),
        n(Verdict::NoEvidence),
        n(Verdict::TooLittleData)
    );
    let mut shown = shown.to_vec();
    let unsure = |row: &ComparisonRow| row.q.map_or(2.0, |q| q.get());
    let size = |row: &ComparisonRow| row.difference.map_or(0.0, |x| x.get().abs());
    shown.sort_by(|a, b| unsure(a).total_cmp(&unsure(b)).then(size(b).total_cmp(&size(a))));
    for row in shown.iter().take(MAX_SENTENCES) {
        let _ = writeln!(out, "  {}", visible(&row.sentence));
    }
    if shown.len() > MAX_SENTENCES {
        let _ = writeln!(out, "  and {} more, in trends.json", shown.len() - MAX_SENTENCES);
    }
    out.push('\n');
}

fn small(out: &mut String, trends: &TrendsFile) {
    let periods = || trends.periods.iter().filter(|row| row.group.is_none());
    let n = periods().count();
    let n_small = periods().filter(|row| row.small).count();
    if n_small > 0 {
        let n_tiny = periods().filter(|row| row.n_documents < MIN_DOCUMENTS as u64).count();
        let _ = writeln!(
            out,
            "{n_small} of {} have fewer than {SMALL} documents and say little; {n_tiny} have fewer than \
             {MIN_DOCUMENTS}, and get no interval",
            counted(n as u64, "period"),
        );
    }
}

fn counted(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
