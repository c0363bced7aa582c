//! ingest

pub mod date;
pub mod language;
