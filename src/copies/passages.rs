//! Passages that stood in an earlier document: found by their sampled runs, compared word by word and
//! grown to both sides as far as the words are the same.

use std::collections::hash_map::Entry;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use rustc_hash::FxHashMap;

use crate::document::Span;

use super::PASSAGE_WORDS;
use super::by_hash::ByHash;
use super::finder::Common;
use super::places::Places;
use super::shelf::{Place, Shelf};
use super::windows::WINDOW_WORDS;
use super::words::Word;

/// Words kept to either side of a sampled run: a longer passage has another one in them.
const MARGIN: usize = PASSAGE_WORDS;
/// Places that one sampled run is kept for, the earliest: a run with more is a set phrase, and the
/// passages that it stands in have other runs.
const MAX_PLACES: usize = 4;

/// Words of stretches that are held at a time while a text is compared with them.
const MAX_READ: usize = 1 << 18;

/// A stretch of a document around sampled runs that other texts have too.
#[derive(Debug)]
struct Stretch {
    text: u32,
    /// Number of its first word in the text.
    start: u32,
    /// Two numbers a word.
    words: Place,
}

/// The stretches of the documents so far.
#[derive(Debug)]
pub(super) struct Stretches {
    stretches: Vec<Stretch>,
    words: Shelf,
    /// For each sampled run (stretch, number of its first word there).
    by_run: ByHash<(u32, u32)>,
}

/// Words of stretches, read for one text: a long one meets the same stretch at many places.
#[derive(Default)]
struct ReadWords {
    by_stretch: FxHashMap<u32, Vec<Word>>,
    n_words: usize,
}

/// A run of words of a document that is the same in an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Same {
    /// Words of the document.
    pub words: Range<usize>,
    stretch: u32,
    /// The word of the stretch that is the first of `words`.
    first: usize,
}

impl Stretches {
    /// None yet. `folder`: where to put what does not fit in memory; `None`: the system's.
    pub fn beside(folder: Option<PathBuf>) -> Self {
        let by_run = ByHash::of_at_most(MAX_PLACES);
        Stretches { stretches: Vec::new(), words: Shelf::beside(folder), by_run }
    }

    /// The longest runs of words of a text that stood in an earlier document, each of
    /// [`PASSAGE_WORDS`] at least, in the order of the text. `sampled`: (hash, first word).
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn same(&mut self, words: &[Word], sampled: &[(u64, u32)]) -> io::Result<Vec<Same>> {
        let (mut found, mut read): (Vec<Same>, _) = (Vec::new(), ReadWords::default());
        for &(hash, at) in sampled {
            if found.last().is_some_and(|same| at as usize + WINDOW_WORDS <= same.words.end) {
                continue;
            }
            let longest = self.longest(words, (hash, at as usize), &mut read)?;
            found.extend(longest.filter(|same| same.words.len() >= PASSAGE_WORDS));
        }
        Ok(found)
    }

    /// The longest run of equal words around a sampled run of a text, of equals the earliest.
    fn longest(
        &mut self,
        words: &[Word],
        (hash, at): (u64, usize),
        read: &mut ReadWords,
    ) -> io::Result<Option<Same>> {
        let mut longest: Option<Same> = None;
        for &(stretch, place) in self.by_run.of(hash) {
            let kept =
                read.words(stretch, self.stretches[stretch as usize].words, &mut self.words)?;
            let (run, first) = grown(words, at, kept, place as usize);
            if longest.as_ref().is_none_or(|best| run.len() > best.words.len()) {
                longest = Some(Same { words: run, stretch, first });
            }
        }
        Ok(longest)
    }

    /// A run of words of `text` that is the same in an earlier one, with its place there.
    ///
    /// # Errors
    /// Where a file cannot be read.
    pub fn common(&mut self, same: &Same, text: u32) -> io::Result<Common> {
        let stretch = &self.stretches[same.stretch as usize];
        let words = unpacked(&self.words.get(stretch.words)?);
        let kept = same.first..same.first + same.words.len();
        let first = stretch.start as usize + same.first;
        let there = (stretch.text, first..first + same.words.len());
        let places = Places::of(&words[kept]);
        Ok(Common { sides: [(text, same.words.clone()), there], places, own: None })
    }

    /// Adds a document: the surroundings of its sampled runs, but for those that are repeated.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn add(
        &mut self,
        text: u32,
        words: &[Word],
        sampled: &[(u64, u32)],
        repeated: &[Same],
    ) -> io::Result<()> {
        let mut repeated: Vec<&Range<usize>> = repeated.iter().map(|same| &same.words).collect();
        repeated.sort_unstable_by_key(|words| words.start);
        let (mut begun, mut reached) = (repeated.into_iter().peekable(), 0);
        let is_new = |&&(_, at): &&(u64, u32)| {
            while let Some(words) = begun.next_if(|words| words.start <= at as usize) {
                reached = reached.max(words.end);
            }
            reached < at as usize + WINDOW_WORDS
        };
        let sampled: Vec<(u64, u32)> = sampled.iter().filter(is_new).copied().collect();
        let near = |a: &(u64, u32), b: &(u64, u32)| {
            b.1 as usize <= a.1 as usize + WINDOW_WORDS + 2 * MARGIN
        };
        sampled.chunk_by(near).try_for_each(|runs| self.add_stretch(text, words, runs))
    }

    fn add_stretch(&mut self, text: u32, words: &[Word], runs: &[(u64, u32)]) -> io::Result<()> {
        let (Some(&(_, first)), Some(&(_, last))) = (runs.first(), runs.last()) else {
            return Ok(());
        };
        let Ok(index) = u32::try_from(self.stretches.len()) else { return Ok(()) };
        let start = first.saturating_sub(MARGIN as u32);
        let end = (last as usize + WINDOW_WORDS + MARGIN).min(words.len());
        let mut is_kept = false;
        for &(hash, at) in runs {
            is_kept |= self.by_run.add(hash, (index, at - start));
        }
        if is_kept {
            let words = self.words.put(&packed(&words[start as usize..end]))?;
            self.stretches.push(Stretch { text, start, words });
        }
        Ok(())
    }
}

