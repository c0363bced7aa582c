//! Rows of bytes that are written once and read many times, by many threads: in memory while they are few, then
//! in a file without a name, which the system removes whatever happens.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Cursor, Write};
use std::ops::Range;
use std::path::Path;

use tempfile::{SpooledData, SpooledTempFile};

/// Bytes of rows that stay in memory.
const MAX_HELD: usize = 4 << 20;
/// Bytes that are read or written at a time.
const BLOCK: usize = 64 << 10;
/// Bytes that are read at a time of all places together, where there are many.
const MERGED_BLOCKS: usize = 4 << 20;
/// Bytes that are read at a time of one of them, at least.
const MIN_BLOCK: usize = 4 << 10;
/// Bytes before a row: the length of its key and that of its record.
const HEAD: usize = 8;

/// Rows that are being written.
#[derive(Debug)]
pub(super) struct Spool {
    out: BufWriter<SpooledTempFile>,
    n_bytes: u64,
}

impl Spool {
    /// None yet. `folder`: where the file is put, once there is one; `None`: where the system has such files.
    pub fn beside(folder: Option<&Path>) -> Self {
        let out = match folder {
            Some(folder) => tempfile::spooled_tempfile_in(MAX_HELD, folder),
            None => tempfile::spooled_tempfile(MAX_HELD),
        };
        Spool { out: BufWriter::with_capacity(BLOCK, out), n_bytes: 0 }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Where the file cannot be written, or key or record have 4 GB.
    pub fn push(&mut self, key: &[u8], record: &[u8]) -> io::Result<()> {
        self.out.write_all(&length(key)?)?;
        self.out.write_all(&length(record)?)?;
        self.out.write_all(key)?;
        self.out.write_all(record)?;
        self.n_bytes += (HEAD + key.len() + record.len()) as u64;
        Ok(())
    }

    /// The number of bytes so far: where the next row will stand.
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// The rows, to be read.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn finish(self) -> io::Result<Spooled> {
        let out = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(match out.into_inner() {
            SpooledData::InMemory(bytes) => Spooled::Held(Cursor::into_inner(bytes)),
            SpooledData::OnDisk(file) => Spooled::File(file),
        })
    }
}

fn length(bytes: &[u8]) -> io::Result<[u8; HEAD / 2]> {
    let length = u32::try_from(bytes.len());
    Ok(length.map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?.to_le_bytes())
}

/// Rows that were written.
#[derive(Debug)]
pub(super) enum Spooled {
    Held(Vec<u8>),
    File(File),
}

impl Spooled {
    /// The rows that stand in some places, each in the order of their keys: all of them in that order.
    pub fn merged(&self, places: impl ExactSizeIterator<Item = Range<u64>>) -> Merged<'_> {
        let size = (MERGED_BLOCKS / places.len().max(1)).clamp(MIN_BLOCK, BLOCK);
        let new = |left| Rows { of: self, left, size, block: Vec::new(), reached: 0 };
        Merged { rows: places.map(new).collect(), n_begun: 0, first: BinaryHeap::new(), last: None }
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        match self {
            Spooled::File(file) => read_exact_at(file, at, into),
            Spooled::Held(bytes) => {
                let bytes = bytes.get(at as usize..at as usize + into.len());
                into.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, at: u64, into: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut at: u64, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, into, at)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (at, into) = (at + n as u64, &mut into[n..]);
    }
    Ok(())
}

/// A row: its key and its record.
pub(super) type Row<'r> = (&'r [u8], &'r [u8]);

/// Reads the rows of several places, that of the least key first; of equal keys that of the first place.
#[derive(Debug)]
pub(super) struct Merged<'s> {
    rows: Vec<Rows<'s>>,
    /// Places whose first row was read.
    n_begun: usize,
    /// The next row of each place.
    first: BinaryHeap<Reverse<Head>>,
    /// The row that was given.
    last: Option<Head>,
}

