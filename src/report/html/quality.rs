//! What stands beside the numbers: emergent themes, copies, rejects, warnings, hand codes.

use crate::report::OutputFile;
use crate::report::overview::{Listed, Overview};
use crate::report::table::visible;
use crate::validate::{Agreement, Interval, Validation};

use super::markup::{Markup, put};
use super::scale::{Bare, Count, Percent, Px};

/// Confusions that are listed.
const MAX_CONFUSIONS: usize = 10;

/// Themes that no codebook names.
pub fn emergent(overview: &Overview) -> Markup {
    let mut out = Markup::new();
    let found = overview.model.found();
    if found.is_empty() {
        put!(
            out,
            "<p>None: no group of passages outside the codebook is large and stable enough.</p>"
        );
        return out;
    }
    put!(
        out,
        "<p>Passages that fit no theme of the codebook, grouped. Their names are their most "
    );
    put!(out, r#"distinctive words.</p><ul class="plain found">"#);
    for theme in &found {
        let place = overview.series.theme(&theme.id).unwrap_or_default();
        put!(
            out,
            r##"<li><h3><a href="#theme-"##,
            { place },
            r#"">"#,
            { &theme.name },
            "</a></h3><p>"
        );
        let course = overview.trends.emergence.iter().find(|row| row.theme == theme.id);
        if let Some(course) = course {
            put!(out, { &course.sentence }, " ");
        }
        put!(out, { Count(theme.n_units) }, " passages of the sample; stability ");
        put!(out, { Px(f64::from(theme.stability)) }, ".</p></li>");
    }
    put!(out, "</ul>");
    out
}

/// Counts of records, copies, rejects and warnings.
pub fn records(overview: &Overview) -> Markup {
    let counts = overview.run.counts;
    let mut out = Markup::new();
    put!(out, r#"<p class="lead">"#, { Count(counts.read) }, " records: ", {
        Count(counts.scored)
    });
    put!(out, " scored, ", { Count(counts.duplicates) }, " copies, ", { Count(counts.rejected) });
    put!(out, " rejected, ", { Count(counts.filtered) }, " filtered.</p><h3>Warnings</h3>");
    if overview.run.warnings.is_empty() {
        put!(out, "<p>None.</p>");
    } else {
        put!(out, "<ul>");
        for warning in &overview.run.warnings {
            put!(out, "<li>", { visible(warning) }, "</li>");
        }
        put!(out, "</ul>");
    }
    put!(out, [copies(overview)], [rejects(overview)]);
    out
}

fn counted<T>(listed: &Listed<T>) -> String {
    let kinds: Vec<String> =
        listed.counts.iter().map(|(kind, n)| format!("{} {kind}", Count(*n))).collect();
    kinds.join(", ")
}

fn shown<T>(listed: &Listed<T>, file: &'static str) -> Markup {
    let mut out = Markup::new();
    put!(
        out,
        r#"<p class="shown">"#,
        { listed.rows.len() },
        " of ",
        { Count(listed.n()) },
        " shown; "
    );
    put!(out, "all stand in ", { file }, ".</p>");
    out
}

