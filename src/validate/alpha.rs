//! Krippendorff's alpha: agreement corrected for chance, for any number of coders, with gaps.
//!
//! `alpha = 1 - D_observed / D_expected`, both from coincidences: every ordered pair of values that
//! two coders gave to the same passage counts `1 / (m - 1)`, where `m` coders judged the passage
//! (Krippendorff 2019, chapter 12). A theme is a yes-or-no question. Over all themes the difference
//! of two sets of themes is the number of themes that only one of them has, so that both sums run
//! over the themes' own: `1 - sum D_observed / sum D_expected`.

use std::collections::BTreeMap;
use std::ops::AddAssign;

/// Pairs of answers to one yes-or-no question. They add up over passages.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Coincidences {
    /// Both yes.
    yes: f64,
    /// Both no.
    no: f64,
    /// One yes, one no.
    apart: f64,
}

impl Coincidences {
    /// Of one passage: `n_yes` of `n` coders said yes. One coder alone makes no pair.
    pub fn of(n_yes: usize, n: usize) -> Self {
        if n < 2 {
            return Coincidences::default();
        }
        let pairs = |a: usize, b: usize| (a * b) as f64 / (n - 1) as f64;
        let n_no = n - n_yes;
        Coincidences {
            yes: pairs(n_yes, n_yes.saturating_sub(1)),
            no: pairs(n_no, n_no.saturating_sub(1)),
            apart: 2.0 * pairs(n_yes, n_no),
        }
    }

    /// Of two coders: passages that both gave a theme, that only one gave it, that neither did.
    pub fn of_two(both: u64, one: u64, neither: u64) -> Self {
        let [yes, apart, no] = [both, one, neither].map(|n| 2.0 * n as f64);
        Coincidences { yes, no, apart }
    }

    /// These coincidences `times` over.
    pub fn times(self, times: f64) -> Self {
        Coincidences { yes: self.yes * times, no: self.no * times, apart: self.apart * times }
    }

    fn observed(self) -> f64 {
        self.apart / (self.yes + self.no + self.apart)
    }

    fn expected(self) -> f64 {
        let (n_yes, n_no) = (self.yes + self.apart / 2.0, self.no + self.apart / 2.0);
        let n = n_yes + n_no;
        2.0 * n_yes * n_no / (n * (n - 1.0))
    }
}

impl AddAssign for Coincidences {
    fn add_assign(&mut self, other: Self) {
        self.yes += other.yes;
        self.no += other.no;
        self.apart += other.apart;
    }
}

/// Alpha over all of the questions, at most 1; `None` where no passage has two answers, or all
/// answers are the same, so that there is nothing to agree on.
pub fn alpha(questions: &[Coincidences]) -> Option<f64> {
    let observed: f64 = questions.iter().map(|question| question.observed()).sum();
    let expected: f64 = questions.iter().map(|question| question.expected()).sum();
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

/// Alpha where a passage's whole set of themes is one nominal value: sets agree or they do not.
/// `passages`: the sets that coders gave to each.
pub fn alpha_of_sets(passages: &[Vec<&[bool]>]) -> Option<f64> {
    let mut totals: BTreeMap<&[bool], f64> = BTreeMap::new();
    let mut apart = 0.0;
    for sets in passages.iter().filter(|sets| sets.len() > 1) {
        let n_others = (sets.len() - 1) as f64;
        for set in sets {
            *totals.entry(set).or_default() += 1.0;
            apart += sets.iter().filter(|other| other != &set).count() as f64 / n_others;
        }
    }
    let n: f64 = totals.values().sum();
    let alike: f64 = totals.values().map(|total| total * (total - 1.0)).sum();
    let expected = 1.0 - alike / (n * (n - 1.0));
    (expected > 0.0).then(|| 1.0 - apart / n / expected)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// What the Python package `krippendorff` gives; tests/alpha/reference.py made it.
    fn reference() -> Vec<Value> {
        let text = include_str!("../../tests/alpha/reference.json");
        serde_json::from_str(text).unwrap()
    }

    /// For each passage the sets of those coders who judged it.
    fn passages(case: &Value) -> Vec<Vec<Vec<bool>>> {
        let set = |set: &Value| {
            let set = set.as_array()?;
            Some(set.iter().map(|theme| theme.as_bool().unwrap()).collect::<Vec<bool>>())
        };
        let sets = |passage: &Value| passage.as_array().unwrap().iter().filter_map(set).collect();
        case["passages"].as_array().unwrap().iter().map(sets).collect()
    }

    fn close(found: Option<f64>, expected: &Value, what: &str) {
        match (found, expected.as_f64()) {
            (Some(found), Some(expected)) => {
                assert!((found - expected).abs() < 1e-9, "{what}: {found}, not {expected}");
            }
            (found, expected) => assert_eq!(found, expected, "{what}"),
        }
    }

    #[test]
    fn alpha_is_that_of_an_independent_reference() {
        for case in reference() {
            let name = case["name"].as_str().unwrap();
            let passages = passages(&case);
            let n_themes = case["themes"].as_array().unwrap().len();
            let question = |theme: usize| {
                let mut sum = Coincidences::default();
                for sets in &passages {
                    sum +=
                        Coincidences::of(sets.iter().filter(|set| set[theme]).count(), sets.len());
                }
                sum
            };
            let questions: Vec<Coincidences> = (0..n_themes).map(question).collect();
            for (theme, expected) in case["themes"].as_array().unwrap().iter().enumerate() {
                close(alpha(&questions[theme..=theme]), expected, &format!("{name}, {theme}"));
            }
            close(alpha(&questions), &case["overall"], &format!("{name}, overall"));
            let sets: Vec<Vec<&[bool]>> =
                passages.iter().map(|sets| sets.iter().map(Vec::as_slice).collect()).collect();
            close(alpha_of_sets(&sets), &case["sets"], &format!("{name}, sets"));
        }
    }

    #[test]
    fn two_coders_are_a_table_of_four() {
        let mut sum = Coincidences::default();
        for (n_yes, times) in [(2, 3), (1, 4), (0, 5)] {
            (0..times).for_each(|_| sum += Coincidences::of(n_yes, 2));
        }
        assert_eq!(sum, Coincidences::of_two(3, 4, 5));
    }

    #[test]
    fn without_two_answers_that_differ_there_is_no_alpha() {
        assert_eq!(alpha(&[Coincidences::default()]), None);
        assert_eq!(alpha(&[Coincidences::of_two(0, 0, 9)]), None);
        assert_eq!(alpha_of_sets(&[vec![&[true]]]), None);
        assert_eq!(alpha_of_sets(&[vec![&[true], &[true]]]), None);
    }
}
