//! Which of very many hashes stand in more than one place, in bounded memory: what does not fit lies in a file
//! until it is counted.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;

use rayon::prelude::*;

use super::shelf::nameless;

/// Entries that are held in memory, while they come and while they are counted: 8 MB of them.
const MAX_HELD: usize = 512 << 10;
/// Bytes of an entry in the file.
const N_BYTES: usize = 16;
/// Parts that a block of the file is divided into by the upper bits of the hashes, so that as many as fit in
/// memory are counted at a time.
const N_PARTS: usize = 1 << 12;
/// Bytes that are read or written at a time.
const N_BUFFER: usize = 32 << 10;

/// A hash, and in the lower half where it stands.
type Entry = u128;

fn hash_of(entry: Entry) -> u64 {
    (entry >> u64::BITS) as u64
}

fn part_of(entry: Entry) -> usize {
    (entry >> (Entry::BITS - N_PARTS.ilog2())) as usize
}

/// Hashes of which it is asked which ones stand in more than one place.
#[derive(Debug)]
pub(super) struct Hashes {
    /// Places of a hash that are counted: whether there are more does not matter.
    max_places: usize,
    held: Vec<Entry>,
    /// Those that were held before.
    file: Option<Blocks>,
    /// Folder for the file; `None`: the system's.
    folder: Option<PathBuf>,
}

impl Hashes {
    /// None yet. `max_places`: how far the places of a hash are counted, at least 2; `folder`: where to put what
    /// does not fit in memory.
    pub fn beside(folder: Option<PathBuf>, max_places: usize) -> Self {
        Hashes { max_places, held: Vec::new(), file: None, folder }
    }

    /// Adds hashes that stand in one place.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn extend(&mut self, place: u64, hashes: &[u64]) -> io::Result<()> {
        for &hash in hashes {
            if self.held.len() == MAX_HELD {
                self.put_away()?;
            }
            if self.held.capacity() == 0 {
                self.held.reserve_exact(MAX_HELD);
            }
            self.held.push(Entry::from(hash) << u64::BITS | Entry::from(place));
        }
        Ok(())
    }

    fn put_away(&mut self) -> io::Result<()> {
        let blocks = match &mut self.file {
            Some(blocks) => blocks,
            None => self.file.insert(Blocks::new(nameless(self.folder.as_deref())?)),
        };
        thin(&mut self.held, self.max_places);
        blocks.add(&self.held)?;
        self.held.clear();
        Ok(())
    }

    /// Hands those that stand in more than one place to `take`, with the number of places, in their order.
    ///
    /// # Errors
    /// Where the file cannot be written or read.
    pub fn repeated(mut self, mut take: impl FnMut(u64, usize)) -> io::Result<()> {
        if self.file.is_none() {
            thin(&mut self.held, self.max_places);
            count(&self.held, &mut take);
            return Ok(());
        }
        self.put_away()?;
        let Hashes { max_places, mut held, file, .. } = self;
        let Some(mut blocks) = file else { return Ok(()) };
        for parts in blocks.parts_of(MAX_HELD) {
            blocks.read(parts, max_places, &mut held)?;
            count(&held, &mut take);
        }
        Ok(())
    }
}

/// Sorts entries; of those of one hash `max_places` are left, each once.
fn thin(entries: &mut Vec<Entry>, max_places: usize) {
    entries.par_sort_unstable();
    entries.dedup();
    let (mut last, mut n_places) = (0, 0);
    entries.retain(|&entry| {
        n_places = if hash_of(entry) == last { n_places + 1 } else { 1 };
        last = hash_of(entry);
        n_places <= max_places
    });
}

fn count(thinned: &[Entry], take: &mut impl FnMut(u64, usize)) {
    let same = thinned.chunk_by(|a, b| hash_of(*a) == hash_of(*b));
    same.filter(|same| same.len() > 1).for_each(|same| take(hash_of(same[0]), same.len()));
}

/// A file of blocks of entries, each sorted.
#[derive(Debug)]
struct Blocks {
    file: File,
    /// For each block where it begins, in entries, and the number of entries before the end of each of its parts.
    blocks: Vec<(u64, Box<[u32]>)>,
    n_entries: u64,
}

impl Blocks {
    fn new(file: File) -> Self {
        Blocks { file, blocks: Vec::new(), n_entries: 0 }
    }

    fn add(&mut self, sorted: &[Entry]) -> io::Result<()> {
        let ends = (0..N_PARTS).map(|part| sorted.partition_point(|&entry| part_of(entry) <= part));
        self.blocks.push((self.n_entries, ends.map(|end| end as u32).collect()));
        self.n_entries += sorted.len() as u64;
        let mut out = BufWriter::with_capacity(N_BUFFER, &self.file);
        sorted.iter().try_for_each(|entry| out.write_all(&entry.to_le_bytes()))?;
        out.flush()
    }