impl ReadWords {
    fn words(&mut self, stretch: u32, place: Place, shelf: &mut Shelf) -> io::Result<&[Word]> {
        if self.n_words > MAX_READ {
            *self = ReadWords::default();
        }
        match self.by_stretch.entry(stretch) {
            Entry::Occupied(read) => Ok(read.into_mut()),
            Entry::Vacant(new) => {
                let words = new.insert(unpacked(&shelf.get(place)?));
                self.n_words += words.len();
                Ok(words)
            }
        }
    }
}

/// The run of equal words around the word `at` of a text and the word `place` of a stretch, and its first word
/// in the stretch.
fn grown(words: &[Word], at: usize, kept: &[Word], place: usize) -> (Range<usize>, usize) {
    let is_same = |(a, b): &(&Word, &Word)| a.hash == b.hash;
    let before = words[..at].iter().rev().zip(kept[..place].iter().rev());
    let n_before = before.take_while(is_same).count();
    let n_after = words[at..].iter().zip(&kept[place..]).take_while(is_same).count();
    (at - n_before..at + n_after, place - n_before)
}

/// Two numbers a word.
fn packed(words: &[Word]) -> Vec<u64> {
    let pack = |word: &Word| [word.hash, u64::from(word.start) << u32::BITS | u64::from(word.end)];
    words.iter().flat_map(pack).collect()
}

fn unpacked(packed: &[u64]) -> Vec<Word> {
    let unpack = |&[hash, span]: &[u64; 2]| Word {
        hash,
        start: (span >> u32::BITS) as u32,
        end: span as u32,
    };
    packed.as_chunks().0.iter().map(unpack).collect()
}

/// The whole units in a run of words: `None` where they have fewer than [`PASSAGE_WORDS`] words.
/// Gives the units and their words. `words`: all words of the text; `units`: the spans of all its units,
/// in order, from the first letter or digit to the last.
pub(super) fn whole_units(
    words: &[Word],
    same: &Range<usize>,
    units: &[Span],
) -> Option<(Range<usize>, Range<usize>)> {
    let run = words.get(same.clone())?;
    let (start, end) = (run.first()?.start as usize, run.last()?.end as usize);
    let first = units.partition_point(|unit| unit.start < start);
    let last = units.partition_point(|unit| unit.end <= end);
    let inside = units.get(first..last).filter(|inside| !inside.is_empty())?;
    let (start, end) = (inside[0].start, inside[inside.len() - 1].end);
    let from = words.partition_point(|word| (word.start as usize) < start);
    let to = words.partition_point(|word| word.end as usize <= end);
    let is_inside = same.start <= from && to <= same.end;
    (is_inside && to >= from + PASSAGE_WORDS).then_some((first..last, from..to))
}

#[cfg(test)]
mod tests {
    use super::super::windows::winnowed;
    use super::super::words::{runs, words};
    use super::*;

    fn numbered(from: usize, to: usize) -> String {
        (from..to).map(|n| format!("w{n} ")).collect()
    }

    fn sampled(words: &[Word]) -> Vec<(u64, u32)> {
        winnowed(&runs(words, WINDOW_WORDS))
    }

    /// The runs of `text` that stood in `earlier`, as words of both.
    fn found(earlier: &str, text: &str) -> Vec<(Range<usize>, usize)> {
        let (old, new) = (words(earlier), words(text));
        let mut stretches = Stretches::beside(None);
        stretches.add(7, &old, &sampled(&old), &[]).unwrap();
        let same = stretches.same(&new, &sampled(&new)).unwrap();
        let place = |same: &Same| {
            let common = stretches.common(same, 8).unwrap();
            let [(8, words), (7, place)] = common.sides else { panic!("{common:?}") };
            for (own, (start, end)) in new[words.clone()].iter().zip(common.places.spans()) {
                let there = &earlier[start as usize..end as usize];
                assert_eq!(&text[own.start as usize..own.end as usize], there);
            }
            assert_eq!(common.places.spans().next().unwrap().0, old[place.start].start);
            (words, place.start)
        };
        same.iter().map(place).collect()
    }

    #[test]
    fn every_passage_of_forty_words_is_found_to_its_ends() {
        for length in [40, 41, 55, 300] {
            for start in [0, 7, 123] {
                let passage = numbered(start, start + length);
                let text = format!("Quite other. {passage} And so on, for a while more.");
                let expected = [(2..2 + length, start)];
                assert_eq!(found(&numbered(0, 500), &text), expected, "{length} from {start}");
            }
        }
        let short = format!("Quite other. {} And so on.", numbered(100, 139));
        assert_eq!(found(&numbered(0, 500), &short), []);
    }

    #[test]
    fn a_passage_is_made_of_whole_units() {
        let text = numbered(0, 100);
        let words = words(&text);
        let same = 5..60;
        let unit = |from: usize, to: usize| {
            Span::new(words[from].start as usize, words[to - 1].end as usize)
        };
        let units = [unit(0, 10), unit(10, 30), unit(30, 52), unit(52, 70)];
        assert_eq!(whole_units(&words, &same, &units), Some((1..3, 10..52)));
        let units = [unit(0, 10), unit(10, 30), unit(30, 49), unit(49, 70)];
        assert_eq!(whole_units(&words, &same, &units), None);
        assert_eq!(whole_units(&words, &same, &[]), None);
    }
}
