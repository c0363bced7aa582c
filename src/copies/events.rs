//! Reports of one event: documents of the same few days that share text which no document of other
//! days has, without being copies.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use rustc_hash::FxHashMap;

use super::minhash::containment;
use super::shelf::{Place, Shelf};
use super::{EVENT_DAYS, MIN_EVENT_SIMILARITY};

/// A document that may report what another one reports.
#[derive(Debug)]
pub(super) struct Report {
    pub text: u32,
    /// Its rare runs; sorted, without repeats.
    pub runs: Box<[u64]>,
    /// Sorted, without repeats; none where it is not to be compared.
    pub shingles: Place,
}

/// A report and the earlier one that it shares most with.
#[derive(Debug, PartialEq)]
pub(super) struct SameEvent {
    pub report: u32,
    pub earlier: u32,
    /// Part of the shorter one's shingles that the other has, 0..1.
    pub similarity: f64,
}

/// For each report the earlier one that it shares most with, where it shares enough: earlier by `day`,
/// then in the order given. `shelf`: where their shingles lie.
///
/// # Errors
/// Where a file cannot be read.
pub(super) fn same_events(
    reports: Vec<Report>,
    shelf: &mut Shelf,
    day: impl Fn(u32) -> Option<u32>,
) -> io::Result<Vec<SameEvent>> {
    let mut reports: Vec<(Option<u32>, Report)> =
        reports.into_iter().map(|report| (day(report.text), report)).collect();
    reports.sort_by_key(|(day, _)| *day);
    let mut closest: BTreeMap<usize, (usize, f64)> = BTreeMap::new();
    // Pairs come by the earlier report, so it is read once.
    let mut first: Option<(usize, Vec<u64>)> = None;
    for (earlier, later) in pairs(&reports) {
        let own = match first.take() {
            Some((index, own)) if index == earlier => own,
            _ => shelf.get(reports[earlier].1.shingles)?,
        };
        let similarity = containment(&own, &shelf.get(reports[later].1.shingles)?);
        first = Some((earlier, own));
        let best = closest.get(&later).map_or(0.0, |&(_, best)| best);
        if similarity >= MIN_EVENT_SIMILARITY && similarity > best {
            closest.insert(later, (earlier, similarity));
        }
    }
    let same = |(later, (earlier, similarity)): (usize, (usize, f64))| SameEvent {
        report: reports[later].1.text,
        earlier: reports[earlier].1.text,
        similarity,
    };
    Ok(closest.into_iter().map(same).collect())
}

/// The pairs of reports, the earlier first, that share a run of their days and so are compared. `reports`: by day, those without one first.
fn pairs(reports: &[(Option<u32>, Report)]) -> BTreeSet<(usize, usize)> {
    let mut by_run: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
    for (index, (_, report)) in reports.iter().enumerate() {
        report.runs.iter().for_each(|&run| by_run.entry(run).or_default().push(index));
    }
    let is_of_few_days = |holders: &&Vec<usize>| {
        let (first, last) = (reports[holders[0]].0, reports[holders[holders.len() - 1]].0);
        first.zip(last).is_some_and(|(first, last)| last - first <= EVENT_DAYS)
    };
    let mut pairs = BTreeSet::new();
    for holders in by_run.values().filter(is_of_few_days) {
        for (k, &later) in holders.iter().enumerate() {
            pairs.extend(holders[..k].iter().map(|&earlier| (earlier, later)));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_belongs_to_the_earlier_one_that_it_shares_most_with() {
        let days = [12, 10, 11, 11, 11, 15, 90, 0];
        let day = |text: u32| Some(days[text as usize]).filter(|&day| day > 0);
        let mut shelf = Shelf::default();
        let mut report = |text, runs: &[u64], shingles: std::ops::Range<u64>| {
            let shingles = shelf.put(&shingles.collect::<Vec<u64>>()).unwrap();
            Report { text, runs: runs.into(), shingles }
        };
        let reports = vec![
            report(0, &[1, 2, 5, 6], 70..170),
            report(1, &[1, 2, 3, 7, 8, 9], 0..100),
            report(2, &[1, 2, 3, 4], 60..120),
            // A run in common is chance where little else is.
            report(3, &[3], 900..1000),
            report(4, &[1, 2], 500..600),
            report(5, &[5, 6], 70..170),
            // What stands in a text of another time or of none is no news.
            report(6, &[7, 8], 0..100),
            report(7, &[8, 9], 0..100),
        ];
        let found = same_events(reports, &mut shelf, day).unwrap();
        let found: Vec<(u32, u32)> = found.iter().map(|same| (same.report, same.earlier)).collect();
        assert_eq!(found, [(2, 1), (0, 2), (5, 0)]);
    }
}
