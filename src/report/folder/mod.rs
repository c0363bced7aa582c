//! The output folder: whole or not at all.
//!
//! Everything is opened before the long work begins, written into a staging folder inside the
//! output folder (so on the same file system), and moved in at [`OutputFolder::commit`]. An earlier
//! run in the folder stays as it is until then. `run.json` is removed first and moved in last:
//! whoever finds it may trust the rest. Dropped without a commit, the folder is as it was before.
//! What the files are is said by `datapackage.json`, which every folder gets.

mod claim;
mod staged;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::{Error, Result};

use super::jsonl::json_file;
use super::package;
use super::run::{FileWritten, RunFile};

use claim::check_contents;

pub(super) use claim::{ClaimedFolder, STAGING_PREFIX, foreign, names_in};
pub use staged::{OutputFile, StagedFile};

/// The folder, in the output folder, of what is kept of a run until it is finished.
pub const KEPT_FOLDER: &str = ".resume";

/// An output folder that several processes keep their parts in, and none finishes, until it is dropped.
#[derive(Debug)]
pub struct SharedFolder {
    _folder: ClaimedFolder,
}

impl SharedFolder {
    /// Makes `dir` ready, or refuses it, as [`OutputFolder::create`] does.
    ///
    /// # Errors
    /// Those of [`OutputFolder::create`].
    pub fn enter(dir: impl AsRef<Path>) -> Result<Self> {
        Ok(SharedFolder { _folder: ClaimedFolder::share(dir.as_ref())? })
    }
}

/// A folder that will hold the output of one run.
#[derive(Debug)]
pub struct OutputFolder {
    // Dropped in this order: first what is staged, then the folder that holds it.
    staging: TempDir,
    folder: ClaimedFolder,
    open: BTreeSet<OutputFile>,
    kept: Vec<(OutputFile, FileWritten)>,
}

impl OutputFolder {
    /// Makes `dir` ready to be written, or refuses it before any work is done: where it is a file,
    /// cannot be written, holds what is not ours, or is being written by another run.
    ///
    /// # Errors
    /// [`Error::Usage`] where another folder should be given; [`Error::Io`] where the file system
    /// refuses.
    pub fn create(dir: impl AsRef<Path>) -> Result<Self> {
        let folder = ClaimedFolder::claim(dir.as_ref(), check_contents)?;
        let staging = staging_in(folder.path())?;
        Ok(OutputFolder { staging, folder, open: BTreeSet::new(), kept: Vec::new() })
    }

    /// The folder's path, as it was given.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the files that were kept lie until they are committed, by their names.
    pub fn staging(&self) -> &Path {
        self.staging.path()
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
        Ok(StagedFile::new(file, target, staged))
    }

