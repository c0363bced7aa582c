//! The ids of many texts, packed end to end: no padding, one allocation.

/// Row `i` holds the ids of text `i`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenBatch {
    ids: Vec<u32>,
    /// `n_rows + 1` positions in `ids`, from 0, never falling.
    offsets: Vec<usize>,
}

impl Default for TokenBatch {
    fn default() -> Self {
        TokenBatch { ids: Vec::new(), offsets: vec![0] }
    }
}

impl TokenBatch {
    /// Appends the row that `write` pushes.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u32>)) {
        write(&mut self.ids);
        self.offsets.push(self.ids.len());
    }

    /// Texts in the batch.
    pub fn n_rows(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Tokens in the batch.
    pub fn n_tokens(&self) -> usize {
        self.ids.len()
    }

    /// The ids of text `index`.
    ///
    /// # Panics
    /// Where `index` is not below [`Self::n_rows`].
    pub fn row(&self, index: usize) -> &[u32] {
        &self.ids[self.offsets[index]..self.offsets[index + 1]]
    }

    /// Every row in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        self.offsets.windows(2).map(|pair| &self.ids[pair[0]..pair[1]])
    }
}
