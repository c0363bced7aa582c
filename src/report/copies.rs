//! `copies.jsonl`: what repeats what.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codebook::NONE_ID;
use crate::compare::Copies;
use crate::copies::{CopyFound, CopyKind};

use super::jsonl::line;
use super::rows::schema_tag;
use super::table::name_of;
use super::trends::{ShareRow, TrendsFile};
use super::value::Rounded;

schema_tag!(CopiesTag, "themeline/copies/1");

/// One line of `copies.jsonl`: a document or a passage of it, and the earlier text that it repeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CopyRow {
    /// Name and version of this row's form.
    pub schema: CopiesTag,
    /// `exact`: the same text; `near`: with small changes; `passage`: a run of units that stands in
    /// another document word for word; `event`: another report of the same event, which counts all
    /// the same.
    pub kind: CopyKind,
    /// Number of the group, from 1: rows of one number go back to the same document, passage or event.
    pub group: u64,
    /// Id of the document.
    pub document: String,
    /// Id of the document that it was compared with: the one that counts, or one that repeats it too
    /// and is of the same group.
    pub original: String,
    /// How much of the text is the same, 0..1: 1 for `exact` and `passage`; for `near` the part of the
    /// runs of five words that both share; for `event` the part of those of the shorter document that
    /// the other has.
    #[schemars(range(min = 0, max = 1))]
    pub similarity: Rounded,
    /// Offset of the passage's first byte in the document's text (UTF-8). Null: not a passage.
    pub start: Option<u64>,
    /// Offset one past its last byte. Null as for `start`.
    pub end: Option<u64>,
    /// Offset of the passage's first byte in the text of `original`. Null as for `start`.
    pub original_start: Option<u64>,
    /// Offset one past its last byte there. Null as for `start`.
    pub original_end: Option<u64>,
}

impl From<&CopyFound> for CopyRow {
    fn from(copy: &CopyFound) -> Self {
        let (own, original) = copy.spans.unzip();
        CopyRow {
            schema: CopiesTag::V1,
            kind: copy.kind,
            group: copy.group,
            document: copy.document.to_string(),
            original: copy.original.to_string(),
            similarity: copy.similarity.into(),
            start: own.map(|span| span.start as u64),
            end: own.map(|span| span.end as u64),
            original_start: original.map(|span| span.start as u64),
            original_end: original.map(|span| span.end as u64),
        }
    }
}

/// Writes `copies.jsonl`: one line a find, in the order given.
pub fn copies_jsonl<W: Write>(copies: &[CopyFound], mut out: W) -> io::Result<W> {
    for copy in copies {
        line(&mut out, &CopyRow::from(copy))?;
    }
    Ok(out)
}

/// What was found, in a sentence, and what it does to shares; `None` where nothing was found. `names`
/// gives themes by (id, name to show).
pub fn in_words(
    copies: &[CopyFound],
    trends: &TrendsFile,
    names: &[(String, String)],
) -> Option<String> {
    let count = |kinds: &[CopyKind]| copies.iter().filter(|c| kinds.contains(&c.kind)).count();
    let n_documents = count(&[CopyKind::Exact, CopyKind::Near]);
    let n_passages = count(&[CopyKind::Passage]);
    if n_documents + n_passages == 0 {
        return None;
    }
    let found = format!(
        "copies: {} and {} repeat others",
        counted(n_documents, "document"),
        counted(n_passages, "passage")
    );
    Some(match trends.copies {
        Copies::All => format!("{found} and count all the same (--copies all)"),
        Copies::Once => {
            let once = format!("{found} and count once");
            effect(trends, names).map_or(once.clone(), |effect| format!("{once}; {effect}"))
        }
    })
}

/// The share that moves most if all copies count.
fn effect(trends: &TrendsFile, names: &[(String, String)]) -> Option<String> {
    let moved = |row: &ShareRow| Some((row.share_with_copies?.get() - row.share?.get()).abs());
    let themes = trends.shares.iter().filter(|row| row.theme != NONE_ID && row.group.is_none());
    let most = themes.filter_map(|row| Some((row, moved(row)? * 100.0)));
    let (row, points) = most.reduce(|most, next| if next.1 > most.1 { next } else { most })?;
    Some(match points < 0.05 {
        true => "counting them all would move no share by 0.1 points".to_owned(),
        false => format!(
            "counting them all would move no share by more than {points:.1} points ({}, {})",
            name_of(&row.theme, names),
            row.period
        ),
    })
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Span;

    #[test]
    fn a_copy_is_written_like_this() {
        let copy = CopyFound {
            kind: CopyKind::Passage,
            group: 3,
            document: "b".into(),
            original: "a".into(),
            similarity: 1.0,
            spans: Some((Span::new(10, 400), Span::new(0, 391))),
        };
        let text =
            String::from_utf8(copies_jsonl(std::slice::from_ref(&copy), vec![]).unwrap()).unwrap();
        insta::assert_snapshot!(text.trim_end(), @r#"{"schema":"themeline/copies/1","kind":"passage","group":3,"document":"b","original":"a","similarity":1.0,"start":10,"end":400,"original_start":0,"original_end":391}"#);
        assert_eq!(serde_json::from_str::<CopyRow>(&text).unwrap(), CopyRow::from(&copy));
    }
}
