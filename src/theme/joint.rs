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
/// Steps of gradient descent in a round.
const STEPS: usize = 400;
/// Penalty on the distance of a weight from where learning started, in coded sentences.
const PENALTY: f64 = 1.0;
/// Penalty on a theme's own intercept, in coded sentences.
const INTERCEPT_PENALTY: f64 = 5.0;
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
        logistic(f64::from(self.logit(theme, features))) as f32
    }

    /// Learns from coded sentences, starting from these weights. Deterministic.
    pub fn learn(&self, sentences: &[CodedSentence]) -> Joint {
        let Some(n_themes) = sentences.first().map(|sentence| sentence.labels.len()) else {
            return self.clone();
        };
        let mut joint = Joint { intercepts: vec![0.0; n_themes], ..self.clone() };
        for _ in 0..ROUNDS {
            let rows = joint.meant_rows(sentences);
            joint = joint.descend(&rows, self);
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
            let best = best_threshold(probabilities).unwrap_or(shared);
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

    /// Accelerated gradient descent (Nesterov) on the mean logistic loss with penalties.
    fn descend(&self, rows: &[Row], start: &Joint) -> Joint {
        let scales = feature_scales(rows);
        let (mut now, mut ahead) = (Parameters::of(self), Parameters::of(self));
        let origin = Parameters::of(start);
        for step in 0..STEPS {
            let gradient = ahead.gradient(rows, &origin);
            let next = ahead.stepped(&gradient, &scales);
            let momentum = step as f64 / (step as f64 + 3.0);
            ahead = next.extrapolated(&now, momentum);
            now = next;
        }
        now.into_joint(start.threshold)
    }
}

/// The probability from which on taking all gives the highest expected F1, within [`THRESHOLDS`];
/// `None` of none. With `n` taken, that is 2 · (sum of those) / (n + sum of all).
fn best_threshold(mut probabilities: Vec<f64>) -> Option<f64> {
    probabilities.sort_by(|a, b| b.total_cmp(a));
    let all: f64 = probabilities.iter().sum();
    let taken = probabilities.iter().scan((0.0, 0.0), |(n, sum), &p| {
        *n += 1.0;
        *sum += p;
        Some((2.0 * *sum / (*n + all), p))
    });
    let (_, threshold) = taken.max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(threshold.clamp(*THRESHOLDS.start(), *THRESHOLDS.end()))
}

struct Row {
    theme: usize,
    features: Features,
    label: bool,
}

/// Mean square of each feature over the rows: the curvature that a step is scaled by.
fn feature_scales(rows: &[Row]) -> [f64; N_FEATURES] {
    let mut sums = [0.0; N_FEATURES];
    for row in rows {
        for (sum, &x) in sums.iter_mut().zip(&row.features) {
            *sum += f64::from(x) * f64::from(x);
        }
    }
    sums.map(|sum| sum / rows.len().max(1) as f64)
}

/// The parameters of a [`Joint`] while it learns.
#[derive(Clone)]
struct Parameters {
    bias: f64,
    weights: [f64; N_FEATURES],
    intercepts: Vec<f64>,
}

impl Parameters {
    fn of(joint: &Joint) -> Self {
        Parameters {
            bias: f64::from(joint.bias),
            weights: joint.weights.map(f64::from),
            intercepts: joint.intercepts.iter().map(|&b| f64::from(b)).collect(),
        }
    }

    fn into_joint(self, threshold: f32) -> Joint {
        Joint {
            bias: self.bias as f32,
            weights: self.weights.map(|w| w as f32),
            threshold,
            intercepts: self.intercepts.iter().map(|&b| b as f32).collect(),
        }
    }

    fn gradient(&self, rows: &[Row], origin: &Parameters) -> Parameters {
        let mut gradient = Parameters {
            bias: 0.0,
            weights: [0.0; N_FEATURES],
            intercepts: vec![0.0; self.intercepts.len()],
        };
        for row in rows {
            let products = self.weights.iter().zip(&row.features).map(|(w, &x)| w * f64::from(x));
            let logit = self.bias + self.intercepts[row.theme] + products.sum::<f64>();
            let error = logistic(logit) - f64::from(u8::from(row.label));
            gradient.bias += error;
            gradient.intercepts[row.theme] += error;
            for (g, &x) in gradient.weights.iter_mut().zip(&row.features) {
                *g += error * f64::from(x);
            }
        }
        let n = rows.len().max(1) as f64;
        gradient.bias /= n;
        for ((g, w), o) in gradient.weights.iter_mut().zip(&self.weights).zip(&origin.weights) {
            *g = (*g + PENALTY * (w - o)) / n;
        }
        for (g, b) in gradient.intercepts.iter_mut().zip(&self.intercepts) {
            *g = (*g + INTERCEPT_PENALTY * b) / n;
        }
        gradient
    }

    /// A step against the gradient, each parameter by its own curvature bound (a quarter of the
    /// mean square of its feature, shared out over the features).
    fn stepped(&self, gradient: &Parameters, scales: &[f64; N_FEATURES]) -> Parameters {
        let rate = 2.0 / (N_FEATURES as f64 + 2.0);
        let mut next = self.clone();
        next.bias -= rate * gradient.bias;
        for (b, g) in next.intercepts.iter_mut().zip(&gradient.intercepts) {
            *b -= rate * g;
        }
        for ((w, g), scale) in next.weights.iter_mut().zip(&gradient.weights).zip(scales) {
            *w -= rate * g / (scale + 1e-3);
        }
        next
    }

    fn extrapolated(&self, before: &Parameters, momentum: f64) -> Parameters {
        let ahead = |now: f64, then: f64| now + momentum * (now - then);
        let mut next = self.clone();
        next.bias = ahead(self.bias, before.bias);
        for (x, (now, then)) in
            next.weights.iter_mut().zip(self.weights.iter().zip(&before.weights))
        {
            *x = ahead(*now, *then);
        }
        for (x, (now, then)) in
            next.intercepts.iter_mut().zip(self.intercepts.iter().zip(&before.intercepts))
        {
            *x = ahead(*now, *then);
        }
        next
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
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
        let sentences: Vec<_> = (0..200).map(|i| sentence([i % 2 == 0, i % 3 == 0])).collect();
        let joint = flat().learn(&sentences);
        assert!(joint.probability(0, &features(1.0, 0.0)) > 0.9, "{joint:?}");
        assert!(joint.probability(0, &features(0.0, 1.0)) < 0.1, "{joint:?}");
        assert_eq!(joint, flat().learn(&sentences), "deterministic");
    }

    #[test]
    fn the_threshold_with_the_highest_expected_f1_is_found_and_held_back_where_codes_are_few() {
        // Taking the three likely ones gives an expected F1 of 2·2.4/(3+2.8) = 0.83; a fourth of 0.3
        // gives 0.79, a third less of them 0.67.
        let few = vec![0.8, 0.1, 0.8, 0.3, 0.8];
        assert_eq!(best_threshold(few.clone()), Some(0.6), "0.8, held within bounds");
        assert_eq!(best_threshold(vec![0.5, 0.5, 0.1]), Some(0.5));
        assert_eq!(best_threshold(vec![]), None);

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
    fn without_codes_nothing_is_learned() {
        assert_eq!(flat().learn(&[]), flat());
    }
}
