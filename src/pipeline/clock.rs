//! Where the time of scoring goes: seconds of work by part, added up over all threads.
//!
//! A part that is begun within another, such as the encoder within the scoring of a document, stops
//! the other's time: no second counts twice, also where a thread that waits for its encoder takes up
//! another document meanwhile.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use ndarray::Array2;

use crate::embed::{Embedder, EmbeddingMatrix, Heads, Precision};
use crate::error::Result;
use crate::stop::Stop;

/// A part of the work on a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Reading, unpacking and parsing records.
    Ingest,
    /// Text → units.
    Segment,
    /// Units → vectors.
    Encode,
    /// Terms, vectors and context → scores.
    Score,
    /// Scores → files.
    Write,
}

impl Part {
    pub const ALL: [Part; 5] =
        [Part::Ingest, Part::Segment, Part::Encode, Part::Score, Part::Write];

    /// What `run.json` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Part::Ingest => "ingest",
            Part::Segment => "segment",
            Part::Encode => "encode",
            Part::Score => "score",
            Part::Write => "write",
        }
    }
}

thread_local! {
    /// The part that this thread is at, and since when.
    static AT: Cell<Option<(Part, Instant)>> = const { Cell::new(None) };
}

/// Nanoseconds spent, by part.
#[derive(Debug, Default)]
pub(super) struct Clock([AtomicU64; Part::ALL.len()]);

impl Clock {
    /// Does `work`, whose time is `part`'s.
    pub fn time<T>(&self, part: Part, work: impl FnOnce() -> T) -> T {
        let outer = self.turn_to(Some(part));
        let done = work();
        self.turn_to(outer);
        done
    }

    /// Ends the time of the part that this thread is at, and gives that part.
    fn turn_to(&self, next: Option<Part>) -> Option<Part> {
        let now = Instant::now();
        let (part, since) = AT.replace(next.map(|part| (part, now)))?;
        let spent = u64::try_from((now - since).as_nanos()).unwrap_or(u64::MAX);
        self.0[part as usize].fetch_add(spent, Ordering::Relaxed);
        Some(part)
    }

    /// Seconds by part.
    pub fn seconds(&self) -> [(Part, f64); Part::ALL.len()] {
        let of = |part: Part| self.0[part as usize].load(Ordering::Relaxed) as f64 / 1e9;
        Part::ALL.map(|part| (part, of(part)))
    }
}

/// An encoder whose time is kept, and that stops when it is asked to.
pub(super) struct Timed<'e> {
    pub encoder: &'e dyn Embedder,
    pub clock: &'e Clock,
    pub stop: &'e Stop,
}

impl Timed<'_> {
    fn time<T>(&self, encode: impl FnOnce() -> Result<T>) -> Result<T> {
        self.stop.check()?;
        self.clock.time(Part::Encode, encode)
    }
}

impl Embedder for Timed<'_> {
    fn name(&self) -> &str {
        self.encoder.name()
    }

    fn dimension(&self) -> usize {
        self.encoder.dimension()
    }

    fn fingerprint(&self) -> &str {
        self.encoder.fingerprint()
    }

    fn precision(&self) -> Option<Precision> {
        self.encoder.precision()
    }

    fn heads(&self) -> Option<&Heads> {
        self.encoder.heads()
    }

    fn embed(&self, texts: &[&str]) -> Result<EmbeddingMatrix> {
        self.time(|| self.encoder.embed(texts))
    }

    fn embed_with_logits(&self, texts: &[&str]) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        self.time(|| self.encoder.embed_with_logits(texts))
    }

    fn embed_parts(
        &self,
        sentences: &[Vec<&str>],
    ) -> Result<(EmbeddingMatrix, Option<Array2<f32>>)> {
        self.time(|| self.encoder.embed_parts(sentences))
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_part_within_another_stops_its_time() {
        let clock = Clock::default();
        let nap = || sleep(Duration::from_millis(20));
        clock.time(Part::Score, || {
            nap();
            clock.time(Part::Encode, || clock.time(Part::Score, nap));
        });
        let spent = |part| clock.seconds().into_iter().find(|(p, _)| *p == part).unwrap().1;
        assert!(spent(Part::Score) >= 0.04, "{}", spent(Part::Score));
        assert!(spent(Part::Encode) < 0.02, "{}", spent(Part::Encode));
        assert_eq!(spent(Part::Write), 0.0);
    }
}
