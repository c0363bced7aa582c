//! Agreement by period and by source, and whether it changes over time: a trend of the scores that
//! the codes do not share is a change in error, not in the texts.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agreement::{ByDocument, Counts, Figures};
use super::bootstrap::{Interval, Resampling};
use super::passage::{Judged, Passage};
use super::rounded;

/// Most groups of periods; where there are more, neighbours are joined.
const MAX_SPANS: usize = 12;

/// How codes and scores agree over the passages of one period or source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Label of the period, or value of the field `source`. More than twelve periods are joined into
    /// at most twelve spans, about equal in passages: `1946 to 1953`. Null: documents without one.
    pub name: Option<String>,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// The figures of each period, or of spans of periods where there are many.
pub(super) fn periods(
    judged: &Judged<'_>,
    themes: &[String],
    resampling: Resampling,
) -> Vec<Group> {
    let labels = spans(judged);
    groups(judged, themes, resampling, |passage| {
        labels.get(passage.document.period.as_deref()?).map(String::as_str)
    })
}

/// For each period the label of its span.
fn spans<'p>(judged: &Judged<'p>) -> BTreeMap<&'p str, String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for passage in &judged.passages {
        if let Some(period) = &passage.document.period {
            *counts.entry(period).or_default() += 1;
        }
    }
    if counts.len() <= MAX_SPANS {
        return counts.into_keys().map(|period| (period, period.to_owned())).collect();
    }
    let total: usize = counts.values().sum();
    let mut members: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    let mut n_before = 0;
    for (period, n) in counts {
        // The span in which the middle of the period falls.
        members.entry((2 * n_before + n) * MAX_SPANS / (2 * total)).or_default().push(period);
        n_before += n;
    }
    let labelled = |periods: Vec<&'p str>| {
        let label = match periods[..] {
            [first, .., last] => format!("{first} to {last}"),
            _ => periods.concat(),
        };
        periods.into_iter().map(move |period| (period, label.clone()))
    };
    members.into_values().flat_map(labelled).collect()
}

/// The figures of each group, by name, the nameless last; empty where no passage has a name.
pub(super) fn groups<'n, 'p: 'n>(
    judged: &'n Judged<'p>,
    themes: &[String],
    resampling: Resampling,
    name: impl Fn(&'n Passage<'p>) -> Option<&'n str>,
) -> Vec<Group> {
    let mut members: BTreeMap<(bool, Option<&str>), Vec<&'n Passage<'p>>> = BTreeMap::new();
    for passage in &judged.passages {
        let name = name(passage);
        members.entry((name.is_none(), name)).or_default().push(passage);
    }
    if members.keys().all(|(nameless, _)| *nameless) {
        return Vec::new();
    }
    let group = |((_, name), passages): ((bool, Option<&str>), Vec<&'n Passage<'p>>)| Group {
        name: name.map(str::to_owned),
        figures: Figures::of(passages, judged.n_draws, themes, resampling),
    };
    members.into_iter().map(group).collect()
}

/// How the bias of the scores differs between the earlier and the later periods.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// First and last of the earlier periods.
    pub early: [String; 2],
    /// First and last of the later periods.
    pub late: [String; 2],
    /// Each theme by its id.
    pub themes: BTreeMap<String, BiasChange>,
}

/// The bias of one theme's scores, earlier and later. A bias is the part of the passages that the
/// scores give the theme less the part that the codes do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BiasChange {
    /// In the earlier periods, -1..1.
    pub early: f64,
    /// In the later periods, -1..1.
    pub late: f64,
    /// Later less earlier: what a change of the theme's share owes to error, -2..2.
    pub change: f64,
    /// Interval of `change`; those of all themes together hold 95 times out of 100. Null: too few
    /// documents.
    pub interval: Option<Interval>,
    /// Whether the interval leaves out 0: the scores of the two times cannot be compared as they
    /// are.
    pub is_clear: bool,
}

/// The drift between the two halves of the periods, cut so that they are as equal in passages as
/// can be; `None` with fewer than two periods.
pub(super) fn drift(
    judged: &Judged<'_>,
    themes: &[String],
    resampling: Resampling,
) -> Option<Drift> {
    let dated = || judged.passages.iter().filter(|passage| passage.document.period.is_some());
    let period = |passage: &Passage<'_>| passage.document.period.clone().unwrap_or_default();
    let periods: BTreeSet<String> = dated().map(period).collect();
    let n_until = |cut: &String| dated().filter(|passage| period(passage) <= *cut).count();
    let unequal = |cut: &&String| (2 * n_until(cut)).abs_diff(dated().count());
    let last = periods.last()?;
    let cut = periods.iter().filter(|period| *period != last).min_by_key(unequal)?;
    let documents = ByDocument::in_parts(dated(), judged.n_draws, 2, |passage| {
        usize::from(period(passage) > *cut)
    });
    let n_questions = themes.len() + 1;
    let changes = |times: &[u32]| {
        let sums = documents.sum(times, 2 * n_questions);
        (0..themes.len()).map(|theme| change(&sums, theme, n_questions)).collect::<Vec<_>>()
    };
    let resampling = Resampling { n_together: themes.len().max(1), ..resampling };
    let intervals = resampling.intervals(documents.len(), themes.len(), |times| {
        changes(times).into_iter().map(|change| change.map(|(early, late)| late - early)).collect()
    });
    let row = |(change, interval): (Option<(f64, f64)>, Option<Interval>)| {
        let (early, late) = change?;
        Some(BiasChange {
            early: rounded(early),
            late: rounded(late),
            change: rounded(late - early),
            interval,
            is_clear: interval.is_some_and(|i: Interval| i.low > 0.0 || i.high < 0.0),
        })
    };
    let rows = changes(&vec![1; documents.len()]).into_iter().zip(intervals).map(row);
    let named = themes.iter().cloned().zip(rows);
    let (early, late): (Vec<&String>, Vec<&String>) =
        periods.iter().partition(|period| *period <= cut);
    let ends =
        |periods: &[&String]| Some([(*periods.first()?).clone(), (*periods.last()?).clone()]);
    Some(Drift {
        early: ends(&early)?,
        late: ends(&late)?,
        themes: named.filter_map(|(theme, row)| Some((theme, row?))).collect(),
    })
}

