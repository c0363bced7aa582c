//! Names the code that is built: a hash of the sources and of the locked dependencies, so that what one build
//! has kept is never taken up by another (`src/pipeline/kept.rs`).

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

fn main() {
    let mut files = BTreeSet::from(["Cargo.toml", "Cargo.lock"].map(PathBuf::from));
    gather(Path::new("src"), &mut files);
    let mut hasher = DefaultHasher::new();
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        // A package that was downloaded may have no Cargo.lock.
        hasher.write(&fs::read(&file).unwrap_or_default());
        hasher.write_u8(0xff);
    }
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rustc-env=THEMELINE_BUILD={:016x}", hasher.finish());
}

fn gather(folder: &Path, files: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => gather(&path, files),
            false => drop(files.insert(path)),
        }
    }
}
