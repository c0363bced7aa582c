//! Shares arranged by theme and period, as charts draw them: periods of the calendar in order, those
//! without a document as gaps, and the largest themes first.

use std::collections::{BTreeMap, HashMap};

use crate::codebook::NONE_ID;
use crate::document::PeriodLength;
use crate::report::trends::{ShareRow, TrendsFile};
use crate::theme::{ThemeKind, ThemeModel};

/// Most periods between which gaps are filled in; a longer calendar has one gap for each break.
const MAX_CALENDAR: i64 = 1200;

/// Most tiers of themes of like size, and how small the smallest of a tier may be beside its largest.
const MAX_TIERS: usize = 3;
const WITHIN: f64 = 0.25;
/// How far over the highest share an axis reaches for the sake of an interval.
const ROOM: f64 = 1.2;

/// All documents' shares (no group), by theme and period.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// In time order; gaps included.
    pub periods: Vec<Period>,
    /// The codebook's themes by their mean share, largest first, then the emergent ones likewise.
    pub themes: Vec<ThemeSeries>,
    /// The part that no theme takes.
    pub none: Vec<Option<Point>>,
}

/// A period of the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Its label; `…` for a long gap.
    pub label: String,
    /// Documents that count in it; 0: a gap.
    pub n_documents: u64,
    /// Whether these are few.
    pub is_small: bool,
}

/// A theme over time.
#[derive(Debug, Clone, PartialEq)]
pub struct ThemeSeries {
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Whether no codebook names it.
    pub is_emergent: bool,
    /// A point for each period; `None`: no documents, or no text.
    pub points: Vec<Option<Point>>,
}

/// The share of a theme in a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// 0..1.
    pub share: f64,
    /// Its 95 % interval; `None`: too few documents.
    pub interval: Option<(f64, f64)>,
}

impl Point {
    fn of(row: &ShareRow) -> Option<Point> {
        let interval = row.low.zip(row.high).map(|(low, high)| (low.get(), high.get()));
        Some(Point { share: row.share?.get(), interval })
    }

    fn reach(&self) -> f64 {
        self.interval.map_or(self.share, |(_, high)| high.max(self.share))
    }
}

/// Points by the label of their period.
type ByPeriod<'t> = HashMap<&'t str, Point>;

impl Series {
    /// The series of a comparison.
    pub fn new(trends: &TrendsFile, model: &ThemeModel) -> Series {
        let periods = periods(trends);
        let mut rows: HashMap<&str, ByPeriod<'_>> = HashMap::new();
        for row in trends.shares.iter().filter(|row| row.group.is_none()) {
            if let Some(point) = Point::of(row) {
                rows.entry(&row.theme).or_default().insert(&row.period, point);
            }
        }
        let points = |id: &str| -> Vec<Option<Point>> {
            let of_theme = rows.get(id);
            periods.iter().map(|p| of_theme?.get(p.label.as_str()).copied()).collect()
        };
        let mut themes: Vec<ThemeSeries> = model
            .themes
            .iter()
            .map(|theme| ThemeSeries {
                id: theme.id.clone(),
                name: theme.name.clone(),
                is_emergent: theme.kind == ThemeKind::Emergent,
                points: points(&theme.id),
            })
            .collect();
        // A stable sort: equal themes stay in the model's order.
        themes.sort_by(|a, b| a.is_emergent.cmp(&b.is_emergent).then(b.sum().total_cmp(&a.sum())));
        let none = points(NONE_ID);
        Series { periods, themes, none }
    }

    /// The place of a theme by its id.
    pub fn theme(&self, id: &str) -> Option<usize> {
        self.themes.iter().position(|theme| theme.id == id)
    }

    /// The place of a period by its label.
    pub fn period(&self, label: &str) -> Option<usize> {
        self.periods.iter().position(|period| period.label == label)
    }

    /// First and last period with documents.
    pub fn ends(&self) -> Option<(&Period, &Period)> {
        let mut filled = self.periods.iter().filter(|period| period.n_documents > 0);
        let first = filled.next()?;
        Some((first, filled.next_back().unwrap_or(first)))
    }

    /// Places of the themes in tiers of like size, so that those of a tier can share a scale on which
    /// each can be seen: a tier holds themes whose highest share is a quarter of its largest or more.
    pub fn tiers(&self) -> Vec<Vec<usize>> {
        let highest = |place: &usize| self.themes[*place].highest().map_or(0.0, |(_, p)| p.share);
        let mut left: Vec<usize> = (0..self.themes.len()).collect();
        let mut tiers = Vec::new();
        while !left.is_empty() {
            let top = left.iter().map(highest).fold(0.0, f64::max);
            let is_last = tiers.len() + 1 == MAX_TIERS || top == 0.0;
            let (tier, rest): (Vec<usize>, Vec<usize>) =
                left.into_iter().partition(|place| is_last || highest(place) >= top * WITHIN);
            tiers.push(tier);
            left = rest;
        }
        tiers
    }
}

impl ThemeSeries {
    fn sum(&self) -> f64 {
        self.points.iter().flatten().map(|point| point.share).sum()
    }

    /// The upper end of what an axis should show: the highest share, and intervals as far as they are
    /// not much higher. A few documents can have an interval up to 1, which would flatten all else.
    pub fn reach(&self) -> f64 {
        let highest = self.highest().map_or(0.0, |(_, point)| point.share);
        let reach = self.points.iter().flatten().map(Point::reach).fold(0.0, f64::max);
        reach.min(highest * ROOM)
    }