fn copies(overview: &Overview) -> Markup {
    let mut out = Markup::new();
    put!(out, "<h3>Copies</h3>");
    if overview.copies.rows.is_empty() {
        put!(out, "<p>No text stands in the corpus twice.</p>");
        return out;
    }
    put!(out, "<p>", { counted(&overview.copies) }, ". Copies count ");
    match overview.trends.copies {
        crate::compare::Copies::Once => put!(out, "once, where they stand first"),
        crate::compare::Copies::All => put!(out, "like any other text"),
    }
    put!(out, "; reports of one event count each.</p><details><summary>Which</summary>");
    put!(
        out,
        r#"<div class="scroll" role="region" tabindex="0" aria-label="Copies"><table><thead>"#
    );
    put!(
        out,
        r#"<tr><th scope="col">Kind</th><th scope="col">Document</th><th scope="col">Same as"#
    );
    put!(out, r#"</th><th scope="col" class="n">How much</th></tr></thead><tbody>"#);
    for row in &overview.copies.rows {
        put!(out, "<tr><td>", { overview_kind(&row.kind) }, "</td><td>", {
            visible(&row.document)
        });
        put!(out, "</td><td>", { visible(&row.original) }, r#"</td><td class="n">"#);
        put!(out, { Percent(row.similarity.get()) }, "</td></tr>");
    }
    put!(out, "</tbody></table></div>", [shown(&overview.copies, "copies.jsonl")], "</details>");
    out
}

fn overview_kind(kind: &crate::copies::CopyKind) -> &'static str {
    use crate::copies::CopyKind;
    match kind {
        CopyKind::Exact => "same text",
        CopyKind::Near => "small changes",
        CopyKind::Passage => "passage",
        CopyKind::Event => "same event",
    }
}

fn rejects(overview: &Overview) -> Markup {
    let mut out = Markup::new();
    put!(out, "<h3>Rejected records</h3>");
    if overview.rejects.rows.is_empty() {
        put!(out, "<p>None: every record could be read.</p>");
        return out;
    }
    put!(out, "<p>", { counted(&overview.rejects) }, ".</p><details><summary>Which</summary>");
    put!(
        out,
        r#"<div class="scroll" role="region" tabindex="0" aria-label="Rejects"><table><thead>"#
    );
    put!(
        out,
        r#"<tr><th scope="col">File</th><th scope="col" class="n">Line</th><th scope="col">"#
    );
    put!(out, "What is wrong</th></tr></thead><tbody>");
    for row in &overview.rejects.rows {
        let reject = &row.reject;
        put!(out, "<tr><td>", { visible(&reject.file) }, r#"</td><td class="n">"#);
        put!(out, { reject.line.map_or(String::new(), |line| line.to_string()) }, "</td><td>");
        put!(out, { visible(&reject.message) }, "</td></tr>");
    }
    put!(out, "</tbody></table></div>", [shown(&overview.rejects, "rejects.jsonl")], "</details>");
    out
}

/// Whether hand codes stand behind the numbers.
pub fn codes(overview: &Overview) -> Markup {
    let mut out = Markup::new();
    if overview.validation.is_none() && overview.trends.corrected.is_none() {
        put!(
            out,
            "<p>No hand codes were given, so nothing here says how well a careful reader would "
        );
        put!(out, "agree. <code>themeline sample</code> draws passages to code; <code>themeline ");
        put!(out, "validate DIR --codes FILE</code> checks scores ");
        put!(out, "against them, and <code>compare --codes</code> corrects shares by them.</p>");
    }
    if let Some(validation) = &overview.validation {
        put!(out, [agreement(validation)]);
    }
    put!(out, [corrected(overview)]);
    out
}

fn agreement(validation: &Validation) -> Markup {
    let figures = &validation.figures;
    let mut out = Markup::new();
    put!(out, r#"<p class="lead">Macro F1 "#, {
        number(Some(figures.macro_f1), figures.intervals.macro_f1)
    });
    put!(out, " against hand codes of ", { Count(figures.n_passages) }, " passages in ");
    put!(out, { Count(figures.n_documents) }, " documents, as ", { OutputFile::Validation.name() });
    put!(out, " has it", { validation.leave_out.map_or(String::new(), left_out) }, ".</p>");
    for warning in &validation.warnings {
        put!(out, r#"<p class="note">"#, { visible(warning) }, "</p>");
    }
    put!(
        out,
        r#"<div class="scroll" role="region" tabindex="0" aria-label="Agreement with hand codes">"#
    );
    put!(
        out,
        r#"<table><thead><tr><th scope="col">Theme</th><th scope="col" class="n">Coded</th>"#
    );
    put!(
        out,
        r#"<th scope="col">Precision</th><th scope="col">Recall</th><th scope="col">F1</th>"#
    );
    put!(out, r#"<th scope="col" class="n">Calibration error</th></tr></thead><tbody>"#);
    let calibration = validation.calibration.as_ref();
    for (theme, agreement) in &figures.themes {
        let ece = calibration.and_then(|calibration| Some(calibration.themes.get(theme)?.ece));
        put!(out, [agreement_row(theme, agreement, ece)]);
    }
    put!(out, [agreement_row("none", &figures.none, calibration.map(|c| c.none.ece))]);
    put!(out, "</tbody></table></div>", [confusions(validation)]);
    out
}

fn left_out(n_parts: u64) -> String {
    format!("; each document was scored by a fit without it ({n_parts} parts)")
}

fn agreement_row(theme: &str, agreement: &Agreement, ece: Option<f64>) -> Markup {
    let of = &agreement.intervals;
    let mut out = Markup::new();
    put!(out, r#"<tr><th scope="row">"#, { theme }, r#"</th><td class="n">"#, {
        agreement.n_coded
    });
    put!(out, "</td><td>", { number(agreement.precision, of.precision) }, "</td><td>");
    put!(out, { number(agreement.recall, of.recall) }, "</td><td>", {
        number(agreement.f1, of.f1)
    });
    put!(out, r#"</td><td class="n">"#, { ece.map_or(String::new(), |ece| format!("{ece:.3}")) });
    put!(out, "</td></tr>");
    out
}

fn number(value: Option<f64>, interval: Option<Interval>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    match interval {
        Some(interval) => format!("{value:.2} ({:.2} to {:.2})", interval.low, interval.high),
        None => format!("{value:.2}"),
    }
}

fn confusions(validation: &Validation) -> Markup {
    let mut out = Markup::new();
    if validation.confusions.is_empty() {
        return out;
    }
    put!(out, "<details><summary>Which themes are taken for which</summary><ul>");
    for confusion in validation.confusions.iter().take(MAX_CONFUSIONS) {
        let of = |theme: &Option<String>| theme.clone().unwrap_or("nothing more".to_owned());
        put!(out, "<li>", { of(&confusion.coded) }, " read as ", { of(&confusion.scored) }, ": ");
        put!(out, { confusion.n }, "</li>");
    }
    put!(out, "</ul></details>");
    out
}

/// Shares corrected by codes, all periods together.
fn corrected(overview: &Overview) -> Markup {
    let mut out = Markup::new();
    let Some(corrected) = &overview.trends.corrected else { return out };
    put!(out, "<h3>Shares corrected by ", { Count(corrected.n_coded) }, " coded units</h3>");
    put!(
        out,
        r#"<div class="scroll" role="region" tabindex="0" aria-label="Corrected shares"><table>"#
    );
    put!(
        out,
        r#"<thead><tr><th scope="col">Theme</th><th scope="col" class="n">By scores, %</th>"#
    );
    put!(
        out,
        r#"<th scope="col" class="n">Corrected, %</th><th scope="col" class="n">95 %</th></tr>"#
    );
    put!(out, "</thead><tbody>");
    let is_whole = |row: &&crate::report::corrected::CorrectedRow| {
        row.period == crate::compare::corrected::ALL_PERIODS && row.group.is_none()
    };
    for row in corrected.shares.iter().filter(is_whole) {
        let name = overview.series.theme(&row.theme);
        let name = name.map_or(row.theme.as_str(), |at| &overview.series.themes[at].name);
        let bare = |x: Option<crate::report::Rounded>| {
            x.map_or("–".to_owned(), |x| Bare(x.get()).to_string())
        };
        put!(
            out,
            r#"<tr><th scope="row">"#,
            { name },
            "</th><td>",
            { bare(row.uncorrected) },
            "</td><td>"
        );
        put!(
            out,
            { bare(row.share) },
            "</td><td>",
            { bare(row.low) },
            " to ",
            { bare(row.high) },
            "</td></tr>"
        );
    }
    put!(out, "</tbody></table></div>");
    out
}
