//! Vectors of earlier runs, so that a corpus which is scored again, with another codebook say, is not
//! embedded again.
//!
//! One SQLite file in the user's cache folder, shared by all runs, also by several at a time. A row is a
//! text or a sentence in its parts, known by a hash of it, of the encoder and of this build; no text is
//! kept. The file is bounded: rows of earlier runs make place for new ones, the oldest first, and
//! where they do not suffice, what comes is not kept. It is never needed: where it cannot be read or
//! written, vectors are computed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension};
use rustc_hash::FxHashMap;

use super::store::{set, user_cache};

/// The variable that moves the cache.
const VARIABLE: &str = "THEMELINE_CACHE";
/// Name of the file.
const FILE: &str = "vectors.sqlite";
/// What `PRAGMA user_version` says of the tables below.
const TABLES: i64 = 1;
/// Bytes of new rows that are written together.
const WRITTEN_TOGETHER: usize = 1 << 22;
/// Bytes of the file that they take at most, about.
const PLACE: u64 = (WRITTEN_TOGETHER + WRITTEN_TOGETHER / 2) as u64;
/// How long another run's writing is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of the checksum at the end of a row.
const N_CHECKSUM: usize = 8;
/// Of the rows of earlier runs the part that makes place at a time: one in so many.
const EVICTED_PART: i64 = 8;

/// What a row is known by: the head of a hash.
pub(super) type Key = [u8; 16];

/// The file of vectors.
pub struct VectorCache {
    file: Mutex<Connection>,
    max_bytes: u64,
    /// Rows that wait to be written, with their bytes.
    new: Mutex<(FxHashMap<Key, Vec<u8>>, usize)>,
    /// Rows up to this one are of earlier runs.
    last_before: i64,
    /// Whether nothing more is to be written: there is no place, or writing failed.
    is_full: AtomicBool,
}

impl VectorCache {
    /// The folder that the user means: `folder` (the flag `--cache-dir`), else the variable
    /// `THEMELINE_CACHE`, else `themeline` in the user's cache folder; `None` where there is none.
    pub fn locate(folder: Option<&Path>) -> Option<PathBuf> {
        let own = || user_cache().map(|cache| cache.join("themeline"));
        folder.map(Path::to_path_buf).or_else(|| set(VARIABLE)).or_else(own)
    }

    /// Opens the cache in `folder`, of at most about `max_bytes`, making it where it is not there. One that
    /// is damaged or of another version begins anew.
    ///
    /// # Errors
    /// Those of SQLite: the folder cannot be written, say.
    pub fn open(folder: &Path, max_bytes: u64) -> rusqlite::Result<Self> {
        let unwritable =
            |error: std::io::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
        std::fs::create_dir_all(folder).map_err(unwritable)?;
        let path = folder.join(FILE);
        let file = match connect(&path) {
            Err(error) if is_damaged(&error) => {
                remove(&path);
                connect(&path)?
            }
            connected => connected?,
        };
        let last = "SELECT coalesce(max(number), 0) FROM vectors";
        let last_before = file.query_row(last, [], |row| row.get(0))?;
        Ok(VectorCache {
            file: Mutex::new(file),
            max_bytes,
            new: Mutex::default(),
            last_before,
            is_full: AtomicBool::new(false),
        })
    }

    /// The rows of `keys`, each where it is there and whole.
    pub(super) fn look_up(&self, keys: &[Key]) -> Vec<Option<Vec<u8>>> {
        let file = locked(&self.file);
        let Ok(mut select) = file.prepare_cached("SELECT row FROM vectors WHERE key = ?1") else {
            return vec![None; keys.len()];
        };
        let new = locked(&self.new);
        let mut find = |key: &Key| {
            if let Some(row) = new.0.get(key) {
                return Some(row.clone());
            }
            let row = select.query_row([key], |row| row.get::<_, Vec<u8>>(0)).optional();
            let mut row = row.ok().flatten()?;
            let checksum = row.split_off(row.len().checked_sub(N_CHECKSUM)?);
            (checksum == checksum_of(key, &row)).then_some(row)
        };
        keys.iter().map(&mut find).collect()
    }

    /// Keeps rows, sooner or later.
    pub(super) fn enter(&self, rows: Vec<(Key, Vec<u8>)>) {
        if self.is_full.load(Ordering::Relaxed) {
            return;
        }
        let mut new = locked(&self.new);
        new.1 += rows.iter().map(|(_, row)| row.len()).sum::<usize>();
        new.0.extend(rows);
        if new.1 >= WRITTEN_TOGETHER {
            let (rows, _) = std::mem::take(&mut *new);
            drop(new);
            self.write(rows);
        }
    }

    fn write(&self, rows: FxHashMap<Key, Vec<u8>>) {
        let mut file = locked(&self.file);
        let written = self.make_place(&file).and_then(|has_place| match has_place {
            true => insert(&mut file, rows).map(|()| true),
            false => Ok(false),
        });
        if let Err(error) = &written {
            tracing::warn!("vectors are not kept for the next run: {error}");
        }
        self.is_full.fetch_or(!written.unwrap_or(false), Ordering::Relaxed);
    }

    /// Removes rows of earlier runs, the oldest first, until there is place for new ones; whether there is.
    fn make_place(&self, file: &Connection) -> rusqlite::Result<bool> {
        while used_bytes(file)? + PLACE > self.max_bytes {
            let oldest = "SELECT min(number) FROM vectors";
            let first: Option<i64> = file.query_row(oldest, [], |row| row.get(0))?;
            let Some(first) = first.filter(|&first| first <= self.last_before) else {
                return Ok(false);
            };
            let end = first + (self.last_before - first) / EVICTED_PART;
            file.execute("DELETE FROM vectors WHERE number <= ?1", [end])?;
        }
        Ok(true)
    }
}

