//! Short lines that many documents of a corpus share.
//!
//! An outlet's slogan or an office's name is told by nothing but that it comes back. What comes
//! back in a text may as well be a sentence that diplomats say every year, so only lines at the
//! edges of a document are counted, and only those that do not close as a sentence does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Line, lines};
use crate::layout::Block;

/// Bytes of the longest line that is counted.
const LONGEST: usize = 120;
/// Documents that are kept: those whose text has the smallest hashes, which is a fair sample in
/// any order.
const SAMPLE: usize = 4096;
/// A line is furniture when it stands in at least this many documents of the sample,
const FEWEST: usize = 3;
/// and in at least one of so many.
const ONE_OF: usize = 50;

/// Counts the lines at the edges of documents. Its memory is bounded (a few megabytes), and
/// neither the order of the documents nor their copies change what it learns.
#[derive(Debug, Clone, Default)]
pub struct LineCensus {
    /// Hash of the text → its lines.
    sample: BTreeMap<[u8; 16], Vec<String>>,
}

impl LineCensus {
    /// Counts a document. `blocks` are those of [`crate::layout::blocks`] on the same text.
    pub fn observe(&mut self, text: &str, blocks: &[Block]) {
        let hash = blake3::hash(text.as_bytes());
        let key: [u8; 16] = hash.as_bytes()[..16].try_into().unwrap_or_default();
        let full = self.sample.len() >= SAMPLE;
        if full && self.sample.last_key_value().is_some_and(|(last, _)| key >= *last) {
            return;
        }
        self.sample.insert(key, edge_lines(&lines(text, blocks)));
        self.shrink();
    }

    /// Adds what another census counted.
    pub fn merge(&mut self, other: LineCensus) {
        self.sample.extend(other.sample);
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.sample.len() > SAMPLE {
            self.sample.pop_last();
        }
    }

    /// The lines that come back in enough documents, sorted.
    pub fn learned(&self) -> Vec<String> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for line in self.sample.values().flatten() {
            *counts.entry(line).or_insert(0) += 1;
        }
        let least = FEWEST.max(self.sample.len().div_ceil(ONE_OF));
        let often = counts.into_iter().filter(|&(_, n)| n >= least);
        let mut learned: Vec<String> = often.map(|(line, _)| line.to_owned()).collect();
        learned.sort_unstable();
        learned
    }
}

/// The lines of a document's edges that could be furniture, each once: the runs of short lines
/// before its first and behind its last sentence. A crosshead has text under it and is in neither.
fn edge_lines(lines: &[Line<'_>]) -> Vec<String> {
    const MOST: usize = 12;
    let short = |line: &&Line<'_>| line.alone && line.text.len() <= LONGEST && !line.closes();
    let before = lines.iter().take(MOST).take_while(short).count();
    let behind = lines.iter().rev().take(MOST).take_while(short).count();
    if before + behind >= lines.len() {
        return Vec::new();
    }
    // A first line may be a headline, which other outlets share.
    let headline = lines[0].text.split_whitespace().count() > 4;
    let head = lines[..before].iter().skip(usize::from(headline));
    let tail = &lines[lines.len() - behind..];
    let found: BTreeSet<&str> = head.chain(tail).map(|line| line.text).collect();
    found.into_iter().map(str::to_owned).collect()
}

/// The lines that a census learned, to look up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepeatedLines {
    lines: BTreeSet<String>,
}

impl RepeatedLines {
    /// From lines as [`LineCensus::learned`] gives them, in any order.
    pub fn from_lines(lines: Vec<String>) -> Self {
        RepeatedLines { lines: lines.into_iter().collect() }
    }

    /// The lines, sorted.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Whether this is one of them.
    pub(super) fn contains(&self, line: &str) -> bool {
        line.len() <= LONGEST && self.lines.contains(line)
    }
}
