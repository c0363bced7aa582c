//! The page: its head, its parts in the order in which people ask, and what guards it.

use crate::compare::Measure;
use crate::report::overview::Overview;
use crate::report::overview::series::Series;

use super::embedded::Embedded;
use super::hash::source_of;
use super::markup::{Markup, put};
use super::scale::{Axis, Bare, Count, Tick};
use super::{changes, documents, heat, lines, methods, quality, slope, theme};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// A part of the page: id, title, title in the menu.
type Part = (&'static str, &'static str, &'static str);

const CHANGES: Part = ("changes", "What changed", "Changes");
const TIME: Part = ("time", "Themes over time", "Over time");
const HEAT: Part = ("heat", "Every theme in every period", "Heatmap");
const PAIR: Part = ("two", "Two periods side by side", "Two periods");
const THEMES: Part = ("themes", "Theme by theme", "Themes");
const DOCUMENTS: Part = ("documents", "Documents", "Documents");
const EMERGENT: Part = ("emergent", "Emergent themes", "Emergent");
const RECORDS: Part = ("records", "Copies, rejects and warnings", "Records");
const CODES: Part = ("codes", "Checked against hand codes", "Codes");
const METHODS: Part = ("methods", "Methods, and how to cite", "Methods");

/// The whole page.
///
/// # Errors
/// Where a number is not finite.
pub fn page(overview: &Overview) -> serde_json::Result<Markup> {
    let parts = [
        (CHANGES, changes::changes(overview)),
        (TIME, over_time(overview)),
        (HEAT, heatmap(overview)),
        (PAIR, two_periods(overview)),
        (THEMES, theme::themes(overview)),
        (DOCUMENTS, documents::documents(overview)),
        (EMERGENT, quality::emergent(overview)),
        (RECORDS, quality::records(overview)),
        (CODES, quality::codes(overview)),
        (METHODS, methods::methods(overview)),
    ];
    let mut out = Markup::new();
    put!(
        out,
        [head(overview)],
        r##"<body><a class="skip" href="#changes">Skip to what changed</a>"##
    );
    put!(out, [header(overview)], r#"<nav aria-label="Parts of the report"><ul>"#);
    for ((id, _, short), _) in &parts {
        put!(out, r##"<li><a href="#"##, { id }, r#"">"#, { short }, "</a></li>");
    }
    put!(out, "</ul></nav><main>");
    for ((id, title, _), body) in &parts {
        put!(
            out,
            r#"<section id=""#,
            { id },
            r#"" aria-labelledby="h-"#,
            { id },
            r#""><h2 id="h-"#,
            { id }
        );
        put!(out, r#"">"#, { title }, "</h2>", [body], "</section>");
    }
    put!(out, "</main><footer><p>Made by themeline ", { &overview.run.themeline });
    put!(out, ". This file needs no network and sends nothing.</p></footer>");
    put!(out, r#"<script id="data" type="application/json">"#);
    let pairs = slope::named_pairs(overview);
    out.json(&Embedded::new(overview, &pairs))?;
    put!(out, "</script><script>", [own(SCRIPT)], "</script></body></html>\n");
    Ok(out)
}

/// Our own style or script, which is no text of a corpus.
fn own(text: &'static str) -> Markup {
    let mut out = Markup::new();
    out.raw(text);
    out
}

fn head(overview: &Overview) -> Markup {
    let mut out = Markup::new();
    put!(out, r#"<!doctype html><html lang="en"><head><meta charset="utf-8">"#);
    put!(out, r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; "#);
    put!(out, "style-src '", [source(STYLE)], "'; script-src '", [source(SCRIPT)]);
    put!(out, r#"'; base-uri 'none'; form-action 'none'"><meta name="viewport" "#);
    put!(out, r#"content="width=device-width, initial-scale=1"><meta name="color-scheme" "#);
    put!(out, r#"content="light dark"><meta name="referrer" content="no-referrer"><title>"#);
    put!(out, { title(overview) }, "</title><style>", [own(STYLE)], "</style></head>");
    out
}

fn source(text: &str) -> Markup {
    let mut out = Markup::new();
    out.text(source_of(text));
    out
}

fn title(overview: &Overview) -> String {
    let n = Count(overview.n_documents as u64);
    match overview.series.ends() {
        Some((first, last)) if first != last => {
            format!("What {n} documents are about, {} to {}", first.label, last.label)
        }
        Some((only, _)) if only.label != "all" => {
            format!("What {n} documents are about, {}", only.label)
        }
        _ => format!("What {n} documents are about"),
    }
}

fn header(overview: &Overview) -> Markup {
    let series = &overview.series;
    let n_periods = series.periods.iter().filter(|period| period.n_documents > 0).count();
    let n_emergent = series.themes.iter().filter(|theme| theme.is_emergent).count();
    let mut out = Markup::new();
    put!(out, r#"<header><p class="brand">themeline report</p><h1>"#, { title(overview) });
    put!(
        out,
        r#"</h1><p class="key">"#,
        { series.themes.len() - n_emergent },
        " themes of the codebook"
    );
    put!(
        out,
        ", ",
        { n_emergent },
        " emergent; ",
        { n_periods },
        " periods. A share is the part of the "
    );
    put!(out, { measure(overview) }, " that a theme takes. Intervals are 95 % and say how much a ");
    put!(
        out,
        "number hangs on which documents there are; they do not see errors of the scores.</p>"
    );
    put!(out, "</header>");
    out
}

/// Of what a share is a share.
pub fn measure(overview: &Overview) -> &'static str {
    match overview.trends.measure {
        Measure::Text => "text",
        Measure::Units => "units",
        Measure::Documents => "documents",
    }
}

/// The name of a choice as it is written in a file.
pub fn name_of(choice: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(choice).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn over_time(overview: &Overview) -> Markup {
    let series = &overview.series;
    let mut out = Markup::new();
    if series.ends().is_none() {
        put!(out, "<p>No document is in a period, so there is no course to show.</p>");
        return out;
    }
    put!(out, r#"<p class="note">Panels under one heading have one scale; part of the "#);
    put!(
        out,
        { measure(overview) },
        ". Band: 95 % interval, where a period has five documents or more, "
    );
    put!(out, "cut off where it leaves the scale. A line breaks where there are no documents.</p>");
    let tiers = series.tiers();
    for (k, tier) in tiers.iter().enumerate() {
        let reach = tier.iter().map(|place| series.themes[*place].reach()).fold(0.0, f64::max);
        let axis = Axis::over(reach);
        put!(out, "<h3>Scale 0 to ", { Tick(axis.top) }, r#"</h3><ol class="panels">"#);
        for place in tier {
            put!(out, [lines::panel(series, *place, &axis)]);
        }
        if k + 1 == tiers.len() {
            put!(out, [lines::documents_panel(series)]);
        }
        put!(out, "</ol>");
    }
    out
}

fn heatmap(overview: &Overview) -> Markup {
    let series = &overview.series;
    let mut out = Markup::new();
    if series.periods.is_empty() {
        put!(out, "<p>No document is in a period.</p>");
        return out;
    }
    put!(out, [heat::heat(series)], r#"<p class="note" id="cell" aria-live="polite"></p>"#);
    put!(out, "<details><summary>The numbers as a table, in percent</summary>");
    put!(out, r#"<div class="scroll" role="region" tabindex="0" aria-label="All shares">"#);
    put!(out, [all_shares(series)], "</div></details>");
    out
}

fn all_shares(series: &Series) -> Markup {
    let mut out = Markup::new();
    put!(out, r#"<table class="tight"><thead><tr><th scope="col">Period</th><th scope="col">"#);
    put!(out, "Documents</th>");
    for (name, _) in heat::rows(series) {
        put!(out, r#"<th scope="col">"#, { name }, "</th>");
    }
    put!(out, "</tr></thead><tbody>");
    for (at, period) in series.periods.iter().enumerate() {
        put!(
            out,
            r#"<tr><th scope="row">"#,
            { &period.label },
            "</th><td>",
            { period.n_documents },
            "</td>"
        );
        for (_, points) in heat::rows(series) {
            put!(out, "<td>");
            if let Some(point) = points[at] {
                put!(out, { Bare(point.share) });
            }
            put!(out, "</td>");
        }
        put!(out, "</tr>");
    }
    put!(out, "</tbody></table>");
    out
}

fn two_periods(overview: &Overview) -> Markup {
    let mut out = Markup::new();
    let Some(pair) = slope::first_pair(overview) else {
        put!(out, "<p>There are no two periods with documents.</p>");
        return out;
    };
    put!(out, r#"<form class="controls" id="choose" hidden><label for="from">From</label> "#);
    put!(
        out,
        r#"<select id="from"></select> <label for="to">to</label> <select id="to"></select>"#
    );
    put!(
        out,
        r#"<span id="named"></span></form><p class="note">Lines of themes that were found to "#
    );
    put!(out, "have changed between these two stand out, with ▲ or ▼. Any other pair is shown, ");
    put!(out, "not tested: <code>themeline compare DIR --between FROM,TO</code> tests it. The ");
    put!(
        out,
        { slope::MAX_LINES },
        " largest themes; heights go with the square root of the share, so "
    );
    put!(out, "that small ones can be told apart.");
    put!(out, r#"</p><div id="slope-box">"#, [slope::chart(&overview.series, &pair)], "</div>");
    put!(
        out,
        r#"<details><summary>The numbers as a table</summary><div class="scroll" role="region" "#
    );
    put!(out, r#"tabindex="0" aria-label="Two periods" id="pair-box">"#);
    put!(out, [slope::table(&overview.series, &pair)], "</div></details>");
    out
}
