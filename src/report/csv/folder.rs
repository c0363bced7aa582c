//! A folder of CSV files, written whole or not at all: everything is written aside and moved in at the
//! end. `datapackage.json` is removed first and moved in last; what it lists is ours, and nothing else is
//! ever replaced or removed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::ingest::EXPORT_NAME;
use crate::report::folder::{
    ClaimedFolder, OutputFile, STAGING_PREFIX, foreign, names_in, remove_file, staging_in,
    sync_folder,
};

/// The name of the package, by which the folder is known for one of ours.
pub const NAME: &str = EXPORT_NAME;

/// A folder that will hold CSV files.
#[derive(Debug)]
pub struct CsvFolder {
    // Dropped in this order: first what is staged, then the folder that holds it.
    staging: TempDir,
    folder: ClaimedFolder,
    /// Files of an earlier export.
    earlier: BTreeSet<String>,
    kept: Vec<String>,
}

/// A `datapackage.json`, as far as it matters here.
#[derive(Deserialize)]
struct Package {
    name: String,
    resources: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    path: String,
}

impl CsvFolder {
    /// Makes `dir` ready for files of these names, or refuses it: where it is a file, cannot be written, or
    /// holds what is not ours.
    ///
    /// # Errors
    /// `Usage` where another folder should be given; `Io` where the file system refuses.
    pub fn create(dir: &Path, names: &[String]) -> Result<Self> {
        let folder = ClaimedFolder::claim(dir, |dir| check(dir, names))?;
        let staging = staging_in(folder.path())?;
        let earlier = earlier(dir)?.unwrap_or_default();
        Ok(CsvFolder { staging, folder, earlier, kept: Vec::new() })
    }

