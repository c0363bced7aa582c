//! Records in batches, in order: read on one thread, worked on by all, handed over one batch at a
//! time, so that memory is bounded by a few batches whatever the size of the corpus.

use std::sync::mpsc::sync_channel;

use rayon::prelude::*;

use crate::document::{Document, Reject};
use crate::error::Result;
use crate::ingest::{self, IngestOptions, RawRecord, Records};

use super::clock::{Clock, Part};

/// Most records of a batch.
const BATCH_RECORDS: usize = 256;
/// Most bytes of a batch, but for a single larger record.
const BATCH_BYTES: usize = 4 << 20;
/// Batches read ahead.
const READ_AHEAD: usize = 2;

/// A record that was read, or why it was not.
pub type Read<T> = std::result::Result<T, Reject>;

/// Reads every record, does `work` on each document in parallel, and gives the results to `take`
/// in the order of the input. `clock` is told of the reading.
///
/// # Errors
/// The first that `work` (in the order of the input) or `take` gives.
#[expect(clippy::result_large_err, reason = "rejects are rare, and a box for each would not pay")]
pub fn each<T: Send>(
    records: Records,
    options: &IngestOptions,
    clock: &Clock,
    work: impl Fn(Document) -> Result<T> + Sync,
    mut take: impl FnMut(Vec<Read<T>>) -> Result<()> + Send,
) -> Result<()> {
    let (sender, batches) = sync_channel(READ_AHEAD);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut records = records;
            while let Some(batch) = clock.time(Part::Ingest, || next_batch(&mut records)) {
                if sender.send(batch).is_err() {
                    break;
                }
            }
        });
        let done = |raw: Read<RawRecord>| match raw {
            Ok(raw) => match clock.time(Part::Ingest, || ingest::parse(raw, options)) {
                Ok(document) => work(document).map(Ok),
                Err(reject) => Ok(Err(reject)),
            },
            Err(reject) => Ok(Err(reject)),
        };
        // One batch is handed over while the next is worked on.
        let mut before: Option<Vec<Read<T>>> = None;
        for batch in batches {
            let last = before.take();
            let work = || batch.into_par_iter().map(&done).collect::<Result<Vec<_>>>();
            let (taken, worked) = rayon::join(|| last.map_or(Ok(()), &mut take), work);
            taken?;
            before = Some(worked?);
        }
        before.map_or(Ok(()), take)
    })
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
