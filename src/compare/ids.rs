//! Ids of the documents behind a number.

use std::fmt;

use serde::de::Deserializer;
use serde::ser::{Error as _, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};

use super::store::Documents;

/// Ids of documents, in order. An archive has millions: those of documents that were compared stay where they were
/// stored, and are read from there.
#[derive(Clone)]
pub struct Ids(Kept);

#[derive(Clone)]
enum Kept {
    Listed(Vec<Box<str>>),
    Stored(Documents),
}

impl Ids {
    pub(super) fn of(documents: &Documents) -> Self {
        Ids(Kept::Stored(documents.clone()))
    }

    /// Hands each id to `take`. Groups of documents have none.
    fn each(&self, mut take: impl FnMut(&str)) {
        match &self.0 {
            Kept::Listed(ids) => ids.iter().for_each(|id| take(id)),
            Kept::Stored(documents) => documents.each(|row| {
                if row.document.n_documents == 1 {
                    take(&row.document.id);
                }
            }),
        }
    }

    /// All of them, in memory.
    pub fn list(&self) -> Vec<String> {
        let mut all = Vec::new();
        self.each(|id| all.push(id.to_owned()));
        all
    }
}

impl Default for Ids {
    fn default() -> Self {
        Ids(Kept::Listed(Vec::new()))
    }
}

impl<T: Into<Box<str>>> FromIterator<T> for Ids {
    fn from_iter<I: IntoIterator<Item = T>>(ids: I) -> Self {
        Ids(Kept::Listed(ids.into_iter().map(Into::into).collect()))
    }
}

impl PartialEq for Ids {
    fn eq(&self, other: &Self) -> bool {
        self.list() == other.list()
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list()).finish()
    }
}

impl Serialize for Ids {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(None)?;
        let mut written = Ok(());
        self.each(|id| {
            if written.is_ok() {
                written = list.serialize_element(id);
            }
        });
        written?;
        if let Kept::Stored(documents) = &self.0 {
            documents.store.check().map_err(S::Error::custom)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Ids(Kept::Listed(Vec::deserialize(from)?)))
    }
}
