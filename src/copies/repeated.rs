//! Which of very many hashes come more than once, in bounded memory: what does not fit lies in files until it
//! is counted.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

use rayon::prelude::*;

/// Hashes that are held in memory: 32 MB of them.
const MAX_HELD: usize = 4 << 20;
/// Files that hashes are divided among by their upper bits, so that one at a time is counted.
const N_FILES: usize = 64;

/// Hashes of which it is asked which ones come more than once.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    held: Vec<u64>,
    /// Those that were held before, by their upper bits; empty until memory is full.
    files: Vec<File>,
    /// Folder for the files; `None`: the system's.
    folder: Option<PathBuf>,
}

impl Hashes {
    /// None yet. `folder`: where to put what does not fit in memory.
    pub fn beside(folder: Option<PathBuf>) -> Self {
        Hashes { folder, ..Hashes::default() }
    }

    /// Adds hashes.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn extend(&mut self, hashes: &[u64]) -> io::Result<()> {
        if self.held.len() + hashes.len() > MAX_HELD {
            self.put_away()?;
        }
        self.held.extend_from_slice(hashes);
        Ok(())
    }

    fn put_away(&mut self) -> io::Result<()> {
        if self.files.is_empty() {
            let new = || match &self.folder {
                Some(folder) => tempfile::tempfile_in(folder),
                None => tempfile::tempfile(),
            };
            self.files = (0..N_FILES).map(|_| new()).collect::<io::Result<_>>()?;
        }
        self.held.par_sort_unstable();
        for part in self.held.chunk_by(|a, b| file_of(*a) == file_of(*b)) {
            let bytes: Vec<u8> = part.iter().flat_map(|hash| hash.to_le_bytes()).collect();
            self.files[file_of(part[0])].write_all(&bytes)?;
        }
        self.held.clear();
        Ok(())
    }

    /// Hands those that come more than once to `take`, with how often, in their order.
    ///
    /// # Errors
    /// Where a file cannot be written or read.
    pub fn repeated(mut self, mut take: impl FnMut(u64, usize)) -> io::Result<()> {
        if self.files.is_empty() {
            count(&mut self.held, &mut take);
            return Ok(());
        }
        self.put_away()?;
        drop(std::mem::take(&mut self.held));
        for mut file in self.files {
            let mut bytes = Vec::new();
            file.rewind()?;
            file.read_to_end(&mut bytes)?;
            let hashes = bytes.as_chunks().0.iter().map(|hash| u64::from_le_bytes(*hash));
            let mut hashes: Vec<u64> = hashes.collect();
            drop(bytes);
            count(&mut hashes, &mut take);
        }
        Ok(())
    }
}

fn file_of(hash: u64) -> usize {
    (hash >> (u64::BITS - N_FILES.ilog2())) as usize
}

fn count(hashes: &mut [u64], take: &mut impl FnMut(u64, usize)) {
    hashes.par_sort_unstable();
    for same in hashes.chunk_by(|a, b| a == b).filter(|same| same.len() > 1) {
        take(same[0], same.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_memory_say_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let hash =
            |i: u64| super::super::words::mixed(if i.is_multiple_of(1000) { i / 3000 } else { i });
        let all: Vec<u64> = (1..9_000_000).map(hash).collect();
        let found = |hashes: Hashes| {
            let mut found = Vec::new();
            hashes.repeated(|hash, n| found.push((hash, n))).unwrap();
            found
        };
        let mut in_files = Hashes::beside(Some(folder.path().to_owned()));
        all.chunks(21).for_each(|some| in_files.extend(some).unwrap());
        assert_eq!(in_files.files.len(), N_FILES);
        let in_memory = Hashes { held: all, ..Hashes::default() };
        let found_in_memory = found(in_memory);
        assert_eq!(found_in_memory.len(), 3000);
        assert_eq!(found(in_files), found_in_memory);
    }
}
