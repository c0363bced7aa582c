//! Lists of numbers that are put away until they are asked for: in a file, where they are many.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Numbers that are held until they are written together: 1 MB.
const MAX_HELD: usize = 128 << 10;
/// Bytes of a number.
const N_BYTES: usize = 8;

/// Where a list lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    start: u64,
    n: u32,
}

impl Place {
    /// Numbers of the list.
    pub fn len(self) -> usize {
        self.n as usize
    }
}

/// Lists that were put away.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// The numbers after those in the file.
    held: Vec<u64>,
    n_written: u64,
    file: Option<File>,
    /// Folder for the file; `None`: the system's.
    folder: Option<PathBuf>,
    /// Bytes on their way to or from the file.
    bytes: Vec<u8>,
}

impl Shelf {
    /// An empty one. `folder`: where to put what does not fit in memory.
    pub fn beside(folder: Option<PathBuf>) -> Self {
        Shelf { folder, ..Shelf::default() }
    }

    /// Puts a list away.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn put(&mut self, numbers: &[u64]) -> io::Result<Place> {
        let n = u32::try_from(numbers.len()).map_err(io::Error::other)?;
        if self.held.len() + numbers.len() > MAX_HELD {
            self.write()?;
        }
        let start = self.n_written + self.held.len() as u64;
        self.held.extend_from_slice(numbers);
        Ok(Place { start, n })
    }

    fn write(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(nameless(self.folder.as_deref())?),
        };
        self.bytes.clear();
        self.bytes.extend(self.held.iter().flat_map(|number| number.to_le_bytes()));
        file.seek(SeekFrom::End(0))?;
        file.write_all(&self.bytes)?;
        self.n_written += self.held.len() as u64;
        self.held.clear();
        Ok(())
    }

    /// A list that was put away.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn get(&mut self, place: Place) -> io::Result<Vec<u64>> {
        if let Some(start) = place.start.checked_sub(self.n_written) {
            return Ok(self.held[start as usize..][..place.len()].to_vec());
        }
        let Some(file) = &mut self.file else { return Ok(Vec::new()) };
        self.bytes.resize(place.len() * N_BYTES, 0);
        file.seek(SeekFrom::Start(place.start * N_BYTES as u64))?;
        file.read_exact(&mut self.bytes)?;
        Ok(self.bytes.as_chunks().0.iter().map(|number| u64::from_le_bytes(*number)).collect())
    }
}

/// A file without a name, which the system removes whatever happens. `folder`: where it is; `None`: where the system has
/// such files.
pub(super) fn nameless(folder: Option<&Path>) -> io::Result<File> {
    folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back_as_they_were_put() {
        let mut shelf = Shelf::default();
        let list = |k: u64| (0..k * 37 % 1_000).map(|i| i * k).collect::<Vec<u64>>();
        let places: Vec<Place> = (0..2_000).map(|k| shelf.put(&list(k)).unwrap()).collect();
        let long: Vec<u64> = (0..3 * MAX_HELD as u64).collect();
        let last = shelf.put(&long).unwrap();
        assert!(shelf.n_written > 0 && !shelf.held.is_empty());
        for (k, place) in places.iter().enumerate().rev() {
            assert_eq!(shelf.get(*place).unwrap(), list(k as u64));
        }
        assert_eq!((shelf.get(last).unwrap(), last.len()), (long, 3 * MAX_HELD));
        let after = shelf.put(&[7, 8]).unwrap();
        assert_eq!(shelf.get(after).unwrap(), [7, 8]);
        assert_eq!(shelf.get(places[5]).unwrap(), list(5));
    }
}
