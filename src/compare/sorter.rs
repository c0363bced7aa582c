//! Rows put in the order of their keys, however many there are: what does not fit in memory is sorted in runs, which
//! are merged (Knuth 1998, section 5.4).

use std::io;
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;

use super::spool::{Row, Spool};

/// Bytes of rows that are held until they are sorted.
const MAX_HELD: usize = 8 << 20;

/// Rows that are being gathered.
#[derive(Debug)]
pub(super) struct Sorter {
    /// Keys and records, one after the other.
    held: Vec<u8>,
    rows: Vec<Place>,
    /// Runs that were sorted, as they stand in `spool`.
    runs: Vec<Range<u64>>,
    spool: Spool,
    max_held: usize,
}

/// Where a row stands: the start of its key, the end of that, and the end of its record.
#[derive(Debug, Clone, Copy)]
struct Place(usize, usize, usize);

impl Place {
    fn row(self, held: &[u8]) -> Row<'_> {
        (&held[self.0..self.1], &held[self.1..self.2])
    }
}

impl Sorter {
    /// None yet. `folder`: where to put what does not fit in memory.
    pub fn beside(folder: Option<&Path>) -> Self {
        let (held, rows, runs, max_held) = (Vec::new(), Vec::new(), Vec::new(), MAX_HELD);
        Sorter { held, rows, runs, spool: Spool::beside(folder), max_held }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn push(&mut self, key: &[u8], record: &[u8]) -> io::Result<()> {
        if self.held.len() + key.len() + record.len() > self.max_held {
            self.end_run()?;
        }
        let start = self.held.len();
        self.held.extend_from_slice(key);
        let end = self.held.len();
        self.held.extend_from_slice(record);
        self.rows.push(Place(start, end, self.held.len()));
        Ok(())
    }

    fn sort(&mut self) {
        let held = &self.held;
        // Of equal keys the first stays the first.
        self.rows.par_sort_unstable_by_key(|place| (place.row(held).0, place.0));
    }

    fn end_run(&mut self) -> io::Result<()> {
        self.sort();
        let start = self.spool.n_bytes();
        for place in self.rows.drain(..) {
            let (key, record) = place.row(&self.held);
            self.spool.push(key, record)?;
        }
        self.held.clear();
        self.runs.push(start..self.spool.n_bytes());
        Ok(())
    }

    /// Hands all rows to `take`, in the order of their keys; of equal keys the first that was added comes first.
    ///
    /// # Errors
    /// Where a file cannot be written or read, and those of `take`.
    pub fn each(mut self, mut take: impl FnMut(Row<'_>) -> io::Result<()>) -> io::Result<()> {
        if self.runs.is_empty() {
            self.sort();
            return self.rows.iter().try_for_each(|place| take(place.row(&self.held)));
        }
        self.end_run()?;
        let Sorter { held, rows, runs, spool, .. } = self;
        drop((held, rows));
        let spooled = spool.finish()?;
        let mut rows = spooled.merged(runs.into_iter());
        while let Some(row) = rows.next()? {
            take(row)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_come_in_the_order_of_their_keys_whatever_fits_in_memory(
            keys in prop::collection::vec(prop::collection::vec(0_u8..3, 0..4), 0..200),
            max_held in 8_usize..600,
        ) {
            let mut sorter = Sorter { max_held, ..Sorter::beside(None) };
            for (i, key) in keys.iter().enumerate() {
                sorter.push(key, &[i as u8; 3]).unwrap();
            }
            let mut found = Vec::new();
            let add = |(key, record): Row<'_>| {
                found.push((key.to_vec(), record[0] as usize));
                Ok(())
            };
            sorter.each(add).unwrap();
            let mut expected: Vec<_> = keys.into_iter().zip(0..).collect();
            expected.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
