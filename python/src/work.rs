//! Work without the interpreter's lock: on threads of its own, told of by a callback, ended by Ctrl-C.

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use themeline::config::{Config, Options};
use themeline::pipeline::{Progress, Stage};
use themeline::stop::Stop;
use themeline::{Error, Result};

use crate::errors::{raised, usage};

/// How often a signal is looked for.
const TICK: Duration = Duration::from_millis(50);

/// What Ctrl-C asks the work with.
const SIGINT: u8 = 2;

/// Options as JSON over those of a TOML file, checked.
pub fn config(options: &str, file: Option<&std::path::Path>) -> PyResult<Config> {
    let hint = "help(themeline.run) lists the options; they are those of the command line";
    let given: Options =
        serde_json::from_str(options).map_err(|e| usage(format!("an option: {e}"), hint))?;
    let file = file.map(Options::from_file).transpose().map_err(|e| raised(&e))?;
    given.or(file.unwrap_or_default()).check().map_err(|e| raised(&e))
}

/// Does `work` on the threads that `config` asks for, without the interpreter's lock, and hands the library's
/// progress to `told`. Where Python raises meanwhile (Ctrl-C, or `told` itself), the work is asked to stop.
pub fn at_work<T: Send>(
    py: Python<'_>,
    config: &Config,
    told: Option<Py<PyAny>>,
    work: impl FnOnce(Progress<'_>) -> Result<T> + Send,
) -> PyResult<T> {
    let watch = Watch { told, stop: config.stop.clone(), why: Mutex::new(None) };
    let tell = |stage, n| watch.tell(stage, n);
    let done = py.detach(|| {
        thread::scope(|scope| {
            // Dropped by the worker, whether it ends or panics.
            let (at_work, ended) = sync_channel::<()>(1);
            let worker = scope.spawn(|| {
                let _at_work: SyncSender<()> = at_work;
                in_pool(config.threads, || work(&tell))
            });
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                watch.settle(Python::attach(|py| py.check_signals()));
            }
            worker.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    });
    match watch.why.into_inner().unwrap_or_else(PoisonError::into_inner) {
        // Also where it came too late to stop the work.
        Some(why) => Err(why),
        None => done.map_err(|error| raised(&error)),
    }
}

fn in_pool<T: Send>(n_threads: usize, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().map_err(|e| {
        Error::usage(format!("threads cannot be started: {e}"), "ask for fewer with `threads`")
    })?;
    pool.install(work)
}

/// The callback, and what Python raised.
struct Watch {
    told: Option<Py<PyAny>>,
    stop: Stop,
    why: Mutex<Option<PyErr>>,
}

impl Watch {
    fn tell(&self, stage: Stage, n: u64) {
        if let Some(told) = &self.told {
            let call = |py: Python<'_>| told.call1(py, (name(stage), n)).map(drop);
            self.settle(Python::attach(call));
        }
    }

    /// Asks the work to stop where Python raised.
    fn settle(&self, called: PyResult<()>) {
        if let Err(why) = called {
            self.why.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
            self.stop.ask(SIGINT);
        }
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
