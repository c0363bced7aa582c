//! The charts as Vega-Lite specifications with their numbers inside, to open in Altair or the Vega
//! editor and to change there.

use serde_json::{Value, json};

use crate::report::overview::series::Series;

use super::heat;
use super::scale::Axis;
use super::slope::{Pair, verdict};

/// The shades of the heatmap.
const RANGE: [&str; 8] =
    ["#f1f4f8", "#dde8f3", "#c3d7ea", "#9cc1df", "#6ba5d0", "#3377ae", "#1d5d99", "#0a356b"];

const SCHEMA: &str = "https://vega.github.io/schema/vega-lite/v5.json";

/// A row for each theme and period; null where there are no documents.
fn rows(series: &Series) -> Vec<Value> {
    let themes = heat::rows(series);
    let row = |(name, points): (&str, &[Option<crate::report::overview::series::Point>])| {
        let of_period = |(period, point): (&crate::report::overview::series::Period, _)| {
            let point: &Option<crate::report::overview::series::Point> = point;
            json!({
                "theme": name,
                "period": period.label,
                "share": point.map(|point| point.share),
                "low": point.and_then(|point| Some(point.interval?.0)),
                "high": point.and_then(|point| Some(point.interval?.1)),
                "documents": period.n_documents,
            })
        };
        series.periods.iter().zip(points).map(of_period).collect::<Vec<Value>>()
    };
    themes.flat_map(row).collect()
}

fn share(title: &str) -> Value {
    json!({"field": "share", "type": "quantitative", "title": title, "axis": {"format": "%"}})
}

fn period() -> Value {
    json!({"field": "period", "type": "ordinal", "title": null, "axis": {"labelOverlap": true}})
}

/// Small multiples on one scale: lines with bands.
pub fn themes_over_time(series: &Series) -> Value {
    let axis = Axis::over(series.themes.iter().map(|theme| theme.reach()).fold(0.0, f64::max));
    json!({
        "$schema": SCHEMA,
        "title": "Themes over time",
        "data": {"values": rows(series)},
        "facet": {"field": "theme", "type": "nominal", "sort": null, "title": null},
        "columns": 4,
        "spec": {
            "width": 200,
            "height": 80,
            "encoding": {"x": period()},
            "layer": [
                {
                    "mark": {"type": "area", "opacity": 0.15, "color": "#0072b2", "clip": true},
                    "encoding": {
                        "y": {
                            "field": "low",
                            "type": "quantitative",
                            "title": "share",
                            "scale": {"domain": [0, axis.top]},
                        },
                        "y2": {"field": "high"},
                    },
                },
                {
                    "mark": {"type": "line", "color": "#0072b2", "tooltip": true},
                    "encoding": {"y": share("share")},
                },
            ],
        },
    })
}

/// Themes by periods.
pub fn heatmap(series: &Series) -> Value {
    json!({
        "$schema": SCHEMA,
        "title": "Themes by periods",
        "data": {"values": rows(series)},
        "mark": {"type": "rect", "tooltip": true},
        "encoding": {
            "x": period(),
            "y": {"field": "theme", "type": "nominal", "sort": null, "title": null},
            "color": {
                "field": "share",
                "type": "quantitative",
                "title": "share",
                "scale": {"type": "threshold", "domain": &heat::SHADES[1..], "range": RANGE},
                "legend": {"format": ".1%"},
            },
        },
    })
}

/// Two periods side by side.
pub fn two_periods(series: &Series, pair: &Pair) -> Value {
    let of_change = |change: &super::slope::Change| {
        let (name, tested) = (&series.themes[change.theme].name, verdict(change.verdict));
        let row = |period: &str, share: f64| json!({"theme": name, "period": period, "share": share, "tested": tested});
        [row(&pair.from, change.from), row(&pair.to, change.to)]
    };
    let values: Vec<Value> = pair.changes.iter().flat_map(of_change).collect();
    json!({
        "$schema": SCHEMA,
        "title": format!("{} and {}", pair.from, pair.to),
        "data": {"values": values},
        "width": 260,
        "height": 420,
        "mark": {"type": "line", "point": true, "tooltip": true},
        "encoding": {
            "x": {"field": "period", "type": "ordinal", "sort": null, "title": null},
            "y": {
                "field": "share",
                "type": "quantitative",
                "title": "share",
                "axis": {"format": "%"},
                "scale": {"type": "sqrt"},
            },
            "detail": {"field": "theme"},
            "color": {"field": "tested", "type": "nominal", "title": null},
        },
    })
}
