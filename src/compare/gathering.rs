//! Documents on their way to being compared: one after the other they are stored by period and group, and what is said
//! of all of them is summed.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};

use super::counted::{Counted, CountedDocument, Field};
use super::interval::UsualSums;
use super::moments::ExactSum;
use super::side::{self, Key, Side, Sides};
use super::sorter::Sorter;
use super::spool::{Spool, Spooled};
use super::store::{Documents, Fields, Run, Store, failed, record};
use super::{CompareOptions, Copies};

/// Documents that are being gathered, folder by folder.
pub struct Gathering {
    options: CompareOptions,
    folder: Option<PathBuf>,
    sorter: Sorter,
    log: Spool,
    /// Where the documents of each folder stand in the log.
    folders: Vec<Range<u64>>,
    labels: Numbered<str>,
    kinds: Numbered<[Field]>,
    /// By the numbers of group and period, that of all documents before groups, which count from 1.
    with_copies: BTreeMap<(u32, u32), Vec<ExactSum>>,
    usual: UsualSums,
    n: Numbers,
}

/// Of documents, copies left out.
#[derive(Default)]
struct Numbers {
    all: u64,
    undated: u64,
    without_group: u64,
}

/// Values by the order in which they first came.
struct Numbered<T: ?Sized> {
    numbers: HashMap<Arc<T>, u32>,
    values: Vec<Arc<T>>,
}

impl<T: ?Sized + Hash + Eq> Numbered<T> {
    fn number(&mut self, value: &Arc<T>) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.values.len() as u32;
        self.numbers.insert(value.clone(), number);
        self.values.push(value.clone());
        number
    }
}

impl<T: ?Sized> Default for Numbered<T> {
    fn default() -> Self {
        Numbered { numbers: HashMap::new(), values: Vec::new() }
    }
}

impl Gathering {
    /// None yet. `folder`: where to put what does not fit in memory, in files without a name; `None`: where the system
    /// has such files.
    pub fn new(options: &CompareOptions, folder: Option<&Path>) -> Self {
        Gathering {
            options: options.clone(),
            folder: folder.map(Path::to_owned),
            sorter: Sorter::beside(folder),
            log: Spool::beside(folder),
            folders: Vec::new(),
            labels: Numbered::default(),
            kinds: Numbered::default(),
            with_copies: BTreeMap::new(),
            usual: UsualSums::default(),
            n: Numbers::default(),
        }
    }

    /// Adds a document: all of it, and what is left of it where copies count once; `None`: nothing.
    ///
    /// # Errors
    /// `Io` where a file cannot be written.
    pub fn add(&mut self, whole: &CountedDocument, once: Option<&CountedDocument>) -> Result<()> {
        if let Some(once) = once {
            self.n.all += 1;
            self.n.undated += u64::from(once.period.is_none());
            self.n.without_group += u64::from(once.group.is_none());
        }
        let counted = match self.options.copies {
            Copies::Once => once,
            Copies::All => Some(whole),
        };
        let period = whole.period.as_ref().map(|period| self.labels.number(period));
        let group = whole.group.as_ref().map(|group| self.labels.number(group));
        let sides = side_numbers(period, group);
        for side in sides.iter().flatten() {
            let own = self.with_copies.entry(*side).or_default();
            add_parts(own, whole, &self.options);
        }
        let record = counted.map(|document| {
            self.usual.add(document, self.options.measure);
            record(document, (period, group), self.kinds.number(&document.fields))
        });
        self.store(&whole.id, record, &sides).map_err(|e| failed(self.folder.clone(), e))
    }

    /// Passes over a document that counts nowhere, so that its units are found to.
    ///
    /// # Errors
    /// `Io` where a file cannot be written.
    pub fn pass_over(&mut self, id: &str) -> Result<()> {
        self.log.push(id.as_bytes(), &[]).map_err(|e| failed(self.folder.clone(), e))
    }

    fn store(
        &mut self,
        id: &str,
        record: Option<io::Result<Vec<u8>>>,
        sides: &[Option<(u32, u32)>],
    ) -> io::Result<()> {
        let record = record.transpose()?;
        self.log.push(id.as_bytes(), record.as_deref().unwrap_or_default())?;
        let Some(record) = record else { return Ok(()) };
        for (group, period) in sides.iter().flatten() {
            let key = [&group.to_be_bytes(), &period.to_be_bytes(), id.as_bytes()].concat();
            self.sorter.push(&key, &record)?;
        }
        Ok(())
    }

