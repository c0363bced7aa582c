//! The output folder: whole or not at all.
//!
//! Everything is opened before the long work begins, written into a staging folder inside the
//! output folder (so on the same file system), and moved in at [`OutputFolder::commit`]. An earlier
//! run in the folder stays as it is until then. `run.json` is removed first and moved in last:
//! whoever finds it may trust the rest. Dropped without a commit, the folder is as it was before.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tempfile::TempDir;

use crate::error::{Error, Result};

use super::jsonl::json_file;
use super::run::{FileWritten, RunFile};

const STAGING_PREFIX: &str = ".staging-";
const FOLDER_HINT: &str = "give another folder with --out";

/// The files of an output folder.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OutputFile {
    /// `documents.jsonl`
    Documents,
    /// `units.parquet`
    UnitsParquet,
    /// `units.jsonl`
    UnitsJsonl,
    /// `scores.parquet`
    Scores,
    /// `themes.json`
    Themes,
    /// `trends.json`
    TrendsJson,
    /// `trends.parquet`
    TrendsParquet,
    /// `rejects.jsonl`
    Rejects,
    /// `report.html`
    Report,
    /// `run.json`; written by [`OutputFolder::commit`] alone.
    Run,
}

impl OutputFile {
    /// All of them, in the order of the contract.
    pub const ALL: [OutputFile; 10] = [
        OutputFile::Documents,
        OutputFile::UnitsParquet,
        OutputFile::UnitsJsonl,
        OutputFile::Scores,
        OutputFile::Themes,
        OutputFile::TrendsJson,
        OutputFile::TrendsParquet,
        OutputFile::Rejects,
        OutputFile::Report,
        OutputFile::Run,
    ];

    /// The name in the folder.
    pub fn name(self) -> &'static str {
        match self {
            OutputFile::Documents => "documents.jsonl",
            OutputFile::UnitsParquet => "units.parquet",
            OutputFile::UnitsJsonl => "units.jsonl",
            OutputFile::Scores => "scores.parquet",
            OutputFile::Themes => "themes.json",
            OutputFile::TrendsJson => "trends.json",
            OutputFile::TrendsParquet => "trends.parquet",
            OutputFile::Rejects => "rejects.jsonl",
            OutputFile::Report => "report.html",
            OutputFile::Run => "run.json",
        }
    }
}

/// A folder that will hold the output of one run.
#[derive(Debug)]
pub struct OutputFolder {
    // Fields are dropped in this order: the staging folder, the lock, then the folder itself where
    // we made it and nothing was committed.
    staging: TempDir,
    _lock: Option<File>,
    folder: MadeFolder,
    open: BTreeSet<OutputFile>,
    kept: Vec<(OutputFile, FileWritten)>,
}

/// The output folder's path; removed again on drop where we made it and left it empty.
#[derive(Debug)]
struct MadeFolder {
    path: PathBuf,
    ours_to_remove: bool,
}

