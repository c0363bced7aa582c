//! Choosing, while `documents.jsonl` streams by, which documents and passages a report carries: the
//! best passages of every theme and period, as many as there is room for, and never more in memory
//! than a few for each.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::File;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::compare::Copies;
use crate::document::{Date, PeriodLength};
use crate::error::{Error, Result};
use crate::report::ahead;
use crate::report::folder::OutputFile;
use crate::report::form;
use crate::report::read::line_blocks;
use crate::report::rows::DocumentsTag;

/// Most passages kept for a theme in a period.
pub const PER_CELL: usize = 6;
/// Most passages of one document for a theme.
const PER_DOCUMENT: usize = 2;
/// Documents that are listed, besides those of the passages.
pub const MAX_LISTED: usize = 2500;
/// Largest themes of a document that are named in the list.
const THEMES_NAMED: usize = 4;

/// What is known of a document without its text.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentHead {
    /// Folder that it was read from, by its number.
    pub folder: usize,
    /// Its number in the corpus, from 0.
    pub number: usize,
    /// Its first row in the folder's `units.parquet`.
    pub first_row: usize,
    /// Units that it has.
    pub n_units: usize,
    /// Its id.
    pub id: String,
    /// ISO date; `None`: no date.
    pub date: Option<String>,
    /// Place of the period that it counts in; `None`: in none.
    pub period: Option<usize>,
    /// The record's `title`, where it has one.
    pub title: Option<String>,
    /// The record's `source`, where it has one.
    pub source: Option<String>,
    /// The file it came from, relative to the input.
    pub file: String,
    /// Id of the document that it repeats.
    pub duplicate_of: Option<String>,
    /// Its largest themes with their shares, largest first.
    pub themes: Vec<(usize, f64)>,
}

/// A passage that may be shown.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its document.
    pub document: Arc<DocumentHead>,
    /// Place of its theme.
    pub theme: usize,
    /// First byte in the document's text.
    pub start: u64,
    /// Its score for the theme, 0..1.
    pub score: f64,
    /// How many of its theme and period are better.
    pub rank: usize,
}

/// What is carried of a corpus, before texts are read.
#[derive(Debug, Default)]
pub struct Chosen {
    /// Documents that were read, each id once.
    pub n_documents: usize,
    /// Passages in `documents.jsonl`.
    pub n_passages: usize,
    /// The first documents of the corpus.
    pub listed: Vec<Arc<DocumentHead>>,
    /// Those with the fewest better ones in their theme and period first, then by score.
    pub passages: Vec<Candidate>,
}

/// Places of themes and periods, by their names in the files.
pub struct Places<'p> {
    /// Themes by id.
    pub themes: HashMap<&'p str, usize>,
    /// Periods by label.
    pub periods: HashMap<&'p str, usize>,
    /// Their length.
    pub by: PeriodLength,
    /// Whether copies count.
    pub copies: Copies,
}

