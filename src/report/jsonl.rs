//! JSON: one row a line, and whole files.

use std::io::{self, Write};

use serde::Serialize;

use crate::document::Reject;
use crate::score::ScoredDocument;

use super::Exporter;
use super::rows::{DocumentRow, RejectRow, RejectsTag, UnitRow};
use super::value::ThemeIds;

/// Writes one value as one line.
pub(super) fn line<W: Write>(out: &mut W, row: &impl Serialize) -> io::Result<()> {
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
}

impl<W: Write> UnitsJsonl<W> {
    /// Rows go to `out`.
    pub fn new(out: W, themes: ThemeIds) -> Self {
        UnitsJsonl { out, themes }
    }
}

impl<W: Write> Exporter<W> for UnitsJsonl<W> {
    fn write(&mut self, documents: &[ScoredDocument]) -> io::Result<()> {
        for scored in documents {
            self.themes.check(scored)?;
            for unit in scored.units.iter().enumerate() {
                line(&mut self.out, &UnitRow::new(scored, unit, &self.themes))?;
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<W> {
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::RejectCode;
    use crate::report::fixture::{corpus, themes};

    fn lines(mut exporter: Box<dyn Exporter<Vec<u8>>>, corpus: &[ScoredDocument]) -> Vec<String> {
        exporter.write(corpus).unwrap();
        let text = String::from_utf8(exporter.finish().unwrap()).unwrap();
        assert!(text.ends_with('\n'));
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn documents_read_back_as_they_were() {
        let (corpus, themes) = (corpus(12), themes());
        let lines = lines(Box::new(DocumentsJsonl::new(vec![], themes.clone(), 3)), &corpus);
        assert_eq!(lines.len(), corpus.len());
        for (line, scored) in lines.iter().zip(&corpus) {
            let row: DocumentRow<'_> = serde_json::from_str(line).unwrap();
            assert_eq!(row, DocumentRow::new(scored, &themes, 3));
        }
    }

    #[test]
    fn a_document_is_written_like_this() {
        let corpus = corpus(9);
        let lines = lines(Box::new(DocumentsJsonl::new(vec![], themes(), 1)), &corpus[8..]);
        let row: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&row).unwrap());
    }

    #[test]
    fn evidence_is_the_bytes_of_its_span_and_no_more_than_asked_for() {
        let corpus = corpus(3);
        let lines = lines(Box::new(DocumentsJsonl::new(vec![], themes(), 2)), &corpus);
        for (line, scored) in lines.iter().zip(&corpus) {
            let row: DocumentRow<'_> = serde_json::from_str(line).unwrap();
            let themes: Vec<&str> = row.evidence.iter().map(|e| e.theme.as_ref()).collect();
            assert_eq!(themes, ["trade", "trade", "energy", "energy"]);
            for cell in &row.evidence {
                let bytes =
                    &scored.document.text.as_bytes()[cell.start as usize..cell.end as usize];
                assert_eq!(cell.text.as_bytes(), bytes);
            }
        }
    }

    #[test]
    fn a_unit_is_written_like_this() {
        let corpus = corpus(3);
        let lines = lines(Box::new(UnitsJsonl::new(vec![], themes())), &corpus);
        assert_eq!(lines.len(), corpus.iter().map(|d| d.units.len()).sum::<usize>());
        insta::assert_snapshot!(lines[11], @r#"{"schema":"themeline/units/1","document":"d1","unit":1,"sentence":0,"start":23,"end":44,"text":"ports and „rails“","themes":[{"theme":"energy","score":0.66},{"theme":"trade","score":0.22}],"cluster":"emergent-1","scores":[0.22,0.66],"copy_of":null}"#);
        let row: UnitRow<'_> = serde_json::from_str(&lines[11]).unwrap();
        assert_eq!(row, UnitRow::new(&corpus[1], (1, &corpus[1].units[1]), &themes()));
    }

    #[test]
    fn a_reject_is_written_like_this() {
        let reject = Reject {
            file: "a.jsonl".to_owned(),
            line: Some(3),
            byte_offset: None,
            record: Some(3),
            field: Some("date".to_owned()),
            code: RejectCode::AmbiguousDate,
            message: "03/04/2021 can be read in two ways; say which with --date-format".to_owned(),
            excerpt: "{\"date\": \"03/04/2021\"".to_owned(),
        };
        let text = String::from_utf8(rejects_jsonl([&reject], vec![]).unwrap()).unwrap();
        insta::assert_snapshot!(text, @r#"{"schema":"themeline/rejects/1","file":"a.jsonl","line":3,"byte_offset":null,"record":3,"field":"date","code":"ambiguous_date","message":"03/04/2021 can be read in two ways; say which with --date-format","excerpt":"{\"date\": \"03/04/2021\""}"#);
        let row: RejectRow = serde_json::from_str(&text).unwrap();
        assert_eq!(row.reject, reject);
    }

    #[test]
    fn a_row_of_another_version_is_refused() {
        let lines = lines(Box::new(DocumentsJsonl::new(vec![], themes(), 1)), &corpus(1));
        let newer = lines[0].replace("themeline/documents/1", "themeline/documents/2");
        let error = serde_json::from_str::<DocumentRow<'_>>(&newer).unwrap_err().to_string();
        assert!(error.contains("themeline/documents/2"), "{error}");
    }

    #[test]
    fn what_the_writer_says_is_passed_on() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut exporter = DocumentsJsonl::new(Full, themes(), 1);
        let error = exporter.write(&corpus(1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
