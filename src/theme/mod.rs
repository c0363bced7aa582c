//! Clusters + codebook → [`ThemeModel`]: what `fit` learns, `themes.json` keeps and `score` reads.
//!
//! A model is whole in itself: it carries its codebook, the directions of the themes, the weights
//! that join the signals, the lines of page furniture that its corpus repeats, and the hash of the
//! encoder, so that scoring tomorrow gives what scoring today gave.

pub mod check;
pub mod codes;
mod context;
pub mod directions;
pub mod distinctive;
pub mod emergent;
pub mod evidence;
mod fit;
pub mod joint;
mod logistic;
pub mod passages;
pub mod promote;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::codebook::Codebook;
use crate::embed::{Embedder, EncoderChoice, Precision};
use crate::error::{Error, Result};

use directions::{Direction, Directions};
use emergent::Emergence;
use joint::Joint;

pub use fit::{FitOptions, fit};

/// The `schema` of themes.json.
pub const SCHEMA: &str = "themeline/themes/1";

/// No number of a model is larger; those of a fit stay far below. Products of such numbers are finite.
const LARGEST: f32 = 1e6;

/// The fitted themes: `themes.json`, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThemeModel {
    /// Always `themeline/themes/1`.
    pub schema: String,
    /// Version of themeline that fitted the model.
    pub themeline: String,
    /// The encoder that the directions belong to.
    pub encoder: EncoderRef,
    /// Hash (BLAKE3, hex) of the codebook's content.
    pub codebook_fingerprint: String,
    /// The codebook itself.
    #[schemars(with = "serde_json::Value")]
    pub codebook: Codebook,
    /// What the model was fitted on.
    pub fitted_on: FittedOn,
    /// Weights that join the signals for a theme into a probability.
    #[schemars(with = "serde_json::Value")]
    pub joint: Joint,
    /// The themes: those of the codebook in its order, then the emergent ones, largest first.
    pub themes: Vec<FittedTheme>,
    /// Direction of text that names no theme.
    pub none: Direction,
    /// Short lines that repeat over the documents of the corpus: page furniture, not text.
    pub repeated_lines: Vec<String>,
}

/// The encoder of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EncoderRef {
    /// Its name.
    pub name: String,
    /// Hash (BLAKE3, hex) of its weights and settings.
    pub fingerprint: String,
    /// Length of its vectors.
    pub dimension: usize,
    /// In which numbers it computes, where it can in several; those before 0.1 had f32 alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Precision>,
}

impl EncoderRef {
    /// What to open to have it again.
    pub fn choice(&self) -> EncoderChoice<'_> {
        let precision = self.precision.unwrap_or(Precision::F32);
        EncoderChoice { name: &self.name, precision, device: None }
    }

    /// Its name, and the flag for its precision where it has several.
    fn asked(&self) -> String {
        let flag = self.precision.map(|precision| format!(" --precision {}", precision.name()));
        format!("{}{}", self.name, flag.unwrap_or_default())
    }
}

/// What a model was fitted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FittedOn {
    /// Documents in the sample.
    pub n_documents: u64,
    /// Units in the sample.
    pub n_units: u64,
    /// Coded passages that the weights were learned from; 0 where the built-in ones serve.
    pub n_codes: u64,
    /// Ids of the documents that codes were learned from, in order; `validate` does not test on
    /// them.
    #[serde(default)]
    pub coded_documents: Vec<String>,
    /// Seed of the sample and of everything else that was drawn.
    pub seed: u64,
}

/// Where a theme comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThemeKind {
    /// The codebook.
    Seeded,
    /// Units of the corpus that fit no theme of the codebook.
    Emergent,
}

/// One fitted theme.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FittedTheme {
    /// Id: the codebook's, or `emergent-1`, `emergent-2`, ...
    pub id: String,
    /// Name for people; of an emergent theme, its most distinctive words.
    pub name: String,
    /// Where it comes from.
    pub kind: ThemeKind,
    /// The words that set its units apart in this corpus, best first; empty where it has too few.
    pub terms: Vec<String>,
    /// Its most typical units in the sample, best first.
    pub exemplars: Vec<Exemplar>,
    /// Least score, 0..1, at which a unit carries the theme.
    pub threshold: f32,
    /// Units of the sample that carry it.
    pub n_units: u64,
    /// Its direction in the encoder's space.
    pub direction: Direction,
    /// What only an emergent theme has; absent for those of the codebook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergence: Option<Emergence>,
}

