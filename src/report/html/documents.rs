//! The documents: a table with the largest themes of each. Script adds the filter and the text of
//! those documents whose text the report carries.

use crate::report::overview::{DocumentHead, Overview};

use super::markup::{Markup, put};
use super::scale::{Count, Percent};

/// Rows that stand in the page itself; script shows the others.
const MAX_ROWS: usize = 20;

/// The whole section.
pub fn documents(overview: &Overview) -> Markup {
    let (n, shown) = (overview.n_documents, overview.documents.len());
    let mut out = Markup::new();
    put!(out, r#"<p class="shown">"#, { Count(shown as u64) }, " of ", { Count(n as u64) });
    put!(out, " documents are carried by this page, ", { overview.texts.len() });
    put!(out, " of them with their text; all stand in documents.jsonl and units.parquet.</p>");
    put!(out, r#"<form class="controls" id="filter" hidden><label for="words">Filter</label> "#);
    put!(out, r#"<input id="words" type="search" placeholder="id, title, source or date"> "#);
    put!(
        out,
        r#"<label for="about">Theme</label> <select id="about"><option value="">any</option>"#
    );
    put!(out, r#"</select></form><p class="note" id="matches" aria-live="polite"></p>"#);
    put!(out, r#"<div class="scroll" role="region" tabindex="0" aria-label="Documents"><table "#);
    put!(
        out,
        r#"id="documents-table"><thead><tr><th scope="col">Document</th><th scope="col">Date"#
    );
    put!(
        out,
        r#"</th><th scope="col" class="n">Units</th><th scope="col">Largest themes</th></tr>"#
    );
    put!(out, "</thead><tbody>");
    for (place, document) in overview.documents.iter().take(MAX_ROWS).enumerate() {
        put!(out, [row(overview, place, document)]);
    }
    put!(out, r#"</tbody></table></div><p><button type="button" id="more" hidden>Show more"#);
    put!(out, r#"</button></p><dialog id="document" aria-labelledby="document-name"></dialog>"#);
    if shown > MAX_ROWS {
        put!(
            out,
            "<noscript><p>The first ",
            { MAX_ROWS },
            " are shown without JavaScript.</p></noscript>"
        );
    }
    out
}

fn row(overview: &Overview, place: usize, document: &DocumentHead) -> Markup {
    let mut out = Markup::new();
    put!(out, r#"<tr><th scope="row"><span class="doc" data-document=""#, { place }, r#"">"#);
    put!(out, { document.title.as_deref().unwrap_or(&document.id) }, "</span></th><td>");
    put!(out, { document.date.as_deref().unwrap_or("no date") }, r#"</td><td class="n">"#);
    put!(out, { Count(document.n_units as u64) }, "</td><td>");
    for (k, (theme, share)) in document.themes.iter().take(3).enumerate() {
        if k > 0 {
            put!(out, " · ");
        }
        put!(out, { &overview.series.themes[*theme].name }, " ", { Percent(*share) });
    }
    put!(out, "</td></tr>");
    out
}