    /// The last point there is, with the place of its period.
    pub fn last(&self) -> Option<(usize, Point)> {
        self.points.iter().enumerate().rev().find_map(|(at, point)| Some((at, (*point)?)))
    }

    /// The first point there is.
    pub fn first(&self) -> Option<(usize, Point)> {
        self.points.iter().enumerate().find_map(|(at, point)| Some((at, (*point)?)))
    }

    /// The highest point; the earliest of equal ones.
    pub fn highest(&self) -> Option<(usize, Point)> {
        let points = self.points.iter().enumerate().filter_map(|(at, p)| Some((at, (*p)?)));
        points.reduce(|best, next| if next.1.share > best.1.share { next } else { best })
    }
}

/// Runs of neighbouring places that have a value.
pub fn runs<T: Copy>(values: &[Option<T>]) -> Vec<Vec<(usize, T)>> {
    let mut runs: Vec<Vec<(usize, T)>> = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|(last, _)| last + 1 == at) => {
                run.push((at, *value));
            }
            _ => runs.push(vec![(at, *value)]),
        }
    }
    runs
}

/// The periods of a comparison, with those of the calendar between them.
fn periods(trends: &TrendsFile) -> Vec<Period> {
    let mut found: BTreeMap<&str, Period> = BTreeMap::new();
    for row in trends.periods.iter().filter(|row| row.group.is_none()) {
        let (n_documents, is_small) = (row.n_documents, row.small);
        let period = Period { label: row.period.clone(), n_documents, is_small };
        found.insert(&row.period, period);
    }
    let numbers: Option<Vec<i64>> = found.keys().map(|label| trends.by.number(label)).collect();
    let found = found.values().cloned();
    match numbers.as_deref() {
        Some([first, .., last]) => {
            let is_long = last - first > MAX_CALENDAR;
            with_gaps(trends.by, numbers.iter().flatten().copied().zip(found), is_long)
        }
        _ => found.collect(),
    }
}

fn with_gaps(
    by: PeriodLength,
    found: impl Iterator<Item = (i64, Period)>,
    is_long: bool,
) -> Vec<Period> {
    let mut all: Vec<Period> = Vec::new();
    let mut next = None;
    let gap = |label| Period { label, n_documents: 0, is_small: false };
    for (number, period) in found {
        let missing = next.unwrap_or(number)..number;
        match is_long {
            true if !missing.is_empty() => all.push(gap("…".to_owned())),
            _ => all.extend(missing.map(|number| gap(label(by, number)))),
        }
        next = Some(number + 1);
        all.push(period);
    }
    all
}

/// The label of a period by its number: the inverse of [`PeriodLength::number`].
fn label(by: PeriodLength, number: i64) -> String {
    match by {
        PeriodLength::Quarter => format!("{:04}-Q{}", number / 4, number % 4 + 1),
        PeriodLength::Month => format!("{:04}-{:02}", number / 12, number % 12 + 1),
        PeriodLength::Year | PeriodLength::All => format!("{number:04}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::trends_file;
    use crate::report::trends::PeriodRow;

    fn trends(by: PeriodLength, labels: &[&str]) -> TrendsFile {
        let row = |label: &&str| PeriodRow {
            period: label.to_string(),
            group: None,
            n_documents: 3,
            n_units: 9,
            small: true,
            documents: Default::default(),
        };
        TrendsFile { by, periods: labels.iter().map(row).collect(), ..trends_file() }
    }

    fn labels(by: PeriodLength, given: &[&str]) -> String {
        let periods = periods(&trends(by, given));
        let shown = periods.iter().map(|p| format!("{}:{}", p.label, p.n_documents));
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_calendar_s_gaps_are_there_and_empty() {
        let (year, quarter) = (PeriodLength::Year, PeriodLength::Quarter);
        assert_eq!(labels(year, &["2019", "2022"]), "2019:3 2020:0 2021:0 2022:3");
        let quarters = "2023-Q3:3 2023-Q4:0 2024-Q1:3";
        assert_eq!(labels(quarter, &["2023-Q3", "2024-Q1"]), quarters);
        let months = "2023-11:3 2023-12:0 2024-01:0 2024-02:3";
        assert_eq!(labels(PeriodLength::Month, &["2023-11", "2024-02"]), months);
        assert_eq!(labels(PeriodLength::All, &["all"]), "all:3");
        assert_eq!(labels(year, &["0001", "9999"]), "0001:3 …:0 9999:3");
        assert_eq!(labels(year, &[]), "");
    }

    #[test]
    fn themes_of_like_size_share_a_scale() {
        let theme = |share: f64| ThemeSeries {
            id: String::new(),
            name: String::new(),
            is_emergent: false,
            points: vec![None, Some(Point { share, interval: Some((0.0, 1.0)) })],
        };
        let themes = [0.4, 0.11, 0.05, 0.02, 0.009, 0.001, 0.0].map(theme).to_vec();
        assert_eq!(themes[0].reach(), 0.4 * ROOM);
        let series = Series { themes, ..Series::default() };
        assert_eq!(series.tiers(), [vec![0, 1], vec![2, 3], vec![4, 5, 6]]);
        assert!(Series::default().tiers().is_empty());
    }

    #[test]
    fn a_line_breaks_where_there_is_no_point() {
        let found = runs(&[None, Some(1), Some(2), None, Some(3)]);
        assert_eq!(found, [vec![(1, 1), (2, 2)], vec![(4, 3)]]);
    }
}
