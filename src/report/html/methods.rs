//! How the numbers were made, and how to cite them. Nothing here differs between two runs on the same
//! input: no time, no path, no number of threads.

use std::fmt::Display;

use crate::report::overview::Overview;

use super::markup::{Markup, put};
use super::page::{measure, name_of};
use super::scale::{Count, Percent};

/// Input files that are listed.
const MAX_INPUTS: usize = 20;
/// Digits of a hash that are shown; run.json has all.
const DIGITS: usize = 16;
/// Options of the run that are told; the others are in run.json.
const OPTIONS: [&str; 5] = ["max_evidence", "text_field", "date_field", "id_field", "date_format"];

/// The whole section.
pub fn methods(overview: &Overview) -> Markup {
    let mut out = Markup::new();
    put!(
        out,
        "<p>Texts are divided into units: clauses, or sentences that have one. Each unit is scored "
    );
    put!(
        out,
        "for every theme by its terms, its vector and its sentence. A share is the part of the "
    );
    put!(
        out,
        { measure(overview) },
        " of a period that a theme takes. Intervals resample documents; "
    );
    put!(out, "differences of neighbouring periods, and of those that were named, are tested by ");
    put!(out, "dealing documents out anew, corrected for the number of tests (Benjamini and ");
    put!(out, "Hochberg 1995). docs/statistics.md and docs/theme-model.md say how.</p>");
    put!(out, [facts(overview)], [inputs(overview)], [citation(overview)]);
    out
}

fn facts(overview: &Overview) -> Markup {
    let (model, trends) = (&overview.model, &overview.trends);
    let encoder = &model.encoder;
    let precision = encoder.precision.map_or(String::new(), |p| format!(", {}", p.name()));
    let mut out = Markup::new();
    put!(out, r#"<dl class="facts">"#, [fact("themeline", &overview.run.themeline)]);
    let encoder_is = format!("{}{precision}, {} dimensions", encoder.name, encoder.dimension);
    put!(out, [fact("Encoder", encoder_is)], [hash("Encoder's hash", &encoder.fingerprint)]);
    put!(out, [fact("Codebook", codebook(overview))]);
    put!(out, [hash("Codebook's fingerprint", &model.codebook_fingerprint)]);
    put!(out, [hash("Fingerprint of the run", &overview.run.fingerprint)]);
    let on = &model.fitted_on;
    let fitted = format!(
        "{} units of {} documents, {} codes, seed {}",
        Count(on.n_units),
        Count(on.n_documents),
        Count(on.n_codes),
        on.seed
    );
    put!(out, [fact("Fitted on", fitted)], [fact("Periods", name_of(&trends.by))]);
    put!(out, [fact("A share is the part of the", measure(overview))]);
    put!(out, [fact("Copies count", name_of(&trends.copies))]);
    let draws = format!("{} resamples, seed {}", Count(trends.resamples), trends.seed);
    put!(out, [fact("Intervals", draws)]);
    put!(out, [fact("Smallest change of note", Percent(trends.notable.get()))]);
    for option in OPTIONS {
        if let Some(value) = overview.run.options.get(option).filter(|value| !value.is_null()) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            put!(out, [fact(option, value)]);
        }
    }
    put!(out, "</dl>");
    out
}

fn fact(name: &str, value: impl Display) -> Markup {
    let mut out = Markup::new();
    put!(out, "<div><dt>", { name }, "</dt><dd>", { value }, "</dd></div>");
    out
}

fn hash(name: &str, hash: &str) -> Markup {
    let mut out = Markup::new();
    put!(out, "<div><dt>", { name }, "</dt><dd><code>", { short(hash) }, "</code></dd></div>");
    out
}

fn short(hash: &str) -> &str {
    hash.get(..DIGITS).unwrap_or(hash)
}

fn codebook(overview: &Overview) -> String {
    let (model, codebook) = (&overview.model, &overview.model.codebook);
    match model.n_seeded() {
        0 => "none: themes were found in the corpus".to_owned(),
        n => {
            format!("{} ({}), version {}, {n} themes", codebook.name, codebook.id, codebook.version)
        }
    }
}

fn inputs(overview: &Overview) -> Markup {
    let inputs = &overview.run.inputs;
    let mut out = Markup::new();
    put!(
        out,
        "<details><summary>",
        { Count(inputs.len() as u64) },
        { if inputs.len() == 1 { " file was read" } else { " files were read" } },
        "</summary>"
    );
    put!(out, r#"<div class="scroll" role="region" tabindex="0" aria-label="Files read"><table>"#);
    put!(out, r#"<thead><tr><th scope="col">File</th><th scope="col" class="n">Bytes</th>"#);
    put!(out, r#"<th scope="col">BLAKE3</th></tr></thead><tbody>"#);
    for input in inputs.iter().take(MAX_INPUTS) {
        put!(out, "<tr><td>", { &input.file }, r#"</td><td class="n">"#, { Count(input.bytes) });
        put!(out, "</td><td><code>", { short(&input.blake3) }, "</code></td></tr>");
    }
    put!(
        out,
        r#"</tbody></table></div><p class="shown">"#,
        { inputs.len().min(MAX_INPUTS) },
        " of "
    );
    put!(out, { Count(inputs.len() as u64) }, " shown; all stand in run.json.</p></details>");
    out
}

fn citation(overview: &Overview) -> Markup {
    let (run, model) = (&overview.run, &overview.model);
    let mut out = Markup::new();
    put!(out, r#"<h3>How to cite</h3><p class="cite">Computed with themeline "#, {
        &run.themeline
    });
    put!(out, " (codebook ", { codebook(overview) }, ", fingerprint ");
    put!(out, { short(&model.codebook_fingerprint) }, "; encoder ", { &model.encoder.name });
    put!(out, ", ", { short(&model.encoder.fingerprint) }, "; run ", { short(&run.fingerprint) });
    put!(out, "). Passages are quoted from the documents named beside them.</p>");
    out
}
