//! What texts and ids are known by, and which ids stand at more than one document: of all others nothing need be
//! kept to see that one comes again.

use rustc_hash::FxHashSet;

/// What a text or an id is known by: the start of its BLAKE3 hash; of millions no two have the same.
pub fn key(text: &str) -> u128 {
    let mut head = [0; 16];
    head.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    u128::from_le_bytes(head)
}

/// Half of a key, for where no harm is done if two that differ have it in common.
pub(super) fn half(key: u128) -> u64 {
    key as u64
}

/// The ids that stand at more than one document of a corpus.
#[derive(Debug, Clone, Default)]
pub struct RepeatedIds {
    /// Halves of their keys.
    keys: FxHashSet<u64>,
    /// The sum of those of all documents, less those that were read again: 0 when they were the same.
    unread: u64,
}

impl RepeatedIds {
    /// Counts a document in.
    pub(super) fn count(&mut self, id_key: u64) {
        self.unread = self.unread.wrapping_add(id_key);
    }

    /// Adds an id that stands at more than one document.
    pub(super) fn add(&mut self, id_key: u64) {
        self.keys.insert(id_key);
    }

    /// Whether an id may stand at more than one document.
    pub(super) fn has(&self, id: &str) -> bool {
        self.keys.contains(&half(key(id)))
    }

    /// Notes that a document is read again; gives whether its id may stand at more than one.
    pub(super) fn reread(&mut self, id: &str) -> bool {
        let id_key = half(key(id));
        self.unread = self.unread.wrapping_sub(id_key);
        self.keys.contains(&id_key)
    }

    /// Whether all documents were read again, each once, and no others.
    pub(super) fn are_all_reread(&self) -> bool {
        self.unread == 0
    }
}