impl Drop for VectorCache {
    fn drop(&mut self) {
        let (rows, _) = std::mem::take(&mut *locked(&self.new));
        if !rows.is_empty() && !self.is_full.load(Ordering::Relaxed) {
            self.write(rows);
        }
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let file = Connection::open(path)?;
    file.busy_timeout(PATIENCE)?;
    file.pragma_update(None, "page_size", 16_384)?;
    file.pragma_update(None, "journal_mode", "wal")?;
    file.pragma_update(None, "synchronous", "normal")?;
    let version: i64 = file.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != TABLES {
        file.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             DROP TABLE IF EXISTS vectors;
             CREATE TABLE vectors (number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, row BLOB NOT NULL);
             PRAGMA user_version = {TABLES};
             COMMIT;"
        ))?;
    }
    Ok(file)
}

fn is_damaged(error: &rusqlite::Error) -> bool {
    let damaged = [ErrorCode::NotADatabase, ErrorCode::DatabaseCorrupt];
    error.sqlite_error_code().is_some_and(|code| damaged.contains(&code))
}

/// Removes the file and what SQLite keeps beside it, as far as they are there.
fn remove(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(end);
        let _ = std::fs::remove_file(file);
    }
}

fn insert(file: &mut Connection, rows: FxHashMap<Key, Vec<u8>>) -> rusqlite::Result<()> {
    let together = file.transaction()?;
    {
        let insert = "INSERT OR IGNORE INTO vectors (key, row) VALUES (?1, ?2)";
        let mut insert = together.prepare_cached(insert)?;
        for (key, mut row) in rows {
            let checksum = checksum_of(&key, &row);
            row.extend(checksum);
            insert.execute((key, row))?;
        }
    }
    together.commit()
}

/// Bytes of the file that hold something.
fn used_bytes(file: &Connection) -> rusqlite::Result<u64> {
    let number =
        |name: &str| file.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let used = (number("page_count")? - number("freelist_count")?) * number("page_size")?;
    Ok(u64::try_from(used).unwrap_or(0))
}

fn checksum_of(key: &Key, row: &[u8]) -> [u8; N_CHECKSUM] {
    let hash = *blake3::Hasher::new().update(key).update(row).finalize().as_bytes();
    std::array::from_fn(|i| hash[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Key {
        let hash = *blake3::hash(&number.to_le_bytes()).as_bytes();
        std::array::from_fn(|i| hash[i])
    }

    fn enter(cache: &VectorCache, numbers: std::ops::Range<u32>) {
        numbers.for_each(|n| cache.enter(vec![(key(n), vec![n as u8; 40_000])]));
    }

    fn n_found(cache: &VectorCache, numbers: std::ops::Range<u32>) -> usize {
        let keys: Vec<Key> = numbers.map(key).collect();
        cache.look_up(&keys).iter().flatten().count()
    }

    #[test]
    fn rows_outlive_the_run_and_a_second_run_beside_it_reads_and_writes_them() {
        let folder = tempfile::tempdir().unwrap();
        enter(&VectorCache::open(folder.path(), u64::MAX).unwrap(), 0..200);
        let first = VectorCache::open(folder.path(), u64::MAX).unwrap();
        let second = VectorCache::open(folder.path(), u64::MAX).unwrap();
        assert_eq!(first.look_up(&[key(7), key(900)]), [Some(vec![7; 40_000]), None]);
        std::thread::scope(|scope| {
            scope.spawn(|| enter(&first, 200..600));
            scope.spawn(|| enter(&second, 400..800));
        });
        drop((first, second));
        let third = VectorCache::open(folder.path(), u64::MAX).unwrap();
        assert_eq!(n_found(&third, 0..900), 800);
    }

    #[test]
    fn it_stays_within_its_bound_and_the_oldest_make_place() {
        let (folder, bound) = (tempfile::tempdir().unwrap(), 20_000_000);
        enter(&VectorCache::open(folder.path(), bound).unwrap(), 0..1_000);
        let of_one_run = VectorCache::open(folder.path(), bound).unwrap();
        let n_first = n_found(&of_one_run, 0..1_000);
        assert!((250..500).contains(&n_first), "{n_first} rows of 40 kB");
        assert_eq!(n_found(&of_one_run, 0..200), 200, "a run does not push out its own");
        enter(&of_one_run, 2_000..2_200);
        drop(of_one_run);
        let after = VectorCache::open(folder.path(), bound).unwrap();
        assert_eq!(n_found(&after, 2_000..2_200), 200);
        assert_eq!(n_found(&after, 0..20), 0);
        assert!(n_found(&after, 300..n_first as u32) > 0);
        let bytes = std::fs::metadata(folder.path().join(FILE)).unwrap().len();
        assert!(bytes <= bound, "{bytes}");
    }

    #[test]
    fn what_is_damaged_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        enter(&VectorCache::open(folder.path(), u64::MAX).unwrap(), 0..200);
        let path = folder.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let cache = VectorCache::open(folder.path(), u64::MAX).unwrap();
        let keys: Vec<Key> = (0..200).map(key).collect();
        for (n, found) in cache.look_up(&keys).into_iter().enumerate() {
            assert!(found.is_none_or(|row| row == vec![n as u8; 40_000]), "{n}");
        }
        drop(cache);
        std::fs::write(&path, "no database").unwrap();
        let cache = VectorCache::open(folder.path(), u64::MAX).unwrap();
        assert_eq!(n_found(&cache, 0..200), 0);
        enter(&cache, 0..200);
    }
}
