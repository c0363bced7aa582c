//! Two periods side by side: a line for each theme from its share in the one to that in the other.

use crate::compare::Family;
use crate::report::overview::Overview;
use crate::report::overview::series::{Point, Series};
use crate::report::table::shortened;
use crate::report::trends::{ComparisonRow, Verdict};

use super::markup::{Markup, put};
use super::scale::{Percent, Points, Px, spread};

/// Themes that have a line; the others are in the table.
pub const MAX_LINES: usize = 14;
/// Height of the chart, and room for a label, in pixels.
pub const HEIGHT: f64 = 420.0;
const LABEL: f64 = 17.0;
/// Columns of a name on a phone.
const SHORT: usize = 20;

/// Two periods, or runs of periods.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Label of the earlier one.
    pub from: String,
    /// Label of the later one.
    pub to: String,
    /// What became of each theme.
    pub changes: Vec<Change>,
}

/// A theme in two periods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Place of the theme.
    pub theme: usize,
    /// Share in the one, 0..1.
    pub from: f64,
    /// Share in the other, 0..1.
    pub to: f64,
    /// 95 % interval of the difference; `None`: too few documents.
    pub interval: Option<(f64, f64)>,
    /// What was said of it; `None`: the pair was not tested.
    pub verdict: Option<Verdict>,
}

/// The pair to begin with: the first that the user named, else the first and the last period.
pub fn first_pair(overview: &Overview) -> Option<Pair> {
    if let Some(pair) = named_pairs(overview).into_iter().next() {
        return Some(pair);
    }
    let (first, last) = overview.series.ends()?;
    if first == last {
        return None;
    }
    let series = &overview.series;
    pair_of(overview, (series.period(&first.label)?, series.period(&last.label)?))
}

/// The pairs that the user named, as they were compared.
pub fn named_pairs(overview: &Overview) -> Vec<Pair> {
    let rows = overview.trends.comparisons.iter();
    let mut pairs: Vec<Pair> = Vec::new();
    for row in rows.filter(|row| row.family == Family::Named && row.group.is_none()) {
        let Some(change) = change_of(&overview.series, row) else { continue };
        match pairs.iter_mut().find(|pair| pair.from == row.from && pair.to == row.to) {
            Some(pair) => pair.changes.push(change),
            None => {
                let (from, to) = (row.from.clone(), row.to.clone());
                pairs.push(Pair { from, to, changes: vec![change] });
            }
        }
    }
    pairs
}

fn change_of(series: &Series, row: &ComparisonRow) -> Option<Change> {
    Some(Change {
        theme: series.theme(&row.theme)?,
        from: row.share_from?.get(),
        to: row.share_to?.get(),
        interval: row.low.zip(row.high).map(|(low, high)| (low.get(), high.get())),
        verdict: Some(row.verdict),
    })
}

/// Any two periods by their places. Their difference has an interval; a verdict only where the two
/// were compared.
fn pair_of(overview: &Overview, (from, to): (usize, usize)) -> Option<Pair> {
    let series = &overview.series;
    let (a, b) = (&series.periods.get(from)?.label, &series.periods.get(to)?.label);
    let verdict = |theme: &str| {
        let is_it = |row: &&ComparisonRow| {
            row.theme == theme && row.from == *a && row.to == *b && row.group.is_none()
        };
        overview.trends.comparisons.iter().find(is_it).map(|row| row.verdict)
    };
    let change = |(place, theme): (usize, &crate::report::overview::series::ThemeSeries)| {
        let (before, after) = (theme.points[from]?, theme.points[to]?);
        Some(Change {
            theme: place,
            from: before.share,
            to: after.share,
            interval: difference(before, after),
            verdict: verdict(&theme.id),
        })
    };
    let changes = series.themes.iter().enumerate().filter_map(change).collect();
    Some(Pair { from: a.clone(), to: b.clone(), changes })
}

/// The interval of a difference from those of two shares: its reach to either side is the root of the
/// squared reaches (Zou and Donner 2008), as in the comparison.
pub fn difference(from: Point, to: Point) -> Option<(f64, f64)> {
    let ((a_low, a_high), (b_low, b_high)) = (from.interval?, to.interval?);
    let difference = to.share - from.share;
    let below = (to.share - b_low).hypot(a_high - from.share);
    let above = (b_high - to.share).hypot(from.share - a_low);
    Some((difference - below, difference + above))
}

