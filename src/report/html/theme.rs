//! A theme's page: what it is, what became of it, and the passages that its numbers rest on.

use std::collections::BTreeMap;

use crate::report::overview::series::ThemeSeries;
use crate::report::overview::{Overview, Passage};
use crate::report::trends::{ChangePointRow, ComparisonRow, ShareRow, Verdict};
use crate::theme::FittedTheme;

use super::changes::{NOTHING_COMPARED, comparison, is_change, level};
use super::lines::{Level, chart};
use super::markup::{Markup, put};
use super::scale::{Bare, Count, Percent, Px};

/// Passages that stand in the page itself; those of each period are a click away.
const MAX_QUOTES: usize = 5;
/// Passages of one document among them.
const PER_DOCUMENT: usize = 1;
/// Terms that are named.
const MAX_TERMS: usize = 20;
/// Sentences on changes.
const MAX_CHANGES: usize = 6;
/// Groups that are listed, the largest first.
const MAX_GROUPS: usize = 40;

/// Every theme, folded.
pub fn themes(overview: &Overview) -> Markup {
    let mut out = Markup::new();
    for (place, theme) in overview.series.themes.iter().enumerate() {
        put!(out, [page(overview, place, theme)]);
    }
    out
}

fn page(overview: &Overview, place: usize, theme: &ThemeSeries) -> Markup {
    let mut out = Markup::new();
    put!(out, r#"<details class="theme" id="theme-"#, { place }, r#""><summary><h3>"#, {
        &theme.name
    });
    put!(out, "</h3>");
    if theme.is_emergent {
        put!(out, r#"<span class="kind">emergent</span>"#);
    }
    if let Some((at, point)) = theme.last() {
        put!(out, r#"<span class="now"><b>"#, { Percent(point.share) }, "</b> ");
        put!(out, { &overview.series.periods[at].label }, "</span>");
    }
    put!(out, r#"</summary><div class="body">"#);
    if let Some(fitted) = overview.model.themes.iter().find(|fitted| fitted.id == theme.id) {
        put!(out, [what(overview, fitted)]);
    }
    put!(out, [became(overview, theme)], "<h4>Share over time</h4>");
    put!(out, [chart(&overview.series, theme, &levels(overview, theme))]);
    put!(out, [caption(overview, theme)], [table(overview, theme)], [groups(overview, theme)]);
    put!(out, [quotes(overview, place)], [new_terms(overview, theme)], "</div></details>");
    out
}

/// Definition and terms.
fn what(overview: &Overview, fitted: &FittedTheme) -> Markup {
    let mut out = Markup::new();
    let theme = overview.model.codebook.themes.iter().find(|theme| theme.id == fitted.id);
    if let Some(theme) = theme.filter(|theme| !theme.definition.is_empty()) {
        put!(out, r#"<p class="definition">"#, { &theme.definition }, "</p>");
    }
    put!(out, [terms("Words that set it apart here", &fitted.terms)]);
    if let Some(theme) = theme.filter(|theme| !theme.terms.is_empty()) {
        put!(
            out,
            "<details><summary>Its ",
            { theme.terms.len() },
            " terms in the codebook</summary>"
        );
        put!(out, [terms("Terms", &theme.terms)], [terms("Weak terms", &theme.weak)]);
        put!(out, [terms("Not counted in", &theme.exclude)], "</details>");
    }
    if let Some(emergence) = fitted.emergence {
        put!(
            out,
            r#"<p class="note">No codebook names it: its name is its most distinctive words. "#
        );
        put!(out, "It comes back with a stability of ", { Px(f64::from(emergence.stability)) });
        put!(out, " (0 to 1) when a part of the sample is left out.</p>");
    }
    out
}

fn terms(title: &'static str, terms: &[String]) -> Markup {
    let mut out = Markup::new();
    if terms.is_empty() {
        return out;
    }
    put!(out, r#"<p class="terms"><span>"#, { title }, ":</span> ");
    for (k, term) in terms.iter().take(MAX_TERMS).enumerate() {
        if k > 0 {
            put!(out, ", ");
        }
        put!(out, "<i>", { term }, "</i>");
    }
    if terms.len() > MAX_TERMS {
        put!(out, " and ", { terms.len() - MAX_TERMS }, " more, in themes.json");
    }
    put!(out, "</p>");
    out
}

/// What changed, in sentences; where nothing did, that.
fn became(overview: &Overview, theme: &ThemeSeries) -> Markup {
    let mut items = Vec::new();
    for row in points(overview, theme) {
        items.push(level(overview, row));
    }
    for row in changed(overview, theme) {
        items.push(comparison(overview, row, reach(row)));
    }
    let mut out = Markup::new();
    if items.is_empty() {
        put!(out, r#"<p class="note">"#, { unchanged(overview, theme) }, "</p>");
        return out;
    }
    put!(out, r#"<ul class="changes">"#);
    items.iter().take(MAX_CHANGES).for_each(|item| {
        out.append(item);
    });
    put!(out, "</ul>");
    if items.len() > MAX_CHANGES {
        put!(out, r#"<p class="shown">"#, { MAX_CHANGES }, " of ", { items.len() });
        put!(out, " changes shown; all stand in trends.json.</p>");
    }
    out
}

/// What to say of a theme that did not change.
fn unchanged(overview: &Overview, theme: &ThemeSeries) -> &'static str {
    let of_theme = |row: &&ComparisonRow| row.theme == theme.id && row.group.is_none();
    let rows: Vec<&ComparisonRow> = overview.trends.comparisons.iter().filter(of_theme).collect();
    match rows.as_slice() {
        [] => NOTHING_COMPARED,
        _ if rows.iter().all(|row| row.verdict == Verdict::TooLittleData) => {
            "Too little data to say whether it changed from one period to another."
        }
        _ => "No evidence that it changed from one period to another.",
    }
}

fn reach(row: &ComparisonRow) -> f64 {
    [row.low, row.high].into_iter().flatten().map(|x| x.get().abs()).fold(0.0, f64::max)
}

fn points<'o>(overview: &'o Overview, theme: &ThemeSeries) -> Vec<&'o ChangePointRow> {
    let rows = overview.trends.change_points.iter();
    rows.filter(|row| row.theme == theme.id && row.group.is_none()).collect()
}

fn changed<'o>(overview: &'o Overview, theme: &ThemeSeries) -> Vec<&'o ComparisonRow> {
    let rows = overview.trends.comparisons.iter();
    rows.filter(|row| row.theme == theme.id && row.group.is_none() && is_change(row)).collect()
}

/// The levels that the changes of a theme divide its periods into.
pub fn levels(overview: &Overview, theme: &ThemeSeries) -> Vec<Level> {
    let place = |label: &str| overview.series.period(label);
    let mut levels = Vec::new();
    for (k, row) in points(overview, theme).into_iter().enumerate() {
        let (Some(from), Some(at), Some(to)) =
            (place(&row.from), place(&row.period), place(&row.to))
        else {
            continue;
        };
        if k == 0 && at > 0 {
            levels.push(((from, at - 1), row.share_before.get()));
        }
        levels.push(((at, to), row.share_after.get()));
    }
    levels
}

fn caption(overview: &Overview, theme: &ThemeSeries) -> Markup {
    let mut out = Markup::new();
    put!(
        out,
        r#"<p class="note">Part of the "#,
        { super::page::measure(overview) },
        ". Band: 95 % interval"
    );
    if !points(overview, theme).is_empty() {
        put!(out, "; grey steps: levels");
    }
    put!(out, ". The scale is this theme's own.</p>");
    out
}

/// The numbers behind the chart.
fn table(overview: &Overview, theme: &ThemeSeries) -> Markup {
    let mut out = Markup::new();
    put!(out, "<details><summary>The numbers</summary>");
    put!(
        out,
        r#"<div class="scroll" role="region" tabindex="0" aria-label="Shares by period"><table>"#
    );
    put!(out, r#"<thead><tr><th scope="col">Period</th><th scope="col" class="n">Share, %</th>"#);
    put!(
        out,
        r#"<th scope="col" class="n">95 %</th><th scope="col" class="n">Documents</th></tr>"#
    );
    put!(out, "</thead><tbody>");
    for (period, point) in overview.series.periods.iter().zip(&theme.points) {
        put!(out, r#"<tr><th scope="row">"#, { &period.label }, "</th><td>");
        if let Some(point) = point {
            put!(out, { Bare(point.share) }, "</td><td>");
            if let Some((low, high)) = point.interval {
                put!(out, { Bare(low) }, " to ", { Bare(high) });
            }
        } else {
            put!(out, "</td><td>");
        }
        put!(out, "</td><td>", { period.n_documents }, "</td></tr>");
    }
    put!(out, "</tbody></table></div></details>");
    out
}

/// Shares by group, all periods from first to last, where documents are grouped.
fn groups(overview: &Overview, theme: &ThemeSeries) -> Markup {
    let mut out = Markup::new();
    let Some(field) = &overview.trends.group_by else { return out };
    let mut rows: BTreeMap<&str, Vec<&ShareRow>> = BTreeMap::new();
    for row in overview.trends.shares.iter().filter(|row| row.theme == theme.id) {
        if let Some(group) = &row.group {
            rows.entry(group).or_default().push(row);
        }
    }
    let n_documents = |rows: &[&ShareRow]| rows.iter().map(|row| row.n_documents).sum::<u64>();
    let mut groups: Vec<(&str, Vec<&ShareRow>)> = rows.into_iter().collect();
    groups.sort_by_key(|(_, rows)| std::cmp::Reverse(n_documents(rows)));
    put!(out, "<h4>By ", { field }, "</h4>");
    put!(
        out,
        r#"<div class="scroll" role="region" tabindex="0" aria-label="Shares by group"><table>"#
    );
    put!(
        out,
        r#"<thead><tr><th scope="col">"#,
        { field },
        r#"</th><th scope="col" class="n">Documents"#
    );
    put!(out, r#"</th><th scope="col">First</th><th scope="col">Last</th></tr></thead><tbody>"#);
    for (group, rows) in groups.iter().take(MAX_GROUPS) {
        put!(out, r#"<tr><th scope="row">"#, { group }, r#"</th><td class="n">"#);
        put!(
            out,
            { Count(n_documents(rows)) },
            "</td><td>",
            { of_group(rows.first()) },
            "</td><td>"
        );
        put!(out, { of_group(rows.last()) }, "</td></tr>");
    }
    put!(out, "</tbody></table></div>");
    if groups.len() > MAX_GROUPS {
        put!(out, r#"<p class="shown">"#, { MAX_GROUPS }, " of ", { groups.len() });
        put!(out, " groups shown; all stand in trends.json.</p>");
    }
    out
}

fn of_group(row: Option<&&ShareRow>) -> String {
    let Some((row, share)) = row.and_then(|row| Some((row, row.share?))) else {
        return String::new();
    };
    let interval = match (row.low, row.high) {
        (Some(low), Some(high)) => format!(" ({} to {})", Bare(low.get()), Bare(high.get())),
        _ => String::new(),
    };
    format!("{}{interval} in {}", Percent(share.get()), row.period)
}

/// Passages, best first; script adds the choice of a period.
fn quotes(overview: &Overview, place: usize) -> Markup {
    let mut out = Markup::new();
    let mut own: Vec<&Passage> =
        overview.passages.iter().filter(|passage| passage.theme == place).collect();
    own.sort_by(|a, b| b.score.total_cmp(&a.score));
    put!(
        out,
        r#"<div class="evidence" data-theme=""#,
        { place },
        r#""><h4>Passages, best first</h4>"#
    );
    put!(out, r#"<ol class="quotes">"#);
    let mut n_of: BTreeMap<usize, usize> = BTreeMap::new();
    let best = own.iter().filter(|passage| {
        let n = n_of.entry(passage.document.number).or_default();
        *n += 1;
        *n <= PER_DOCUMENT
    });
    for passage in best.take(MAX_QUOTES) {
        put!(out, [quote(overview, passage)]);
    }
    put!(out, "</ol>");
    if own.is_empty() {
        put!(out, r#"<p class="note">No passage carries it.</p>"#);
    }
    put!(out, "</div>");
    out
}

/// A passage in its sentence, with where it stands and how sure it is.
pub fn quote(overview: &Overview, passage: &Passage) -> Markup {
    let document = &passage.document;
    let listed = overview.documents.binary_search_by_key(&document.number, |d| d.number);
    let mut out = Markup::new();
    put!(out, r#"<li><blockquote dir="auto">"#, { &passage.before }, "<mark>", { &passage.text });
    put!(out, "</mark>", { &passage.after }, r#"</blockquote><p class="from"><span class="doc""#);
    if let Ok(place) = listed {
        put!(out, r#" data-document=""#, { place }, "\"");
    }
    put!(out, ">", { document.title.as_deref().unwrap_or(&document.id) }, "</span>");
    let beside = [&document.source, &document.date];
    for text in beside.into_iter().flatten() {
        put!(out, " · ", { text });
    }
    put!(
        out,
        r#" · <span class="score">score "#,
        { format!("{:.2}", passage.score) },
        "</span></p></li>"
    );
    out
}

/// New terms of the theme, where drift was asked for.
fn new_terms(overview: &Overview, theme: &ThemeSeries) -> Markup {
    let mut out = Markup::new();
    let rows = overview.trends.drift.iter();
    let rows: Vec<_> =
        rows.filter(|row| row.theme == theme.id && !row.new_terms.is_empty()).collect();
    if rows.is_empty() {
        return out;
    }
    put!(out, r#"<h4>New terms over time</h4><ul class="plain">"#);
    for row in rows {
        put!(out, "<li><b>", { &row.period }, "</b> ", { row.new_terms.join(", ") }, "</li>");
    }
    put!(out, "</ul>");
    out
}
