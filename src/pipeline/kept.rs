//! What is done is kept in the output folder until the whole is done, so that a run that was cut short goes
//! on from there when it is started again.
//!
//! The fitted themes and the scores of each batch of documents are files of `.resume`, named by a hash of all that
//! they follow from: the code, the encoder, the themes, the parameters, the texts. So there is no list of what
//! was done that could be torn or out of date: what has the right name and an unbroken checksum is taken up, and
//! everything else is done again. The folder is removed once `run.json` stands.

use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::config::Command;
use crate::document::{Document, PeriodLength};
use crate::embed::Embedder;
use crate::error::{Error, Result};
use crate::report::{KEPT_FOLDER, write_whole};
use crate::score::{Evidence, ScoredDocument, ThemeScore, UnitScore};
use crate::theme::ThemeModel;

/// Name of the file that says which command to give again.
const COMMAND: &str = "command.json";

/// Bytes of the checksum at the head of a file.
const N_CHECKSUM: usize = 32;

/// A hash of all that a piece of work follows from.
pub(super) type Key = blake3::Hasher;

/// What scoring finds of a document: language, sentences, units, themes, the share of none, evidence.
type Found =
    (Option<Cow<'static, str>>, usize, Vec<UnitScore>, Vec<ThemeScore>, f64, Vec<Evidence>);

/// What was left by an interrupted run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Documents whose scores were taken up.
    pub n_documents: u64,
    /// Pieces that were torn or damaged, and so done again.
    pub n_damaged: u64,
}

/// The folder of finished pieces of one run.
#[derive(Debug)]
pub(super) struct Kept {
    folder: PathBuf,
    command: Option<Command>,
    /// Whether an earlier run has left the folder.
    is_left: bool,
    has_begun: AtomicBool,
    n_taken_up: AtomicU64,
    n_damaged: AtomicU64,
}

impl Kept {
    /// The pieces beside the output in `out`.
    pub fn beside(out: &Path, command: Option<Command>) -> Self {
        let folder = out.join(KEPT_FOLDER);
        let is_left = folder.is_dir();
        let (n_taken_up, n_damaged) = (AtomicU64::new(0), AtomicU64::new(0));
        let has_begun = AtomicBool::new(false);
        Kept { folder, command, is_left, has_begun, n_taken_up, n_damaged }
    }

    /// The output folder.
    pub fn out(&self) -> &Path {
        self.folder.parent().unwrap_or(&self.folder)
    }

    /// The themes that were fitted before, or those that `fit` gives.
    pub fn themes(
        &self,
        key: &Key,
        fit: impl FnOnce() -> Result<ThemeModel>,
    ) -> Result<ThemeModel> {
        let read = |bytes: Vec<u8>| ThemeModel::from_json(&bytes, &self.folder).ok();
        if let Some(model) = self.taken_up(key).and_then(read) {
            return Ok(model);
        }
        let model = fit()?;
        self.keep(key, &model.to_json())?;
        Ok(model)
    }

    /// A batch of documents, scored before or by `score`.
    pub fn scored(
        &self,
        key: Key,
        documents: Vec<Document>,
        by: PeriodLength,
        score: impl FnOnce(Vec<Document>) -> Result<Vec<ScoredDocument>>,
    ) -> Result<Vec<ScoredDocument>> {
        let key = key_of_texts(key, &documents);
        if let Some(found) = self.taken_up::<Vec<Found>>(&key)
            && found.len() == documents.len()
        {
            self.n_taken_up.fetch_add(found.len() as u64, Ordering::Relaxed);
            let documents = documents.into_iter().zip(found);
            return Ok(documents
                .map(|(document, found)| with_found(document, by, found))
                .collect());
        }
        let scored = score(documents)?;
        self.keep(&key, &scored.iter().map(found).collect::<Vec<_>>())?;
        Ok(scored)
    }

    /// What was taken up so far of an earlier run. (A batch may also repeat one of this run.)
    pub fn resumed(&self) -> Resumed {
        if !self.is_left {
            return Resumed::default();
        }
        let [n_documents, n_damaged] =
            [&self.n_taken_up, &self.n_damaged].map(|n| n.load(Ordering::Relaxed));
        Resumed { n_documents, n_damaged }
    }

    /// The piece of this key, if it is there and whole.
    fn taken_up<T: DeserializeOwned>(&self, key: &Key) -> Option<T> {
        let bytes = match fs::read(self.file(key)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            read => read.unwrap_or_default(),
        };
        let piece = whole(&bytes);
        if piece.is_none() {
            self.n_damaged.fetch_add(1, Ordering::Relaxed);
        }
        piece
    }