    /// Takes back a file that is whole: its bytes are on the disk when this returns.
    pub fn keep(&mut self, staged: StagedFile) -> Result<()> {
        let file = staged.file();
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

    /// As [`OutputFolder::commit`], but all other files of the earlier run stay: `run` is that run,
    /// whose `files` are brought up to date.
    ///
    /// # Errors
    /// Those of `commit`.
    pub fn amend(mut self, mut run: RunFile) -> Result<()> {
        self.describe(&run.files)?;
        let is_new = |name: &str| self.kept.iter().any(|(_, written)| written.name == name);
        run.files.retain(|file| !is_new(&file.name));
        run.files.extend(self.kept.iter().map(|(_, written)| written.clone()));
        self.place(run, false, |from, to| fs::rename(from, to))
    }

    fn commit_with(
        mut self,
        mut run: RunFile,
        rename: impl Fn(&Path, &Path) -> io::Result<()>,
    ) -> Result<()> {
        self.describe(&[])?;
        run.files = self.kept.iter().map(|(_, written)| written.clone()).collect();
        self.place(run, true, rename)
    }

    /// Writes `datapackage.json`: of the files that were kept, and of `others`, which stay.
    fn describe(&mut self, others: &[FileWritten]) -> Result<()> {
        let named = |name: &str| OutputFile::ALL.into_iter().find(|file| file.name() == name);
        let kept = self.kept.iter().map(|(file, _)| *file);
        let files = kept.chain(others.iter().filter_map(|file| named(&file.name)));
        let package = package::of_folder(&files.chain([OutputFile::Run]).collect());
        self.write(OutputFile::DataPackage, |out| json_file(&package, out))
    }

    fn place(
        mut self,
        mut run: RunFile,
        is_whole: bool,
        rename: impl Fn(&Path, &Path) -> io::Result<()>,
    ) -> Result<()> {
        run.files.sort_by(|a, b| a.name.cmp(&b.name));
        self.stage_run(&run)?;
        self.check_staged()?;

        remove_file(&self.target(OutputFile::Run))?;
        sync_folder(self.path())?;
        for (file, _) in &self.kept {
            self.move_in(*file, &rename)?;
        }
        if is_whole {
            self.remove_leftovers()?;
        }
        sync_folder(self.path())?;
        self.move_in(OutputFile::Run, &rename)?;
        sync_folder(self.path())?;
        self.folder.keep();
        if is_whole {
            remove_folder(&self.path().join(KEPT_FOLDER))?;
        }
        Ok(())
    }

    fn target(&self, file: OutputFile) -> PathBuf {
        self.folder.path().join(file.name())
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

/// A folder for what is not yet whole, inside the one that it will be moved into.
pub(super) fn staging_in(dir: &Path) -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix(&format!("{STAGING_PREFIX}{}-", std::process::id()))
        .tempdir_in(dir)
        .map_err(|source| Error::io(dir, "write into", source))
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

fn refuse_folder_at(target: &Path) -> Result<()> {
    match target.is_dir() {
        true => Err(Error::io(target, "replace", io::ErrorKind::IsADirectory.into())),
        false => Ok(()),
    }
}

pub(super) fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io(path, "remove", e)),
        _ => Ok(()),
    }
}

fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io(path, "remove", e)),
        _ => Ok(()),
    }
}

