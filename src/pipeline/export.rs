//! `themeline export`: the tables of a finished folder as CSV.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::report;
use crate::report::csv::{self, CsvFolder, CsvTable};

/// What `themeline export` is asked for.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// Folder for the files; made where it is not there.
    pub out: PathBuf,
    /// The tables; none: all that the folder has.
    pub tables: Vec<CsvTable>,
    /// Whether text is written as it is, also where a spreadsheet would take it for a formula.
    pub is_raw: bool,
}

/// `themeline export`: writes tables of a finished folder as CSV files into another, whole or not at all.
/// Gives them with their numbers of rows.
///
/// # Errors
/// Where the folder is no finished run, lacks a table that is named, or `out` holds what is not ours.
pub fn export(dir: &Path, request: &ExportRequest) -> Result<Vec<(CsvTable, u64)>> {
    report::read::run_file(dir)?;
    let tables = wanted(dir, &request.tables);
    let names: Vec<String> = tables.iter().map(|table| table.file_name()).collect();
    let mut folder = CsvFolder::create(&request.out, &names)?;
    let mut written = Vec::new();
    for (&table, name) in tables.iter().zip(&names) {
        let target = folder.target(name);
        let out = (folder.file(name)?, target.as_path());
        let (out, n_rows) = csv::write_table(dir, table, request.is_raw, out)?;
        folder.keep(name, out)?;
        written.push((table, n_rows));
    }
    folder.commit(&csv::package(&tables, request.is_raw))?;
    Ok(written)
}

/// The tables that are named, each once; where none is, those whose files are there (a comparison has a folder
/// of its own without documents and units).
fn wanted(dir: &Path, named: &[CsvTable]) -> Vec<CsvTable> {
    let is_there = |table: &CsvTable| dir.join(table.file().name()).is_file();
    let is_wanted = |table: &CsvTable| match named {
        [] => is_there(table),
        _ => named.contains(table),
    };
    CsvTable::ALL.into_iter().filter(is_wanted).collect()
}
