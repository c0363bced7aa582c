//! The text of `themeline compare`, for a person at a terminal: a line of bars for each theme, then
//! what changed, in sentences.

use std::collections::BTreeMap;
use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::codebook::NONE_ID;
use crate::compare::{Family, MIN_DOCUMENTS, Measure, SMALL};

use super::closer::{MixRow, RobustnessRow};
use super::courses;
use super::table::{name_of, shortened, visible};
use super::trends::{ComparisonRow, PeriodRow, ShareRow, TrendsFile, Verdict};
use super::validation::wrapped;

/// Columns that bars may take; longer series are drawn together.
const MAX_BARS: usize = 26;
/// Columns that a name may take.
const NAME_WIDTH: usize = 30;
/// Groups that get a table of their own; the others are in the files.
const MAX_GROUPS: usize = 6;
/// Sentences of one kind that are shown; the others are in the files.
pub(super) const MAX_SENTENCES: usize = 12;
/// Part of a change from which its mix is told.
const MUCH: f64 = 0.2;
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
    sentences(&mut out, trends, names);
    courses::text(&mut out, trends, names);
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
    let span = match first.period == last.period {
        true => first.period.clone(),
        false => format!("{} to {}", first.period, last.period),
    };
    let (n, of) = (counted(periods.len() as u64, "period"), counted(n_documents, "document"));
    let _ = writeln!(out, "{of_whom}% of {of_what}, {span} ({n}, {of})");
    let width = periods.len().min(MAX_BARS);
    let (a, b) = match periods.len() {
        1 => (first.period.as_str(), ""),
        _ => (first.period.as_str(), last.period.as_str()),
    };
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
    let peak = highest.filter(|row| share(row) > 0.0).map_or("", |row| &row.period);
    // A single period stands once.
    let (first, last) = (rows.first(), rows.get(1).and(rows.last()));
    let end = last.map_or(String::new(), |_| shown(last));
    let (a, b) = ((shown(first), range(first)), (end, range(last)));
    line(out, name, &bars(rows, width), [&a.0, &a.1, &b.0, &b.1, peak]);
}

fn line(out: &mut String, name: &str, bars: &str, [a, ab, b, bb, peak]: [&str; 5]) {
    let name = shortened(name, NAME_WIDTH);
    let gap = " ".repeat(NAME_WIDTH.saturating_sub(name.width()));
    let line = format!("{name}{gap} {bars} {a:>7} {ab:<9}{b:>7} {bb:<9} {peak}");
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

fn sentences(out: &mut String, trends: &TrendsFile, names: &[(String, String)]) {
    let mut named: Vec<(Vec<&ComparisonRow>, String)> = Vec::new();
    let (neighbours, asked): (Vec<&ComparisonRow>, Vec<_>) = trends
        .comparisons
        .iter()
        .partition(|row| matches!(row.family, Family::Neighbours | Family::NeighboursInGroups));
    for row in asked {
        let title = format!("{} to {}{}", row.from, row.to, within(row, trends));
        match named.iter_mut().find(|(_, known)| *known == title) {
            Some((rows, _)) => rows.push(row),
            None => named.push((vec![row], title)),
        }
    }
    for (rows, title) in &named {
        listed(out, title, rows);
        unchanged(out, rows, names);
        out.push('\n');
    }
    let (all, grouped): (Vec<&ComparisonRow>, Vec<_>) =
        neighbours.into_iter().partition(|row| row.group.is_none());
    for (rows, title) in
        [(all, "From one period to the next"), (grouped, "From one period to the next, in groups")]
    {
        if !rows.is_empty() {
            listed(out, title, &rows);
            out.push('\n');
        }
    }
}

fn within(row: &ComparisonRow, trends: &TrendsFile) -> String {
    match (&row.group, &trends.group_by) {
        (Some(group), Some(field)) => format!(", {} {}", visible(field), visible(group)),
        _ => String::new(),
    }
}

/// How many comparisons say what.
pub fn verdicts<'r>(rows: impl IntoIterator<Item = &'r ComparisonRow>) -> String {
    let mut n = [0; 4];
    rows.into_iter().for_each(|row| n[row.verdict as usize] += 1);
    let [rose, fell, unchanged, unknown] = n;
    format!(
        "{rose} rose, {fell} fell, {unchanged} no evidence of change, {unknown} too little data"
    )
}

