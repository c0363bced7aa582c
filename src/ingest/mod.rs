//! ingest

pub mod date;
pub mod furniture;
pub mod html;
pub mod language;