/// A row of a place.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    key: Vec<u8>,
    place: usize,
    record: Vec<u8>,
}

impl Merged<'_> {
    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        if self.rows.len() == 1 {
            return self.rows[0].next();
        }
        while self.n_begun < self.rows.len() {
            self.n_begun += 1;
            self.read(Head { place: self.n_begun - 1, ..Head::default() })?;
        }
        if let Some(last) = self.last.take() {
            self.read(last)?;
        }
        self.last = self.first.pop().map(|Reverse(head)| head);
        Ok(self.last.as_ref().map(|head| (&*head.key, &*head.record)))
    }

    /// Reads the next row of a place into the memory of the one before it.
    fn read(&mut self, mut head: Head) -> io::Result<()> {
        let Some((key, record)) = self.rows[head.place].next()? else { return Ok(()) };
        for (own, new) in [(&mut head.key, key), (&mut head.record, record)] {
            own.clear();
            own.extend_from_slice(new);
        }
        self.first.push(Reverse(head));
        Ok(())
    }
}

/// Reads rows one after the other.
#[derive(Debug)]
struct Rows<'s> {
    of: &'s Spooled,
    /// What was not read yet.
    left: Range<u64>,
    /// Bytes that are read at a time.
    size: usize,
    block: Vec<u8>,
    /// Bytes of the block that were given.
    reached: usize,
}

impl Rows<'_> {
    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// Where the file cannot be read.
    fn next(&mut self) -> io::Result<Option<Row<'_>>> {
        if self.reached == self.block.len() && self.left.is_empty() {
            return Ok(None);
        }
        self.have(HEAD)?;
        let (head, _) = self.block[self.reached..].as_chunks();
        let [key, record] = [0, 1].map(|k| u32::from_le_bytes(head[k]) as usize);
        self.have(HEAD + key + record)?;
        let row = &self.block[self.reached + HEAD..][..key + record];
        self.reached += HEAD + row.len();
        Ok(Some(row.split_at(key)))
    }

    /// Reads on until the block has so many bytes that were not given.
    fn have(&mut self, n: usize) -> io::Result<()> {
        if self.block.len() - self.reached >= n {
            return Ok(());
        }
        self.block.drain(..self.reached);
        self.reached = 0;
        let (held, size) = (self.block.len(), self.size.max(n));
        let more = (self.left.end - self.left.start).min((size - held) as u64);
        if held + (more as usize) < n {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.block.resize(held + more as usize, 0);
        self.of.read_at(self.left.start, &mut self.block[held..])?;
        self.left.start += more;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    #[test]
    fn rows_of_any_length_read_back_from_memory_and_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        for (n, is_held) in [(50, true), (400, false)] {
            let row = |i: usize| (vec![i as u8; i % 7], vec![7; i * i % 90_001]);
            let mut spool = Spool::beside(Some(folder.path()));
            let mut middle = 0;
            for i in 0..n {
                middle = if i == n / 2 { spool.n_bytes() } else { middle };
                spool.push(&row(i).0, &row(i).1).unwrap();
            }
            let n_bytes = spool.n_bytes();
            let spooled = spool.finish().unwrap();
            assert_eq!(matches!(spooled, Spooled::Held(_)), is_held);
            for (place, first) in [(0..n_bytes, 0), (middle..n_bytes, n / 2)] {
                let mut rows = spooled.merged(iter::once(place));
                for i in first..n {
                    let (key, record) = rows.next().unwrap().unwrap();
                    assert_eq!((key.to_vec(), record.to_vec()), row(i));
                }
                assert_eq!(rows.next().unwrap(), None);
            }
            // A place that ends within a row is a fault, not a row.
            let mut rows = spooled.merged(iter::once(middle..n_bytes - 1));
            let ended = iter::repeat_with(|| rows.next().map(|row| row.is_some()));
            assert!(ended.take_while(|row| !matches!(row, Ok(false))).any(|row| row.is_err()));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
