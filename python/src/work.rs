//! Work without the interpreter's lock: on threads of its own, told of by a callback, ended by Ctrl-C.
//!
//! The library has no way to be stopped but the callback that it tells its progress to; where the user
//! interrupts, that callback unwinds, and outputs that were not finished go with it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use themeline::config::{Config, Options};
use themeline::pipeline::{Progress, Stage};
use themeline::{Error, Result};

use crate::errors::{raised, usage};

/// How often a signal is looked for.
const TICK: Duration = Duration::from_millis(50);

/// What unwinds where the work is stopped.
struct Stopped;

/// Options as JSON over those of a TOML file, checked.
pub fn config(options: &str, file: Option<&std::path::Path>) -> PyResult<Config> {
    let hint = "help(themeline.run) lists the options; they are those of the command line";
    let given: Options =
        serde_json::from_str(options).map_err(|e| usage(format!("an option: {e}"), hint))?;
    let file = file.map(Options::from_file).transpose().map_err(|e| raised(&e))?;
    given.or(file.unwrap_or_default()).check().map_err(|e| raised(&e))
}

/// Does `work` on `n_threads` threads (0: one a core) without the interpreter's lock, and hands the
/// library's progress to `told`.
pub fn at_work<T: Send>(
    py: Python<'_>,
    n_threads: usize,
    told: Option<Py<PyAny>>,
    work: impl FnOnce(Progress<'_>) -> Result<T> + Send,
) -> PyResult<T> {
    let watch = Watch { told, stopped: AtomicBool::new(false), why: Mutex::new(None) };
    py.detach(|| {
        let (done, finished) = sync_channel(1);
        let done = thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let result = in_pool(n_threads, || work(&|stage, n| watch.tell(stage, n)));
                let _ = done.send(());
                result
            });
            while finished.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                watch.look_for_signals();
            }
            worker.join()
        });
        match done {
            // An interrupt that came too late to stop the work is still the user's.
            Ok(Ok(done)) => match watch.reason() {
                Some(why) => Err(why),
                None => done.map_err(|error| raised(&error)),
            },
            Ok(Err(panic)) | Err(panic) => match watch.reason() {
                Some(why) if panic.is::<Stopped>() => Err(why),
                _ => resume_unwind(panic),
            },
        }
    })
}

/// `work` in a pool of threads; what unwinds is given back.
fn in_pool<T: Send>(
    n_threads: usize,
    work: impl FnOnce() -> Result<T> + Send,
) -> thread::Result<Result<T>> {
    let pool = match rayon::ThreadPoolBuilder::new().num_threads(n_threads).build() {
        Ok(pool) => pool,
        Err(e) => {
            let hint = "ask for fewer with `threads`";
            return Ok(Err(Error::usage(format!("threads cannot be started: {e}"), hint)));
        }
    };
    catch_unwind(AssertUnwindSafe(|| pool.install(work)))
}

/// The callback, and whether the work is to stop.
struct Watch {
    told: Option<Py<PyAny>>,
    stopped: AtomicBool,
    why: Mutex<Option<PyErr>>,
}

impl Watch {
    /// Hands on what the library tells, and stops the work where that is asked for.
    fn tell(&self, stage: Stage, n: u64) {
        if let Some(told) = &self.told {
            let call = |py: Python<'_>| told.call1(py, (name(stage), n)).map(drop);
            self.settle(Python::attach(call));
        }
        if self.stopped.load(Ordering::Relaxed) {
            resume_unwind(Box::new(Stopped));
        }
    }

    fn look_for_signals(&self) {
        self.settle(Python::attach(|py| py.check_signals()));
    }

    /// Stops the work where Python raised.
    fn settle(&self, called: PyResult<()>) {
        if let Err(why) = called {
            self.why.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
            self.stopped.store(true, Ordering::Relaxed);
        }
    }

    fn reason(&self) -> Option<PyErr> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Sample => "reading",
        Stage::Copies => "looking for copies",
        Stage::Fit => "fitting themes",
        Stage::Score => "scoring",
        Stage::Compare => "comparing periods",
        Stage::Report => "making the report",
        Stage::Write => "writing",
    }
}
