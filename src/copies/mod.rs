//! What was said before: documents that repeat a document, passages that repeat a passage, and reports
//! of one event; so that a text that was sent twice counts once. `docs/copies.md` says what counts as
//! what, and why.
//!
//! The corpus is read twice. On the first reading ([`Survey`]) only hashes are kept, 16 bytes each with where they
//! stand: of the id, of the text, 21 of its bands ([`minhash`]) and about one for every 15 words ([`windows`]), in
//! files where they do not fit in memory ([`repeated`]). At its end it is known which of them stand in more than one
//! document or text ([`Shared`]); a text that has none of those is passed over from then on. On the second reading
//! ([`Finder`], in the order of the corpus) the words of those places alone are kept, and every find is checked on
//! them: what is called a copy was compared. Then it is settled which text was said first ([`first`]).
//!
//! So what does not repeat another takes no memory, however many there are.
//!
//! Words are compared by 64-bit hashes. All of it depends on the texts, dates and their order alone.

mod by_hash;
mod events;
mod finder;
mod first;
mod found;
mod keys;
mod minhash;
mod passages;
mod places;
mod repeated;
mod shelf;
mod similar;
mod survey;
mod windows;
mod words;

#[cfg(test)]
mod simulation;

pub use finder::{Finder, Trace};
use found::Repeated;
pub use found::{Copies, CopyFound, CopyKind};
pub use keys::{RepeatedIds, key};
pub use survey::{Marks, Shared, Survey};

/// Words of a shingle: short enough that one changed word spares most, long enough that two texts
/// share few by chance.
pub const SHINGLE_WORDS: usize = 5;
/// Words under which only exact copies of a text are found: short notices of one form, which differ in
/// a number or a name, are none of each other's copies.
pub const MIN_WORDS: usize = 40;
/// The part of their shingles that a near-copy and its original share, at least (Jaccard).
pub const MIN_SIMILARITY: f64 = 0.8;
/// Words of a passage, at least: longer than the set phrases of a trade.
pub const PASSAGE_WORDS: usize = 40;
/// Days that the reports of one event lie apart, at most.
pub const EVENT_DAYS: u32 = 3;
/// The part of its shingles that the shorter of two reports of one event shares with the other, at
/// least.
pub const MIN_EVENT_SIMILARITY: f64 = 0.2;