impl Places<'_> {
    /// The period that a document counts in.
    fn period(&self, line: &Line<'_>) -> Option<usize> {
        let says_anew = line.n_repeated_units == 0 || line.n_repeated_units < line.n_units;
        let counts = line.duplicate_of.is_none() && says_anew;
        if !counts && self.copies == Copies::Once {
            return None;
        }
        let date: Option<Date> = line.date.as_deref().and_then(|date| date.parse().ok());
        self.periods.get(&*self.by.of(date)?).copied()
    }

    /// What is needed of a line.
    fn read(&self, line: &Line<'_>) -> Read {
        let head = self.head(line);
        // A copy says nothing that its original does not.
        let says_anew = head.duplicate_of.is_none() || head.period.is_some();
        let mut n_of_theme: HashMap<usize, usize> = HashMap::new();
        let candidate = |passage: &Passage<'_>| {
            let &theme = self.themes.get(&*passage.theme)?;
            let n = n_of_theme.entry(theme).or_default();
            *n += 1;
            (*n <= PER_DOCUMENT).then_some((theme, passage.start, passage.score))
        };
        let passages = line.evidence.iter().filter(|_| says_anew).filter_map(candidate).collect();
        Read { head, passages, n_passages: line.evidence.len() }
    }

    fn head(&self, line: &Line<'_>) -> DocumentHead {
        let text = |field: &Value| field.as_str().map(str::to_owned);
        let of_theme = |(id, share): &(Cow<'_, str>, f64)| Some((*self.themes.get(&**id)?, *share));
        let mut themes: Vec<(usize, f64)> = line.themes.0.iter().filter_map(of_theme).collect();
        themes.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        themes.truncate(THEMES_NAMED);
        DocumentHead {
            folder: 0,
            number: 0,
            first_row: 0,
            n_units: line.n_units,
            id: line.id.to_string(),
            date: line.date.clone(),
            period: self.period(line),
            title: text(&line.metadata.title),
            source: text(&line.metadata.source),
            file: line.file.clone(),
            duplicate_of: line.duplicate_of.clone(),
            themes,
        }
    }
}

/// What is read of a line.
struct Read {
    /// Without its place in the corpus.
    head: DocumentHead,
    /// The passages that may be shown: theme, first byte and score, those of a theme best first.
    passages: Vec<(usize, u64, f64)>,
    /// Passages that there are.
    n_passages: usize,
}

/// Chooses from the documents of finished runs. An id that a second folder has again counts once.
///
/// # Errors
/// `Usage` where a `documents.jsonl` is missing; `Io` or `Malformed` where it cannot be read.
pub fn choose(dirs: &[impl AsRef<Path>], places: &Places<'_>) -> Result<Chosen> {
    let mut choice = Choice::new(places, dirs.len() > 1);
    for (folder, dir) in dirs.iter().enumerate() {
        choice.read(folder, dir.as_ref())?;
    }
    Ok(choice.chosen())
}

struct Choice<'p> {
    places: &'p Places<'p>,
    several: bool,
    seen: HashSet<String>,
    n_documents: usize,
    n_passages: usize,
    listed: Vec<Arc<DocumentHead>>,
    /// By theme and period (`None`: no period), best first.
    cells: HashMap<(usize, Option<usize>), Vec<Candidate>>,
}

/// A line of `documents.jsonl`: what a report needs of it.
#[derive(Deserialize)]
struct Line<'a> {
    #[allow(dead_code, reason = "reading refuses another form")]
    schema: DocumentsTag,
    #[serde(borrow)]
    id: Cow<'a, str>,
    date: Option<String>,
    file: String,
    n_units: usize,
    duplicate_of: Option<String>,
    #[serde(default)]
    n_repeated_units: usize,
    #[serde(borrow)]
    themes: Shares<'a>,
    #[serde(borrow)]
    evidence: Vec<Passage<'a>>,
    #[serde(default)]
    metadata: Metadata,
}

/// Of the record's own fields, those that are shown.
#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    title: Value,
    #[serde(default)]
    source: Value,
}

/// The themes of a document that have a share, by id. A line has all of the model's themes, most of
/// them at 0: these are read without being kept.
struct Shares<'a>(Vec<(Cow<'a, str>, f64)>);

#[derive(Deserialize)]
struct Id<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Share {
    share: f64,
}

impl<'de: 'a, 'a> Deserialize<'de> for Shares<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(SharesOf(PhantomData))
    }
}

struct SharesOf<'a>(PhantomData<&'a str>);

impl<'de: 'a, 'a> Visitor<'de> for SharesOf<'a> {
    type Value = Shares<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of themes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Shares<'a>, A::Error> {
        let mut shares = Vec::new();
        while let Some((Id(id), Share { share })) = map.next_entry()? {
            if share > 0.0 {
                shares.push((id, share));
            }
        }
        Ok(Shares(shares))
    }
}

#[derive(Deserialize)]
struct Passage<'a> {
    #[serde(borrow)]
    theme: Cow<'a, str>,
    start: u64,
    score: f64,
}

