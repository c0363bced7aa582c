//! Which places of a text are looked at for passages that stand in another text too: winnowing
//! (Schleimer, Wilkerson and Aiken 2003).
//!
//! Of the runs of [`WINDOW_WORDS`] words in every stretch of [`PASSAGE_WORDS`] words, the one of least
//! hash is sampled. Two texts with a stretch of that length in common sample the same run in it, so no
//! such passage is missed although only about one run in fifteen is kept.

use super::PASSAGE_WORDS;

/// Words of a sampled run.
pub(super) const WINDOW_WORDS: usize = 12;
/// Runs among which one is sampled.
const AMONG: usize = PASSAGE_WORDS - WINDOW_WORDS + 1;

/// The sampled runs as (hash, number of the first word), in order. `runs`: the hashes of all runs of
/// [`WINDOW_WORDS`] words. None where the text is shorter than a passage.
pub(super) fn winnowed(runs: &[u64]) -> Vec<(u64, u32)> {
    let mut sampled = Vec::with_capacity(2 * runs.len() / AMONG + 1);
    // The place of the least run among the last `AMONG`. One that is in is left only for a lesser one,
    // or when it falls out, so that a text of one word over and over is not sampled at every place.
    let mut least: Option<usize> = None;
    for end in AMONG..=runs.len() {
        let start = end - AMONG;
        let before = least;
        least = match least {
            Some(place) if place >= start && runs[end - 1] >= runs[place] => Some(place),
            Some(place) if place >= start => Some(end - 1),
            _ => (start..end).rev().min_by_key(|&place| runs[place]),
        };
        if let (true, Some(place)) = (least != before, least) {
            sampled.push((runs[place], place as u32));
        }
    }
    sampled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_runs_are_sampled_and_none_of_a_short_text() {
        let runs: Vec<u64> = (0..30_000_u64).map(super::super::words::mixed).collect();
        let part = winnowed(&runs).len() as f64 / runs.len() as f64;
        assert!((part - 2.0 / (AMONG as f64 + 1.0)).abs() < 0.005, "{part}");
        assert!(winnowed(&runs[..AMONG - 1]).is_empty());
        assert_eq!(winnowed(&runs[..AMONG]).len(), 1);
        let same = winnowed(&[7; 3_000]);
        assert!(same.len() <= 3_000 / AMONG + 1, "{}", same.len());
    }

    proptest! {
        #[test]
        fn every_stretch_has_a_sampled_run_that_hangs_on_it_alone(
            runs in prop::collection::vec(0_u64..50, AMONG..200),
            start in any::<prop::sample::Index>(),
        ) {
            let start = start.index(runs.len() - AMONG + 1);
            let alone = winnowed(&runs[start..start + AMONG]);
            let sampled = winnowed(&runs);
            let hash = alone[0].0;
            let inside = |&&(found, at): &&(u64, u32)| {
                found == hash && (start..start + AMONG).contains(&(at as usize))
            };
            prop_assert!(sampled.iter().any(|run| inside(&run)));
        }
    }
}