impl Drop for MadeFolder {
    fn drop(&mut self) {
        if self.ours_to_remove {
            // Fails, as it should, where the folder is not empty.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

impl OutputFolder {
    /// Makes `dir` ready to be written, or refuses it before any work is done: where it is a file,
    /// cannot be written, holds what is not ours, or is being written by another run.
    ///
    /// # Errors
    /// [`Error::Usage`] where another folder should be given; [`Error::Io`] where the file system
    /// refuses.
    pub fn create(dir: impl AsRef<Path>) -> Result<Self> {
        let folder = make_folder(dir.as_ref())?;
        check_contents(&folder.path)?;
        let lock = lock(&folder.path)?;
        if lock.is_some() {
            remove_stale_staging(&folder.path)?;
        }
        let staging = tempfile::Builder::new()
            .prefix(&format!("{STAGING_PREFIX}{}-", std::process::id()))
            .tempdir_in(&folder.path)
            .map_err(|source| Error::io(&folder.path, "write into", source))?;
        Ok(OutputFolder { staging, _lock: lock, folder, open: BTreeSet::new(), kept: Vec::new() })
    }

    /// The folder's path, as it was given.
    pub fn path(&self) -> &Path {
        &self.folder.path
    }

    /// Opens a file of the folder, in staging. Give it back to [`OutputFolder::keep`] once it is
    /// whole.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be created, is opened twice, or a folder stands at its place.
    pub fn file(&mut self, file: OutputFile) -> Result<StagedFile> {
        let target = self.target(file);
        refuse_folder_at(&target)?;
        if file == OutputFile::Run || !self.open.insert(file) {
            let fault = io::Error::other("it is already being written");
            return Err(Error::io(target, "create", fault));
        }
        let staged = File::create_new(self.staging.path().join(file.name()))
            .map_err(|source| Error::io(&target, "create", source))?;
        Ok(StagedFile {
            file,
            target,
            out: BufWriter::with_capacity(1 << 16, staged),
            hasher: blake3::Hasher::new(),
            bytes: 0,
        })
    }

    /// Takes back a file that is whole: its bytes are on the disk when this returns.
    pub fn keep(&mut self, staged: StagedFile) -> Result<()> {
        let file = staged.file;
        let written = staged.close()?;
        self.open.remove(&file);
        self.kept.push((file, written));
        Ok(())
    }

    /// Opens, fills and keeps a file in one go.
    pub fn write(
        &mut self,
        file: OutputFile,
        fill: impl FnOnce(StagedFile) -> io::Result<StagedFile>,
    ) -> Result<()> {
        let target = self.target(file);
        let staged = fill(self.file(file)?).map_err(|e| Error::io(target, "write", e))?;
        self.keep(staged)
    }

    /// Moves all files that were kept into place and, last, `run.json`: `run` with its `files` filled
    /// in. Files of an earlier run that this one did not write are removed.
    ///
    /// # Errors
    /// Before anything of an earlier run is touched: where a file was opened but not kept, the
    /// counts do not add up, or a staged file is not what was written. Later, where the file system
    /// refuses: then the folder has no `run.json`, and nobody trusts it.
    pub fn commit(self, run: RunFile) -> Result<()> {
        self.commit_with(run, |from, to| fs::rename(from, to))
    }

    fn commit_with(
        mut self,
        mut run: RunFile,
        rename: impl Fn(&Path, &Path) -> io::Result<()>,
    ) -> Result<()> {
        self.kept.sort_by_key(|(_, written)| written.name.clone());
        run.files = self.kept.iter().map(|(_, written)| written.clone()).collect();
        self.stage_run(&run)?;
        self.check_staged()?;

        remove_file(&self.target(OutputFile::Run))?;
        sync_folder(self.path())?;
        for (file, _) in &self.kept {
            self.move_in(*file, &rename)?;
        }
        self.remove_leftovers()?;
        sync_folder(self.path())?;
        self.move_in(OutputFile::Run, &rename)?;
        sync_folder(self.path())?;
        self.folder.ours_to_remove = false;
        Ok(())
    }

    fn target(&self, file: OutputFile) -> PathBuf {
        self.folder.path.join(file.name())
    }

    fn staged(&self, file: OutputFile) -> PathBuf {
        self.staging.path().join(file.name())
    }

    fn stage_run(&self, run: &RunFile) -> Result<()> {
        let target = self.target(OutputFile::Run);
        let stage = || {
            run.counts.check()?;
            let staged = BufWriter::new(File::create_new(self.staged(OutputFile::Run))?);
            json_file(run, staged)?.into_inner()?.sync_all()
        };
        stage().map_err(|source| Error::io(&target, "write", source))
    }

    /// All that can be checked while an earlier run is still whole.
    fn check_staged(&self) -> Result<()> {
        if let Some(file) = self.open.first() {
            let fault = io::Error::other("it was opened but not finished");
            return Err(Error::io(self.target(*file), "commit", fault));
        }
        for (file, written) in &self.kept {
            let target = self.target(*file);
            refuse_folder_at(&target)?;
            let staged = fs::metadata(self.staged(*file))
                .map_err(|source| Error::io(&target, "commit", source))?;
            if staged.len() != written.bytes {
                let fault = io::Error::other("the staged file has lost bytes");
                return Err(Error::io(target, "commit", fault));
            }
        }
        refuse_folder_at(&self.target(OutputFile::Run))?;
        sync_folder(self.staging.path())
    }

    fn move_in(
        &self,
        file: OutputFile,
        rename: impl Fn(&Path, &Path) -> io::Result<()>,
    ) -> Result<()> {
        let target = self.target(file);
        rename(&self.staged(file), &target)
            .map_err(|source| Error::io(target, "move into place", source))
    }

    fn remove_leftovers(&self) -> Result<()> {
        let is_new = |file| self.kept.iter().any(|(kept, _)| *kept == file);
        OutputFile::ALL
            .into_iter()
            .filter(|&file| file != OutputFile::Run && !is_new(file))
            .try_for_each(|file| remove_file(&self.target(file)))
    }
}

/// A file in staging. What is written to it is counted and hashed on the way.
#[derive(Debug)]
pub struct StagedFile {
    file: OutputFile,
    target: PathBuf,
    out: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl StagedFile {
    /// Where the file will be once the folder is committed.
    pub fn target(&self) -> &Path {
        &self.target
    }

    fn close(self) -> Result<FileWritten> {
        let StagedFile { file, target, out, hasher, bytes } = self;
        out.into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|staged| staged.sync_all())
            .map_err(|source| Error::io(target, "write", source))?;
        let blake3 = hasher.finalize().to_hex().to_string();
        Ok(FileWritten { name: file.name().to_owned(), bytes, blake3 })
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hasher.update(&bytes[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes one file outside an output folder (`themeline fit --out themes.json`), whole or not at
/// all: beside its place first, then moved over it.
pub fn write_whole(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let write = || {
        let mut staged = new_beside(parent)?;
        staged.write_all(bytes)?;
        staged.as_file().sync_all()?;
        staged.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|source| Error::io(path, "write", source))?;
    sync_folder(parent)
}

fn new_beside(parent: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(STAGING_PREFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(parent)
}

fn make_folder(dir: &Path) -> Result<MadeFolder> {
    match fs::metadata(dir) {
        Ok(found) if !found.is_dir() => Err(Error::usage(
            format!("{}: is a file, but the output needs a folder", dir.display()),
            FOLDER_HINT,
        )),
        Ok(_) => Ok(MadeFolder { path: dir.to_path_buf(), ours_to_remove: false }),
        Err(_) => {
            fs::create_dir_all(dir).map_err(|source| Error::io(dir, "create", source))?;
            Ok(MadeFolder { path: dir.to_path_buf(), ours_to_remove: true })
        }
    }
}

/// Refuses a folder whose contents are not a run of ours.
fn check_contents(dir: &Path) -> Result<()> {
    let run = dir.join(OutputFile::Run.name());
    match fs::read(&run) {
        Ok(bytes) if is_run(&bytes) => return Ok(()),
        Ok(_) => return Err(foreign(dir, "has a run.json that themeline did not write")),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(Error::io(run, "read", source)),
    }
    for name in names_in(dir)? {
        let ours = name.starts_with(STAGING_PREFIX)
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

fn foreign(dir: &Path, why: &str) -> Error {
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

fn names_in(dir: &Path) -> Result<Vec<String>> {
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
/// the system cannot lock a folder.
fn lock(dir: &Path) -> Result<Option<File>> {
    let Ok(handle) = File::open(dir) else { return Ok(None) };
    match handle.try_lock() {
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

fn refuse_folder_at(target: &Path) -> Result<()> {
    match target.is_dir() {
        true => Err(Error::io(target, "replace", io::ErrorKind::IsADirectory.into())),
        false => Ok(()),
    }
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io(path, "remove", e)),
        _ => Ok(()),
    }
}

/// Makes the names in a folder durable. Where a folder cannot be opened (Windows), the system
/// has no such call and needs none.
fn sync_folder(dir: &Path) -> Result<()> {
    match cfg!(unix) {
        true => File::open(dir)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| Error::io(dir, "sync", source)),
        false => Ok(()),
    }
}
