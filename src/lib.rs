//! themeline reads dated documents and says how much of each is about each theme, how that
//! changed over time, and which sentences every number rests on.
//!
//! Modules stand in reading order, and a module uses only those above it
//! (`tests/layers.rs` proves it):
//!
//! ```text
//! both      files → Corpus → [Unit] → TokenBatch → EmbeddingMatrix
//! fit       EmbeddingMatrix + Codebook → Clustering → ThemeModel
//! score     ThemeModel × [Unit] × EmbeddingMatrix → Scores
//! compare   Scores by period → Trends
//! report    ThemeModel + Scores + Trends → Report → bytes
//! ```

pub mod error;
pub mod stop;
pub mod memory;
pub mod document;
pub mod layout;
pub mod ingest;
pub mod segment;
pub mod copies;
pub mod tokenize;
pub mod embed;
pub mod cluster;
pub mod codebook;
pub mod theme;
pub mod score;
pub mod compare;
pub mod validate;
pub mod report;
pub mod config;
pub mod pipeline;
pub mod cli;

pub use error::{Error, Result};
