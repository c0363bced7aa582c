//! How the signals for a theme join into one probability.
//!
//! Each unit and theme has a row of [`Features`]: what the terms say, what the vectors say, what
//! the sentence around the unit says. A logistic regression joins them. Its weights are shared by
//! all themes, so that they carry over to a codebook they never saw; codes, where a user has them,
//! move the weights and give each theme an intercept of its own (`learn`), held back by a penalty.
//!
//! Codes speak of sentences, scores of units. A coded sentence has a theme where at least one of
//! its units has it (multiple-instance learning: Dietterich et al. 1997), so learning takes the
//! unit that scores best at present as the one that the code means, and repeats.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::logistic::{self, FREE, Observation, best_threshold};

/// Numbers that speak for or against a theme in a unit.
pub const N_FEATURES: usize = 15;

/// One row of evidence; [`FEATURE_NAMES`] says what stands where.
pub type Features = [f32; N_FEATURES];

/// What the features are, in order.
pub const FEATURE_NAMES: [&str; N_FEATURES] = [
    "terms: weight in the unit, up to 1",
    "terms: logarithm of the weight in the unit over 1",
    "terms: weight in the rest of the sentence, up to 1",
    "terms: weight in the sentence before, up to 1",
    "terms: weight of `none` in the unit, up to 1",
    "terms: largest weight of another theme in the unit, up to 1",
    "vectors: closeness of the unit to the theme, standardised",
    "vectors: closeness of the sentence to the theme, standardised",
    "vectors: closeness of the unit to `none`, standardised",
    "vectors: how far the theme leads or trails the closest other theme, standardised",
    "heads: log-odds of the unit by the encoder's own head, within -6..6; 0 where it has none",
    "heads: log-odds of the sentence by the encoder's own head, within -6..6; 0 where it has none",
    "context: term weight in the sentences around, up to 1 each, nearer ones counting more",
    "context: how far that leads or trails the most of it for another theme",
    "context: how far closeness in the sentences around leads or trails that to another theme",
];

/// A joint model of the signals: `probability = logistic(bias + intercept[theme] + weights · features)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Joint {
    /// Intercept shared by all themes.
    pub bias: f32,
    /// One weight a feature, shared by all themes.
    pub weights: Features,
    /// Least probability at which a unit carries a theme, 0..1, where no codes say better.
    pub threshold: f32,
    /// What a theme's own intercept adds; empty where no codes were given.
    #[serde(default)]
    pub intercepts: Vec<f32>,
}

/// A coded sentence: the features of its units, `n_units × n_themes` rows with the theme running
/// fastest, and the themes that the coder gave it.
#[derive(Debug, Clone)]
pub struct CodedSentence {
    /// Rows of all units.
    pub features: Vec<Features>,
    /// For each theme whether the sentence has it.
    pub labels: Vec<bool>,
}

/// Rounds of choosing the unit that a code means.
const ROUNDS: usize = 6;
/// Penalty on half the squared distance of a weight from where learning started: 10 is to expect that
/// codes move a weight by about 0.3. Chosen so that few codes do hardly any harm.
const PENALTY: f64 = 10.0;
/// Penalty on half the square of a theme's own intercept.
const INTERCEPT_PENALTY: f64 = 20.0;
/// Coded sentences with a theme that the shared threshold weighs as much as.
const THRESHOLD_PRIOR: f64 = 20.0;
/// The thresholds that codes can lead to.
const THRESHOLDS: std::ops::RangeInclusive<f64> = 0.2..=0.6;

/// Weights that were learned once, by encoder; `docs/theme-model.md` says how.
const BUILTIN: &str = include_str!("../../models/joint.toml");

impl Joint {
    /// The weights for an encoder, by its name; where it has heads for the codebook, those learned
    /// with its heads. For an encoder that is none of ours those of `minilm`, with heads of `reader`.
    pub fn builtin(encoder: &str, has_heads: bool) -> Joint {
        let mut by_encoder: BTreeMap<String, Joint> =
            toml::from_str(BUILTIN).expect("models/joint.toml is checked by a test");
        let (heads, other) = if has_heads { ("-heads", "reader-heads") } else { ("", "minilm") };
        let key = format!("{encoder}{heads}");
        let key = if by_encoder.contains_key(&key) { &*key } else { other };
        by_encoder
            .remove(key)
            .expect("models/joint.toml has weights for encoders that are not ours")
    }

    /// The log-odds that a unit with these features carries the theme of index `theme`.
    pub fn logit(&self, theme: usize, features: &Features) -> f32 {
        let own = self.intercepts.get(theme).copied().unwrap_or(0.0);
        let sum: f32 = self.weights.iter().zip(features).map(|(w, x)| w * x).sum();
        self.bias + own + sum
    }

