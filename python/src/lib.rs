//! The Python face of themeline: it sees only the public library, and holds no rule of its own.
//!
//! Functions take options as one JSON object with the names of the command line, do their work without
//! the interpreter's lock, and give Arrow tables out by the PyCapsule interface. What a user sees of
//! it is the package in `themeline/`, which calls this module.

mod columns;
mod compare;
mod errors;
mod rows;
mod score;
mod table;
mod themes;
mod verbs;
mod work;

use pyo3::prelude::*;

/// The native part of the package `themeline`; use that.
#[pymodule]
mod _themeline {
    use super::*;

    #[pymodule_export]
    use super::compare::{Compared, compare_counted};
    #[pymodule_export]
    use super::score::{Scored, Scorer, open_scorer, score_table};
    #[pymodule_export]
    use super::table::Table;
    #[pymodule_export]
    use super::themes::{Themes, fit, fit_table, load_themes};
    #[pymodule_export]
    use super::verbs::{command, option_names, read_table, run, run_json, score};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
