//! A theme's shares over many periods: where its level changed ([`change_point`]), and how it went once
//! noise is taken away ([`trend`]).
//!
//! Shares are taken to the scale of arcsine √share, on which noise depends on the number of
//! documents, not on the share (Anscombe 1948): the variance of a period is that of one document of
//! the theme, divided by the effective number of documents. How large the former is, the series itself says,
//! so that what wobbles from year to year is no change of level; and it is no smaller than the documents of
//! single periods make it.

mod change_point;
mod trend;

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::document::PeriodLength;

use super::counted::ThemeName;
use super::false_discovery::q_values;
use super::side::{Key, named};
use super::{CompareOptions, Draws, Estimated, EstimatedSides};

pub use change_point::ChangePoint;
pub use trend::Smoothed;

/// Periods under which no change of level is looked for.
const MIN_FOR_CHANGES: usize = 8;
/// Periods under which no trend is drawn.
const MIN_FOR_TREND: usize = 5;
/// Rate of false discoveries at which a change of level is called real.
const LEVEL: f64 = 0.05;

/// The shares of one theme by period, on the scale of arcsine √share.
#[derive(Debug, Clone, PartialEq)]
struct Series {
    /// 0..π/2, in time order.
    values: Vec<f64>,
    /// Variance of each value, over 0, up to a factor that all of them share.
    variances: Vec<f64>,
    /// Number of each period in the calendar, counted in periods.
    at: Vec<i64>,
    /// The factor of the variances that the documents of the periods alone make, at least 0.
    least_noise: f64,
}

impl Series {
    fn len(&self) -> usize {
        self.values.len()
    }
}

/// The periods of all documents or of one group, in time order, as far as they weigh something.
struct Run<'r, 'd> {
    periods: Vec<(&'r Key, &'r Estimated<'d>)>,
    at: Vec<i64>,
}

impl<'r, 'd> Run<'r, 'd> {
    fn series(&self, theme: usize) -> Series {
        let share = |found: &Estimated<'_>| found.share(theme).unwrap_or(0.0);
        let periods = || self.periods.iter().map(|(_, found)| *found);
        Series {
            values: periods().map(|found| share(found).sqrt().asin()).collect(),
            variances: periods().map(|found| 0.25 / found.n_effective).collect(),
            at: self.at.clone(),
            least_noise: median(periods().filter_map(|found| found.noise(theme)).collect()),
        }
    }

    /// The share of a theme in some periods of the run together.
    fn share(&self, theme: usize, periods: std::ops::Range<usize>) -> f64 {
        let sums = self.periods[periods].iter().fold((0.0, 0.0), |(taken, weight), (_, found)| {
            let share = found.share(theme).unwrap_or(0.0);
            (taken + share * found.weight, weight + found.weight)
        });
        sums.0 / sums.1
    }

    fn label(&self, period: usize) -> String {
        self.periods[period].0.1.clone()
    }

    fn group(&self) -> &Option<String> {
        &self.periods[0].0.0
    }
}

impl Estimated<'_> {
    /// The variance of a share as drawn documents make it, on the scale of arcsine √share and for one document of
    /// average weight; `None` where it is not known.
    fn noise(&self, theme: usize) -> Option<f64> {
        let estimate = self.shares.as_ref()?[theme];
        let spread = estimate.share * (1.0 - estimate.share);
        let se = estimate.se.filter(|_| spread > 0.0)?;
        Some(se * se / spread * self.n_effective)
    }
}

/// 0 of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The runs of periods: of all documents first, then by group.
fn runs<'r, 'd>(estimated: &'r EstimatedSides<'d>, by: PeriodLength) -> Vec<Run<'r, 'd>> {
    let mut runs: Vec<Run<'r, 'd>> = Vec::new();
    for (key, found) in estimated {
        let weighs = found.side.is_period && found.weight > 0.0;
        let Some(at) = by.number(&key.1).filter(|_| weighs) else { continue };
        match runs.last_mut().filter(|run| *run.group() == key.0) {
            Some(run) => {
                run.periods.push((key, found));
                run.at.push(at);
            }
            None => runs.push(Run { periods: vec![(key, found)], at: vec![at] }),
        }
    }
    runs
}

/// The trend of every theme by period; `none` last. `None` for a theme that does not vary, and no
/// entry for a period of a short series.
pub(super) fn trends(
    estimated: &EstimatedSides<'_>,
    n_columns: usize,
    by: PeriodLength,
) -> BTreeMap<Key, Vec<Option<Smoothed>>> {
    let mut found = BTreeMap::new();
    for run in runs(estimated, by).iter().filter(|run| run.periods.len() >= MIN_FOR_TREND) {
        let smooth: Vec<Option<Vec<Smoothed>>> =
            (0..n_columns).map(|theme| trend::smooth(&run.series(theme))).collect();
        found.extend(run.periods.iter().enumerate().map(|(period, (key, _))| {
            let of_theme = |theme: &Option<Vec<Smoothed>>| theme.as_ref().map(|all| all[period]);
            ((*key).clone(), smooth.iter().map(of_theme).collect())
        }));
    }
    found
}

/// Where the level of a theme changed, by theme, then group, then time.
pub(super) fn change_points(
    estimated: &EstimatedSides<'_>,
    themes: &[ThemeName],
    options: &CompareOptions,
) -> Vec<ChangePoint> {
    let runs = runs(estimated, options.by);
    let (all, groups): (Vec<Run<'_, '_>>, Vec<_>) = runs
        .into_iter()
        .filter(|run| run.periods.len() >= MIN_FOR_CHANGES)
        .partition(|run| run.group().is_none());
    let mut found = of_family(&all, themes, options);
    found.extend(of_family(&groups, themes, options));
    found.sort_by_key(|(theme, _)| *theme);
    found.into_iter().map(|(_, point)| point).collect()
}

/// The changes of level in some runs, with q-values over all of their themes. Each with the number of its
/// theme.
fn of_family(
    runs: &[Run<'_, '_>],
    themes: &[ThemeName],
    options: &CompareOptions,
) -> Vec<(usize, ChangePoint)> {
    let cases: Vec<(&Run<'_, '_>, usize)> =
        runs.iter().flat_map(|run| (0..themes.len()).map(move |theme| (run, theme))).collect();
    let tested = |&(run, theme): &(&Run<'_, '_>, usize)| {
        let name = ["level", &named(run.group()), &themes[theme].id];
        change_point::test(&run.series(theme), Draws::new(options.seed, &name))
    };
    let tested: Vec<Option<change_point::Tested>> = cases.par_iter().map(tested).collect();
    let p: Vec<Option<f64>> = tested.iter().map(|test| Some(test.as_ref()?.p)).collect();
    let mut found = Vec::new();
    for (((run, theme), test), q) in cases.into_iter().zip(&tested).zip(q_values(&p)) {
        let Some((test, q)) = test.as_ref().zip(q.filter(|q| *q < LEVEL)) else { continue };
        let steps = change_point::steps(&run.series(theme), test);
        let point = |step| ChangePoint::new(run, (theme, &themes[theme]), step, q, options);
        found.extend(steps.iter().map(|step| (theme, point(step))));
    }
    found
}
