//! The passages and texts that a report shows, read for what was chosen and held within a budget of
//! bytes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::error::Result;

use super::evidence::{Candidate, Chosen, DocumentHead, MAX_LISTED};
use super::texts::{self, Rows, Unit};

/// Most passages that are read.
const MAX_PASSAGES: usize = 3600;
/// Bytes that passages may take together.
const PASSAGE_BYTES: usize = 1_000_000;
/// Bytes that a passage takes besides its words.
const BYTES_BESIDE: usize = 60;
/// Characters of a passage that are shown with its sentence.
const PASSAGE_CHARS: usize = 360;
/// Bytes that whole texts may take together.
const TEXT_BYTES: usize = 400_000;
/// About how many bytes a unit of a whole text takes.
const BYTES_PER_UNIT: usize = 130;
/// Most bytes between two units of a sentence that are taken for white space.
const MAX_SPACE: u64 = 8;

/// A passage with the sentence that it stands in.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// Its document.
    pub document: Arc<DocumentHead>,
    /// Place of its theme.
    pub theme: usize,
    /// First byte in the document's text.
    pub start: u64,
    /// One past its last byte.
    pub end: u64,
    /// Its score for the theme, 0..1.
    pub score: f64,
    /// The sentence up to the passage.
    pub before: String,
    /// The passage.
    pub text: String,
    /// The sentence from there on.
    pub after: String,
}

/// A document with all of its units.
#[derive(Debug, Clone, PartialEq)]
pub struct WholeText {
    /// The document.
    pub document: Arc<DocumentHead>,
    /// Its units in the order of the text.
    pub units: Vec<Unit>,
}

/// The passages of what was chosen, by theme, period (none last) and score.
///
/// # Errors
/// Where `units.parquet` cannot be read, or is not that of the documents.
pub fn passages(dirs: &[impl AsRef<Path>], chosen: &Chosen) -> Result<Vec<Passage>> {
    let candidates = &chosen.passages[..chosen.passages.len().min(MAX_PASSAGES)];
    let mut read: HashMap<usize, Passage> = HashMap::new();
    for (folder, dir) in dirs.iter().enumerate() {
        let own = candidates.iter().enumerate().filter(|(_, c)| c.document.folder == folder);
        read.extend(of_folder(dir.as_ref(), own.collect())?);
    }
    let mut n_bytes = 0;
    let mut kept: Vec<Passage> = (0..candidates.len())
        .filter_map(|k| read.remove(&k))
        .take_while(|passage| {
            n_bytes += passage.n_bytes() + BYTES_BESIDE;
            n_bytes <= PASSAGE_BYTES
        })
        .collect();
    kept.sort_by(|a, b| {
        let cell = |p: &Passage| (p.theme, p.document.period.is_none(), p.document.period);
        let place = |p: &Passage| (p.document.number, p.start);
        cell(a)
            .cmp(&cell(b))
            .then(b.score.total_cmp(&a.score))
            .then_with(|| place(a).cmp(&place(b)))
    });
    Ok(kept)
}

impl Passage {
    fn n_bytes(&self) -> usize {
        self.before.len() + self.text.len() + self.after.len()
    }

    /// The passage of a candidate in its sentence; `None` where the sentence does not have it.
    fn new(candidate: &Candidate, sentence: &[Unit]) -> Option<Passage> {
        let at = sentence.iter().position(|unit| unit.start == candidate.start)?;
        let unit = &sentence[at];
        let mut before = joined(&sentence[..at]);
        before += sentence[..at].last().map_or("", |last| between(last, unit));
        let after = match sentence.get(at + 1) {
            Some(next) => between(unit, next).to_owned() + &joined(&sentence[at + 1..]),
            None => String::new(),
        };
        let text = head_of(&unit.text, PASSAGE_CHARS);
        let room = PASSAGE_CHARS.saturating_sub(text.chars().count());
        let n_after = after.chars().count().min(room - room / 2);
        let n_before = before.chars().count().min(room - n_after);
        Some(Passage {
            document: candidate.document.clone(),
            theme: candidate.theme,
            start: unit.start,
            end: unit.end,
            score: candidate.score,
            before: tail_of(&before, n_before),
            after: head_of(&after, room - n_before),
            text,
        })
    }
}