    /// Where a file will be.
    pub fn target(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens a file aside.
    ///
    /// # Errors
    /// `Io` where it cannot be created.
    pub fn file(&self, name: &str) -> Result<BufWriter<File>> {
        let staged = File::create_new(self.staging.path().join(name));
        staged.map(BufWriter::new).map_err(|e| Error::io(self.target(name), "create", e))
    }

    /// Takes back a file that is whole: its bytes are on the disk when this returns.
    ///
    /// # Errors
    /// `Io` where the file system refuses.
    pub fn keep(&mut self, name: &str, out: BufWriter<File>) -> Result<()> {
        let file = out.into_inner().map_err(io::IntoInnerError::into_error);
        file.and_then(|file| file.sync_all())
            .map_err(|e| Error::io(self.target(name), "write", e))?;
        self.kept.push(name.to_owned());
        Ok(())
    }

    /// Moves all files into place and, last, `package` as `datapackage.json`. Files of an earlier export
    /// that this one did not write are removed.
    ///
    /// # Errors
    /// `Io` where the file system refuses; then the folder has no `datapackage.json`.
    pub fn commit(mut self, package: &impl serde::Serialize) -> Result<()> {
        let marker = OutputFile::DataPackage.name();
        let mut out = self.file(marker)?;
        let json = serde_json::to_vec_pretty(package).map_err(io::Error::from);
        json.and_then(|json| out.write_all(&json).and_then(|()| out.write_all(b"\n")))
            .map_err(|e| Error::io(self.target(marker), "write", e))?;
        let tables = self.kept.clone();
        self.keep(marker, out)?;

        remove_file(&self.target(marker))?;
        sync_folder(self.folder.path())?;
        tables.iter().try_for_each(|name| self.move_in(name))?;
        let left = self.earlier.iter().filter(|name| !tables.contains(name));
        left.into_iter().try_for_each(|name| remove_file(&self.target(name)))?;
        sync_folder(self.folder.path())?;
        self.move_in(marker)?;
        sync_folder(self.folder.path())?;
        self.folder.keep();
        Ok(())
    }

    fn move_in(&self, name: &str) -> Result<()> {
        let target = self.target(name);
        fs::rename(self.staging.path().join(name), &target)
            .map_err(|source| Error::io(target, "move into place", source))
    }
}

/// Refuses a folder that is not of an export, or in which a file would be replaced that is not.
fn check(dir: &Path, names: &[String]) -> Result<()> {
    let fault = match earlier(dir)? {
        Some(own) => {
            let in_the_way = |name: &&String| !own.contains(*name) && dir.join(name).exists();
            names.iter().find(in_the_way).map(|name| format!("has a {name} of another origin"))
        }
        None => {
            let mut others = names_in(dir)?.into_iter();
            let other = others.find(|name| !name.starts_with(STAGING_PREFIX));
            other.map(|name| format!("holds {name:?} and is not a folder of `themeline export`"))
        }
    };
    fault.map_or(Ok(()), |why| Err(foreign(dir, &why)))
}

/// The files of an export that lies in a folder. `None`: none does.
fn earlier(dir: &Path) -> Result<Option<BTreeSet<String>>> {
    let path = dir.join(OutputFile::DataPackage.name());
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(path, "read", error)),
    };
    let package = serde_json::from_slice::<Package>(&bytes).ok();
    let is_plain =
        |name: &String| Path::new(name).components().count() == 1 && name.ends_with(".csv");
    let files = |package: Package| package.resources.into_iter().map(|listed| listed.path);
    let ours = package.filter(|package| package.name == NAME);
    Ok(ours.map(|package| files(package).filter(is_plain).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(names: &[&str]) -> serde_json::Value {
        let resources: Vec<_> = names.iter().map(|name| json!({"path": name})).collect();
        json!({"name": NAME, "resources": resources})
    }

    fn export(dir: &Path, names: &[&str], text: &str) -> Result<()> {
        let owned: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut folder = CsvFolder::create(dir, &owned)?;
        for name in names {
            let mut out = folder.file(name)?;
            out.write_all(text.as_bytes()).unwrap();
            folder.keep(name, out)?;
        }
        folder.commit(&package(names))
    }

    #[test]
    fn a_later_export_replaces_an_earlier_one_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("csv");
        export(&dir, &["scores.csv", "units.csv"], "old").unwrap();
        fs::write(dir.join("notes.txt"), "mine").unwrap();
        export(&dir, &["units.csv"], "new").unwrap();
        assert_eq!(names_in(&dir).unwrap(), ["datapackage.json", "notes.txt", "units.csv"]);
        assert_eq!(fs::read_to_string(dir.join("units.csv")).unwrap(), "new");
        assert_eq!(fs::read_to_string(dir.join("notes.txt")).unwrap(), "mine");

        fs::write(dir.join("scores.csv"), "mine too").unwrap();
        let error = export(&dir, &["scores.csv"], "new").unwrap_err();
        assert!(error.to_string().ends_with("has a scores.csv of another origin"), "{error}");
        assert_eq!(error.exit_code(), 2);
        assert_eq!(fs::read_to_string(dir.join("scores.csv")).unwrap(), "mine too");
        assert_eq!(fs::read_to_string(dir.join("units.csv")).unwrap(), "new");
    }

    #[test]
    fn what_is_not_finished_leaves_no_trace() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("csv");
        let folder = CsvFolder::create(&dir, &["units.csv".to_owned()]).unwrap();
        folder.file("units.csv").unwrap().write_all(b"half").unwrap();
        drop(folder);
        assert!(!dir.exists());
    }

    #[test]
    fn a_package_of_others_is_left_alone_and_no_path_leads_out() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path();
        fs::write(dir.join("datapackage.json"), r#"{"name": "mine", "resources": []}"#).unwrap();
        let error = export(dir, &["units.csv"], "new").unwrap_err();
        assert!(error.to_string().contains("holds \"datapackage.json\""), "{error}");

        let elsewhere = dir.join("elsewhere.csv");
        fs::write(&elsewhere, "mine").unwrap();
        let csv = dir.join("csv");
        export(&csv, &["units.csv"], "old").unwrap();
        let bent = serde_json::to_vec(&package(&["../elsewhere.csv", "units.csv"])).unwrap();
        fs::write(csv.join("datapackage.json"), bent).unwrap();
        export(&csv, &["scores.csv"], "new").unwrap();
        assert!(elsewhere.exists());
        assert_eq!(names_in(&csv).unwrap(), ["datapackage.json", "scores.csv"]);
    }
}
