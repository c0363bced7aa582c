//! What the targets share: the doors of the library that take files, with bytes in place of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;
use themeline::document::Document;
use themeline::ingest::{self, IngestOptions, Inputs};

/// Longer records are rejected: what is bounded need not be large to be tried.
const MAX_RECORD_BYTES: u64 = 1 << 20;

/// A folder of this process, in memory where the system has such a file system.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let memory = PathBuf::from("/dev/shm");
    let make = || match memory.is_dir() {
        true => tempfile::tempdir_in(&memory).expect("/dev/shm can be written"),
        false => tempfile::tempdir().expect("a temporary folder can be made"),
    };
    FOLDER.get_or_init(make).path()
}

/// Reads a file of this name (its ending says what it is) and content; the documents. Every one keeps the promises
/// of its type, and every reject has a place.
pub fn read(name: &str, bytes: &[u8]) -> Vec<Document> {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("the folder can be written");
    let options = IngestOptions { max_record_bytes: MAX_RECORD_BYTES, ..IngestOptions::default() };
    let inputs = Inputs::expand(&[path.to_str().expect("it is UTF-8").to_owned()]);
    let Ok(records) = inputs.and_then(|inputs| inputs.read(&options)) else { return Vec::new() };
    let mut documents = Vec::new();
    for record in records {
        match record.and_then(|raw| ingest::parse(raw, &options)) {
            Ok(document) => documents.push(document),
            Err(reject) => assert!(!reject.message.is_empty(), "{reject:?}"),
        }
    }
    documents
}

/// Lets a panic that the library catches pass without a word; one that it does not catch still ends the fuzzer.
pub fn allow_caught_panics() {
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
}