/// An emergent theme in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundTheme {
    /// Its id in the model.
    pub id: String,
    /// Its most distinctive words.
    pub name: String,
    /// Units of the sample that carry it.
    pub n_units: u64,
    /// How well it comes back when a part of the sample is left out, 0..1.
    pub stability: f32,
}

/// A typical unit of a theme.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Exemplar {
    /// Id of the document.
    pub document: String,
    /// First byte of the unit in the document's text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// The bytes themselves.
    pub text: String,
    /// Its score for the theme, 0..1.
    pub score: f32,
}

impl ThemeModel {
    /// The ids of the themes, in their order.
    pub fn theme_ids(&self) -> Vec<String> {
        self.themes.iter().map(|theme| theme.id.clone()).collect()
    }

    /// The emergent themes, largest first.
    pub fn found(&self) -> Vec<FoundTheme> {
        let found = |theme: &FittedTheme| {
            let stability = theme.emergence?.stability;
            let (id, name) = (theme.id.clone(), theme.name.clone());
            Some(FoundTheme { id, name, n_units: theme.n_units, stability })
        };
        self.themes.iter().filter_map(found).collect()
    }

    /// What to say of a model without any theme; `None` where it has one.
    pub fn emptiness(&self) -> Option<&'static str> {
        self.themes.is_empty().then_some(
            "no theme was found: no group of passages is large and stable enough and comes from \
             enough documents; give more documents, or a --codebook",
        )
    }

    /// Number of themes that come from the codebook; they stand first.
    pub fn n_seeded(&self) -> usize {
        self.codebook.themes.len()
    }

    /// The directions of the codebook's themes and of `none`.
    pub fn directions(&self) -> Directions {
        Directions::new(
            self.themes.iter().take(self.n_seeded()).map(|theme| &theme.direction),
            &self.none,
        )
    }

    /// The model as the bytes of `themes.json`.
    pub fn to_json(&self) -> Vec<u8> {
        let mut bytes =
            serde_json::to_vec_pretty(self).expect("a model holds only finite numbers and strings");
        bytes.push(b'\n');
        bytes
    }

    /// Reads the bytes of a `themes.json`; `path` is for messages.
    ///
    /// # Errors
    /// `Malformed` with line and column where it is not such a file, or of another version.
    pub fn from_json(bytes: &[u8], path: &Path) -> Result<Self> {
        let hint = "give the themes.json of a finished `themeline fit` or `themeline run`";
        let model: ThemeModel = serde_json::from_slice(bytes).map_err(|e| {
            Error::malformed(path, (e.line(), e.column()), format!("not a theme model: {e}"), hint)
        })?;
        model.check().map_err(|message| Error::malformed(path, (0, 0), message, hint))?;
        Ok(model)
    }

    /// Reads a `themes.json`.
    ///
    /// # Errors
    /// `Io` where it cannot be read, else as [`ThemeModel::from_json`].
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, "read", e))?;
        Self::from_json(&bytes, path)
    }

    fn check(&self) -> std::result::Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("its schema is `{}`, not `{SCHEMA}`", self.schema));
        }
        if self.themes.len() < self.n_seeded() {
            return Err("it has fewer themes than its codebook".to_owned());
        }
        let misplaced = |(index, theme): &(usize, &FittedTheme)| {
            theme.emergence.is_some() != (*index >= self.n_seeded())
        };
        if let Some((_, theme)) = self.themes.iter().enumerate().find(misplaced) {
            return Err(format!(
                "theme `{}` has `emergence` and is the codebook's, or has none and is not",
                theme.id
            ));
        }
        if !self.is_sound() {
            return Err("it has numbers that no fit gives".to_owned());
        }
        let dimension = self.encoder.dimension;
        let directions = self.themes.iter().map(|theme| &theme.direction).chain([&self.none]);
        match directions.into_iter().find(|d| d.centroid.len() != dimension) {
            Some(d) => {
                Err(format!("a centroid has {} numbers, the encoder {dimension}", d.centroid.len()))
            }
            None => Ok(()),
        }
    }

    /// Whether scores can be made of its numbers: none is too large, no deviation (almost) nothing.
    fn is_sound(&self) -> bool {
        let is_small = |number: &f32| number.abs() <= LARGEST;
        let is_direction = |d: &Direction| {
            let deviation = d.background_sd;
            (1.0 / LARGEST..=LARGEST).contains(&deviation)
                && d.centroid.iter().chain([&d.background_mean]).all(is_small)
        };
        let is_theme = |theme: &FittedTheme| {
            is_direction(&theme.direction)
                && is_small(&theme.threshold)
                && theme.emergence.is_none_or(|e| {
                    // Of any size: a curve can be flat, or all but a step.
                    [e.stability, e.midpoint, e.slope].iter().all(|number| number.is_finite())
                })
        };
        let Joint { bias, weights, threshold, intercepts } = &self.joint;
        is_direction(&self.none)
            && self.themes.iter().all(is_theme)
            && weights.iter().chain(intercepts).chain([bias, threshold]).all(is_small)
    }

    /// Refuses an encoder other than the one that the model was fitted with.
    ///
    /// # Errors
    /// `Encoder` naming both.
    pub fn check_encoder(&self, embedder: &dyn Embedder) -> Result<()> {
        let is_same = embedder.fingerprint() == self.encoder.fingerprint;
        // A themes.json may have been changed by hand.
        if is_same && embedder.dimension() == self.encoder.dimension {
            return Ok(());
        }
        Err(Error::encoder(
            embedder.name(),
            format!(
                "its weights are not those that the themes were fitted with (`{}`, {})",
                self.encoder.name,
                short(&self.encoder.fingerprint)
            ),
            format!("score with --encoder {}, or fit the themes again", self.encoder.asked()),
        ))
    }
}