/// The bias of a theme in the earlier and the later part.
fn change(sums: &[Counts], theme: usize, n_questions: usize) -> Option<(f64, f64)> {
    sums[theme].bias().zip(sums[n_questions + theme].bias())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{code, unit};
    use super::super::passage::{ScoredText, ScoredTexts, judge};
    use super::*;
    use crate::theme::codes::Code;

    const RESAMPLING: Resampling = Resampling { seed: 1, n: 400, n_together: 1 };

    /// Sixty documents of 2021 to 2023, one passage each. `roads` is coded in half of them at all
    /// times; the scores find it until 2022 only.
    fn corpus() -> (Vec<Code>, ScoredTexts) {
        let themes = ["roads"];
        (0..60)
            .map(|i| {
                let (id, period) = (format!("d{i:02}"), 2021 + i / 20);
                let is_coded = i % 2 == 0;
                let found = &themes[..usize::from(is_coded && period < 2023)];
                let units = vec![unit(0, "A passage.", found, [0.0; 2])];
                let source = (i % 3 == 0).then(|| "gazette".to_owned());
                let period = (i > 0).then(|| period.to_string());
                let text = ScoredText { period, source, units, copy_of: None };
                let coded = &themes[..usize::from(is_coded)];
                (code(&id, Some(0), "A passage.", coded), (id, text))
            })
            .unzip()
    }

    #[test]
    fn groups_are_named_and_the_nameless_stand_last() {
        let (codes, documents) = corpus();
        let themes = ["roads".to_owned()];
        let judged = judge(&codes, &documents, &themes);
        let periods = periods(&judged, &themes, RESAMPLING);
        let names: Vec<Option<&str>> = periods.iter().map(|group| group.name.as_deref()).collect();
        assert_eq!(names, [Some("2021"), Some("2022"), Some("2023"), None]);
        let recall = |group: &Group| group.figures.themes["roads"].recall;
        assert_eq!(periods.iter().map(recall).collect::<Vec<_>>(), [1.0, 1.0, 0.0, 1.0].map(Some));
        let sources = groups(&judged, &themes, RESAMPLING, Passage::source);
        assert_eq!(sources[0].name.as_deref(), Some("gazette"));
        assert_eq!(sources.iter().map(|group| group.figures.n_passages).sum::<u64>(), 60);
        assert_eq!(groups(&judged, &themes, RESAMPLING, |_| None), []);
    }

    #[test]
    fn many_periods_are_joined_into_spans_that_hold_all() {
        let (codes, mut documents) = corpus();
        for (year, text) in (1950..).zip(documents.values_mut()) {
            text.period = Some(year.to_string());
        }
        let themes = ["roads".to_owned()];
        let found = periods(&judge(&codes, &documents, &themes), &themes, RESAMPLING);
        assert_eq!(found.len(), MAX_SPANS);
        assert_eq!(found[0].name.as_deref(), Some("1950 to 1954"));
        assert!(found.iter().all(|group| group.figures.n_passages == 5), "{found:?}");
    }

    #[test]
    fn a_trend_that_is_only_a_change_in_error_is_seen() {
        let (codes, mut documents) = corpus();
        let themes = ["roads".to_owned()];
        let drift_of = |documents: &ScoredTexts| {
            drift(&judge(&codes, documents, &themes), &themes, RESAMPLING).unwrap()
        };
        let found = drift_of(&documents);
        assert_eq!(
            (&found.early, &found.late),
            (&["2021", "2022"].map(str::to_owned), &["2023", "2023"].map(str::to_owned),)
        );
        let roads = &found.themes["roads"];
        assert_eq!((roads.early, roads.late, roads.change), (0.0, -0.5, -0.5));
        assert!(roads.is_clear, "{roads:?}");
        // A real trend, which codes and scores share, is no drift.
        for (code, text) in codes.iter().zip(documents.values_mut()) {
            text.units[0].themes = code.themes.iter().cloned().collect();
        }
        assert!(!drift_of(&documents).themes["roads"].is_clear);
    }
}
