//! Passages that stood in an earlier document: found by their sampled runs, compared word by word and
//! grown to both sides as far as the words are the same.

use std::ops::Range;

use rustc_hash::FxHashMap;

use crate::document::Span;

use super::PASSAGE_WORDS;
use super::finder::Common;
use super::places::Places;
use super::windows::WINDOW_WORDS;
use super::words::Word;

/// Words kept to either side of a sampled run: a longer passage has another one in them.
const MARGIN: usize = PASSAGE_WORDS;
/// Places that one sampled run is kept for, the earliest: a run with more is a set phrase, and the
/// passages that it stands in have other runs.
const MAX_PLACES: usize = 4;

/// A stretch of a document around sampled runs that other texts have too.
#[derive(Debug)]
struct Stretch {
    text: u32,
    /// Number of its first word in the text.
    start: usize,
    words: Box<[Word]>,
}

/// The stretches of the documents so far.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    stretches: Vec<Stretch>,
    /// For each sampled run (stretch, number of its first word there).
    by_run: FxHashMap<u64, Vec<(u32, u32)>>,
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
    /// The longest runs of words of a text that stood in an earlier document, each of
    /// [`PASSAGE_WORDS`] at least, in the order of the text. `sampled`: (hash, first word).
    pub fn same(&self, words: &[Word], sampled: &[(u64, u32)]) -> Vec<Same> {
        let mut found: Vec<Same> = Vec::new();
        for &(hash, at) in sampled {
            let at = at as usize;
            if found.last().is_some_and(|same| at + WINDOW_WORDS <= same.words.end) {
                continue;
            }
            let places = self.by_run.get(&hash).into_iter().flatten();
            let grown = places.map(|&place| self.grown(words, at, place));
            let longest = grown
                .reduce(|best, next| if next.words.len() > best.words.len() { next } else { best });
            found.extend(longest.filter(|same| same.words.len() >= PASSAGE_WORDS));
        }
        found
    }

    /// The run of equal words around the word `at` of a text and a place of a stretch.
    fn grown(&self, words: &[Word], at: usize, (stretch, place): (u32, u32)) -> Same {
        let (kept, place) = (&self.stretches[stretch as usize].words, place as usize);
        let is_same = |(a, b): &(&Word, &Word)| a.hash == b.hash;
        let before = words[..at].iter().rev().zip(kept[..place].iter().rev());
        let n_before = before.take_while(is_same).count();
        let n_after = words[at..].iter().zip(&kept[place..]).take_while(is_same).count();
        Same { words: at - n_before..at + n_after, stretch, first: place - n_before }
    }

    /// A run of words of `text` that is the same in an earlier one, with its place there.
    pub fn common(&self, same: &Same, text: u32) -> Common {
        let stretch = &self.stretches[same.stretch as usize];
        let kept = same.first..same.first + same.words.len();
        let first = stretch.start + same.first;
        let there = (stretch.text, first..first + same.words.len());
        let places = Places::of(&stretch.words[kept]);
        Common { sides: [(text, same.words.clone()), there], places, own: None }
    }

    /// Adds a document: the surroundings of its sampled runs, but for those that are repeated.
    pub fn add(&mut self, text: u32, words: &[Word], sampled: &[(u64, u32)], repeated: &[Same]) {
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
        for runs in sampled.chunk_by(near) {
            self.add_stretch(text, words, runs);
        }
    }

    fn add_stretch(&mut self, text: u32, words: &[Word], runs: &[(u64, u32)]) {
        let (Some(&(_, first)), Some(&(_, last))) = (runs.first(), runs.last()) else { return };
        let Ok(index) = u32::try_from(self.stretches.len()) else { return };
        let start = (first as usize).saturating_sub(MARGIN);
        let end = (last as usize + WINDOW_WORDS + MARGIN).min(words.len());
        let mut is_kept = false;
        for &(hash, at) in runs {
            let places = self.by_run.entry(hash).or_default();
            if places.len() < MAX_PLACES {
                places.push((index, at - start as u32));
                is_kept = true;
            }
        }
        if is_kept {
            let words = words[start..end].into();
            self.stretches.push(Stretch { text, start, words });
        }
    }
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
        let mut stretches = Stretches::default();
        stretches.add(7, &old, &sampled(&old), &[]);
        let same = stretches.same(&new, &sampled(&new));
        let place = |same: &Same| {
            let common = stretches.common(same, 8);
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
