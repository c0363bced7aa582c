//! Whether the work is to end before it is done, as Ctrl-C asks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Error, Result};

/// Whether, and by which signal, the work was asked to end. Copies are of one state.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Asked by SIGINT and SIGTERM. Whoever sends a second one ends the process at once.
    ///
    /// # Errors
    /// Where the system refuses to tell of signals.
    pub fn on_signals() -> io::Result<Self> {
        let (stop, was_asked) = (Stop::default(), Arc::new(AtomicBool::new(false)));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds `was_asked` not yet set.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&was_asked))?;
            flag::register(signal, Arc::clone(&was_asked))?;
            flag::register_usize(signal, Arc::clone(&stop.0), signal.unsigned_abs() as usize)?;
        }
        Ok(stop)
    }

    /// Asks for the work to end, as `signal` does.
    pub fn ask(&self, signal: u8) {
        self.0.store(usize::from(signal), Ordering::Relaxed);
    }

    /// An error where the work is to end.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn check(&self) -> Result<()> {
        match u8::try_from(self.0.load(Ordering::Relaxed)) {
            Ok(0) => Ok(()),
            signal => Err(Error::Interrupted { signal: signal.unwrap_or(u8::MAX), kept: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_holds_a_copy_is_told() {
        let stop = Stop::default();
        let copy = stop.clone();
        assert!(copy.check().is_ok());
        stop.ask(15);
        let error = copy.check().unwrap_err();
        assert_eq!((error.exit_code(), error.to_string()), (143, "stopped by SIGTERM".to_owned()));
    }
}
