//! Shares over time as lines with their intervals. A chart stretches to the width that it is given:
//! what is drawn stretches with it, words and dots do not.

use std::fmt::Write;

use crate::report::overview::Overview;
use crate::report::overview::series::{Point, Series, ThemeSeries, runs};

use super::markup::{Markup, put};
use super::scale::{Axis, Bare, Percent, Px, Tick, label_places};

/// Width and height of the box that strokes are drawn in, before it is stretched.
const BOX: (f64, f64) = (1000.0, 100.0);
/// Most periods that have a dot each.
const MAX_DOTS: usize = 26;
/// Height of a panel of the small multiples, in pixels.
const PANEL_HEIGHT: f64 = 72.0;
/// Height of the chart of one theme, in pixels.
const CHART_HEIGHT: f64 = 200.0;
/// Labels under a chart.
const LABELS: usize = 9;

/// The data of an SVG path.
#[derive(Default)]
pub struct Path(String);

impl Path {
    /// Moves (`M`) or draws (`L`) to a point.
    pub fn to(&mut self, command: char, (x, y): (f64, f64)) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{command}{} {}", Px(x), Px(y));
    }

    /// A line through points.
    pub fn line(&mut self, points: impl IntoIterator<Item = (f64, f64)>) {
        for (k, point) in points.into_iter().enumerate() {
            self.to(if k == 0 { 'M' } else { 'L' }, point);
        }
    }

    /// Ends a closed shape.
    pub fn close(&mut self) {
        self.0.push('Z');
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The middle of a period's place, as a part of the width.
pub fn middle(at: usize, n: usize) -> f64 {
    (at as f64 + 0.5) / n.max(1) as f64
}

/// The line of a theme, broken at gaps. `scale`: from place and share to a point.
pub fn line_of(points: &[Option<Point>], scale: &impl Fn(usize, f64) -> (f64, f64)) -> Path {
    let mut path = Path::default();
    for run in runs(points) {
        path.line(run.iter().map(|(at, point)| scale(*at, point.share)));
    }
    path
}

/// The band of a theme's intervals.
pub fn band_of(points: &[Option<Point>], scale: &impl Fn(usize, f64) -> (f64, f64)) -> Path {
    let intervals: Vec<Option<(f64, f64)>> =
        points.iter().map(|point| point.and_then(|point| point.interval)).collect();
    let mut path = Path::default();
    for run in runs(&intervals) {
        let lower = run.iter().rev().map(|(at, (low, _))| scale(*at, *low));
        path.line(run.iter().map(|(at, (_, high))| scale(*at, *high)).chain(lower));
        path.close();
    }
    path
}

/// Band and line, drawn in `drawn`, which is stretched to the width that there is and to `height`.
fn strokes(points: &[Option<Point>], axis: &Axis, height: f64, drawn: (f64, f64)) -> Markup {
    let n = points.len();
    let scale = |at, share| (middle(at, n) * drawn.0, axis.y(share, drawn.1));
    let mut out = Markup::new();
    put!(out, r#"<svg viewBox="0 0 "#, { Px(drawn.0) }, " ", { Px(drawn.1) });
    put!(out, r#"" preserveAspectRatio="none" width="100%" height=""#);
    put!(out, { Px(height) }, r#""><path class="band" d=""#, { band_of(points, &scale) });
    put!(out, r#""/><path class="line" d=""#, { line_of(points, &scale) }, r#""/></svg>"#);
    out
}

/// Dots on the points: on all of a short series, else on the last and on those without a neighbour.
fn dots(points: &[Option<Point>], axis: &Axis, height: f64) -> Markup {
    let n = points.len();
    let runs = runs(points);
    let last = runs.last().and_then(|run| run.last()).map(|(at, _)| *at);
    let mut out = Markup::new();
    for run in &runs {
        for (at, point) in run {
            if n <= MAX_DOTS || run.len() == 1 || Some(*at) == last {
                put!(out, r#"<circle class="dot" r="2.5" cx=""#, { Px(middle(*at, n) * 100.0) });
                put!(out, r#"%" cy=""#, { Px(axis.y(point.share, height)) }, r#""/>"#);
            }
        }
    }
    out
}

fn grid(axis: &Axis, height: f64) -> Markup {
    let mut out = Markup::new();
    for tick in axis.ticks() {
        let y = Px(axis.y(tick, height));
        put!(out, r#"<line class="grid" x2="100%" y1=""#, { y }, r#"" y2=""#, { y }, r#""/>"#);
    }
    out
}

/// One panel of the small multiples, all on one axis. `place`: that of the theme.
pub fn panel(series: &Series, place: usize, axis: &Axis) -> Markup {
    let theme = &series.themes[place];
    let mut out = Markup::new();
    put!(out, r##"<li class="panel"><h3><a href="#theme-"##, { place }, r#"">"#, { &theme.name });
    put!(out, r#"</a></h3><p class="now">"#);
    if let Some((at, point)) = theme.last() {
        put!(out, "<b>", { Percent(point.share) }, "</b> in ", { &series.periods[at].label });
    }
    put!(out, r#"</p><svg class="plot" width="100%" height=""#, { Px(PANEL_HEIGHT) });
    put!(out, r#"" role="img" aria-label=""#, { in_words(series, theme) }, r#"">"#);
    put!(out, [grid(&Axis { step: axis.top / 2.0, ..*axis }, PANEL_HEIGHT)]);
    put!(out, r#"<text class="tick" y="-4">"#, { Tick(axis.top) }, "</text>");
    put!(out, [panel_strokes(theme, axis, BOX)], "</svg>", [ends(series)], "</li>");
    out
}

fn panel_strokes(theme: &ThemeSeries, axis: &Axis, drawn: (f64, f64)) -> Markup {
    let mut out = strokes(&theme.points, axis, PANEL_HEIGHT, drawn);
    put!(out, [dots(&theme.points, axis, PANEL_HEIGHT)]);
    out
}

/// What is drawn in a panel, for a box of its own, `width` pixels wide: there strokes are not stretched, which
/// not all that draws SVG does well.
pub fn panel_plot(theme: &ThemeSeries, axis: &Axis, width: f64) -> Markup {
    let mut out = grid(&Axis { step: axis.top / 2.0, ..*axis }, PANEL_HEIGHT);
    put!(out, [panel_strokes(theme, axis, (width, PANEL_HEIGHT))]);
    out
}

/// How many documents each period has: the panel that all others rest on.
pub fn documents_panel(series: &Series) -> Markup {
    let most = series.periods.iter().map(|period| period.n_documents).max().unwrap_or(0);
    let n = series.periods.len() as f64;
    let mut path = Path::default();
    for (at, period) in series.periods.iter().enumerate().filter(|(_, p)| p.n_documents > 0) {
        let (left, right) = ((at as f64 + 0.1) / n * BOX.0, (at as f64 + 0.9) / n * BOX.0);
        let top = BOX.1 * (1.0 - period.n_documents as f64 / most.max(1) as f64);
        path.line([(left, BOX.1), (left, top), (right, top), (right, BOX.1)]);
        path.close();
    }
    let mut out = Markup::new();
    put!(out, r#"<li class="panel counts"><h3>Documents</h3><p class="now">at most <b>"#, { most });
    put!(out, r#"</b> a period</p><svg class="plot" width="100%" height=""#, { Px(PANEL_HEIGHT) });
    put!(out, r#"" role="img" aria-label="Documents by period: at most "#, { most });
    put!(out, r#""><svg viewBox="0 0 1000 100" preserveAspectRatio="none" width="100%" height=""#);
    put!(out, { Px(PANEL_HEIGHT) }, r#""><path class="bars" d=""#, { path }, r#""/></svg></svg>"#);
    put!(out, [ends(series)], "</li>");
    out
}

/// First and last period, under a panel.
fn ends(series: &Series) -> Markup {
    let mut out = Markup::new();
    if let (Some(first), Some(last)) = (series.periods.first(), series.periods.last()) {
        put!(out, r#"<p class="ends" aria-hidden="true"><span>"#, { &first.label }, "</span>");
        if series.periods.len() > 1 {
            put!(out, "<span>", { &last.label }, "</span>");
        }
        put!(out, "</p>");
    }
    out
}

/// A series in a sentence, for those who hear it.
pub fn in_words(series: &Series, theme: &ThemeSeries) -> String {
    let label = |at: usize| &series.periods[at].label;
    match (theme.first(), theme.last(), theme.highest()) {
        (Some((a, first)), Some((b, last)), Some((c, highest))) => format!(
            "{}: {} in {}, {} in {}, highest in {} with {}",
            theme.name,
            Percent(first.share),
            label(a),
            Percent(last.share),
            label(b),
            label(c),
            Percent(highest.share)
        ),
        _ => format!("{}: no share, no period has documents", theme.name),
    }
}

/// A run of periods that the theme kept one level in: places of its ends, and the share.
pub type Level = ((usize, usize), f64);

/// The chart of one theme, on an axis of its own, with the levels that its changes divide it into.
pub fn chart(series: &Series, theme: &ThemeSeries, levels: &[Level]) -> Markup {
    let axis = Axis::over(theme.reach());
    let mut out = Markup::new();
    put!(out, r#"<div class="chart"><p class="ticks" aria-hidden="true">"#);
    for tick in axis.ticks().into_iter().rev() {
        put!(out, "<span>", { Tick(tick) }, "</span>");
    }
    put!(out, r#"</p><svg class="plot" width="100%" height=""#, { Px(CHART_HEIGHT + 24.0) });
    put!(out, r#"" role="img" aria-label=""#, { in_words(series, theme) }, r#"">"#);
    put!(out, [chart_plot(series, theme, levels, (&axis, BOX))], "</svg></div>");
    out
}

fn chart_plot(
    series: &Series,
    theme: &ThemeSeries,
    levels: &[Level],
    (axis, drawn): (&Axis, (f64, f64)),
) -> Markup {
    let mut out = grid(axis, CHART_HEIGHT);
    put!(out, [strokes(&theme.points, axis, CHART_HEIGHT, drawn)]);
    put!(out, [level_lines(series, levels, axis)]);
    put!(out, [dots(&theme.points, axis, CHART_HEIGHT)], [labels(series, CHART_HEIGHT + 18.0)]);
    out
}

/// What is drawn in the chart of a theme, for a box of its own, `width` pixels wide, with its axis and height.
pub fn theme_plot(overview: &Overview, theme: &ThemeSeries, width: f64) -> (Markup, Axis, f64) {
    let axis = Axis::over(theme.reach());
    let levels = super::theme::levels(overview, theme);
    let drawn = (width, CHART_HEIGHT);
    (chart_plot(&overview.series, theme, &levels, (&axis, drawn)), axis, CHART_HEIGHT)
}

fn level_lines(series: &Series, levels: &[Level], axis: &Axis) -> Markup {
    let n = series.periods.len() as f64;
    let mut out = Markup::new();
    for ((first, last), share) in levels {
        let y = Px(axis.y(*share, CHART_HEIGHT));
        let (left, right) = (*first as f64 / n * 100.0, (*last as f64 + 1.0) / n * 100.0);
        put!(
            out,
            r#"<line class="level" x1=""#,
            { Px(left) },
            r#"%" x2=""#,
            { Px(right) },
            r#"%" y1=""#
        );
        put!(
            out,
            { y },
            r#"" y2=""#,
            { y },
            r#""><title>level "#,
            { Bare(*share) },
            " %</title></line>"
        );
    }
    out
}

/// Labels of periods under a chart, at `y` pixels.
pub fn labels(series: &Series, y: f64) -> Markup {
    let n = series.periods.len();
    let mut out = Markup::new();
    for at in label_places(n, LABELS) {
        put!(out, r#"<text class="label" x=""#, { Px(middle(at, n) * 100.0) }, r#"%" y=""#, {
            Px(y)
        });
        put!(out, r#"">"#, { &series.periods[at].label }, "</text>");
    }
    out
}