/// The chart of a pair.
pub fn chart(series: &Series, pair: &Pair) -> Markup {
    let mut changes: Vec<&Change> = pair.changes.iter().collect();
    changes.sort_by(|a, b| b.from.max(b.to).total_cmp(&a.from.max(a.to)));
    changes.truncate(MAX_LINES);
    let highest = changes.iter().map(|change| change.from.max(change.to)).fold(0.0, f64::max);
    // Where a share stands: its root, since most themes are small.
    let at = |share: f64| HEIGHT * (1.0 - (share / highest.max(1e-9)).sqrt());
    let ends = |side: fn(&Change) -> f64| -> Vec<f64> {
        spread(&changes.iter().map(|c| at(side(c))).collect::<Vec<_>>(), LABEL, HEIGHT)
    };
    let (left, right) = (ends(|change| change.from), ends(|change| change.to));
    let mut out = Markup::new();
    put!(out, r#"<svg class="plot slope" id="slope" width="100%" height=""#, { Px(HEIGHT + 40.0) });
    put!(out, r#"" role="img" aria-label="Shares in "#, { &pair.from }, " and in ", { &pair.to });
    put!(out, r#"; the table below has the numbers"><g transform="translate(0 28)">"#);
    put!(out, r#"<text class="head" x="16%" y="-14" text-anchor="end">"#, { &pair.from });
    put!(out, r#"</text><text class="head" x="44%" y="-14">"#, { &pair.to }, "</text>");
    for (k, change) in changes.iter().enumerate() {
        let name = &series.themes[change.theme].name;
        put!(out, [line(change, (at(change.from), at(change.to)), (left[k], right[k]), name)]);
    }
    put!(out, "</g></svg>");
    out
}

fn line(change: &Change, (from, to): (f64, f64), (left, right): (f64, f64), name: &str) -> Markup {
    let (class, mark) = looks(change);
    let mut out = Markup::new();
    put!(out, r#"<g class=""#, { class }, r#""><line class="lead" x1="15%" x2="16%" y1=""#, {
        Px(left)
    });
    put!(
        out,
        r#"" y2=""#,
        { Px(from) },
        r#""/><line x1="16%" x2="44%" y1=""#,
        { Px(from) },
        r#"" y2=""#
    );
    put!(
        out,
        { Px(to) },
        r#""/><line class="lead" x1="44%" x2="45.5%" y1=""#,
        { Px(to) },
        r#"" y2=""#
    );
    put!(
        out,
        { Px(right) },
        r#""/><circle r="3" cx="16%" cy=""#,
        { Px(from) },
        r#""/><circle r="3" cx="44%" cy=""#
    );
    put!(
        out,
        { Px(to) },
        r#""/><text x="14.5%" text-anchor="end" y=""#,
        { Px(left + 4.0) },
        r#"">"#
    );
    put!(
        out,
        { Percent(change.from) },
        r#"</text><text x="46%" y=""#,
        { Px(right + 4.0) },
        r#"">"#
    );
    put!(
        out,
        { mark },
        { Percent(change.to) },
        r#" <tspan class="long">"#,
        { name },
        r#"</tspan><tspan class="short">"#
    );
    put!(out, { shortened(name, SHORT) }, "</tspan></text></g>");
    out
}

/// The class of a line, and the mark that says the same without colour.
fn looks(change: &Change) -> (&'static str, &'static str) {
    match change.verdict {
        Some(Verdict::Rose) => ("rose", "▲ "),
        Some(Verdict::Fell) => ("fell", "▼ "),
        _ => ("same", ""),
    }
}

/// The table of a pair: every theme, the largest difference first.
pub fn table(series: &Series, pair: &Pair) -> Markup {
    let mut changes: Vec<&Change> = pair.changes.iter().collect();
    let size = |change: &Change| (change.to - change.from).abs();
    changes.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let mut out = Markup::new();
    put!(
        out,
        r#"<table id="pair"><thead><tr><th scope="col">Theme</th><th scope="col" class="n">"#
    );
    put!(out, { &pair.from }, r#"</th><th scope="col" class="n">"#, { &pair.to });
    put!(
        out,
        r#"</th><th scope="col" class="n">Points</th><th scope="col" class="n">95 % interval"#
    );
    put!(out, r#"</th><th scope="col">Tested</th></tr></thead><tbody>"#);
    for change in changes {
        put!(out, r#"<tr><th scope="row">"#, { &series.themes[change.theme].name });
        put!(out, r#"</th><td class="n">"#, { Percent(change.from) }, r#"</td><td class="n">"#);
        put!(out, { Percent(change.to) }, r#"</td><td class="n">"#, {
            Points(change.to - change.from)
        });
        put!(out, r#"</td><td class="n">"#, { interval(change.interval) }, "</td><td>");
        put!(out, { verdict(change.verdict) }, "</td></tr>");
    }
    put!(out, "</tbody></table>");
    out
}

/// An interval of points, in words.
pub fn interval(interval: Option<(f64, f64)>) -> String {
    interval.map_or("too few documents".to_owned(), |(low, high)| {
        format!("{} to {}", Points(low), Points(high))
    })
}

/// A verdict in words, with its mark.
pub fn verdict(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Rose) => "▲ rose",
        Some(Verdict::Fell) => "▼ fell",
        Some(Verdict::NoEvidence) => "no evidence of change",
        Some(Verdict::TooLittleData) => "too little data",
        None => "not tested",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Example (a) of Newcombe 1998 (Statistics in Medicine 17, 873), his method 10: 56 of 70 and 48
    /// of 80, from the Wilson intervals of the two.
    #[test]
    fn the_interval_of_a_difference_as_published() {
        let from = Point { share: 48.0 / 80.0, interval: Some((0.4904, 0.7003)) };
        let to = Point { share: 56.0 / 70.0, interval: Some((0.6918, 0.8769)) };
        let (low, high) = difference(from, to).unwrap();
        assert!((low - 0.0524).abs() < 2e-4 && (high - 0.3339).abs() < 2e-4, "{low} {high}");
        assert_eq!(difference(Point { interval: None, ..from }, to), None);
    }

    #[test]
    fn what_changed_is_said_without_colour_too() {
        let change = |verdict| Change { theme: 0, from: 0.1, to: 0.2, interval: None, verdict };
        assert_eq!(looks(&change(Some(Verdict::Rose))), ("rose", "▲ "));
        assert_eq!(looks(&change(Some(Verdict::Fell))), ("fell", "▼ "));
        assert_eq!(looks(&change(None)), ("same", ""));
    }
}
