//! `themeline schema NAME`: the JSON Schema of an output, from the types that write it, so that the
//! two cannot differ.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::error::{Error, Result};

use super::rows::{DocumentRow, RejectRow, ScoreRow, UnitRow};
use super::run::RunFile;
use super::trends::TrendsFile;

/// Every output with a schema: its name and how its schema is made. A new output gets a line here.
const OUTPUTS: &[(&str, fn() -> Value)] = &[
    ("documents", of::<DocumentRow<'static>>),
    ("units", of::<UnitRow<'static>>),
    ("scores", of::<ScoreRow<'static>>),
    ("trends", of::<TrendsFile>),
    ("rejects", of::<RejectRow>),
    ("run", of::<RunFile>),
];

/// The names that [`schema`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    OUTPUTS.iter().map(|(name, _)| *name)
}

/// The JSON Schema (2020-12) of an output: for files of lines and tables, that of one row.
///
/// # Errors
/// [`Error::Usage`] for a name that is not one of [`names`].
pub fn schema(name: &str) -> Result<Value> {
    let output = OUTPUTS.iter().find(|(known, _)| *known == name);
    output.map(|(_, make)| make()).ok_or_else(|| {
        let known: Vec<&str> = names().collect();
        Error::usage(
            format!("no output is called {name:?}"),
            format!("one of: {}", known.join(", ")),
        )
    })
}

fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}
