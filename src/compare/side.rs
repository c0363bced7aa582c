//! What is compared with what: the documents of a period, or of several in a row, and the pairs of
//! them that a question is asked of.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, Result};

use super::CompareOptions;
use super::change::Family;
use super::counted::Counted;
use super::draws::Draws;
use super::gathering::Gathering;
use super::interval::Usual;
use super::store::{Documents, Lookup, Store};

/// A period, or all periods from one to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodRange {
    /// Label of the first.
    pub first: String,
    /// Label of the last; the same as `first` for one period.
    pub last: String,
}

impl PeriodRange {
    /// Whether a period lies in it. A shorter label stands for all periods that it begins: `2024` for
    /// the months of 2024.
    fn holds(&self, period: &str) -> bool {
        let begins = period.strip_prefix(&*self.last).is_some_and(|rest| rest.starts_with('-'));
        *self.first <= *period && (*period <= *self.last || begins)
    }
}

impl fmt::Display for PeriodRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => f.write_str(&self.first),
            false => write!(f, "{}..{}", self.first, self.last),
        }
    }
}

/// Two periods, or runs of periods, that a user asks about; the earlier first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Between {
    /// The earlier.
    pub from: PeriodRange,
    /// The later.
    pub to: PeriodRange,
}

impl FromStr for Between {
    type Err = String;

    /// `2019,2024` or `1946..1989,1990..2024`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (a, b) = text
            .split_once(',')
            .ok_or_else(|| format!("`{text}` names no two periods with a comma between them"))?;
        let (a, b) = (range(a)?, range(b)?);
        let (from, to) = if a.first <= b.first { (a, b) } else { (b, a) };
        match from.holds(&to.first) || to.holds(&from.last) {
            true => Err(format!("`{from}` and `{to}` overlap")),
            false => Ok(Between { from, to }),
        }
    }
}

impl fmt::Display for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.from, self.to)
    }
}

fn range(text: &str) -> std::result::Result<PeriodRange, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last) = (first.trim().to_owned(), last.trim().to_owned());
    match first.is_empty() || last < first {
        true => Err(format!("`{text}` is no period, such as 2024, and no run, such as 1990..2024")),
        false => Ok(PeriodRange { first, last }),
    }
}

/// (group, label): what a side is known by. All documents come before groups.
pub(super) type Key = (Option<String>, String);

/// The documents of a period or run of periods, all of them or those of a group.
#[derive(Debug)]
pub(super) struct Side<D> {
    pub key: Key,
    pub documents: D,
    /// Whether it is one period, not several that a user put together.
    pub is_period: bool,
}

/// Documents that those of other periods can be added to.
pub(super) trait Together: Clone {
    fn add(&mut self, others: &Self);
}

impl Together for Documents {
    fn add(&mut self, others: &Self) {
        self.runs.extend_from_slice(&others.runs);
    }
}

/// A group's name for a generator: that of all documents is no group's.
pub(super) fn named(group: &Option<String>) -> String {
    group.as_ref().map_or("all".to_owned(), |group| format!("group {group}"))
}

/// The generator for one use of a side.
pub(super) fn draws((group, label): &Key, seed: u64, purpose: &str) -> Draws {
    Draws::new(seed, &[purpose, &named(group), label])
}

/// The documents that count, put in the sides that are compared ([`Gathering`]).
pub struct Sides {
    pub(super) options: CompareOptions,
    pub(super) store: Arc<Store>,
    pub(super) of: BTreeMap<Key, Side<Documents>>,
    pub(super) pairs: Vec<Pair>,
    /// For each side what all documents weigh, copies with them, and what each theme takes of that.
    pub(super) with_copies: BTreeMap<Key, Vec<f64>>,
    pub(super) usual: Usual,
    /// Where the documents of each folder stand in the log.
    pub(super) folders: Vec<Range<u64>>,
}

impl Sides {
    /// Puts documents that are in memory in their periods and groups.
    ///
    /// # Errors
    /// `Usage` where a period that the user named has no documents; `Io` where they do not fit in memory and a file
    /// cannot be written.
    pub fn new(counted: &Counted, options: &CompareOptions) -> Result<Self> {
        let mut gathering = Gathering::new(options, None);
        gathering.add_counted(counted)?;
        gathering.sides(|_| true)
    }

    /// To be asked after what read documents: where a row can't be read, reading ends as if there were no more.
    ///
    /// # Errors
    /// `Io` where a row could not be read.
    pub fn check(&self) -> Result<()> {
        self.store.check()
    }

