//! `themeline report`: the page that a finished folder is looked at in.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::report::html::{ChartFile, Painter, chart_files, report_html};
use crate::report::overview::{Compared, Overview};
use crate::report::{OutputFile, OutputFolder, write_whole};

/// Where the page and the charts of a report go.
#[derive(Debug, Clone, Default)]
pub struct ReportRequest {
    /// File for the page; `None`: `report.html` in the folder.
    pub out: Option<PathBuf>,
    /// Folder for the charts, each as SVG and PNG, some as Vega-Lite specifications; `None`: none are
    /// written.
    pub charts: Option<PathBuf>,
}

/// `themeline report`: reads a finished folder and writes its page, and its charts where they are asked
/// for. Gives the path of the page.
///
/// # Errors
/// `Usage` where the folder is no finished run, or lacks a file that the page is made of; `Malformed`
/// where a file is of another form.
pub fn report(dir: &Path, request: &ReportRequest) -> Result<PathBuf> {
    let overview = Overview::read(dir)?;
    let page = match &request.out {
        Some(out) => {
            let page =
                report_html(&overview, Vec::new()).map_err(|e| Error::io(out, "write", e))?;
            write_whole(out, &page)?;
            out.clone()
        }
        None => {
            let mut folder = OutputFolder::create(dir)?;
            folder.write(OutputFile::Report, |out| report_html(&overview, out))?;
            folder.amend(overview.run.clone())?;
            dir.join(OutputFile::Report.name())
        }
    };
    if let Some(charts) = &request.charts {
        write_charts(charts, &overview)?;
    }
    Ok(page)
}

fn write_charts(dir: &Path, overview: &Overview) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, "create", e))?;
    let charts = chart_files(overview);
    charts.iter().try_for_each(|(name, bytes)| write_whole(dir.join(name), bytes))?;
    let painter = Painter::default();
    charts.par_iter().try_for_each(|chart| write_picture(dir, chart, &painter))
}

/// Writes a chart that is SVG as PNG too.
fn write_picture(dir: &Path, (name, bytes): &ChartFile, painter: &Painter) -> Result<()> {
    let Some(name) = name.strip_suffix(".svg") else { return Ok(()) };
    let path = dir.join(format!("{name}.png"));
    let picture = painter.png(bytes).map_err(|e| Error::io(&path, "draw", e))?;
    write_whole(path, &picture)
}

/// Writes the page of what was just compared into its folder. `dirs`: where the documents are.
pub(super) fn write_report(
    folder: &mut OutputFolder,
    dirs: &[impl AsRef<Path>],
    compared: Compared,
) -> Result<()> {
    let overview = Overview::gather(dirs, compared)?;
    folder.write(OutputFile::Report, |out| report_html(&overview, out))
}
