//! Model folders to spoil: what the tests of encoders share.

use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// What is wrong with a folder.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "not every test spoils a folder in every way")]
pub enum Fault {
    /// The file is not there.
    Missing(&'static str),
    /// The file stands under another name.
    Renamed(&'static str, &'static str),
    /// The file ends in the middle.
    Cut(&'static str),
    /// In the file stands the second text where the first stood.
    Edited(&'static str, &'static str, &'static str),
}

impl Fault {
    #[allow(dead_code, reason = "not every test spoils a folder so")]
    pub fn befall(self, folder: &Path) {
        match self {
            Self::Missing(file) => fs::remove_file(folder.join(file)).unwrap(),
            Self::Renamed(from, to) => fs::rename(folder.join(from), folder.join(to)).unwrap(),
            Self::Cut(file) => {
                let bytes = fs::read(folder.join(file)).unwrap();
                fs::write(folder.join(file), &bytes[..bytes.len() / 2]).unwrap();
            }
            Self::Edited(file, from, to) => edit(folder, file, from, to),
        }
    }
}

/// A copy of all that stands in `folder`, to be changed.
pub fn copied(folder: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    copy_into(folder, copy.path());
    copy
}

fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy_into(&path, &to),
            false => fs::write(to, fs::read(path).unwrap()).unwrap(),
        }
    }
}

/// Puts `to` in the place of `from`, which must stand in the file.
pub fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    fs::write(path, text.replace(from, to)).unwrap();
}