    /// Ends a folder: units of the next one are of documents that come from now on.
    pub fn end_folder(&mut self) {
        let start = self.folders.last().map_or(0, |last| last.end);
        self.folders.push(start..self.log.n_bytes());
    }

    /// What the user should know of the documents that are in no side.
    ///
    /// # Errors
    /// `Usage` where no document has a group, and they are to be grouped.
    pub fn left_out(&self) -> Result<Vec<String>> {
        let Numbers { all, undated, without_group } = self.n;
        let mut said = Vec::new();
        if undated > 0 {
            said.push(format!(
                "{undated} of {all} documents are in no period: they have no date, or one that is not \
                 precise enough"
            ));
        }
        let Some(field) = &self.options.group else { return Ok(said) };
        if without_group == all {
            return Err(Error::usage(
                format!("no document has a field `{field}` to group by"),
                "give a field of the records, as `metadata` in documents.jsonl has them, or `language`, \
                 `file`",
            ));
        }
        if without_group > 0 {
            said.push(format!(
                "{without_group} of {all} documents have no text or number in `{field}`: they count in the rows \
                 of all documents, and in no group"
            ));
        }
        Ok(said)
    }

    /// Puts documents in their periods and groups, and these in the runs that the user named. `is_kind`: whether a field
    /// says of what kind a document is.
    ///
    /// # Errors
    /// `Usage` where a period that the user named has no documents; `Io` where a file cannot be written.
    pub fn sides(mut self, is_kind: impl Fn(&str) -> bool) -> Result<Sides> {
        self.end_folder();
        let (folder, labels) = (self.folder.clone(), self.labels.values);
        let fields = Fields::new(&self.kinds.values, is_kind);
        let spooled = in_order(self.sorter, folder.as_deref(), &labels);
        let spooled = spooled.and_then(|sorted| Ok((sorted, self.log.finish()?)));
        let ((sorted, runs), log) = spooled.map_err(|e| failed(folder.clone(), e))?;
        let with_copies = self.with_copies.into_iter();
        let with_copies = with_copies
            .map(|(side, sums)| {
                (key(side, &labels), sums.into_iter().map(ExactSum::value).collect())
            })
            .collect();
        let store = Arc::new(Store { sorted, log, labels, fields, fault: OnceLock::new(), folder });
        let side = |run: Run| {
            let key = run.key.clone();
            let documents = Documents { store: store.clone(), runs: vec![run] };
            (key.clone(), Side { key, documents, is_period: true })
        };
        let mut of: BTreeMap<Key, Side<Documents>> = runs.into_iter().map(side).collect();
        let pairs = side::pairs(&mut of, &self.options)?;
        let (options, usual, folders) = (self.options, self.usual.usual(), self.folders);
        Ok(Sides { options, store, of, pairs, with_copies, usual, folders })
    }

    /// Adds documents that are in memory.
    pub(super) fn add_counted(&mut self, counted: &Counted) -> Result<()> {
        let mut parts: HashMap<&str, &CountedDocument> =
            counted.documents.iter().map(|document| (&*document.id, document)).collect();
        for whole in &counted.copies {
            self.add(whole, parts.remove(&*whole.id))?;
        }
        let others = counted.documents.iter().filter(|other| parts.contains_key(&*other.id));
        others.into_iter().try_for_each(|document| self.add(document, Some(document)))
    }
}

/// What the sides of a document are known by: that of its period, and that of its group in it.
fn side_numbers(period: Option<u32>, group: Option<u32>) -> [Option<(u32, u32)>; 2] {
    [period.map(|period| (0, period)), group.map(|group| group + 1).zip(period)]
}

fn key((group, period): (u32, u32), labels: &[Arc<str>]) -> Key {
    let label = |number: u32| labels[number as usize].to_string();
    (group.checked_sub(1).map(label), label(period))
}