impl<'p> Choice<'p> {
    fn new(places: &'p Places<'p>, several: bool) -> Self {
        Choice {
            places,
            several,
            seen: HashSet::new(),
            n_documents: 0,
            n_passages: 0,
            listed: Vec::new(),
            cells: HashMap::new(),
        }
    }

    fn read(&mut self, folder: usize, dir: &Path) -> Result<()> {
        let path = dir.join(OutputFile::Documents.name());
        let file =
            File::open(&path).map_err(|e| form::missing_or(dir, OutputFile::Documents, e))?;
        let (places, mut first_row) = (self.places, 0);
        let read = |number: usize, line: &str| Ok(places.read(&parsed(&path, number, line)?));
        ahead::each(
            line_blocks(&path, file),
            |block| block.parsed(read),
            |documents| {
                for Read { head, passages, n_passages } in documents {
                    let n_units = head.n_units;
                    let head = DocumentHead { folder, first_row, ..head };
                    self.take(head, &passages, n_passages);
                    first_row += n_units;
                }
                Ok(())
            },
        )
    }

    fn take(&mut self, head: DocumentHead, passages: &[(usize, u64, f64)], n_passages: usize) {
        if self.several && !self.seen.insert(head.id.clone()) {
            return;
        }
        let head = Arc::new(DocumentHead { number: self.n_documents, ..head });
        self.n_documents += 1;
        self.n_passages += n_passages;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(head.clone());
        }
        for &(theme, start, score) in passages {
            let candidate = Candidate { document: head.clone(), theme, start, score, rank: 0 };
            enter(self.cells.entry((theme, head.period)).or_default(), candidate);
        }
    }

    fn chosen(self) -> Chosen {
        let ranked = |cell: Vec<Candidate>| {
            cell.into_iter().enumerate().map(|(rank, passage)| Candidate { rank, ..passage })
        };
        let mut passages: Vec<Candidate> = self.cells.into_values().flat_map(ranked).collect();
        passages.sort_by(|a, b| a.rank.cmp(&b.rank).then_with(|| order(a, b)));
        let (n_documents, n_passages, listed) = (self.n_documents, self.n_passages, self.listed);
        Chosen { n_documents, n_passages, listed, passages }
    }
}

/// Best first; equal ones by place, so that the order never depends on threads.
fn order(a: &Candidate, b: &Candidate) -> std::cmp::Ordering {
    let place = |c: &Candidate| (c.document.number, c.start, c.theme);
    b.score.total_cmp(&a.score).then_with(|| place(a).cmp(&place(b)))
}

/// Puts a candidate where it belongs, if it belongs among the best.
fn enter(cell: &mut Vec<Candidate>, candidate: Candidate) {
    let at = cell.partition_point(|other| order(other, &candidate).is_lt());
    if at < PER_CELL {
        cell.insert(at, candidate);
        cell.truncate(PER_CELL);
    }
}