/// Makes the names in a folder durable. Where a folder cannot be opened (Windows), the system
/// has no such call and needs none.
pub(super) fn sync_folder(dir: &Path) -> Result<()> {
    match cfg!(unix) {
        true => File::open(dir)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| Error::io(dir, "sync", source)),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::run_file;

    /// A finished run in `dir` whose files hold `text`.
    fn finished(dir: &Path, files: &[OutputFile], text: &str) {
        let mut folder = OutputFolder::create(dir).unwrap();
        for &file in files {
            write(&mut folder, file, text);
        }
        folder.commit(run_file()).unwrap();
    }

    fn write(folder: &mut OutputFolder, file: OutputFile, text: &str) {
        let fill = |mut out: StagedFile| out.write_all(text.as_bytes()).map(|()| out);
        folder.write(file, fill).unwrap();
    }

    /// Every file below `dir` with its contents.
    fn contents(dir: &Path) -> Vec<(String, String)> {
        let read = |name: String| {
            let text = fs::read_to_string(dir.join(&name)).unwrap();
            (name, text)
        };
        names_in(dir).unwrap().into_iter().map(read).collect()
    }

    const BOTH: [OutputFile; 2] = [OutputFile::Documents, OutputFile::Rejects];

    #[test]
    fn a_run_holds_every_file_with_its_size_and_hash() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("new/out");
        finished(&dir, &BOTH, "Häuser\n");
        let all = ["datapackage.json", "documents.jsonl", "rejects.jsonl", "run.json"];
        assert_eq!(names_in(&dir).unwrap(), all);
        let run: RunFile =
            serde_json::from_slice(&fs::read(dir.join("run.json")).unwrap()).unwrap();
        let names: Vec<&str> = run.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, all[..3]);
        for file in &run.files {
            let bytes = fs::read(dir.join(&file.name)).unwrap();
            assert_eq!(bytes == "Häuser\n".as_bytes(), file.name != all[0]);
            assert_eq!(file.bytes, bytes.len() as u64);
            assert_eq!(file.blake3, blake3::hash(&bytes).to_hex().as_str());
        }
    }

    #[test]
    fn a_later_run_replaces_an_earlier_one_whole_and_leaves_foreign_files() {
        let root = tempfile::tempdir().unwrap();
        finished(root.path(), &BOTH, "old");
        fs::write(root.path().join("notes.txt"), "mine").unwrap();
        finished(root.path(), &[OutputFile::Documents], "new");
        let names = names_in(root.path()).unwrap();
        assert_eq!(names, ["datapackage.json", "documents.jsonl", "notes.txt", "run.json"]);
        assert_eq!(fs::read_to_string(root.path().join("documents.jsonl")).unwrap(), "new");
    }

    /// The files that `datapackage.json` speaks of.
    fn described(dir: &Path) -> Vec<String> {
        let bytes = fs::read(dir.join("datapackage.json")).unwrap();
        let package: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let resources = package["resources"].as_array().unwrap().iter();
        resources.map(|file| file["path"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_file_is_described_also_those_that_stay_when_a_run_is_amended() {
        let root = tempfile::tempdir().unwrap();
        finished(root.path(), &BOTH, "old");
        assert_eq!(described(root.path()), ["documents.jsonl", "rejects.jsonl", "run.json"]);
        let run = || serde_json::from_slice(&fs::read(root.path().join("run.json")).unwrap());
        let mut folder = OutputFolder::create(root.path()).unwrap();
        write(&mut folder, OutputFile::Report, "page");
        folder.amend(run().unwrap()).unwrap();
        let all = ["documents.jsonl", "rejects.jsonl", "report.html", "run.json"];
        assert_eq!(described(root.path()), all);
        let run: RunFile = run().unwrap();
        let names: Vec<&str> = run.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["datapackage.json", "documents.jsonl", "rejects.jsonl", "report.html"]);
    }

    #[test]
    fn without_a_commit_the_earlier_run_stays_whole() {
        let root = tempfile::tempdir().unwrap();
        finished(root.path(), &BOTH, "old");
        let before = contents(root.path());
        let mut folder = OutputFolder::create(root.path()).unwrap();
        write(&mut folder, OutputFile::Documents, "new");
        drop(folder);
        assert_eq!(contents(root.path()), before);
    }

    #[test]
    fn without_a_commit_a_new_folder_is_gone_again() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("out");
        let mut folder = OutputFolder::create(&dir).unwrap();
        write(&mut folder, OutputFile::Documents, "new");
        drop(folder);
        assert!(!dir.exists());
    }

    /// What spoils a commit before anything of the earlier run is touched.
    fn spoiled(spoil: impl FnOnce(&mut OutputFolder, &mut RunFile)) -> (String, bool) {
        let root = tempfile::tempdir().unwrap();
        finished(root.path(), &BOTH, "old");
        let before = contents(root.path());
        let mut folder = OutputFolder::create(root.path()).unwrap();
        let mut run = run_file();
        write(&mut folder, OutputFile::Documents, "new");
        spoil(&mut folder, &mut run);
        let error = folder.commit(run).unwrap_err();
        let cause = std::error::Error::source(&error).map_or(String::new(), |e| e.to_string());
        (format!("{error}: {cause}"), contents(root.path()) == before)
    }

    #[test]
    fn a_commit_that_cannot_be_whole_does_not_begin() {
        let (error, untouched) = spoiled(|folder, _| drop(folder.file(OutputFile::Scores)));
        assert!(error.contains("scores.parquet: cannot commit: it was opened but not finished"));
        assert!(untouched);

        let (error, untouched) = spoiled(|folder, _| {
            fs::write(folder.staged(OutputFile::Documents), "n").unwrap();
        });
        assert!(error.contains("documents.jsonl: cannot commit: the staged file has lost bytes"));
        assert!(untouched);

        let (error, untouched) = spoiled(|_, run| run.counts.read += 1);
        assert!(error.contains("run.json: cannot write: 4 records were read but 3 accounted for"));
        assert!(untouched);
    }

    #[test]
    fn when_a_file_cannot_be_moved_nobody_trusts_the_folder() {
        let root = tempfile::tempdir().unwrap();
        finished(root.path(), &BOTH, "old");
        for fails_at in ["documents.jsonl", "rejects.jsonl", "run.json"] {
            let mut folder = OutputFolder::create(root.path()).unwrap();
            BOTH.into_iter().for_each(|file| write(&mut folder, file, "new"));
            let rename = |from: &Path, to: &Path| match to.ends_with(fails_at) {
                true => Err(io::Error::other("disk on fire")),
                false => fs::rename(from, to),
            };
            let error = folder.commit_with(run_file(), rename).unwrap_err();
            assert!(error.to_string().ends_with(&format!("{fails_at}: cannot move into place")));
            assert!(!root.path().join("run.json").exists());
            assert!(!names_in(root.path()).unwrap().iter().any(|n| n.starts_with(".staging")));
        }
        finished(root.path(), &BOTH, "newer");
        assert_eq!(fs::read_to_string(root.path().join("rejects.jsonl")).unwrap(), "newer");
    }

    #[test]
    fn what_is_not_ours_is_refused_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        let error = OutputFolder::create(&file).unwrap_err();
        assert!(error.to_string().contains("is a file"), "{error}");
        assert_eq!(error.exit_code(), 2);

        let error = OutputFolder::create(root.path()).unwrap_err();
        assert!(error.to_string().contains("holds \"file\""), "{error}");

        let other = root.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("run.json"), r#"{"schema": "jogging/1"}"#).unwrap();
        let error = OutputFolder::create(&other).unwrap_err();
        assert!(error.to_string().contains("did not write"), "{error}");
        assert_eq!(names_in(root.path()).unwrap(), ["file", "other"]);
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_is_refused_at_once() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("scores.parquet")).unwrap();
        let mut folder = OutputFolder::create(root.path()).unwrap();
        let error = folder.file(OutputFile::Scores).unwrap_err();
        assert!(error.to_string().ends_with("scores.parquet: cannot replace"), "{error}");
    }

    #[test]
    fn a_file_is_opened_once() {
        let root = tempfile::tempdir().unwrap();
        let mut folder = OutputFolder::create(root.path()).unwrap();
        let _open = folder.file(OutputFile::Scores).unwrap();
        assert!(folder.file(OutputFile::Scores).is_err());
        assert!(folder.file(OutputFile::Run).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_second_run_is_told_who_is_at_work_and_a_killed_one_is_cleaned_up() {
        let root = tempfile::tempdir().unwrap();
        let first = OutputFolder::create(root.path()).unwrap();
        let error = OutputFolder::create(root.path()).unwrap_err();
        let holder = format!("another run (process {}) is writing there", std::process::id());
        assert!(error.to_string().contains(&holder), "{error}");
        drop(first);

        let stale = root.path().join(".staging-1-killed");
        fs::create_dir(&stale).unwrap();
        fs::write(stale.join("documents.jsonl"), "torn").unwrap();
        let _next = OutputFolder::create(root.path()).unwrap();
        assert!(!stale.exists());
    }

    #[test]
    fn a_single_file_is_replaced_whole() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("themes.json");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(contents(root.path()), [("themes.json".to_owned(), "two".to_owned())]);
        let error = write_whole(root.path().join("none/themes.json"), b"three").unwrap_err();
        assert!(error.to_string().ends_with("themes.json: cannot write"), "{error}");
    }
}