    /// The periods of the documents of a folder, by its number.
    pub fn periods(&self, folder: usize) -> Periods<'_> {
        Periods(self.lookup(folder))
    }

    /// The documents that units of a folder are of, by its number.
    pub(super) fn lookup(&self, folder: usize) -> Lookup<'_> {
        Lookup::new(&self.store, self.folders.get(folder).cloned().unwrap_or_default())
    }
}

/// The periods of the documents of a folder, which are asked for in their order.
pub struct Periods<'s>(Lookup<'s>);

impl Periods<'_> {
    /// The period of a document that counts in one, by its id.
    pub fn of(&mut self, id: &str) -> Option<&str> {
        self.0.find(id)?.period.as_deref()
    }
}

/// Two sides to compare.
pub(super) struct Pair {
    pub from: Key,
    pub to: Key,
    pub family: Family,
}

/// Neighbouring periods, and those that the user named, whose sides are added where they are runs.
pub(super) fn pairs<D: Together>(
    sides: &mut BTreeMap<Key, Side<D>>,
    options: &CompareOptions,
) -> Result<Vec<Pair>> {
    let keys: Vec<Key> = sides.keys().cloned().collect();
    let neighbours = keys.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| Pair {
        family: Family::of(false, &pair[0].0),
        from: pair[0].clone(),
        to: pair[1].clone(),
    });
    let mut pairs: Vec<Pair> = neighbours.collect();
    let groups: BTreeSet<Option<String>> = keys.into_iter().map(|(group, _)| group).collect();
    for between in &options.between {
        for group in [None].iter().chain(groups.iter().filter(|group| group.is_some())) {
            let from = gather(sides, group, &between.from);
            let to = gather(sides, group, &between.to);
            match (from, to) {
                (Some(from), Some(to)) => {
                    pairs.push(Pair { family: Family::of(true, group), from, to });
                }
                (from, _) if group.is_none() => {
                    let missing = if from.is_none() { &between.from } else { &between.to };
                    return Err(unknown(missing, sides));
                }
                _ => {}
            }
        }
    }
    Ok(pairs)
}

/// The side of a range in a group, made where it is not there; `None` without documents.
fn gather<D: Together>(
    sides: &mut BTreeMap<Key, Side<D>>,
    group: &Option<String>,
    range: &PeriodRange,
) -> Option<Key> {
    let key = (group.clone(), range.to_string());
    if sides.contains_key(&key) {
        return Some(key);
    }
    let held = |side: &&Side<D>| side.is_period && side.key.0 == *group && range.holds(&side.key.1);
    let mut parts = sides.values().filter(held).map(|side| &side.documents);
    let mut documents = parts.next()?.clone();
    parts.for_each(|part| documents.add(part));
    sides.insert(key.clone(), Side { key: key.clone(), documents, is_period: false });
    Some(key)
}

fn unknown<D>(range: &PeriodRange, sides: &BTreeMap<Key, Side<D>>) -> Error {
    let periods: Vec<&str> = sides
        .values()
        .filter(|side| side.key.0.is_none() && side.is_period)
        .map(|side| side.key.1.as_str())
        .collect();
    let hint = match (periods.first(), periods.last()) {
        (Some(first), Some(last)) => {
            format!("the documents have {} periods, from {first} to {last}", periods.len())
        }
        _ => "no document has a date that is precise enough for a period".to_owned(),
    };
    Error::usage(format!("--between: there are no documents in {range}"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_periods_or_runs_are_read_the_earlier_first() {
        let read = |text: &str| text.parse::<Between>().map(|between| between.to_string());
        assert_eq!(read("2024,2019").unwrap(), "2019,2024");
        assert_eq!(read("1946..1989, 1990..2024").unwrap(), "1946..1989,1990..2024");
        assert!(read("2019").unwrap_err().contains("comma"));
        assert!(read("2019..2021,2021..2022").unwrap_err().contains("overlap"));
        assert!(read("2019,2019").unwrap_err().contains("overlap"));
        assert!(read("2019,").unwrap_err().contains("no period"));
    }

    #[test]
    fn a_year_stands_for_its_months() {
        let range = range("2019..2020").unwrap();
        let held = ["2018-12", "2019-01", "2020-12", "2021-01", "2020"].map(|p| range.holds(p));
        assert_eq!(held, [false, true, true, false, true]);
    }
}