/// The passages of one folder's candidates, by their numbers.
fn of_folder(dir: &Path, candidates: Vec<(usize, &Candidate)>) -> Result<Vec<(usize, Passage)>> {
    let documents: BTreeMap<usize, &DocumentHead> =
        candidates.iter().map(|(_, c)| (c.document.first_row, &*c.document)).collect();
    let rows: Vec<Rows<'_>> = documents.values().map(|document| rows_of(document)).collect();
    let places = texts::places(dir, &rows)?;
    let places: HashMap<usize, &Vec<(u64, u64)>> = documents.keys().copied().zip(&places).collect();
    let sentence = |c: &Candidate| sentence_rows(places.get(&c.document.first_row)?, c);
    let found: Vec<(usize, &Candidate, Range<usize>)> =
        candidates.iter().filter_map(|(k, c)| Some((*k, *c, sentence(c)?))).collect();
    let sentences: BTreeMap<usize, Rows<'_>> = found
        .iter()
        .map(|(_, c, rows)| (rows.start, Rows { document: &c.document.id, rows: rows.clone() }))
        .collect();
    let rows: Vec<Rows<'_>> = sentences.values().cloned().collect();
    let units = texts::units(dir, &rows)?;
    let units: HashMap<usize, &Vec<Unit>> = sentences.keys().copied().zip(&units).collect();
    let passage = |(k, candidate, rows): &(usize, &Candidate, Range<usize>)| {
        Some((*k, Passage::new(candidate, units.get(&rows.start)?)?))
    };
    Ok(found.iter().filter_map(passage).collect())
}

fn rows_of(document: &DocumentHead) -> Rows<'_> {
    let first = document.first_row;
    Rows { document: &document.id, rows: first..first + document.n_units }
}

/// The rows of the sentence that a candidate stands in. `places`: sentence and start of each unit.
fn sentence_rows(places: &[(u64, u64)], candidate: &Candidate) -> Option<Range<usize>> {
    let (sentence, _) = places.iter().find(|(_, start)| *start == candidate.start)?;
    let first = places.iter().position(|(own, _)| own == sentence)?;
    let n = places[first..].iter().take_while(|(own, _)| own == sentence).count();
    let row = candidate.document.first_row + first;
    Some(row..row + n)
}

fn joined(units: &[Unit]) -> String {
    let mut text = String::new();
    for (k, unit) in units.iter().enumerate() {
        if k > 0 {
            text += between(&units[k - 1], unit);
        }
        text += &unit.text;
    }
    text
}

/// What stands between two units of a sentence: the table has no text of it.
pub fn between(unit: &Unit, next: &Unit) -> &'static str {
    match next.start.saturating_sub(unit.end) {
        0 => "",
        n if n <= MAX_SPACE => " ",
        _ => " … ",
    }
}

/// The first `n` characters, to the end of a word, with an ellipsis where more follows.
fn head_of(text: &str, n: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(n) else { return text.to_owned() };
    let cut = text[..end].rfind(char::is_whitespace).filter(|cut| cut * 2 > end).unwrap_or(end);
    format!("{} …", text[..cut].trim_end())
}

/// The last `n` characters, likewise.
fn tail_of(text: &str, n: usize) -> String {
    let n_chars = text.chars().count();
    let Some((start, _)) = text.char_indices().nth(n_chars.saturating_sub(n)) else {
        return if n_chars == 0 { String::new() } else { "… ".to_owned() };
    };
    if start == 0 {
        return text.to_owned();
    }
    let word = text[start..].find(char::is_whitespace).map_or(start, |space| start + space);
    format!("… {}", text[word..].trim_start())
}

/// The documents that are listed: those of the passages first, then the corpus from its start, in
/// the order of the corpus.
pub fn listed(chosen: &Chosen, passages: &[Passage]) -> Vec<Arc<DocumentHead>> {
    let mut by_number: BTreeMap<usize, Arc<DocumentHead>> = BTreeMap::new();
    for passage in passages {
        by_number.insert(passage.document.number, passage.document.clone());
    }
    for document in &chosen.listed {
        if by_number.len() >= MAX_LISTED {
            break;
        }
        by_number.insert(document.number, document.clone());
    }
    by_number.into_values().collect()
}

