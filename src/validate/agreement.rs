//! How codes and scores agree, theme by theme and over all: precision, recall, F1 (van Rijsbergen
//! 1979), Krippendorff's alpha, and the bias of the scores, each with its interval.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alpha::{Coincidences, alpha};
use super::bootstrap::{Interval, Resampling};
use super::passage::Passage;
use super::rounded;

/// How codes and scores agree over some passages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Coded passages.
    pub n_passages: u64,
    /// Documents that they lie in; copies of one text are one.
    pub n_documents: u64,
    /// Mean F1 over the themes that the codes have, 0..1.
    pub macro_f1: f64,
    /// Precision over the decisions on all themes together, 0..1. Null: no theme is scored.
    pub micro_precision: Option<f64>,
    /// Recall over the decisions on all themes together, 0..1. Null: no theme is coded.
    pub micro_recall: Option<f64>,
    /// F1 over the decisions on all themes together, 0..1.
    pub micro_f1: f64,
    /// Krippendorff's alpha between codes and scores over all themes, at most 1: two sets of themes
    /// differ by as many themes as only one of them has. Null: no theme occurs.
    pub alpha: Option<f64>,
    /// 95 % intervals of the figures above.
    pub intervals: FigureIntervals,
    /// Each theme by its id.
    pub themes: BTreeMap<String, Agreement>,
    /// Passages without a theme: in the codes, in the scores, in both.
    pub none: Agreement,
}

/// 95 % intervals of figures over all themes; null where there is too little to say.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct FigureIntervals {
    /// Of `macro_f1`.
    pub macro_f1: Option<Interval>,
    /// Of `micro_precision`.
    pub micro_precision: Option<Interval>,
    /// Of `micro_recall`.
    pub micro_recall: Option<Interval>,
    /// Of `micro_f1`.
    pub micro_f1: Option<Interval>,
    /// Of `alpha`.
    pub alpha: Option<Interval>,
}

/// How codes and scores agree on one theme.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Agreement {
    /// Passages that the codes give the theme.
    pub n_coded: u64,
    /// Passages that the scores give the theme.
    pub n_scored: u64,
    /// Passages that both give it.
    pub n_both: u64,
    /// Documents in which the codes or the scores give it.
    pub n_documents: u64,
    /// Part of the scored ones that are coded, 0..1; null where none is scored.
    pub precision: Option<f64>,
    /// Part of the coded ones that are scored, 0..1; null where none is coded.
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall, 0..1; null where the theme is in neither.
    pub f1: Option<f64>,
    /// Krippendorff's alpha between codes and scores, at most 1; null where the theme is in neither,
    /// or everywhere in both.
    pub alpha: Option<f64>,
    /// Part of the passages that the scores give the theme less the part that the codes do, -1..1:
    /// how far the theme's share is off; null without passages.
    pub bias: Option<f64>,
    /// 95 % intervals of the figures above.
    pub intervals: AgreementIntervals,
}

/// 95 % intervals of the figures of one theme; null where there is too little to say.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct AgreementIntervals {
    /// Of `precision`.
    pub precision: Option<Interval>,
    /// Of `recall`.
    pub recall: Option<Interval>,
    /// Of `f1`.
    pub f1: Option<Interval>,
    /// Of `alpha`.
    pub alpha: Option<Interval>,
    /// Of `bias`.
    pub bias: Option<Interval>,
}

/// Decisions on one theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// Passages.
    pub n: u64,
    pub coded: u64,
    pub scored: u64,
    pub both: u64,
}

impl Counts {
    fn of(coded: bool, scored: bool) -> Self {
        let [coded, scored, both] = [coded, scored, coded && scored].map(u64::from);
        Counts { n: 1, coded, scored, both }
    }

    fn add(&mut self, other: Counts, times: u32) {
        let times = u64::from(times);
        self.n += times * other.n;
        self.coded += times * other.coded;
        self.scored += times * other.scored;
        self.both += times * other.both;
    }

    fn precision(self) -> Option<f64> {
        part(self.both, self.scored)
    }

    fn recall(self) -> Option<f64> {
        part(self.both, self.coded)
    }

    fn f1(self) -> Option<f64> {
        part(2 * self.both, self.coded + self.scored)
    }

