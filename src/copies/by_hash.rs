//! What came with each hash. Most come with one value, which takes no list of its own.

use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;

/// For each hash the values that came with it first.
#[derive(Debug)]
pub(super) struct ByHash<V> {
    first: FxHashMap<u64, V>,
    others: FxHashMap<u64, Vec<V>>,
    max_values: usize,
}

impl<V> ByHash<V> {
    /// None yet. `max_values`: those of one hash that are kept, at least 1.
    pub fn of_at_most(max_values: usize) -> Self {
        ByHash { first: FxHashMap::default(), others: FxHashMap::default(), max_values }
    }

    /// Adds a value; gives whether it is kept.
    pub fn add(&mut self, hash: u64, value: V) -> bool {
        match self.first.entry(hash) {
            Entry::Vacant(new) => {
                new.insert(value);
                true
            }
            Entry::Occupied(_) => {
                let others = self.others.entry(hash).or_default();
                let is_kept = others.len() + 1 < self.max_values;
                others.extend(is_kept.then_some(value));
                is_kept
            }
        }
    }

    /// The values of a hash, in the order in which they came.
    pub fn of(&self, hash: u64) -> impl Iterator<Item = &V> {
        let first = self.first.get(&hash);
        // Of a hash that has no first there are no others either.
        let others = first.and_then(|_| self.others.get(&hash));
        first.into_iter().chain(others.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_values_are_kept_in_their_order() {
        let mut by_hash = ByHash::of_at_most(3);
        let added = [(7, 'a'), (8, 'b'), (7, 'c'), (7, 'd'), (7, 'e'), (8, 'f')];
        let is_kept = added.map(|(hash, value)| by_hash.add(hash, value));
        assert_eq!(is_kept, [true, true, true, true, false, true]);
        let values = |hash| by_hash.of(hash).collect::<String>();
        assert_eq!([values(7), values(8), values(9)], ["acd", "bf", ""]);
    }
}