/// Whole texts: of each theme's best passages in turn, then of the corpus from its start, as long as
/// there is room.
///
/// # Errors
/// As [`passages`].
pub fn whole_texts(
    dirs: &[impl AsRef<Path>],
    listed: &[Arc<DocumentHead>],
    passages: &[Passage],
) -> Result<Vec<WholeText>> {
    let mut n_bytes = 0;
    let fits = |document: &&Arc<DocumentHead>| {
        let n = document.n_units * BYTES_PER_UNIT;
        let fits = n > 0 && n_bytes + n <= TEXT_BYTES;
        n_bytes += if fits { n } else { 0 };
        fits
    };
    let wanted: Vec<Arc<DocumentHead>> = in_turn(listed, passages).filter(fits).cloned().collect();
    let mut read: BTreeMap<usize, WholeText> = BTreeMap::new();
    for (folder, dir) in dirs.iter().enumerate() {
        let mut own: Vec<&Arc<DocumentHead>> =
            wanted.iter().filter(|document| document.folder == folder).collect();
        own.sort_by_key(|document| document.first_row);
        let rows: Vec<Rows<'_>> = own.iter().map(|document| rows_of(document)).collect();
        for (document, units) in own.into_iter().zip(texts::units(dir.as_ref(), &rows)?) {
            read.insert(document.number, WholeText { document: document.clone(), units });
        }
    }
    let mut left = TEXT_BYTES;
    let within = |text: &WholeText| {
        let n: usize = text.units.iter().map(|unit| unit.text.len()).sum();
        left = left.saturating_sub(n);
        left > 0
    };
    let in_order = wanted.iter().filter_map(|document| read.remove(&document.number));
    Ok(in_order.filter(within).collect())
}

/// Documents in the order in which their texts are wanted, each once.
fn in_turn<'d>(
    listed: &'d [Arc<DocumentHead>],
    passages: &'d [Passage],
) -> impl Iterator<Item = &'d Arc<DocumentHead>> {
    let mut of_theme: BTreeMap<usize, Vec<&Passage>> = BTreeMap::new();
    for passage in passages {
        of_theme.entry(passage.theme).or_default().push(passage);
    }
    let mut turns: Vec<(usize, usize, &Arc<DocumentHead>)> = Vec::new();
    for (theme, mut own) in of_theme {
        // Stable: equal scores stay in the order of periods.
        own.sort_by(|a, b| b.score.total_cmp(&a.score));
        let of_turn = |(turn, passage): (usize, &&'d Passage)| (turn, theme, &passage.document);
        turns.extend(own.iter().enumerate().map(of_turn));
    }
    turns.sort_by_key(|(turn, theme, _)| (*turn, *theme));
    let mut seen = HashSet::new();
    let documents = turns.into_iter().map(|(_, _, document)| document).chain(listed);
    documents.filter(move |document| seen.insert(document.number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(start: u64, text: &str) -> Unit {
        let end = start + text.len() as u64;
        Unit { sentence: 0, start, end, text: text.to_owned(), themes: vec![] }
    }

    fn head() -> Arc<DocumentHead> {
        Arc::new(DocumentHead {
            folder: 0,
            number: 0,
            first_row: 10,
            n_units: 3,
            id: "d".into(),
            date: None,
            period: None,
            title: None,
            source: None,
            file: "f".into(),
            duplicate_of: None,
            themes: vec![],
        })
    }

    #[test]
    fn a_passage_stands_in_its_sentence_and_long_ones_are_cut_at_words() {
        let sentence = [unit(0, "They met,"), unit(10, "spoke of ports,"), unit(25, "and left.")];
        let candidate = Candidate { document: head(), theme: 0, start: 10, score: 0.5, rank: 0 };
        let passage = Passage::new(&candidate, &sentence).unwrap();
        let parts = [&passage.before, &passage.text, &passage.after].map(String::as_str);
        assert_eq!(parts, ["They met, ", "spoke of ports,", "and left."]);
        assert_eq!((passage.start, passage.end), (10, 25));

        let long = "word ".repeat(200);
        let sentence = [unit(0, &long), unit(1000, "ports"), unit(1005, &long)];
        let candidate = Candidate { start: 1000, ..candidate };
        let passage = Passage::new(&candidate, &sentence).unwrap();
        assert!(passage.before.starts_with("… word") && passage.before.ends_with("word "));
        assert!(passage.after.ends_with("word …"), "{}", passage.after);
        let n_chars = passage.before.len() + passage.text.len() + passage.after.len();
        assert!((300..=PASSAGE_CHARS + 20).contains(&n_chars), "{n_chars}");
    }

    #[test]
    fn a_sentence_is_found_by_the_start_of_its_unit() {
        let places = [(0, 0), (1, 5), (1, 9), (2, 20)];
        let at = |start| {
            let candidate = Candidate { document: head(), theme: 0, start, score: 0.5, rank: 0 };
            sentence_rows(&places, &candidate)
        };
        assert_eq!(at(9), Some(11..13));
        assert_eq!(at(20), Some(13..14));
        assert_eq!(at(6), None);
    }
}