    /// Part scored less part coded.
    pub fn bias(self) -> Option<f64> {
        Some(part(self.scored, self.n)? - part(self.coded, self.n)?)
    }

    fn coincidences(self) -> Coincidences {
        let one = self.coded + self.scored - 2 * self.both;
        Coincidences::of_two(self.both, one, self.n - one - self.both)
    }
}

fn part(of: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| of as f64 / whole as f64)
}

/// The decisions of every document: `(n_documents, n_themes + 1)`, `none` last.
pub(super) struct ByDocument(Vec<Vec<Counts>>);

impl ByDocument {
    /// `n_draws`: numbers that documents have. Documents without a passage are left out.
    pub fn new<'p>(passages: impl IntoIterator<Item = &'p Passage<'p>>, n_draws: usize) -> Self {
        Self::in_parts(passages, n_draws, 1, |_| 0)
    }

    /// As many counts for each of `n_parts` parts of the passages, one part after the other.
    pub fn in_parts<'p>(
        passages: impl IntoIterator<Item = &'p Passage<'p>>,
        n_draws: usize,
        n_parts: usize,
        part: impl Fn(&Passage<'_>) -> usize,
    ) -> Self {
        let mut rows: Vec<Vec<Counts>> = vec![Vec::new(); n_draws];
        for passage in passages {
            let (row, n_questions) = (&mut rows[passage.draw], passage.coded.len());
            row.resize(n_parts * n_questions, Counts::default());
            let answers = passage.coded.iter().zip(&passage.scored);
            let of_part = row.iter_mut().skip(part(passage) * n_questions);
            for (counts, (&coded, &scored)) in of_part.zip(answers) {
                counts.add(Counts::of(coded, scored), 1);
            }
        }
        rows.retain(|row| !row.is_empty());
        ByDocument(rows)
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Sums over documents, each counted as often as it was drawn.
    pub fn sum(&self, times: &[u32], n_questions: usize) -> Vec<Counts> {
        let mut sums = vec![Counts::default(); n_questions];
        for (row, &times) in self.0.iter().zip(times).filter(|(_, times)| **times > 0) {
            sums.iter_mut().zip(row).for_each(|(sum, &counts)| sum.add(counts, times));
        }
        sums
    }

    fn n_with(&self, question: usize) -> u64 {
        let has = |row: &&Vec<Counts>| row[question].coded + row[question].scored > 0;
        self.0.iter().filter(has).count() as u64
    }
}

/// Figures of one theme, and of all together, that are resampled.
const N_OF_THEME: usize = 5;

fn of_theme(counts: Counts) -> [Option<f64>; N_OF_THEME] {
    let alpha = alpha(&[counts.coincidences()]);
    [counts.precision(), counts.recall(), counts.f1(), alpha, counts.bias()]
}

/// Macro F1, micro precision, recall and F1, and alpha. `sums`: the themes, without `none`.
fn of_all(sums: &[Counts]) -> [Option<f64>; N_OF_THEME] {
    let coded: Vec<f64> = sums.iter().filter(|c| c.coded > 0).filter_map(|c| c.f1()).collect();
    let macro_f1 = (!coded.is_empty()).then(|| coded.iter().sum::<f64>() / coded.len() as f64);
    let mut all = Counts::default();
    sums.iter().for_each(|&counts| all.add(counts, 1));
    let questions: Vec<Coincidences> = sums.iter().map(|counts| counts.coincidences()).collect();
    [macro_f1, all.precision(), all.recall(), all.f1(), alpha(&questions)]
}

fn all_figures(sums: &[Counts]) -> Vec<Option<f64>> {
    let n_themes = sums.len() - 1;
    sums.iter().flat_map(|&counts| of_theme(counts)).chain(of_all(&sums[..n_themes])).collect()
}

