//! `report.html`: a finished folder in one file that people look at, with no network, readable without
//! JavaScript. Values in, bytes out: what it shows is gathered in [`super::overview`].
//!
//! One file a part of the page. Charts are SVG drawn by [`lines`], [`heat`] and [`slope`]; words of the
//! corpus pass through [`markup`] alone.

mod changes;
mod charts;
mod documents;
mod embedded;
mod hash;
mod heat;
mod lines;
pub(super) mod markup;
mod methods;
mod page;
mod png;
mod quality;
mod scale;
mod slope;
mod theme;
mod vega;

use std::io::{self, Write};

use super::overview::Overview;

pub use charts::{ChartFile, files as chart_files};
pub use png::Painter;

/// Writes the page and gives the writer back.
///
/// # Errors
/// What the writer says; `InvalidData` where a number is not finite.
pub fn report_html<W: Write>(overview: &Overview, mut out: W) -> io::Result<W> {
    let page = page::page(overview).map_err(io::Error::from)?;
    out.write_all(page.as_str().as_bytes())?;
    Ok(out)
}
