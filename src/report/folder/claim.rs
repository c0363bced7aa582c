//! Claiming a folder for one run: it must be a folder, hold nothing foreign, and be nobody else's.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};

use super::{KEPT_FOLDER, OutputFile, sync_folder};

/// How the names of our staging folders begin; the process id follows.
pub(in crate::report) const STAGING_PREFIX: &str = ".staging-";

/// Tries for a lock, of one's own or shared.
type TryLock = fn(&File) -> std::result::Result<(), fs::TryLockError>;

/// A folder that this run alone may write, until it is dropped.
#[derive(Debug)]
pub(in crate::report) struct ClaimedFolder {
    path: PathBuf,
    /// Whether to remove it on drop: we made it, and nothing was committed.
    ours_to_remove: bool,
    lock: Option<File>,
}

impl ClaimedFolder {
    /// Claims `dir`, which is made where it does not exist; `check` refuses one whose contents are not ours.
    pub(in crate::report) fn claim(
        dir: &Path,
        check: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Self> {
        let claimed = Self::locked(dir, File::try_lock)?;
        check(dir)?;
        if claimed.lock.is_some() {
            remove_stale_staging(dir)?;
        }
        Ok(claimed)
    }

    /// Claims `dir` together with others that share it, against any that claims it alone.
    pub(in crate::report) fn share(dir: &Path) -> Result<Self> {
        let claimed = Self::locked(dir, File::try_lock_shared)?;
        check_contents(dir)?;
        Ok(claimed)
    }

    fn locked(dir: &Path, try_lock: TryLock) -> Result<Self> {
        let ours_to_remove = make_folder(dir)?;
        let mut claimed = ClaimedFolder { path: dir.to_path_buf(), ours_to_remove, lock: None };
        claimed.lock = lock(dir, try_lock)?;
        Ok(claimed)
    }

    pub(in crate::report) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder holds a run now, and stays.
    pub(in crate::report) fn keep(&mut self) {
        self.ours_to_remove = false;
    }
}

impl Drop for ClaimedFolder {
    fn drop(&mut self) {
        if self.ours_to_remove {
            // Fails, as it should, where the folder is not empty.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Makes the folder where it is not there; true if it was made.
fn make_folder(dir: &Path) -> Result<bool> {
    match fs::metadata(dir) {
        Ok(found) if !found.is_dir() => Err(Error::usage(
            format!("{}: is a file, but the output needs a folder", dir.display()),
            "give another folder with --out",
        )),
        Ok(_) => Ok(false),
        Err(_) => {
            let is_made = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
            let made: Vec<&Path> = dir.ancestors().take_while(is_made).collect();
            fs::create_dir_all(dir).map_err(|source| Error::io(dir, "create", source))?;
            made.iter().filter_map(|folder| folder.parent()).for_each(sync_name);
            Ok(true)
        }
    }
}

/// Makes the name of a new folder durable in its parent: in one that may be written but not read, when the system will.
fn sync_name(parent: &Path) {
    let _ = sync_folder(if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
}

/// Refuses a folder whose contents are not a run of ours.
pub(super) fn check_contents(dir: &Path) -> Result<()> {
    let run = dir.join(OutputFile::Run.name());
    match fs::read(&run) {
        Ok(bytes) if is_run(&bytes) => return Ok(()),
        Ok(_) => return Err(foreign(dir, "has a run.json that themeline did not write")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(Error::io(run, "read", source)),
    }
    for name in names_in(dir)? {
        let ours = name.starts_with(STAGING_PREFIX)
            || name == KEPT_FOLDER
            || OutputFile::ALL.iter().any(|file| file.name() == name);
        if !ours {
            return Err(foreign(
                dir,
                &format!("holds {name:?} and is not a folder of themeline's"),
            ));
        }
    }
    Ok(())
}

pub(in crate::report) fn foreign(dir: &Path, why: &str) -> Error {
    Error::usage(
        format!("{}: {why}", dir.display()),
        "nothing was written there; give a new or empty folder with --out",
    )
}

fn is_run(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    serde_json::from_slice::<Head>(bytes)
        .is_ok_and(|head| head.schema.starts_with("themeline/run/"))
}

pub(in crate::report) fn names_in(dir: &Path) -> Result<Vec<String>> {
    let read = || -> io::Result<Vec<String>> {
        fs::read_dir(dir)?
            .map(|entry| entry.map(|e| e.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    let mut names = read().map_err(|source| Error::io(dir, "read", source))?;
    names.sort();
    Ok(names)
}

/// Locks the folder against other runs until the handle is dropped (also by a kill). `None` where
/// the system cannot open or lock any folder: one that fails to open this one must not leave it to two runs.
fn lock(dir: &Path, try_lock: TryLock) -> Result<Option<File>> {
    let handle = match File::open(dir) {
        Ok(handle) => handle,
        Err(source) if cfg!(unix) => return Err(Error::io(dir, "open", source)),
        Err(_) => return Ok(None),
    };
    match try_lock(&handle) {
        Ok(()) => Ok(Some(handle)),
        Err(fs::TryLockError::WouldBlock) => Err(Error::usage(
            format!("{}: {} is writing there", dir.display(), holder(dir)?),
            "wait for it to end, or give another folder with --out",
        )),
        Err(fs::TryLockError::Error(_)) => Ok(None),
    }
}

/// Who holds the lock, by the name of its staging folder.
fn holder(dir: &Path) -> Result<String> {
    let names = names_in(dir)?;
    let process =
        names.iter().find_map(|name| name.strip_prefix(STAGING_PREFIX)?.split('-').next());
    Ok(process.map_or("another run".to_owned(), |id| format!("another run (process {id})")))
}

/// Removes what a run that was killed left in staging. Only under the lock: nobody is at work.
fn remove_stale_staging(dir: &Path) -> Result<()> {
    for name in names_in(dir)?.iter().filter(|name| name.starts_with(STAGING_PREFIX)) {
        let stale = dir.join(name);
        fs::remove_dir_all(&stale).map_err(|source| Error::io(stale, "remove", source))?;
    }
    Ok(())
}
