//! The table at the end of a run: themes by period, for a person at a terminal.
//!
//! It shows shares in percent under each period, with the number of documents they rest on, and
//! fits the width it is given: names are shortened and, where there are many periods, the middle ones
//! are left out, so that the change from first to last can be seen.

use std::collections::BTreeMap;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::document::Reject;

use super::trends::{ShareRow, TrendsFile};

/// Most themes shown; the others are counted in a line below.
const MAX_THEMES: usize = 20;
/// Columns that a name may always take; more, where the periods leave room.
const NAME_ROOM: usize = 34;
/// Stands where there is nothing to show, because a period has no documents.
const ABSENT: &str = "-";
/// Space between columns.
const GAP: usize = 2;
/// Narrowest column: that of `100.0`.
const MIN_CELL: usize = 5;
const ELLIPSIS: &str = "…";

/// Shares in percent by theme and period, over all documents, as lines of at most `width` columns
/// (where `width` allows a name and two periods at all). The largest themes come first, `none` last.
///
/// `names` gives themes by (id, name to show); a theme without a name shows its id. Without a
/// period, that is without a dated document, the text is empty.
pub fn table(trends: &TrendsFile, names: &[(String, String)], width: usize) -> String {
    let grid = Grid::new(trends);
    if grid.periods.is_empty() {
        return String::new();
    }
    let shown = &grid.themes[..grid.themes.len().min(MAX_THEMES)];
    let room = width.saturating_sub(grid.periods.len() * (cell_width(&grid.periods) + GAP));
    let label = |theme| shortened(&name_of(theme, names), room.max(NAME_ROOM));
    let labels: Vec<String> = shown.iter().map(|theme| label(theme)).collect();
    let name_width = labels.iter().map(|l| l.width()).chain([DOCUMENTS.len()]).max().unwrap_or(0);
    let columns = columns(&grid.periods, width.saturating_sub(name_width));

    let mut out = String::new();
    let mut line = |name: &str, cell: &dyn Fn(usize) -> String| {
        let cells = columns.iter().map(|column| (column.width, column.text(cell)));
        push_line(&mut out, (name_width, name), cells);
    };
    line(HEADING, &|period| grid.periods[period].to_owned());
    line(DOCUMENTS, &|period| grid.n_documents[period].to_string());
    for (theme, name) in shown.iter().zip(&labels) {
        line(name, &|period| percent(grid.share(theme, period)));
    }
    if grid.themes.len() > shown.len() {
        let _ = writeln!(out, "{ELLIPSIS} and {} smaller themes", grid.themes.len() - shown.len());
    }
    out
}

const HEADING: &str = "% of text";
const DOCUMENTS: &str = "documents";
const NONE: &str = "none";

/// The shares of all documents, by theme and period.
struct Grid<'a> {
    /// Labels in time order.
    periods: Vec<&'a str>,
    n_documents: Vec<u64>,
    /// Ids, the largest first, `none` last.
    themes: Vec<&'a str>,
    /// By (theme, period); null shares are left out.
    shares: BTreeMap<(&'a str, &'a str), f64>,
}

impl<'a> Grid<'a> {
    fn new(trends: &'a TrendsFile) -> Self {
        let rows = || trends.shares.iter().filter(|row| row.group.is_none());
        let periods: BTreeMap<&str, u64> =
            rows().map(|row| (row.period.as_str(), row.n_documents)).collect();
        let cell = |row: &'a ShareRow| {
            row.share.map(|share| ((row.theme.as_str(), row.period.as_str()), share.get()))
        };
        Grid {
            periods: periods.keys().copied().collect(),
            n_documents: periods.values().copied().collect(),
            themes: by_size(rows()),
            shares: rows().filter_map(cell).collect(),
        }
    }

    fn share(&self, theme: &str, period: usize) -> Option<f64> {
        self.shares.get(&(theme, self.periods[period])).copied()
    }
}

/// Themes by their summed share, the largest first; equal ones in the order of the rows.
fn by_size<'a>(rows: impl Iterator<Item = &'a ShareRow>) -> Vec<&'a str> {
    let mut order: Vec<&str> = Vec::new();
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry(&row.theme).or_insert_with(|| {
            order.push(&row.theme);
            0.0
        });
        *sum += row.share.map_or(0.0, |share| share.get());
    }
    order.sort_by(|a, b| (*a == NONE).cmp(&(*b == NONE)).then(sums[b].total_cmp(&sums[a])));
    order
}

/// A column of the table: a period by its index, or the place of those left out.
struct Column {
    width: usize,
    period: Option<usize>,
}

impl Column {
    fn text(&self, cell: &dyn Fn(usize) -> String) -> String {
        self.period.map_or(ELLIPSIS.to_owned(), cell)
    }
}

/// As many periods as `room` holds, the middle ones left out first; never fewer than the first and
/// the last.
fn columns(periods: &[&str], room: usize) -> Vec<Column> {
    let cell = cell_width(periods);
    let column = |period| Column { width: cell, period: Some(period) };
    let n = periods.len();
    let fitting = room / (cell + GAP);
    if n <= fitting.max(2) {
        return (0..n).map(column).collect();
    }
    let kept = (room.saturating_sub(ELLIPSIS.width() + GAP) / (cell + GAP)).max(2);
    let first = kept / 2;
    let gap = Column { width: ELLIPSIS.width(), period: None };
    (0..first).map(column).chain([gap]).chain((n - (kept - first)..n).map(column)).collect()
}

fn cell_width(periods: &[&str]) -> usize {
    periods.iter().map(|period| period.width()).max().unwrap_or(0).max(MIN_CELL)
}