/// Adds what a document weighs, and what each theme takes of it, the first to the first.
fn add_parts(sums: &mut Vec<ExactSum>, document: &CountedDocument, options: &CompareOptions) {
    let parts =
        [document.weight(options.measure)].into_iter().chain(document.parts(options.measure));
    sums.resize(document.themes.n() + 2, ExactSum::default());
    sums.iter_mut().zip(parts).for_each(|(sum, part)| sum.add(part));
}

/// Bytes of a key before the id: the numbers of group and period.
const N_SIDE: usize = 8;

/// Writes the rows in their order, and says where those of each side stand.
fn in_order(
    sorter: Sorter,
    folder: Option<&Path>,
    labels: &[Arc<str>],
) -> io::Result<(Spooled, Vec<Run>)> {
    let (mut out, mut runs) = (Spool::beside(folder), Vec::<Run>::new());
    let mut last: Option<[u8; N_SIDE]> = None;
    sorter.each(|(bytes, record)| {
        let (side, id) = bytes.split_first_chunk().ok_or(io::ErrorKind::InvalidData)?;
        if last.replace(*side) != Some(*side) {
            let numbers = [0, 1].map(|k| u32::from_be_bytes(side.as_chunks().0[k]));
            let start = out.n_bytes();
            let key = key(numbers.into(), labels);
            runs.push(Run { place: start..start, n: 0, key });
        }
        out.push(id, record)?;
        if let Some(run) = runs.last_mut() {
            (run.place.end, run.n) = (out.n_bytes(), run.n + 1);
        }
        Ok(())
    })?;
    Ok((out.finish()?, runs))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::counted::CountedTheme;

    /// A document of some year, or none, by chance.
    fn document(id: u32, numbers: [u8; 4]) -> CountedDocument {
        let [year, group, n, kind] = numbers.map(u64::from);
        let fields = [(Arc::from("source"), Arc::from(format!("s{}", kind % 3)))];
        CountedDocument {
            id: format!("d{id}"),
            period: (year % 4 > 0).then(|| format!("202{}", year % 4).into()),
            group: (group % 3 > 0).then(|| format!("g{}", group % 3).into()),
            n_documents: 1,
            n_bytes: n * 10,
            n_units: n,
            n_bare: n / 2,
            themes: [0, n, 0]
                .map(|n| CountedTheme { share: 0.1, n_mentions: n })
                .into_iter()
                .collect(),
            none_share: 0.7,
            fields: if kind % 2 == 0 { fields.into() } else { Arc::default() },
        }
    }

    fn found(documents: &Documents) -> Vec<CountedDocument> {
        let mut found = Vec::new();
        let fields = &documents.store.fields;
        documents.each(|row| {
            let level = |(k, name): (usize, &Arc<str>)| {
                Some((name.clone(), fields.name(k, fields.level(row.kind, k)?).into()))
            };
            let fields = fields.names.iter().enumerate().filter_map(level).collect();
            found.push(CountedDocument { fields, ..row.document.clone() });
        });
        found
    }

    proptest! {
        #[test]
        fn what_is_stored_reads_back_by_period_and_group_and_by_id(
            numbers in prop::collection::btree_map(0_u32..500, any::<[u8; 4]>(), 0..60),
            copies in prop::bool::ANY,
        ) {
            let all: Vec<CountedDocument> =
                numbers.into_iter().rev().map(|(id, numbers)| document(id, numbers)).collect();
            let copies = if copies { Copies::All } else { Copies::Once };
            let options = CompareOptions { copies, ..CompareOptions::default() };
            let mut gathering = Gathering::new(&options, None);
            let is_copy = |document: &CountedDocument| document.n_units.is_multiple_of(3);
            for document in &all {
                gathering.add(document, (!is_copy(document)).then_some(document)).unwrap();
            }
            let sides = gathering.sides(|_| true).unwrap();
            let mut counted: Vec<&CountedDocument> =
                all.iter().filter(|own| copies == Copies::All || !is_copy(own)).collect();
            counted.sort_by(|a, b| a.id.cmp(&b.id));
            let mut n_found = 0;
            for ((group, period), side) in &sides.of {
                let is_own = |own: &&&CountedDocument| {
                    let is_of_group = group.is_none() || own.group.as_deref() == group.as_deref();
                    own.period.as_deref() == Some(period) && is_of_group
                };
                let expected: Vec<CountedDocument> =
                    counted.iter().filter(is_own).map(|own| (*own).clone()).collect();
                n_found += expected.len();
                prop_assert!(!expected.is_empty() && side.documents.n() == expected.len());
                prop_assert_eq!(found(&side.documents), expected);
            }
            let dated = counted.iter().filter(|own| own.period.is_some());
            prop_assert_eq!(n_found, dated.map(|own| 1 + usize::from(own.group.is_some())).sum::<usize>());

            // In the order in which they came; some are passed over.
            let mut lookup = sides.lookup(0);
            for own in all.iter().filter(|own| own.n_units > 9) {
                let found = lookup.find(&own.id).map(|found| (found.n_units, found.period.clone()));
                let counts = copies == Copies::All || !is_copy(own);
                prop_assert_eq!(found, counts.then(|| (own.n_units, own.period.clone())));
            }
            prop_assert!(lookup.find("nobody").is_none());
            prop_assert!(sides.lookup(1).find("d1").is_none());
        }
    }

    proptest! {
        #[test]
        fn what_others_say_of_documents_is_found_by_id_and_period(
            own in prop::collection::btree_map(0_u32..60, any::<[u8; 4]>(), 0..40),
            others in prop::collection::btree_map(0_u32..60, any::<[u8; 4]>(), 0..40),
        ) {
            let documents = |numbers: &BTreeMap<u32, [u8; 4]>| -> Vec<CountedDocument> {
                numbers.iter().map(|(id, numbers)| document(*id, *numbers)).collect()
            };
            let sides = |documents: &[CountedDocument]| {
                let counted = Counted { documents: documents.to_vec(), ..Counted::default() };
                Sides::new(&counted, &CompareOptions::default()).unwrap()
            };
            let (own, others) = (documents(&own), documents(&others));
            let (sides, there) = (sides(&own), sides(&others));
            for ((group, period), side) in &sides.of {
                let is_in = |id: &str| own.iter().any(|own| {
                    let is_of_group = group.is_none() || own.group.as_deref() == group.as_deref();
                    own.id == id && own.period.as_deref() == Some(period) && is_of_group
                });
                let is_said = |other: &&CountedDocument| {
                    other.period.as_deref() == Some(period) && is_in(&other.id)
                };
                let mut expected: Vec<(&str, u64)> =
                    others.iter().filter(is_said).map(|other| (&*other.id, other.n_units)).collect();
                expected.sort();
                let mut found = Vec::new();
                side.documents.each_in(&there, |other| found.push((other.id.clone(), other.n_units)));
                let found: Vec<(&str, u64)> = found.iter().map(|(id, n)| (&**id, *n)).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn what_does_not_fit_in_memory_lies_in_files_without_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut gathering = Gathering::new(&CompareOptions::default(), Some(folder.path()));
        let all: Vec<CountedDocument> = (0..120_000_u32)
            .map(|id| document(id.wrapping_mul(2_654_435_761), id.to_le_bytes()))
            .collect();
        all.iter().for_each(|document| gathering.add(document, Some(document)).unwrap());
        let sides = gathering.sides(|_| true).unwrap();
        for spooled in [&sides.store.sorted, &sides.store.log] {
            assert!(matches!(spooled, Spooled::File(_)));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut expected: Vec<CountedDocument> =
            all.iter().filter(|own| own.period.as_deref() == Some("2021")).cloned().collect();
        expected.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(found(&sides.of[&(None, "2021".to_owned())].documents), expected);
        let mut lookup = sides.lookup(0);
        assert!(all.iter().all(|own| lookup.find(&own.id).unwrap().n_units == own.n_units));
    }

    #[test]
    fn rows_that_cannot_be_read_are_a_fault_and_not_an_end() {
        let mut gathering = Gathering::new(&CompareOptions::default(), None);
        for id in 0..9 {
            let own = document(id, [1, 1, 4, 0]);
            gathering.add(&own, Some(&own)).unwrap();
        }
        let mut sides = gathering.sides(|_| true).unwrap();
        let key = (None, "2021".to_owned());
        sides.of.get_mut(&key).unwrap().documents.runs[0].place.end += 1;
        assert_eq!(found(&sides.of[&key].documents).len(), 9);
        assert!(sides.store.check().unwrap_err().to_string().contains("file that has no name"));
        assert!(sides.compare(&[]).is_err());
    }
}
