//! ingest

pub mod date;
pub mod html;
pub mod language;
