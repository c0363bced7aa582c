//! JSON: one row a line, and whole files.

use std::io::{self, Write};

use serde::Serialize;

use crate::document::Reject;
use crate::score::ScoredDocument;

use super::Exporter;
use super::rows::{DocumentRow, RejectRow, RejectsTag, UnitRow, UnitText};
use super::value::ThemeIds;

/// Writes one value as one line.
fn line<W: Write>(out: &mut W, row: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, row)?;
    out.write_all(b"\n")
}

/// Writes one value as an indented JSON file that ends in a line break.
pub fn json_file<W: Write>(value: &impl Serialize, mut out: W) -> io::Result<W> {
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")?;
    Ok(out)
}

/// Writes `rejects.jsonl`: one line a reject, in the order given.
pub fn rejects_jsonl<'a, W: Write>(
    rejects: impl IntoIterator<Item = &'a Reject>,
    mut out: W,
) -> io::Result<W> {
    for reject in rejects {
        line(&mut out, &RejectRow { schema: RejectsTag::V1, reject: reject.clone() })?;
    }
    Ok(out)
}

/// Writes `documents.jsonl`: one [`DocumentRow`] a line.
pub struct DocumentsJsonl<W> {
    out: W,
    themes: ThemeIds,
    evidence_per_theme: usize,
}

impl<W: Write> DocumentsJsonl<W> {
    /// At most `evidence_per_theme` passages are written for each theme of a document.
    pub fn new(out: W, themes: ThemeIds, evidence_per_theme: usize) -> Self {
        DocumentsJsonl { out, themes, evidence_per_theme }
    }
}

impl<W: Write> Exporter<W> for DocumentsJsonl<W> {
    fn write(&mut self, documents: &[ScoredDocument]) -> io::Result<()> {
        for scored in documents {
            self.themes.check(scored)?;
            line(&mut self.out, &DocumentRow::new(scored, &self.themes, self.evidence_per_theme))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<W> {
        Ok(self.out)
    }
}

/// Writes `units.jsonl`: one [`UnitRow`] a line.
pub struct UnitsJsonl<W> {
    out: W,
    themes: ThemeIds,
    text: UnitText,
}

impl<W: Write> UnitsJsonl<W> {
    /// Rows with or without the text of their unit.
    pub fn new(out: W, themes: ThemeIds, text: UnitText) -> Self {
        UnitsJsonl { out, themes, text }
    }
}

impl<W: Write> Exporter<W> for UnitsJsonl<W> {
    fn write(&mut self, documents: &[ScoredDocument]) -> io::Result<()> {
        for scored in documents {
            self.themes.check(scored)?;
            for unit in scored.units.iter().enumerate() {
                line(&mut self.out, &UnitRow::new(scored, unit, &self.themes, self.text))?;
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<W> {
        Ok(self.out)
    }
}
