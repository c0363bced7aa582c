//! The charts by themselves, for a paper: SVG that needs nothing beside it.

use crate::report::overview::Overview;
use crate::report::overview::series::{Series, ThemeSeries};
use crate::report::table::shortened;

use super::heat::{SHADES, heat_plot, range_of};
use super::lines::{panel_plot, theme_plot};
use super::markup::{Markup, put};
use super::scale::{Axis, Percent, Px, Tick};
use super::slope::{self, Pair};
use super::vega;

/// Panels in a row of the small multiples, their width and height, and the space around them.
const COLUMNS: usize = 4;
const PANEL: (f64, f64) = (205.0, 72.0);
const GAP: (f64, f64) = (24.0, 76.0);
/// Width of a chart of one theme, of two periods, and of the cells of the heatmap.
const WIDTH: f64 = 860.0;
/// Width of the names beside the heatmap.
const NAMES: f64 = 300.0;

/// The style that the page gives by its sheet, on white.
const STYLE: &str = "\
text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;fill:#59616b}\
.name{font-weight:600;font-size:13px;fill:#1b1e22}.end{text-anchor:end}.label,.cells text{text-anchor:middle}\
.grid{stroke:#e2e5e9}.band{fill:#0072b2;fill-opacity:.15}.bars{fill:#8d959e}\
.line{fill:none;stroke:#0072b2;stroke-width:1.75;vector-effect:non-scaling-stroke;stroke-linejoin:round}\
.dot{fill:#0072b2}.level{stroke:#1b1e22;stroke-width:1.5;stroke-dasharray:1 3;stroke-linecap:round}\
.h0{fill:#f1f4f8}.h1{fill:#dde8f3}.h2{fill:#c3d7ea}.h3{fill:#9cc1df}.h4{fill:#6ba5d0}.h5{fill:#3377ae}\
.h6{fill:#1d5d99}.h7{fill:#0a356b}.n5,.n6,.n7{fill:#fff}.head{font-weight:600;fill:#1b1e22}\
.same line{stroke:#8d959e;stroke-width:1.5}.same circle{fill:#8d959e}\
.rose line{stroke:#0067a3;stroke-width:2.5}.rose circle,.rose text{fill:#0067a3}\
.fell line{stroke:#b04a00;stroke-width:2.5}.fell circle,.fell text{fill:#b04a00}\
line.lead{stroke:#e2e5e9;stroke-width:1}.short,.cursor{display:none}";

/// A file of charts: its name, and its bytes.
pub type ChartFile = (String, Vec<u8>);

/// Every chart of an overview, as SVG and as a Vega-Lite specification.
pub fn files(overview: &Overview) -> Vec<ChartFile> {
    let series = &overview.series;
    if series.ends().is_none() {
        return Vec::new();
    }
    let svg = |name: &str, chart: Markup| (format!("{name}.svg"), chart.as_str().into());
    let mut files =
        vec![svg("themes-over-time", multiples(series)), svg("heatmap", heatmap(series))];
    if let Some(pair) = slope::first_pair(overview) {
        files.push(svg("two-periods", two_periods(series, &pair)));
        files.push(spec("two-periods", &vega::two_periods(series, &pair)));
    }
    for theme in &series.themes {
        files.push(svg(&format!("theme-{}", file_name(&theme.id)), one_theme(overview, theme)));
    }
    files.push(spec("themes-over-time", &vega::themes_over_time(series)));
    files.push(spec("heatmap", &vega::heatmap(series)));
    files
}

fn spec(name: &str, spec: &serde_json::Value) -> ChartFile {
    (format!("{name}.vl.json"), format!("{spec:#}\n").into_bytes())
}

/// An id as a part of a file's name: letters, digits, `-` and `_` alone.
fn file_name(id: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    id.chars().map(|c| if safe(c) { c } else { '_' }).collect()
}