/// A heading that counts verdicts, then what changed: the surest first.
pub(super) fn listed(out: &mut String, title: &str, rows: &[&ComparisonRow]) {
    let _ = writeln!(out, "{title}: {}", verdicts(rows.iter().copied()));
    let is_change = |row: &&ComparisonRow| matches!(row.verdict, Verdict::Rose | Verdict::Fell);
    let mut changes: Vec<&ComparisonRow> = rows.iter().copied().filter(is_change).collect();
    let unsure = |row: &ComparisonRow| row.q.map_or(2.0, |q| q.get());
    let size = |row: &ComparisonRow| row.difference.map_or(0.0, |x| x.get().abs());
    changes.sort_by(|a, b| unsure(a).total_cmp(&unsure(b)).then(size(b).total_cmp(&size(a))));
    for row in changes.iter().take(MAX_SENTENCES) {
        let words: Vec<&str> = [row.sentence.as_str()].into_iter().chain(closer(row)).collect();
        wrapped(out, &format!("- {}", visible(&words.join(" "))), "  ");
    }
    if changes.len() > MAX_SENTENCES {
        let _ = writeln!(out, "and {} more, in trends.json", changes.len() - MAX_SENTENCES);
    }
}

/// What a closer look found: whether the change is robust, and the field of which the mix has most of it, if
/// that is much.
fn closer(row: &ComparisonRow) -> impl Iterator<Item = &str> {
    let whole = row.difference.map_or(0.0, |x| x.get().abs());
    let own = |mix: &MixRow| (mix.mix.difference.get() + mix.turnover.difference.get()).abs();
    let most = row.mix.iter().max_by(|a, b| own(a).total_cmp(&own(b)));
    let most = most.filter(|mix| own(mix) >= MUCH * whole).map(|mix| mix.sentence.as_str());
    row.robustness.iter().map(robust).chain(most)
}

fn robust(found: &RobustnessRow) -> &str {
    if found.robust { "Robust." } else { &found.sentence }
}

/// The themes that did not change, by what is known of them.
fn unchanged(out: &mut String, rows: &[&ComparisonRow], names: &[(String, String)]) {
    for (verdict, words) in [
        (Verdict::NoEvidence, "no evidence of change"),
        (Verdict::TooLittleData, "too little data"),
    ] {
        let of = rows.iter().filter(|row| row.verdict == verdict);
        let themes: Vec<String> = of.map(|row| name_of(&row.theme, names)).collect();
        if !themes.is_empty() {
            wrapped(out, &format!("- {words}: {}.", themes.join("; ")), "  ");
        }
    }
}

fn small(out: &mut String, trends: &TrendsFile) {
    let periods = || trends.periods.iter().filter(|row| row.group.is_none());
    let n = periods().count();
    let n_small = periods().filter(|row| row.small).count();
    if n_small > 0 {
        let n_tiny = periods().filter(|row| row.n_documents < MIN_DOCUMENTS as u64).count();
        let of = counted(n as u64, "period");
        let tiny = format!("; {n_tiny} have fewer than {MIN_DOCUMENTS}, and are not compared");
        let tiny = if n_tiny > 0 { tiny } else { String::new() };
        let said = format!("note: {n_small} of {of} have fewer than {SMALL} documents{tiny}");
        wrapped(out, &said, "  ");
    }
}

fn counted(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::trends_file;

    #[test]
    fn a_theme_is_a_line_of_bars_and_a_change_a_sentence() {
        let names = [("trade".to_owned(), "Trade and supply chains".to_owned())];
        insta::assert_snapshot!(text(&trends_file(), &names), @r"
        % of text, 2020 to 2021 (2 periods, 2 documents)
                                             2020             2021           highest
        Trade and supply chains         █       -             33.3           2021

        2019..2020 to 2021: 0 rose, 1 fell, 0 no evidence of change, 0 too little data
        - Trade rose. Fragile: without source `daily` +1.0 points instead of +25.0.

        From one period to the next: 1 rose, 0 fell, 0 no evidence of change, 0 too little data
        - Trade rose. Fragile: without source `daily` +1.0 points instead of +25.0.

        Changes of level over the whole series: 1
        - Trade: the level rose.

        Emergent themes
        - hydrogen appears in 2021. Such as, in 2021 (d0): hydrogen

        Where themes moved (distance from all earlier periods), and new terms
        - Trade and supply chains in 2021: chips

        note: 2 of 2 periods have fewer than 20 documents; 2 have fewer than 5, and are not compared
        ");
    }

    #[test]
    fn a_long_series_is_drawn_together_and_a_gap_stays_one() {
        let mut row = trends_file().shares.remove(1);
        let rows: Vec<ShareRow> = (0..8)
            .map(|k| {
                row.share = (k != 4 && k != 5).then(|| (f64::from(k) / 8.0).into());
                row.clone()
            })
            .collect();
        let rows: Vec<&ShareRow> = rows.iter().collect();
        assert_eq!(bars(&rows, 4), "▁▄ █");
        assert_eq!(bars(&rows[..1], 1), "▁");
    }
}
