//! Reports of one event: documents of the same few days that share text which no document of other
//! days has, without being copies.

use rustc_hash::FxHashMap;

use super::minhash::containment;
use super::{EVENT_DAYS, MIN_EVENT_SIMILARITY};

/// Sampled runs that two reports share at least.
const MIN_RUNS: u32 = 2;
/// Reports that a run may stand in: one that stands in more was sent to all, and tells nothing.
const MAX_REPORTS: usize = 50;

/// A document that may report what another one reports.
#[derive(Debug)]
pub(super) struct Report {
    pub text: u32,
    /// Number of its day.
    pub day: u32,
    /// Its sampled runs that stand in documents of these days alone.
    pub runs: Vec<u64>,
    /// Sorted, without repeats.
    pub shingles: Vec<u64>,
}

/// A report and the earlier one that it shares most with.
#[derive(Debug, PartialEq)]
pub(super) struct SameEvent {
    pub report: u32,
    pub earlier: u32,
    /// Part of the shorter one's shingles that the other has, 0..1.
    pub similarity: f64,
}

/// For each report the earlier one that it shares most with, where it shares enough: earlier by date,
/// then in the order given.
pub(super) fn same_events(mut reports: Vec<Report>) -> Vec<SameEvent> {
    reports.sort_by_key(|report| report.day);
    let mut closest: FxHashMap<usize, (usize, f64)> = FxHashMap::default();
    for (earlier, later) in pairs(&reports) {
        let (a, b) = (&reports[earlier], &reports[later]);
        let similarity = containment(&a.shingles, &b.shingles);
        let is_enough = b.day - a.day <= EVENT_DAYS && similarity >= MIN_EVENT_SIMILARITY;
        let best = closest.get(&later).map_or(0.0, |&(_, best)| best);
        if is_enough && similarity > best {
            closest.insert(later, (earlier, similarity));
        }
    }
    let mut closest: Vec<_> = closest.into_iter().collect();
    closest.sort_unstable_by_key(|&(later, _)| later);
    let same = |(later, (earlier, similarity)): (usize, (usize, f64))| SameEvent {
        report: reports[later].text,
        earlier: reports[earlier].text,
        similarity,
    };
    closest.into_iter().map(same).collect()
}

/// The pairs of reports, the earlier first, that share enough runs to be compared; sorted.
fn pairs(reports: &[Report]) -> Vec<(usize, usize)> {
    let mut by_run: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
    for (index, report) in reports.iter().enumerate() {
        report.runs.iter().for_each(|&run| by_run.entry(run).or_default().push(index));
    }
    let mut n_shared: FxHashMap<(usize, usize), u32> = FxHashMap::default();
    for holders in by_run.values().filter(|holders| holders.len() <= MAX_REPORTS) {
        for (k, &later) in holders.iter().enumerate() {
            for &earlier in &holders[..k] {
                *n_shared.entry((earlier, later)).or_default() += 1;
            }
        }
    }
    let enough = n_shared.into_iter().filter(|&(_, n)| n >= MIN_RUNS);
    let mut pairs: Vec<(usize, usize)> = enough.map(|(pair, _)| pair).collect();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: u32, day: u32, runs: &[u64], shingles: std::ops::Range<u64>) -> Report {
        Report { text, day, runs: runs.to_vec(), shingles: shingles.collect() }
    }

    #[test]
    fn a_report_belongs_to_the_earlier_one_that_it_shares_most_with() {
        let found = same_events(vec![
            report(0, 12, &[1, 2, 3], 70..170),
            report(1, 10, &[1, 2, 3], 0..100),
            report(2, 11, &[1, 2, 3], 60..120),
            // One run in common is chance, and so is little text.
            report(3, 11, &[1], 0..100),
            report(4, 11, &[1, 2], 500..600),
            report(5, 15, &[2, 3], 70..170),
        ]);
        let found: Vec<(u32, u32)> = found.iter().map(|same| (same.report, same.earlier)).collect();
        assert_eq!(found, [(2, 1), (0, 2), (5, 0)]);
    }
}
