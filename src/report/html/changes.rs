//! What changed, in words: the sentences of the comparison, ranked, each with its interval drawn.

use crate::compare::Family;
use crate::report::closer::MixRow;
use crate::report::overview::Overview;
use crate::report::trends::{ChangePointRow, ComparisonRow, Verdict};

use super::markup::{Markup, put};
use super::scale::{Count, Points, Px};

/// Sentences of a kind that stand open; the others fold away.
const MAX_OPEN: usize = 8;
/// Sentences of a kind that the page has; the others are in trends.json.
const MAX_SAID: usize = 60;

/// Part of a change from which its mix is told.
const MUCH: f64 = 0.2;
/// What to say where no two periods were compared.
pub const NOTHING_COMPARED: &str = "No two periods have documents, so nothing could be compared.";

/// The whole section.
pub fn changes(overview: &Overview) -> Markup {
    let mut out = Markup::new();
    let named = found(overview, Family::Named);
    let neighbours = found(overview, Family::Neighbours);
    let points = levels(overview);
    put!(out, r#"<p class="lead">"#, { summary(overview, neighbours.len(), points.len()) }, "</p>");
    if overview.trends.comparisons.iter().any(|row| row.family == Family::Named) {
        let title = "Between the periods that were named";
        put!(out, [titled(title, named.len())], [list(overview, &named)]);
    }
    if !points.is_empty() {
        put!(out, [titled("Changes of level in the long run", points.len())]);
        put!(out, [folded(points.iter().map(|row| level(overview, row)).collect())]);
    }
    if !neighbours.is_empty() {
        put!(out, [titled("From one period to the next", neighbours.len())]);
        put!(out, [list(overview, &neighbours)]);
    }
    let groups = in_groups(overview);
    if !groups.is_empty() {
        put!(out, [titled("Within groups", groups.len())], [list(overview, &groups)]);
    }
    out
}

fn titled(title: &'static str, n: usize) -> Markup {
    let mut out = Markup::new();
    put!(out, "<h3>", { title }, r#" <span class="count">"#, { n }, "</span></h3>");
    out
}

/// What was tested and what was found, or plainly that nothing was.
fn summary(overview: &Overview, n_neighbours: usize, n_levels: usize) -> String {
    let rows = || overview.trends.comparisons.iter();
    let n_of = |verdict| Count(rows().filter(|row| row.verdict == verdict).count() as u64);
    let (rose, fell) = (n_of(Verdict::Rose), n_of(Verdict::Fell));
    let (same, little) = (n_of(Verdict::NoEvidence), n_of(Verdict::TooLittleData));
    let n = Count(rows().count() as u64);
    let no_level = overview.trends.change_points.is_empty();
    if rows().count() == 0 {
        return NOTHING_COMPARED.to_owned();
    }
    if rose.0 + fell.0 == 0 && no_level {
        let why = match same.0 {
            0 => "there is too little data in every one of them",
            _ if little.0 == 0 => "a change of note would have shown in every one of them",
            _ => "in some a change of note would have shown, in others there is too little data",
        };
        return format!(
            "No evidence of change. {n} comparisons of two periods were made, and {why} ({same} \
             without evidence of change, {little} with too little data)."
        );
    }
    let levels = match n_levels {
        0 => String::new(),
        1 => " There is 1 lasting change of level.".to_owned(),
        n => format!(" There are {n} lasting changes of level."),
    };
    let chance = match n_neighbours {
        0 => "",
        _ => {
            " Of what is said to have risen or fallen, at most about one in twenty is expected to be chance."
        }
    };
    format!(
        "Of {n} comparisons of two periods, {rose} show a rise, {fell} a fall, {same} no evidence of \
         change, and {little} rest on too little data.{levels}{chance}"
    )
}

/// Real changes of a family over all documents: robust ones first, then by size.
fn found(overview: &Overview, family: Family) -> Vec<&ComparisonRow> {
    let rows = overview.trends.comparisons.iter();
    let is_it = |row: &&ComparisonRow| row.family == family && row.group.is_none();
    let found = rows.filter(is_it).filter(|row| family == Family::Named || is_change(row));
    ranked(found.collect())
}

fn in_groups(overview: &Overview) -> Vec<&ComparisonRow> {
    let rows = overview.trends.comparisons.iter();
    ranked(rows.filter(|row| row.group.is_some() && is_change(row)).collect())
}

/// Whether a share was found to have changed.
pub fn is_change(row: &ComparisonRow) -> bool {
    matches!(row.verdict, Verdict::Rose | Verdict::Fell)
}

fn ranked(mut rows: Vec<&ComparisonRow>) -> Vec<&ComparisonRow> {
    let size = |row: &ComparisonRow| row.difference.map_or(0.0, |x| x.get().abs());
    let is_robust = |row: &ComparisonRow| row.robustness.as_ref().is_some_and(|r| r.robust);
    rows.sort_by(|a, b| {
        let order = |row: &ComparisonRow| (!is_change(row), !is_robust(row));
        order(a).cmp(&order(b)).then(size(b).total_cmp(&size(a)))
    });
    rows
}

/// Changes of level over all documents, the largest first.
fn levels(overview: &Overview) -> Vec<&ChangePointRow> {
    let rows = overview.trends.change_points.iter().filter(|row| row.group.is_none());
    let mut rows: Vec<&ChangePointRow> = rows.collect();
    let size = |row: &ChangePointRow| (row.share_after.get() - row.share_before.get()).abs();
    rows.sort_by(|a, b| size(b).total_cmp(&size(a)));
    rows
}

fn list(overview: &Overview, rows: &[&ComparisonRow]) -> Markup {
    let ends = rows.iter().flat_map(|row| [row.low, row.high, row.difference]).flatten();
    let reach = ends.map(|x| x.get().abs()).fold(0.0, f64::max);
    folded(rows.iter().map(|row| comparison(overview, row, reach)).collect())
}

/// The first items open, the others under a fold.
fn folded(items: Vec<Markup>) -> Markup {
    let (n, said) = (items.len(), items.len().min(MAX_SAID));
    let mut out = Markup::new();
    let part = |items: &[Markup]| {
        let mut part = Markup::new();
        put!(part, r#"<ul class="changes">"#);
        items.iter().for_each(|item| {
            part.append(item);
        });
        put!(part, "</ul>");
        part
    };
    put!(out, [part(&items[..n.min(MAX_OPEN)])]);
    if n > MAX_OPEN {
        put!(out, "<details><summary>", { said - MAX_OPEN }, " more</summary>");
        put!(out, [part(&items[MAX_OPEN..said])], "</details>");
    }
    if n > said {
        put!(
            out,
            r#"<p class="shown">"#,
            { said },
            " of ",
            { n },
            " shown; all stand in trends.json.</p>"
        );
    }
    out
}

/// A comparison as a sentence, with what was found when it was looked at closer. `reach`: end of the
/// axis that intervals are drawn on.
pub fn comparison(overview: &Overview, row: &ComparisonRow, reach: f64) -> Markup {
    let mut out = Markup::new();
    put!(out, r#"<li class="change"><div>"#, [sentence(overview, row)]);
    if let Some(robustness) = &row.robustness {
        put!(out, r#"<p class="closer">"#, { unbroken(&robustness.sentence) }, "</p>");
    }
    if let Some(mix) = most_mixed(row) {
        put!(
            out,
            r#"<p class="closer">Not all of it is content. "#,
            { unbroken(&mix.sentence) },
            "</p>"
        );
    }
    put!(out, "</div>", [whisker(row, reach)], "</li>");
    out
}

/// The field whose mix and turnover make up most of a change, where that is a fifth of it or more.
fn most_mixed(row: &ComparisonRow) -> Option<&MixRow> {
    let all = row.difference.map(|all| all.get()).filter(|all| *all != 0.0)?;
    let part = |mix: &MixRow| (mix.mix.difference.get() + mix.turnover.difference.get()) / all;
    let most = row.mix.iter().max_by(|a, b| part(a).total_cmp(&part(b)))?;
    (is_change(row) && part(most) >= MUCH).then_some(most)
}

fn sentence(overview: &Overview, row: &ComparisonRow) -> Markup {
    let mark = match row.verdict {
        Verdict::Rose => "▲",
        Verdict::Fell => "▼",
        Verdict::NoEvidence | Verdict::TooLittleData => "○",
    };
    let class = match row.verdict {
        Verdict::Rose => "rose",
        Verdict::Fell => "fell",
        Verdict::NoEvidence | Verdict::TooLittleData => "same",
    };
    said(overview, (&row.theme, &row.sentence), (class, mark))
}

/// A sentence that begins with the name of its theme, which leads to the theme's page.
fn said(
    overview: &Overview,
    (theme, sentence): (&str, &str),
    (class, mark): (&'static str, &'static str),
) -> Markup {
    let mut out = Markup::new();
    put!(out, r#"<p class="said"><span class="mark "#, { class }, r#"" aria-hidden="true">"#, {
        mark
    });
    put!(out, "</span> ");
    let place = overview.series.theme(theme);
    let name = place.map_or("", |place| overview.series.themes[place].name.as_str());
    match (place, sentence.strip_prefix(name)) {
        (Some(place), Some(rest)) => {
            put!(out, r##"<a href="#theme-"##, { place }, r#"">"#, { name }, "</a>", {
                unbroken(rest)
            });
        }
        _ => put!(out, { unbroken(sentence) }),
    }
    put!(out, "</p>");
    out
}

/// The text with no line break before a percent sign.
fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

/// The difference and its interval on an axis from `-reach` to `reach`.
fn whisker(row: &ComparisonRow, reach: f64) -> Markup {
    let mut out = Markup::new();
    let (Some(difference), Some(low), Some(high)) = (row.difference, row.low, row.high) else {
        return out;
    };
    let x = |value: f64| Px(50.0 + value / reach.max(1e-9) * 48.0);
    put!(out, r#"<div class="whisker" aria-hidden="true"><svg width="100%" height="16"><line "#);
    put!(out, r#"class="zero" x1="50%" x2="50%" y2="16"/><line class="range" y1="8" y2="8" x1=""#);
    put!(
        out,
        { x(low.get()) },
        r#"%" x2=""#,
        { x(high.get()) },
        r#"%"/><circle r="4" cy="8" cx=""#
    );
    put!(
        out,
        { x(difference.get()) },
        r#"%"/></svg><p>"#,
        { Points(difference.get()) },
        " points <span>("
    );
    put!(out, { Points(low.get()) }, " to ", { Points(high.get()) }, ")</span></p></div>");
    out
}

/// A change of level as a sentence.
pub fn level(overview: &Overview, row: &ChangePointRow) -> Markup {
    let looks = match row.share_after > row.share_before {
        true => ("rose", "▲"),
        false => ("fell", "▼"),
    };
    let difference = row.share_after.get() - row.share_before.get();
    let mut out = Markup::new();
    put!(out, r#"<li class="change"><div>"#, [said(overview, (&row.theme, &row.sentence), looks)]);
    put!(
        out,
        r#"</div><div class="whisker alone"><p>"#,
        { Points(difference) },
        " points</p></div></li>"
    );
    out
}