    /// The probability that a unit with these features carries the theme, 0..1.
    pub fn probability(&self, theme: usize, features: &Features) -> f32 {
        logistic::of(f64::from(self.logit(theme, features))) as f32
    }

    /// Learns from coded sentences, starting from these weights. Deterministic.
    pub fn learn(&self, sentences: &[CodedSentence]) -> Joint {
        let Some(n_themes) = sentences.first().map(|sentence| sentence.labels.len()) else {
            return self.clone();
        };
        let mut joint = Joint { intercepts: vec![0.0; n_themes], ..self.clone() };
        for _ in 0..ROUNDS {
            let rows = joint.meant_rows(sentences);
            joint = joint.climb(&rows, self);
        }
        joint
    }

    /// For each theme the least probability at which a unit carries it, 0..1: over coded sentences
    /// the one with the highest F1 to expect of these probabilities (Ye et al. 2012), drawn towards
    /// the shared threshold where few sentences have the theme. The shared one without codes.
    pub fn thresholds(&self, sentences: &[CodedSentence], n_themes: usize) -> Vec<f32> {
        let mut probabilities: Vec<Vec<f64>> = vec![Vec::new(); n_themes];
        for row in self.meant_rows(sentences) {
            let probability = self.probability(row.theme, &row.features);
            probabilities[row.theme].push(f64::from(probability));
        }
        let shared = f64::from(self.threshold);
        let of_theme = |probabilities: Vec<f64>| {
            let n: f64 = probabilities.iter().sum();
            let pairs = probabilities.into_iter().map(|p| (p, p)).collect();
            let best = best_threshold(pairs).unwrap_or(shared);
            let best = best.clamp(*THRESHOLDS.start(), *THRESHOLDS.end());
            ((n * best + THRESHOLD_PRIOR * shared) / (n + THRESHOLD_PRIOR)) as f32
        };
        probabilities.into_iter().map(of_theme).collect()
    }

    /// For each sentence and theme the features of its best unit, with the label.
    fn meant_rows(&self, sentences: &[CodedSentence]) -> Vec<Row> {
        let rows_of = |sentence: &CodedSentence| {
            let n_themes = sentence.labels.len();
            let best = |theme: usize| {
                let units = sentence.features.iter().skip(theme).step_by(n_themes);
                let logit = |features: &&Features| self.logit(theme, features);
                let features = units.max_by(|a, b| logit(a).total_cmp(&logit(b)))?;
                Some(Row { theme, features: *features, label: sentence.labels[theme] })
            };
            (0..n_themes).filter_map(best).collect::<Vec<_>>()
        };
        sentences.iter().flat_map(rows_of).collect()
    }

    /// Penalised maximum likelihood, from these weights on; the penalty pulls towards `start`.
    fn climb(&self, rows: &[Row], start: &Joint) -> Joint {
        let from = self.parameters();
        let mut origin = vec![0.0; from.len()];
        origin[..BIAS].copy_from_slice(&start.parameters()[..BIAS]);
        origin[BIAS] = from[BIAS];
        let penalty = |parameter: usize| match parameter {
            BIAS => FREE,
            0..BIAS => PENALTY,
            _ => INTERCEPT_PENALTY,
        };
        let penalties: Vec<f64> = (0..from.len()).map(penalty).collect();
        let now = logistic::climb(rows, from, &origin, &penalties);
        let [weights, rest] = [&now[..N_FEATURES], &now[N_FEATURES..]];
        Joint {
            bias: rest[0] as f32,
            weights: std::array::from_fn(|feature| weights[feature] as f32),
            threshold: start.threshold,
            intercepts: rest[1..].iter().map(|&x| x as f32).collect(),
        }
    }

    /// Weights, bias, intercepts.
    fn parameters(&self) -> Vec<f64> {
        self.weights.iter().chain([&self.bias]).chain(&self.intercepts).map(|&x| x.into()).collect()
    }
}

struct Row {
    theme: usize,
    features: Features,
    label: bool,
}

/// Where the bias stands among the parameters; the intercepts follow.
const BIAS: usize = N_FEATURES;

impl Observation for Row {
    fn factors(&self) -> impl Iterator<Item = (usize, f64)> + Clone {
        let features = self.features.iter().map(|&x| f64::from(x));
        let own = BIAS + 1 + self.theme;
        features.enumerate().chain([(BIAS, 1.0), (own, 1.0)])
    }

