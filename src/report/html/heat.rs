//! Themes by periods as a grid of shades. Shades stand for ranges of shares that are named beside it;
//! the numbers themselves are in the table below, and under the pointer.

use crate::report::overview::series::{Point, Series};

use super::lines::{Path, labels};
use super::markup::{Markup, put};
use super::scale::{Bare, Px};

/// Lower ends of the shades, as shares: roughly each twice the one before, as eyes see ratios.
pub const SHADES: [f64; 8] = [0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4];
/// Height of a row, in pixels.
pub const ROW: f64 = 24.0;
/// Most periods whose numbers are written into the cells.
const MAX_NUMBERS: usize = 12;

/// The shade of a share.
pub fn shade(share: f64) -> usize {
    SHADES.iter().rposition(|low| share >= *low).unwrap_or(0)
}

/// The rows: every theme, then the rest.
pub fn rows(series: &Series) -> impl Iterator<Item = (&str, &[Option<Point>])> {
    let themes = series.themes.iter().map(|theme| (theme.name.as_str(), &theme.points[..]));
    themes.chain([("No theme", &series.none[..])])
}

/// The whole heatmap.
pub fn heat(series: &Series) -> Markup {
    let mut out = Markup::new();
    put!(out, [legend()], r#"<div class="heat"><ol class="names">"#);
    for (place, (name, _)) in rows(series).enumerate() {
        match series.themes.get(place) {
            Some(_) => {
                put!(out, r##"<li><a href="#theme-"##, { place }, r#"">"#, { name }, "</a></li>");
            }
            None => {
                put!(out, "<li>", { name }, "</li>");
            }
        }
    }
    let (plot, height) = heat_plot(series);
    put!(out, r#"</ol><div class="cells" id="cells"><svg class="plot" width="100%" height=""#);
    put!(out, { Px(height + 24.0) }, r#"" role="img" aria-label="Shares by theme and period; "#);
    put!(out, r#"the table below has the numbers">"#, [plot]);
    put!(out, r#"<rect class="cursor" id="cursor" visibility="hidden"/></svg></div></div>"#);
    out
}

/// The cells with the labels of their periods, and the height of the cells in pixels.
pub fn heat_plot(series: &Series) -> (Markup, f64) {
    let (n_rows, n_columns) = (rows(series).count(), series.periods.len());
    let height = n_rows as f64 * ROW;
    let mut out = Markup::new();
    put!(
        out,
        r#"<svg viewBox="0 0 "#,
        { n_columns },
        " ",
        { n_rows },
        r#"" preserveAspectRatio="none" "#
    );
    put!(out, r#"width="100%" height=""#, { Px(height) }, r#"" shape-rendering="crispEdges">"#);
    put!(out, [cells(series)], "</svg>", [numbers(series)], [labels(series, height + 18.0)]);
    (out, height)
}

/// One path for each shade: a square for each of its cells.
fn cells(series: &Series) -> Markup {
    let mut paths: [Path; SHADES.len()] = Default::default();
    for (row, (_, points)) in rows(series).enumerate() {
        for (at, point) in points.iter().enumerate() {
            if let Some(point) = point {
                square(&mut paths[shade(point.share)], (at, row));
            }
        }
    }
    let mut out = Markup::new();
    for (shade, path) in paths.iter().enumerate() {
        put!(out, r#"<path class="h"#, { shade }, r#"" d=""#, { path }, r#""/>"#);
    }
    out
}

fn square(path: &mut Path, (x, y): (usize, usize)) {
    let (x, y) = (x as f64, y as f64);
    path.line([(x, y), (x + 1.0, y), (x + 1.0, y + 1.0), (x, y + 1.0)]);
    path.close();
}

fn numbers(series: &Series) -> Markup {
    let n = series.periods.len();
    let mut out = Markup::new();
    if n > MAX_NUMBERS {
        return out;
    }
    for (row, (_, points)) in rows(series).enumerate() {
        for (at, point) in points.iter().enumerate() {
            let Some(point) = point else { continue };
            put!(out, r#"<text class="n"#, { shade(point.share) }, r#"" x=""#);
            put!(out, { Px(super::lines::middle(at, n) * 100.0) }, r#"%" y=""#);
            put!(out, { Px(row as f64 * ROW + ROW / 2.0 + 4.0) }, r#"">"#, { Bare(point.share) });
            put!(out, "</text>");
        }
    }
    out
}

/// The shares that a shade stands for, in percent; the ones between are from it up to the next.
pub fn range_of(shade: usize) -> String {
    let low = Px(SHADES[shade] * 100.0);
    match SHADES.get(shade + 1) {
        None => format!("{low} % and over"),
        Some(high) if shade == 0 => format!("under {}", Px(high * 100.0)),
        Some(_) => low.to_string(),
    }
}

fn legend() -> Markup {
    let mut out = Markup::new();
    put!(out, r#"<ul class="shades" aria-label="Shades, in percent">"#);
    for shade in 0..SHADES.len() {
        put!(out, r#"<li><svg width="28" height="12" aria-hidden="true"><rect class="h"#, {
            shade
        });
        put!(out, r#"" width="28" height="12"/></svg> "#, { range_of(shade) }, "</li>");
    }
    put!(out, "<li>blank: no documents</li></ul>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_the_shade_whose_range_it_is_in() {
        let shades = [0.0, 0.004, 0.005, 0.0199, 0.02, 0.39, 0.4, 1.0].map(shade);
        assert_eq!(shades, [0, 0, 1, 2, 3, 6, 7, 7]);
    }
}