    /// Writes a piece in place: one that is torn has no right checksum.
    fn keep(&self, key: &Key, piece: &impl Serialize) -> Result<()> {
        self.begin()?;
        let file = self.file(key);
        let write = || {
            let body = postcard::to_allocvec(piece).map_err(std::io::Error::other)?;
            let body = zstd::encode_all(&body[..], 1)?;
            fs::write(&file, [blake3::hash(&body).as_bytes(), &body[..]].concat())
        };
        write().map_err(|source| Error::io(&file, "write", source))
    }

    /// Makes the folder, with the command that goes on from it, before the first piece.
    fn begin(&self) -> Result<()> {
        if self.has_begun.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, "create", e))?;
        self.command.iter().try_for_each(|command| {
            write_whole(self.folder.join(COMMAND), json!(command).to_string().as_bytes())
        })
    }

    fn file(&self, key: &Key) -> PathBuf {
        self.folder.join(&key.finalize().to_hex()[..32])
    }
}

/// The key that all pieces of this build with this encoder begin with.
pub(super) fn key(of: &str, encoder: &dyn Embedder) -> Key {
    let mut key = blake3::Hasher::new();
    for part in [env!("THEMELINE_BUILD"), of, encoder.fingerprint()] {
        add(&mut key, part.as_bytes());
    }
    key
}

/// Adds a part to a key; no two lists of parts make the same one.
pub(super) fn add(key: &mut Key, part: &[u8]) {
    key.update(&(part.len() as u64).to_le_bytes()).update(part);
}

/// `key` with the texts of the documents, and nothing else of them: it decides their scores.
pub(super) fn key_of_texts(mut key: Key, documents: &[Document]) -> Key {
    documents.iter().for_each(|document| add(&mut key, document.text.as_bytes()));
    key
}

/// The command that was cut short in `out`; `None` where nothing was.
///
/// # Errors
/// `Io` where it is there and cannot be read; `Malformed` where it cannot be understood.
pub fn command(out: &Path) -> Result<Option<Command>> {
    let file = out.join(KEPT_FOLDER).join(COMMAND);
    let bytes = match fs::read(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|source| Error::io(&file, "read", source))?,
    };
    let hint = "give the command that was interrupted again; what it kept is taken up";
    let command = serde_json::from_slice(&bytes)
        .map_err(|e| Error::malformed(&file, (e.line(), e.column()), e.to_string(), hint))?;
    Ok(Some(command))
}

/// `error` with how to go on, where something is kept in `out`.
pub(super) fn with_next_step(error: Error, out: &Path) -> Error {
    let again = format!(
        "`themeline resume {}`, or the same command again, goes on from there",
        out.display()
    );
    with_hint(error, out, &again)
}

/// [`with_next_step`] of one part of a scoring, which alone is to go on.
pub(super) fn with_next_step_of_shard(error: Error, out: &Path) -> Error {
    with_hint(error, out, "the same command again goes on from there")
}

fn with_hint(error: Error, out: &Path, again: &str) -> Error {
    match error {
        Error::Interrupted { signal, .. } if out.join(KEPT_FOLDER).is_dir() => {
            Error::Interrupted { signal, kept: Some(format!("what was done is kept: {again}")) }
        }
        Error::Memory { needed, limit, .. } if out.join(KEPT_FOLDER).is_dir() => {
            let kept =
                "what was done is kept: the same command with more memory goes on from there";
            Error::Memory { needed, limit, kept: Some(kept.to_owned()) }
        }
        other => other,
    }
}

/// What a file holds, if the checksum at its head is right.
fn whole<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (checksum, body) = bytes.split_at_checked(N_CHECKSUM)?;
    if blake3::hash(body).as_bytes() != checksum {
        return None;
    }
    postcard::from_bytes(&zstd::decode_all(body).ok()?).ok()
}

/// Borrowed, a [`Found`].
fn found(scored: &ScoredDocument) -> impl Serialize + '_ {
    let ScoredDocument { language, n_sentences, units, themes, none_share, evidence, .. } = scored;
    (language, n_sentences, units, themes, none_share, evidence)
}

fn with_found(document: Document, by: PeriodLength, found: Found) -> ScoredDocument {
    let (language, n_sentences, units, themes, none_share, evidence) = found;
    ScoredDocument {
        language,
        period: by.of(document.date),
        duplicate_of: None,
        similarity: None,
        n_sentences,
        units,
        themes,
        none_share,
        evidence,
        document,
    }
}