    fn is_positive(&self) -> bool {
        self.label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat() -> Joint {
        Joint { bias: 0.0, weights: [0.0; N_FEATURES], threshold: 0.4, intercepts: vec![] }
    }

    fn features(first: f32, second: f32) -> Features {
        let mut features = [0.0; N_FEATURES];
        features[0] = first;
        features[1] = second;
        features
    }

    #[test]
    fn probability_is_the_logistic_of_the_weighted_sum() {
        let joint =
            Joint { bias: -1.0, weights: features(2.0, 0.0), intercepts: vec![0.0, 0.5], ..flat() };
        assert_eq!(joint.logit(0, &features(1.0, 9.0)), 1.0);
        assert_eq!(joint.logit(1, &features(1.0, 9.0)), 1.5);
        assert!((joint.probability(0, &features(0.5, 0.0)) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn learning_finds_the_feature_that_tells_and_the_unit_that_a_code_means() {
        // Two units a sentence, two themes. The theme is there where a unit has feature 0; feature
        // 1 is noise that the other unit has in every sentence.
        let sentence = |has: [bool; 2]| CodedSentence {
            features: vec![
                features(f32::from(u8::from(has[0])), 0.0),
                features(f32::from(u8::from(has[1])), 0.0),
                features(0.0, 1.0),
                features(0.0, 1.0),
            ],
            labels: has.to_vec(),
        };
        let sentences: Vec<_> = (0..4000).map(|i| sentence([i % 2 == 0, i % 3 == 0])).collect();
        // At first the feature hardly tells.
        let start = Joint { weights: features(0.1, 0.0), ..flat() };
        let joint = start.learn(&sentences);
        assert!(joint.probability(0, &features(1.0, 0.0)) > 0.9, "{joint:?}");
        assert!(joint.probability(0, &features(0.0, 1.0)) < 0.1, "{joint:?}");
        assert_eq!(joint, start.learn(&sentences), "deterministic");
    }

    #[test]
    fn the_threshold_with_the_highest_expected_f1_is_found_and_held_back_where_codes_are_few() {
        // The best threshold of these is 0.8, held within bounds.
        let few = vec![0.8, 0.1, 0.8, 0.3, 0.8];
        let joint = Joint { weights: features(1.0, 0.0), ..flat() };
        let sentence = |p: f64| CodedSentence {
            features: vec![features((p / (1.0 - p)).ln() as f32, 0.0)],
            labels: vec![p > 0.5],
        };
        let sentences: Vec<_> = few.into_iter().map(sentence).collect();
        let few = joint.thresholds(&sentences, 1)[0];
        let many: Vec<_> = (0..100).flat_map(|_| sentences.clone()).collect();
        let many = joint.thresholds(&many, 1)[0];
        assert!(0.4 < few && few < 0.45, "{few}");
        assert!((many - 0.6).abs() < 0.02, "{many}");
        assert_eq!(joint.thresholds(&[], 2), [0.4, 0.4]);
    }

    #[test]
    fn built_in_weights_are_there_for_every_encoder() {
        assert_ne!(Joint::builtin("static", false), Joint::builtin("minilm", false));
        assert_eq!(Joint::builtin("some-folder", false), Joint::builtin("minilm", false));
        assert_ne!(Joint::builtin("static", false), Joint::builtin("static", true));
        assert_eq!(Joint::builtin("some-folder", true), Joint::builtin("reader", true));
        assert_ne!(Joint::builtin("reader", true), Joint::builtin("reader", false));
    }

    #[test]
    fn learning_stops_where_the_penalised_likelihood_is_highest() {
        // Three in four rows with the feature have the theme, one in four of those without.
        let row = |i: usize| {
            let has = i.is_multiple_of(2);
            Row {
                theme: 0,
                features: features(f32::from(u8::from(has)), 0.0),
                label: (i / 2).is_multiple_of(4) != has,
            }
        };
        let rows: Vec<Row> = (0..80_000).map(row).collect();
        let start = Joint { intercepts: vec![0.0], ..flat() };
        let found = start.climb(&rows, &start);
        let odds = 3f32.ln();
        assert!((found.bias + found.intercepts[0] + odds).abs() < 0.01, "{found:?}");
        assert!((found.weights[0] - 2.0 * odds).abs() < 0.01, "{found:?}");
        let few = start.climb(&rows[..8], &start);
        assert!(few.weights[0] > 0.0 && few.weights[0] < 0.3, "held back: {few:?}");
    }

    #[test]
    fn without_codes_nothing_is_learned() {
        assert_eq!(flat().learn(&[]), flat());
    }
}