fn svg(title: &str, (width, height): (f64, f64), body: &Markup) -> Markup {
    let mut out = Markup::new();
    put!(out, r#"<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 "#, { Px(width) });
    put!(
        out,
        " ",
        { Px(height) },
        r#"" width=""#,
        { Px(width) },
        r#"" height=""#,
        { Px(height) },
        r#""><title>"#
    );
    put!(out, { title }, "</title><style>");
    out.raw(STYLE);
    put!(out, r##"</style><rect width="100%" height="100%" fill="#fff"/>"##, [body], "</svg>\n");
    out
}

/// A chart that stretches, in a box of its own.
fn boxed((x, y): (f64, f64), (width, height): (f64, f64), chart: &Markup) -> Markup {
    let mut out = Markup::new();
    put!(out, r#"<svg overflow="visible" x=""#, { Px(x) }, r#"" y=""#, { Px(y) }, r#"" width=""#);
    put!(out, { Px(width) }, r#"" height=""#, { Px(height) }, r#"">"#, [chart], "</svg>");
    out
}

fn multiples(series: &Series) -> Markup {
    let (mut body, mut top) = (Markup::new(), 12.0);
    for tier in series.tiers() {
        let reach = tier.iter().map(|place| series.themes[*place].reach()).fold(0.0, f64::max);
        let axis = Axis::over(reach);
        for (k, place) in tier.iter().enumerate() {
            let x = GAP.0 + (k % COLUMNS) as f64 * (PANEL.0 + GAP.0);
            let y = top + (k / COLUMNS) as f64 * (PANEL.1 + GAP.1);
            body.append(&one_panel(series, &series.themes[*place], &axis, (x, y)));
        }
        top += tier.len().div_ceil(COLUMNS) as f64 * (PANEL.1 + GAP.1);
    }
    let width = COLUMNS as f64 * (PANEL.0 + GAP.0) + GAP.0;
    svg("Themes over time", (width, top), &body)
}

fn one_panel(series: &Series, theme: &ThemeSeries, axis: &Axis, (x, y): (f64, f64)) -> Markup {
    let (mut out, base) = (Markup::new(), y + 40.0);
    for (line, name) in two_lines(&theme.name, 26).iter().enumerate() {
        let y = y + 4.0 + 15.0 * line as f64;
        put!(out, r#"<text class="name" x=""#, { Px(x) }, r#"" y=""#, { Px(y) }, r#"">"#, { name });
        put!(out, "</text>");
    }
    put!(
        out,
        r#"<text x=""#,
        { Px(x) },
        r#"" y=""#,
        { Px(base - 5.0) },
        r#"">"#,
        { Tick(axis.top) },
        "</text>"
    );
    put!(out, [boxed((x, base), PANEL, &panel_plot(theme, axis, PANEL.0))]);
    let under = base + PANEL.1 + 15.0;
    if let Some((first, last)) = series.ends() {
        put!(
            out,
            r#"<text x=""#,
            { Px(x) },
            r#"" y=""#,
            { Px(under) },
            r#"">"#,
            { &first.label },
            "</text>"
        );
        put!(
            out,
            r#"<text class="end" x=""#,
            { Px(x + PANEL.0) },
            r#"" y=""#,
            { Px(under) },
            r#"">"#
        );
        put!(out, { &last.label });
        if let Some((_, point)) = theme.last() {
            put!(out, ": ", { Percent(point.share) });
        }
        put!(out, "</text>");
    }
    out
}

/// A name in a line or two of at most `width` characters each.
fn two_lines(name: &str, width: usize) -> Vec<String> {
    let ends = name.char_indices().map(|(at, _)| at).nth(width);
    let space = ends.and_then(|end| name[..end].rfind(' '));
    match space {
        Some(space) => vec![name[..space].to_owned(), shortened(&name[space + 1..], width)],
        None => vec![shortened(name, width)],
    }
}

fn heatmap(series: &Series) -> Markup {
    let mut body = Markup::new();
    let (plot, height) = heat_plot(series);
    for (row, (name, _)) in super::heat::rows(series).enumerate() {
        let y = 12.0 + super::heat::ROW * (row as f64 + 0.5) + 4.0;
        put!(
            body,
            r#"<text class="end" x=""#,
            { Px(NAMES - 10.0) },
            r#"" y=""#,
            { Px(y) },
            r#"">"#
        );
        put!(body, { shortened(name, 40) }, "</text>");
    }
    put!(body, [boxed((NAMES, 12.0), (WIDTH, height), &plot)]);
    put!(body, [shades(height + 52.0)]);
    svg("Themes by periods", (NAMES + WIDTH + 20.0, height + 76.0), &body)
}

/// What the shades of the heatmap stand for, in a row.
fn shades(y: f64) -> Markup {
    let mut out = Markup::new();
    for shade in 0..SHADES.len() {
        let x = NAMES + shade as f64 * WIDTH / (SHADES.len() + 1) as f64;
        put!(out, r#"<rect class="h"#, { shade }, r#"" width="24" height="12" x=""#, { Px(x) });
        put!(out, r#"" y=""#, { Px(y) }, r#""/><text x=""#, { Px(x + 30.0) }, r#"" y=""#);
        put!(out, { Px(y + 10.0) }, r#"">"#, { range_of(shade) }, "</text>");
    }
    out
}

fn two_periods(series: &Series, pair: &Pair) -> Markup {
    let title = format!("{} and {}", pair.from, pair.to);
    let chart = boxed((0.0, 0.0), (WIDTH, slope::HEIGHT + 40.0), &slope::chart(series, pair));
    svg(&title, (WIDTH, slope::HEIGHT + 60.0), &chart)
}

fn one_theme(overview: &Overview, theme: &ThemeSeries) -> Markup {
    let width = WIDTH - 70.0;
    let (plot, axis, height) = theme_plot(overview, theme, width);
    let mut body = Markup::new();
    put!(body, r#"<text class="name" x="50" y="18">"#, { &theme.name }, "</text>");
    for tick in axis.ticks() {
        put!(
            body,
            r#"<text class="end" x="44" y=""#,
            { Px(36.0 + axis.y(tick, height) + 4.0) },
            r#"">"#
        );
        put!(body, { Tick(tick) }, "</text>");
    }
    put!(body, [boxed((50.0, 36.0), (width, height), &plot)]);
    svg(&theme.name, (WIDTH, height + 70.0), &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_set_in_two_lines() {
        assert_eq!(two_lines("Trade", 10), ["Trade"]);
        assert_eq!(two_lines("Trade and supply chains", 13), ["Trade and", "supply chains"]);
        assert_eq!(two_lines("Trade and supply chains", 12), ["Trade and", "supply chai…"]);
        assert_eq!(two_lines("Überseehafengesellschaft", 9), ["Überseeh…"]);
    }

    #[test]
    fn an_id_cannot_leave_its_folder() {
        assert_eq!(file_name("../../etc/passwd"), "______etc_passwd");
        assert_eq!(file_name("emergent-1"), "emergent-1");
    }
}
