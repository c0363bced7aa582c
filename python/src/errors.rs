//! Errors of the library → exceptions, in the same words: the message, its causes, the next step.

use std::error::Error as _;

use pyo3::prelude::*;
use themeline::Error;

/// The exception that an error is: a `UsageError` where the caller can mend it.
pub fn raised(error: &Error) -> PyErr {
    let class = match error {
        Error::Usage { .. } | Error::Malformed { .. } | Error::Encoder { .. } => "UsageError",
        Error::TooManyRejects { .. } => "TooManyRejects",
        _ => "ThemelineError",
    };
    raise(class, in_words(error))
}

/// A fault in how a function was called.
pub fn usage(message: String, hint: &str) -> PyErr {
    raised(&Error::usage(message, hint))
}

fn raise(class: &str, message: String) -> PyErr {
    let exception = |py: Python<'_>| {
        let made = py.import("themeline._errors")?.getattr(class)?.call1((message,))?;
        Ok(PyErr::from_value(made))
    };
    Python::attach(|py| exception(py).unwrap_or_else(|error| error))
}

/// What the command line says of an error.
pub fn in_words(error: &Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words.push_str(&format!("\n  cause: {cause}"));
        source = cause.source();
    }
    if let Some(hint) = error.hint() {
        words.push_str(&format!("\n  next: {hint}"));
    }
    words
}
