//! Records in batches, in order: read on one thread, worked on by all, handed over one batch at a
//! time, so that memory is bounded by a few batches whatever the size of the corpus.

use std::iter;
use std::sync::mpsc::sync_channel;

use rayon::prelude::*;

use crate::document::{Document, Reject};
use crate::error::Result;
use crate::ingest::{self, IngestOptions, RawRecord, Records};

use super::clock::{Clock, Part};

/// Most records of a batch.
const BATCH_RECORDS: usize = 256;
/// Most bytes of a batch, but for a single larger record. A batch is also what is lost when a run is
/// cut short.
const BATCH_BYTES: usize = 1 << 20;
/// Most batches that are worked on at a time, whatever the number of threads: they are held in memory.
const MOST_AT_ONCE: usize = 8;

/// A record that was read, or why it was not.
pub type Read<T> = std::result::Result<T, Reject>;

/// Reads every record, does `work` on each document in parallel, and gives the results to `take`
/// in the order of the input. `clock` is told of the reading.
///
/// # Errors
/// One that `work` gives, or the first of `take`.
pub fn each<T: Send>(
    records: Records,
    options: &IngestOptions,
    clock: &Clock,
    work: impl Fn(Document) -> Result<T> + Sync,
    take: impl FnMut(Vec<Read<T>>) -> Result<()> + Send,
) -> Result<()> {
    let work = |documents: Vec<Document>| documents.into_par_iter().map(&work).collect();
    each_batch(batches(records), options, clock, work, take)
}

/// Records by the batch. Where batches end depends on the records alone.
pub fn batches(mut records: Records) -> impl Iterator<Item = Vec<Read<RawRecord>>> + Send {
    std::iter::from_fn(move || next_batch(&mut records))
}

/// As [`each`], but `work` is given the documents of a batch together.
///
/// # Errors
/// The first that `work` or `take` gives.
#[expect(clippy::result_large_err, reason = "rejects are rare, and a box for each would not pay")]
pub fn each_batch<T: Send>(
    raw: impl Iterator<Item = Vec<Read<RawRecord>>> + Send,
    options: &IngestOptions,
    clock: &Clock,
    work: impl Fn(Vec<Document>) -> Result<Vec<T>> + Sync,
    mut take: impl FnMut(Vec<Read<T>>) -> Result<()> + Send,
) -> Result<()> {
    // As many as threads, so that what is done once a batch is done at a time, too.
    let n_at_once = rayon::current_num_threads().clamp(1, MOST_AT_ONCE);
    std::thread::scope(|scope| {
        // Dropped before the scope waits for its threads: a reader that nobody listens to ends.
        let (sender, batches) = sync_channel(n_at_once);
        scope.spawn(move || {
            let mut raw = raw;
            while let Some(batch) = clock.time(Part::Ingest, || raw.next()) {
                if sender.send(batch).is_err() {
                    break;
                }
            }
        });
        let parse = |raw: Read<RawRecord>| {
            clock.time(Part::Ingest, || raw.and_then(|raw| ingest::parse(raw, options)))
        };
        let done = |batch: Vec<Read<RawRecord>>| {
            let parsed: Vec<Read<Document>> = batch.into_par_iter().map(parse).collect();
            with_rejects(parsed, &work)
        };
        let mut hand_over =
            |worked: Vec<Result<_>>| worked.into_iter().try_for_each(|batch| take(batch?));
        // Some batches are handed over while the next are worked on: those that were read by then.
        let mut before: Vec<Result<Vec<Read<T>>>> = Vec::new();
        while let Ok(first) = batches.recv() {
            let now: Vec<_> =
                iter::once(first).chain(batches.try_iter().take(n_at_once - 1)).collect();
            let work_on = || now.into_par_iter().map(done).collect();
            let (taken, worked) = rayon::join(|| hand_over(before), work_on);
            taken?;
            before = worked;
            if before.iter().any(Result::is_err) {
                break;
            }
        }
        hand_over(before)
    })
}

/// Does `work` on the documents that were read, and puts what it gives in their places.
fn with_rejects<T>(
    parsed: Vec<Read<Document>>,
    work: impl Fn(Vec<Document>) -> Result<Vec<T>>,
) -> Result<Vec<Read<T>>> {
    let mut documents = Vec::with_capacity(parsed.len());
    let places: Vec<Option<Reject>> = parsed
        .into_iter()
        .map(|read| read.map(|document| documents.push(document)).err())
        .collect();
    let mut done = work(documents)?.into_iter();
    let in_place = |reject: Option<Reject>| match reject {
        Some(reject) => Some(Err(reject)),
        None => done.next().map(Ok),
    };
    Ok(places.into_iter().filter_map(in_place).collect())
}

fn next_batch(records: &mut Records) -> Option<Vec<Read<RawRecord>>> {
    let mut batch = Vec::new();
    let mut n_bytes = 0;
    while batch.len() < BATCH_RECORDS && n_bytes < BATCH_BYTES {
        let Some(record) = records.next() else { break };
        n_bytes += record.as_ref().map_or(0, RawRecord::n_bytes);
        batch.push(record);
    }
    (!batch.is_empty()).then_some(batch)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use crate::error::Error;

    use super::*;

    /// Reads batches without a record, without end.
    fn read(
        work: impl Fn() -> Result<()> + Sync,
        take: impl FnMut() -> Result<()> + Send,
    ) -> Result<()> {
        let (mut take, options, clock) = (take, IngestOptions::default(), Clock::default());
        let endless = iter::repeat_with(Vec::new);
        let work = |_| work().map(|()| Vec::<()>::new());
        each_batch(endless, &options, &clock, work, |_| take())
    }

    #[test]
    fn where_one_fails_reading_ends() {
        let failed = || Error::usage("it is enough", "stop");
        let mut n_taken = 0;
        let taken = read(
            || Ok(()),
            || {
                n_taken += 1;
                if n_taken == 30 { Err(failed()) } else { Ok(()) }
            },
        );
        assert!(taken.is_err() && n_taken == 30);
        let (n_worked, mut n_taken) = (AtomicUsize::new(0), 0);
        let work = || match n_worked.fetch_add(1, Ordering::Relaxed) {
            0..30 => Ok(()),
            _ => Err(failed()),
        };
        let worked = read(work, || {
            n_taken += 1;
            Ok(())
        });
        assert!(worked.is_err() && (30 - MOST_AT_ONCE..=30).contains(&n_taken), "{n_taken}");
    }
}