fn parsed<'l>(path: &Path, number: usize, line: &'l str) -> Result<Line<'l>> {
    serde_json::from_str(line).map_err(|error| {
        match form::fault(path, line.as_bytes(), DocumentsTag::NAME, &error) {
            Error::Malformed { path, message, hint, column, .. } => {
                Error::Malformed { path, line: number, column, message, hint }
            }
            other => other,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of two themes, `a` of 2020 and others of 2021; `scores`: of the passages of `trade`.
    fn line(id: &str, scores: &[f64]) -> String {
        let date = if id == "a" { "2020" } else { "2021" };
        let passage = |(k, score): (usize, &f64)| serde_json::json!({"theme": "trade", "start": k * 10, "score": score});
        let evidence: Vec<Value> = scores.iter().enumerate().map(passage).collect();
        serde_json::json!({
            "schema": DocumentsTag::NAME, "id": id, "date": date, "file": "f", "n_units": 3,
            "duplicate_of": null, "evidence": evidence, "metadata": {"title": "T", "source": 7},
            "themes": {"energy": {"share": 0.0}, "trade": {"share": 0.5}},
        })
        .to_string()
    }

    fn folder(lines: &[String]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(OutputFile::Documents.name());
        std::fs::write(path, lines.join("\n")).unwrap();
        dir
    }

    fn chosen(dirs: &[tempfile::TempDir], periods: &[(&'static str, usize)]) -> Chosen {
        let themes = HashMap::from([("trade", 0), ("energy", 1)]);
        let (by, copies) = (PeriodLength::Year, Copies::Once);
        let places = Places { themes, periods: periods.iter().copied().collect(), by, copies };
        let dirs: Vec<&Path> = dirs.iter().map(|dir| dir.path()).collect();
        choose(&dirs, &places).unwrap()
    }

    #[test]
    fn every_cell_s_best_comes_before_any_second_best() {
        let lines = [line("a", &[0.9, 0.8, 0.7]), line("b", &[0.6]), line("c", &[0.5])];
        let chosen = chosen(&[folder(&lines)], &[("2020", 0), ("2021", 1)]);
        let shown = |c: &Candidate| format!("{}:{}:{}", c.document.id, c.rank, c.score);
        let shown: Vec<String> = chosen.passages.iter().map(shown).collect();
        // Two of one document at most.
        assert_eq!(shown, ["a:0:0.9", "b:0:0.6", "a:1:0.8", "c:1:0.5"]);
        let head = &chosen.listed[1];
        assert_eq!((head.first_row, head.n_units, head.period), (3, 3, Some(1)));
        assert_eq!((head.title.as_deref(), head.source.as_deref()), (Some("T"), None));
        assert_eq!(head.themes, [(0, 0.5)], "themes without a share are not named");
    }

    #[test]
    fn copies_and_what_only_repeats_are_in_no_period_unless_copies_count() {
        let with = |field: &str, value: Value| {
            let mut line: Value = serde_json::from_str(&line("b", &[0.5])).unwrap();
            line[field] = value;
            line.to_string()
        };
        let lines = [
            line("b", &[0.5]),
            with("duplicate_of", "a".into()),
            with("n_repeated_units", 3.into()),
            with("n_repeated_units", 2.into()),
        ];
        let found = |copies| {
            let (themes, periods) = (HashMap::new(), HashMap::from([("2021", 4)]));
            let places = Places { themes, periods, by: PeriodLength::Year, copies };
            let chosen = choose(&[folder(&lines).path()], &places).unwrap();
            chosen.listed.iter().map(|head| head.period).collect::<Vec<_>>()
        };
        assert_eq!(found(Copies::Once), [Some(4), None, None, Some(4)]);
        assert_eq!(found(Copies::All), [Some(4); 4]);
    }

    #[test]
    fn a_cell_keeps_its_best_whatever_came_first() {
        let ids: Vec<String> = (0..40).map(|k| format!("d{k}")).collect();
        let score = |k: usize| (k * 7 % 40) as f64 / 100.0;
        let lines: Vec<String> =
            ids.iter().enumerate().map(|(k, id)| line(id, &[score(k)])).collect();
        let chosen = chosen(&[folder(&lines)], &[]);
        let scores: Vec<f64> = chosen.passages.iter().map(|c| c.score).collect();
        assert_eq!(scores, [0.39, 0.38, 0.37, 0.36, 0.35, 0.34]);
    }

    #[test]
    fn an_id_that_a_second_folder_has_again_counts_once() {
        let folders =
            [folder(&[line("a", &[0.9])]), folder(&[line("a", &[0.9]), line("b", &[0.1])])];
        let chosen = chosen(&folders, &[]);
        let places: Vec<(usize, usize)> =
            chosen.listed.iter().map(|head| (head.folder, head.first_row)).collect();
        assert_eq!((chosen.n_documents, places), (2, vec![(0, 0), (1, 3)]));
    }
}