fn short(fingerprint: &str) -> &str {
    fingerprint.get(..12).unwrap_or(fingerprint)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::embed::FakeEmbedder;

    /// A fitted model, as small as they come.
    fn model() -> Value {
        let direction =
            json!({"centroid": [0.6, 0.8], "background_mean": 0.0, "background_sd": 0.1});
        let weights = vec![0.1; joint::N_FEATURES];
        json!({
            "schema": SCHEMA, "themeline": "0.1.0",
            "encoder": {"name": "fake", "fingerprint": FakeEmbedder::new(2).fingerprint(), "dimension": 2},
            "codebook_fingerprint": "",
            "codebook": {"id": "town", "name": "Town", "version": "1",
                "theme": [{"id": "roads", "name": "Roads", "terms": ["road"]}]},
            "fitted_on": {"n_documents": 1, "n_units": 1, "n_codes": 0, "seed": 1},
            "joint": {"bias": -2.0, "weights": weights, "threshold": 0.5},
            "themes": [{"id": "roads", "name": "Roads", "kind": "seeded", "terms": [], "exemplars": [],
                "threshold": 0.5, "n_units": 1, "direction": direction}],
            "none": direction, "repeated_lines": []
        })
    }

    fn read(model: &Value) -> Result<ThemeModel> {
        ThemeModel::from_json(model.to_string().as_bytes(), Path::new("themes.json"))
    }

    #[test]
    fn numbers_that_no_score_can_be_made_of_are_refused() {
        assert!(read(&model()).is_ok());
        for (place, number) in [
            ("/none/background_sd", 0.0),
            ("/themes/0/direction/background_sd", -0.1),
            ("/themes/0/direction/centroid/1", 1e39),
            ("/none/background_mean", 1e30),
            ("/joint/weights/3", -1e30),
            ("/themes/0/threshold", 1e30),
        ] {
            let mut model = model();
            *model.pointer_mut(place).unwrap() = json!(number);
            let error = read(&model).unwrap_err().to_string();
            assert!(error.contains("numbers that no fit gives"), "{place}: {error}");
        }
    }

    #[test]
    fn an_encoder_must_be_as_wide_as_the_model_says() {
        let mut other = model();
        other["encoder"]["fingerprint"] = json!(FakeEmbedder::new(8).fingerprint());
        let (model, other) = (read(&model()).unwrap(), read(&other).unwrap());
        assert!(model.check_encoder(&FakeEmbedder::new(2)).is_ok());
        assert!(other.check_encoder(&FakeEmbedder::new(8)).is_err());
    }
}