impl Figures {
    /// The figures of some passages. `themes`: ids, in the codebook's order; `n_draws`: numbers that
    /// documents have.
    pub(super) fn of<'p>(
        passages: impl IntoIterator<Item = &'p Passage<'p>>,
        n_draws: usize,
        themes: &[String],
        resampling: Resampling,
    ) -> Figures {
        let documents = ByDocument::new(passages, n_draws);
        let n_questions = themes.len() + 1;
        let sums = documents.sum(&vec![1; documents.len()], n_questions);
        let values = all_figures(&sums);
        let intervals = resampling.intervals(documents.len(), values.len(), |times| {
            all_figures(&documents.sum(times, n_questions))
        });
        let at = |question: usize| question * N_OF_THEME..(question + 1) * N_OF_THEME;
        let agreement = |question: usize| Agreement {
            n_documents: documents.n_with(question),
            ..Agreement::new(sums[question], &intervals[at(question)])
        };
        let [macro_f1, micro_precision, micro_recall, micro_f1, alpha] =
            of_all(&sums[..themes.len()]).map(|value| value.map(rounded));
        let mut of_all = intervals[at(n_questions)].iter().copied();
        let mut next = || of_all.next().flatten();
        Figures {
            n_passages: sums[themes.len()].n,
            n_documents: documents.len() as u64,
            macro_f1: macro_f1.unwrap_or(0.0),
            micro_precision,
            micro_recall,
            micro_f1: micro_f1.unwrap_or(0.0),
            alpha,
            intervals: FigureIntervals {
                macro_f1: next(),
                micro_precision: next(),
                micro_recall: next(),
                micro_f1: next(),
                alpha: next(),
            },
            themes: themes.iter().cloned().zip((0..themes.len()).map(agreement)).collect(),
            none: agreement(themes.len()),
        }
    }
}

impl Agreement {
    fn new(counts: Counts, intervals: &[Option<Interval>]) -> Agreement {
        let [precision, recall, f1, alpha, bias] = of_theme(counts).map(|value| value.map(rounded));
        let mut intervals = intervals.iter().copied();
        let mut next = || intervals.next().flatten();
        Agreement {
            n_coded: counts.coded,
            n_scored: counts.scored,
            n_both: counts.both,
            n_documents: 0,
            precision,
            recall,
            f1,
            alpha,
            bias,
            intervals: AgreementIntervals {
                precision: next(),
                recall: next(),
                f1: next(),
                alpha: next(),
                bias: next(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{code, corpus, themes};
    use super::super::passage::judge;
    use super::*;

    fn figures() -> Figures {
        let (documents, themes) = (corpus(), themes());
        let codes = [
            code("a", Some(0), "They agreed on ports; and on schools.", &["roads", "learning"]),
            code("a", None, "They  dined.", &["roads"]),
        ];
        let judged = judge(&codes, &documents, &themes);
        let resampling = Resampling { seed: 1, n: 50, n_together: 1 };
        Figures::of(&judged.passages, judged.n_draws, &themes, resampling)
    }

    #[test]
    fn rates_are_counted_over_passages() {
        let figures = figures();
        let (learning, roads) = (&figures.themes["learning"], &figures.themes["roads"]);
        assert_eq!((figures.n_passages, figures.n_documents), (2, 1));
        assert_eq!((learning.f1, learning.alpha), (Some(1.0), Some(1.0)));
        assert_eq!((roads.precision, roads.recall), (Some(1.0), Some(0.5)));
        assert_eq!((roads.n_coded, roads.n_scored, roads.n_documents), (2, 1, 1));
        assert_eq!(roads.bias, Some(-0.5));
        assert!((figures.macro_f1 - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-6);
        assert_eq!((figures.micro_precision, figures.micro_f1), (Some(1.0), 0.8));
        assert_eq!((figures.none.n_coded, figures.none.n_scored), (0, 1));
        assert_eq!(figures.none.recall, None);
    }

    #[test]
    fn one_document_has_no_interval() {
        let figures = figures();
        assert_eq!(figures.intervals, FigureIntervals::default());
        assert_eq!(figures.themes["roads"].intervals, AgreementIntervals::default());
    }

    #[test]
    fn a_macro_mean_is_over_coded_themes_alone() {
        let coded = Counts { n: 4, coded: 2, scored: 2, both: 1 };
        let never = Counts { n: 4, coded: 0, scored: 2, both: 0 };
        assert_eq!(of_all(&[coded, never])[0], Some(0.5));
        assert_eq!(of_all(&[never])[0], None);
    }
}