fn push_line(
    out: &mut String,
    (name_width, name): (usize, &str),
    cells: impl Iterator<Item = (usize, String)>,
) {
    out.push_str(name);
    out.extend(std::iter::repeat_n(' ', name_width.saturating_sub(name.width())));
    for (width, text) in cells {
        out.extend(std::iter::repeat_n(' ', GAP + width.saturating_sub(text.width())));
        out.push_str(&text);
    }
    out.push('\n');
}

fn percent(share: Option<f64>) -> String {
    share.map_or(ABSENT.to_owned(), |share| format!("{:.1}", share * 100.0))
}

pub(super) fn name_of(theme: &str, names: &[(String, String)]) -> String {
    visible(names.iter().find(|(id, _)| id == theme).map_or(theme, |(_, name)| name))
}

/// The text in at most `max` columns, with an ellipsis where it is cut.
pub fn shortened(text: &str, max: usize) -> String {
    if text.width() <= max {
        return text.to_owned();
    }
    let mut room = max - ELLIPSIS.width();
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        let fits = width <= room;
        room = room.saturating_sub(width);
        fits
    };
    let start: String = text.chars().take_while(fits).collect();
    format!("{}{ELLIPSIS}", start.trim_end())
}

/// A reject's place and reason, on one line.
pub fn reject_line(reject: &Reject) -> String {
    let line = reject.line.map_or(String::new(), |line| format!(":{line}"));
    format!("{}{line}: {}", visible(&reject.file), visible(&reject.message))
}

/// The text with everything that a terminal would act on, or not show, written as `\u{1b}`: control
/// characters, marks that turn the direction of writing, and characters without width.
pub fn visible(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match acts_or_hides(c) {
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
        out
    })
}

fn acts_or_hides(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::trends_file;

    /// Shares by theme, one a period from 2019 on; NaN stands for a period without documents.
    fn trends(themes: &[(&str, &[f64])]) -> TrendsFile {
        let row = |theme: &str, i: usize, share: f64| ShareRow {
            theme: theme.to_owned(),
            period: (2019 + i).to_string(),
            group: None,
            share: (!share.is_nan()).then(|| share.into()),
            low: None,
            high: None,
            n_documents: if share.is_nan() { 0 } else { 12 + i as u64 },
            n_units: 0,
            se: None,
            small: false,
            trend: None,
            trend_low: None,
            trend_high: None,
            share_with_copies: Some(share.into()),
        };
        let rows = themes.iter().flat_map(|(theme, shares)| {
            shares.iter().enumerate().map(move |(i, share)| row(theme, i, *share))
        });
        let shares = rows.collect();
        TrendsFile { shares, comparisons: vec![], periods: vec![], ..trends_file() }
    }

    fn names(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(id, name)| (id.to_string(), name.to_string())).collect()
    }

    fn widest(table: &str) -> usize {
        table.lines().map(|line| line.width()).max().unwrap()
    }

    #[test]
    fn large_themes_come_first_and_none_last() {
        let gap = f64::NAN;
        let trends = trends(&[
            ("none", &[0.7, gap, 0.6]),
            ("energy", &[0.1, gap, 0.05]),
            ("trade", &[0.2, gap, 0.35]),
        ]);
        let names = names(&[("trade", "Trade and supply chains"), ("energy", "Energy")]);
        insta::assert_snapshot!(table(&trends, &names, 80), @r"
        % of text                 2019   2020   2021
        documents                   12      0     14
        Trade and supply chains   20.0      -   35.0
        Energy                    10.0      -    5.0
        none                      70.0      -   60.0
        ");
    }

    #[test]
    fn many_periods_leave_out_the_middle() {
        let shares: Vec<f64> = (0..79).map(|i| f64::from(i) / 100.0).collect();
        let trends = trends(&[("trade", &shares)]);
        let text = table(&trends, &names(&[("trade", "Trade")]), 60);
        insta::assert_snapshot!(text, @r"
        % of text   2019   2020   2021  …   2095   2096   2097
        documents     12     13     14  …     88     89     90
        Trade        0.0    1.0    2.0  …   76.0   77.0   78.0
        ");
        for width in 40..120 {
            assert!(widest(&table(&trends, &[], width)) <= width, "at width {width}");
        }
    }

    #[test]
    fn groups_are_left_out_and_rare_themes_counted() {
        let ids: Vec<String> = (0..25).map(|i| format!("t{i:02}")).collect();
        let shares: Vec<(&str, &[f64])> = ids.iter().map(|id| (id.as_str(), &[0.04][..])).collect();
        let mut trends = trends(&shares);
        trends.shares[0].group = Some("a source".to_owned());
        let text = table(&trends, &[], 80);
        assert!(!text.contains("t00"), "{text}");
        assert!(text.ends_with("… and 4 smaller themes\n"), "{text}");
        assert_eq!(text.lines().count(), 2 + MAX_THEMES + 1);
    }

    #[test]
    fn names_can_neither_drive_the_terminal_nor_break_the_columns() {
        let trends = trends(&[("a", &[0.5]), ("b", &[0.25]), ("c", &[0.1])]);
        let names = names(&[
            ("a", "\u{1b}[31mred\u{202e}der\n"),
            ("b", "技術と革新と、デジタル経済およびその他の分野"),
            ("c", "short"),
        ]);
        insta::assert_snapshot!(table(&trends, &names, 41), @r"
        % of text                           2019
        documents                             12
        \u{1b}[31mred\u{202e}der\u{a}       50.0
        技術と革新と、デジタル経済および…   25.0
        short                               10.0
        ");
    }

    #[test]
    fn without_a_period_there_is_no_table() {
        assert_eq!(table(&trends(&[]), &[], 80), "");
    }
}