    /// Parts in a row, that have together at most `max_entries`, or are single.
    fn parts_of(&self, max_entries: usize) -> Vec<Range<usize>> {
        let (mut found, mut start, mut n_entries) = (Vec::new(), 0, 0);
        for part in 0..N_PARTS {
            let within =
                self.blocks.iter().map(|(_, ends)| in_block(ends, &(part..part + 1)).len());
            let own: usize = within.sum();
            if n_entries + own > max_entries && start < part {
                found.push(start..part);
                (start, n_entries) = (part, 0);
            }
            n_entries += own;
        }
        found.push(start..N_PARTS);
        found
    }

    /// Reads the entries of some parts, thinned, into `entries`.
    fn read(
        &mut self,
        parts: Range<usize>,
        max_places: usize,
        entries: &mut Vec<Entry>,
    ) -> io::Result<()> {
        entries.clear();
        // What many texts have fills a part that is none the larger when it is thinned.
        let mut n_full = MAX_HELD;
        for (start, ends) in &self.blocks {
            let within = in_block(ends, &parts);
            if entries.len() + within.len() > n_full {
                thin(entries, max_places);
                n_full = n_full.max(2 * (entries.len() + within.len()));
            }
            self.file.seek(SeekFrom::Start((start + within.start as u64) * N_BYTES as u64))?;
            let bytes = (&self.file).take((within.len() * N_BYTES) as u64);
            let mut bytes = BufReader::with_capacity(N_BUFFER, bytes);
            for _ in within {
                let mut entry = [0; N_BYTES];
                bytes.read_exact(&mut entry)?;
                entries.push(Entry::from_le_bytes(entry));
            }
        }
        thin(entries, max_places);
        Ok(())
    }
}

/// The entries of a block that are in some of its parts.
fn in_block(ends: &[u32], parts: &Range<usize>) -> Range<usize> {
    let end_of = |part: usize| ends[part] as usize;
    parts.start.checked_sub(1).map_or(0, end_of)..end_of(parts.end - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::super::words::mixed;
    use super::*;

    fn found(hashes: Hashes) -> Vec<(u64, usize)> {
        let mut found = Vec::new();
        hashes.repeated(|hash, n| found.push((hash, n))).unwrap();
        found
    }

    /// What is found where the places of each hash are put in a set, and counted.
    fn naive(entries: &[(u64, u64)], max_places: usize) -> Vec<(u64, usize)> {
        let mut places: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for &(hash, place) in entries {
            places.entry(hash).or_default().insert(place);
        }
        let counted = places.into_iter().map(|(hash, places)| (hash, places.len().min(max_places)));
        counted.filter(|&(_, n)| n > 1).collect()
    }

    /// Entered as they come, and put away after every `n_block`.
    fn entered(entries: &[(u64, u64)], max_places: usize, n_block: usize) -> Hashes {
        let mut hashes = Hashes::beside(None, max_places);
        for some in entries.chunks(n_block) {
            some.iter().for_each(|&(hash, place)| hashes.extend(place, &[hash]).unwrap());
            if some.len() == n_block {
                hashes.put_away().unwrap();
            }
        }
        hashes
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_set_of_all_says(
            picks in prop::collection::vec((0_u64..30, 0_u64..20), 0..200),
            max_places in 2_usize..10,
            n_block in 1_usize..80,
        ) {
            let entries: Vec<(u64, u64)> =
                picks.into_iter().map(|(hash, place)| (mixed(hash), mixed(place))).collect();
            let expected = naive(&entries, max_places);
            prop_assert_eq!(found(entered(&entries, max_places, usize::MAX)), expected.clone());
            prop_assert_eq!(found(entered(&entries, max_places, n_block)), expected);
        }
    }

    #[test]
    fn what_does_not_fit_in_memory_lies_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut hashes = Hashes::beside(Some(folder.path().to_owned()), 3);
        let of_place = |place: u64| {
            let hash =
                |k: u64| mixed(if k.is_multiple_of(100) { k / 300 } else { place << 32 | k });
            (1..1_001).map(hash).collect::<Vec<u64>>()
        };
        let mut all = Vec::new();
        for place in 0_u64..1_500 {
            // Every tenth comes twice.
            for _ in 0..1 + u64::from(place.is_multiple_of(10)) {
                hashes.extend(place, &of_place(place)).unwrap();
                all.extend(of_place(place).into_iter().map(|hash| (hash, place)));
            }
        }
        let blocks = hashes.file.as_ref().unwrap();
        assert!(blocks.blocks.len() > 2 && blocks.parts_of(MAX_HELD).len() > 2);
        assert_eq!(hashes.held.capacity(), MAX_HELD);
        assert_eq!(found(hashes), naive(&all, 3));
    }

    #[test]
    fn a_hash_that_stands_everywhere_takes_no_more_memory() {
        let mut hashes = Hashes::beside(None, 9);
        for place in 0..2 * MAX_HELD as u64 {
            hashes.extend(place, &[7, mixed(place)]).unwrap();
        }
        hashes.put_away().unwrap();
        assert!(hashes.file.as_ref().unwrap().n_entries < 3 * MAX_HELD as u64);
        assert_eq!(found(hashes), [(7, 9)]);
    }
}
