//! Where each theme lies in the encoder's space.
//!
//! A theme's direction starts from the codebook: its definition, examples and terms, each embedded,
//! and their mean direction. The corpus then moves it: units in which the theme's terms stand, and
//! no other theme's, are added to the mean, with the codebook's own phrases weighing as
//! [`PRIOR_WEIGHT`] units. That is one step of expectation-maximisation for a mixture of von
//! Mises-Fisher components with seeded memberships (Banerjee et al. 2005), so that words which the
//! codebook never listed begin to count (Newsmap's idea: Watanabe 2018).
//!
//! Cosines differ in level from theme to theme, so closeness is standardised: the cosine less the
//! mean over text that is not of the theme, in standard deviations.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::cluster::direction;
use crate::codebook::Codebook;
use crate::embed::{Embedder, EmbeddingMatrix, products};
use crate::error::Result;

/// Units of the corpus that the codebook's own phrases weigh as much as.
const PRIOR_WEIGHT: f64 = 60.0;
/// Part of the prior that a theme's examples and definition make up; its terms make up the rest.
const EXAMPLE_PART: f64 = 0.7;
/// Least standard deviation of a background, so that a tiny one does not blow closeness up.
const MIN_SD: f64 = 0.02;

/// A theme's direction and the background that cosines with it are measured against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Direction {
    /// `(dimension)`, of length 1.
    pub centroid: Vec<f32>,
    /// Mean cosine of text that is not of the theme, -1..1.
    pub background_mean: f32,
    /// Standard deviation of that cosine, over 0.
    pub background_sd: f32,
}

/// The directions of a codebook's themes, `none` last, ready to be compared with vectors.
#[derive(Debug, Clone)]
pub struct Directions {
    /// `(n_themes + 1, dimension)`.
    centroids: Array2<f32>,
    mean: Vec<f32>,
    sd: Vec<f32>,
}

impl Directions {
    /// The directions of `themes` and of `none`. All centroids have the same length.
    pub fn new<'d>(themes: impl IntoIterator<Item = &'d Direction>, none: &'d Direction) -> Self {
        let all: Vec<&Direction> = themes.into_iter().chain([none]).collect();
        let dimension = none.centroid.len();
        let at = |(row, column): (usize, usize)| all[row].centroid[column];
        Directions {
            centroids: Array2::from_shape_fn((all.len(), dimension), at),
            mean: all.iter().map(|d| d.background_mean).collect(),
            sd: all.iter().map(|d| d.background_sd).collect(),
        }
    }

    /// Number of themes, without `none`.
    pub fn n_themes(&self) -> usize {
        self.mean.len() - 1
    }

    /// Cosine between the directions of two themes, -1..1.
    pub fn cosine(&self, a: usize, b: usize) -> f32 {
        self.centroids.row(a).dot(&self.centroids.row(b))
    }

    /// How close vectors, `(n, dimension)`, lie to each theme, and last to `none`, in standard
    /// deviations over text that is not of the theme: `(n, n_themes + 1)`.
    pub fn closeness(&self, vectors: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut closeness = products(vectors, self.centroids.view());
        for mut row in closeness.rows_mut() {
            let background = self.mean.iter().zip(&self.sd);
            row.iter_mut().zip(background).for_each(|(x, (mean, sd))| *x = (*x - mean) / sd);
        }
        closeness
    }
}

/// A unit of the corpus that teaches directions.
#[derive(Debug, Clone, Copy)]
pub struct TaughtUnit<'u> {
    /// `(dimension)`, of length 1.
    pub vector: ArrayView1<'u, f32>,
    /// The one theme whose terms stand in it (`n_themes` for `none`); `None` where no term does.
    pub theme: Option<usize>,
}

/// The directions of a codebook's themes, and last of `none`, from its own phrases and from units
/// of a corpus.
///
/// # Errors
/// Those of the encoder.
pub fn learn(
    codebook: &Codebook,
    embedder: &dyn Embedder,
    units: &[TaughtUnit<'_>],
) -> Result<Vec<Direction>> {
    let phrases = Phrases::embed(codebook, embedder)?;
    let n_groups = codebook.themes.len() + 1;
    let learned = |group| {
        let centroid = centroid(&phrases, units, group);
        let phrases_apart = phrases.apart_from(group).map(|row| row.dot(&centroid));
        let apart = units.iter().filter(|unit| unit.theme != Some(group));
        let units_apart = apart.map(|unit| unit.vector.dot(&centroid));
        let (mean, sd) = mean_and_sd(phrases_apart.chain(units_apart));
        Direction {
            centroid: centroid.to_vec(),
            background_mean: mean as f32,
            background_sd: sd.max(MIN_SD) as f32,
        }
    };
    Ok((0..n_groups).into_par_iter().map(learned).collect())
}

/// The codebook's phrases with their vectors.
struct Phrases {
    vectors: EmbeddingMatrix,
    /// For each row its group (the theme's index, `n_themes` for `none`).
    group: Vec<usize>,
    /// For each row whether it is a term rather than an example or a definition.
    is_term: Vec<bool>,
}

impl Phrases {
    fn embed(codebook: &Codebook, embedder: &dyn Embedder) -> Result<Self> {
        let mut texts: Vec<String> = Vec::new();
        let (mut group, mut is_term) = (Vec::new(), Vec::new());
        let mut add = |of: usize, term: bool, text: String| {
            if !text.trim().is_empty() {
                texts.push(text);
                group.push(of);
                is_term.push(term);
            }
        };
        for (index, theme) in codebook.themes.iter().enumerate() {
            add(index, false, theme.definition.clone());
            theme.examples.iter().for_each(|example| add(index, false, example.clone()));
            theme.terms.iter().for_each(|term| add(index, true, term.replace('*', "")));
        }
        let none = codebook.none_index();
        add(none, false, codebook.none.definition.clone());
        codebook.none.examples.iter().for_each(|example| add(none, false, example.clone()));
        codebook.none.terms.iter().for_each(|term| add(none, true, term.replace('*', "")));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Ok(Phrases { vectors: embedder.embed(&texts)?, group, is_term })
    }

    /// Sum of the vectors of a group's terms, or of its other phrases, scaled to `weight`.
    fn mean_of(&self, group: usize, term: bool, weight: f64) -> Array1<f64> {
        let mut sum = Array1::zeros(self.vectors.dimension());
        let mut n = 0.0;
        for (row, vector) in self.vectors.view().axis_iter(Axis(0)).enumerate() {
            if self.group[row] == group && self.is_term[row] == term {
                sum.zip_mut_with(&vector, |s: &mut f64, &x| *s += f64::from(x));
                n += 1.0;
            }
        }
        if n > 0.0 { sum * (weight / n) } else { sum }
    }

    /// Vectors of the examples and definitions of every other group.
    fn apart_from(&self, group: usize) -> impl Iterator<Item = ArrayView1<'_, f32>> {
        let apart = move |&row: &usize| self.group[row] != group && !self.is_term[row];
        (0..self.group.len()).filter(apart).map(|row| self.vectors.row(row))
    }
}

fn centroid(phrases: &Phrases, units: &[TaughtUnit<'_>], group: usize) -> Array1<f32> {
    let mut sum = phrases.mean_of(group, false, PRIOR_WEIGHT * EXAMPLE_PART)
        + phrases.mean_of(group, true, PRIOR_WEIGHT * (1.0 - EXAMPLE_PART));
    for unit in units.iter().filter(|unit| unit.theme == Some(group)) {
        sum.zip_mut_with(&unit.vector, |s, &x| *s += f64::from(x));
    }
    direction(sum.view()).unwrap_or_else(|| Array1::zeros(sum.len()))
}

/// Mean and standard deviation; (0, 1) of nothing.
fn mean_and_sd(values: impl Iterator<Item = f32>) -> (f64, f64) {
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        let value = f64::from(value);
        (n, sum, squares) = (n + 1.0, sum + value, squares + value * value);
    }
    if n == 0.0 {
        return (0.0, 1.0);
    }
    let mean = sum / n;
    (mean, (squares / n - mean * mean).max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::FakeEmbedder;

    fn codebook() -> Codebook {
        let toml = r#"
            id = "two"
            name = "Two themes"
            version = "1"
            [[theme]]
            id = "ports"
            name = "Ports"
            examples = ["a deep water port for ships"]
            [[theme]]
            id = "schools"
            name = "Schools"
            examples = ["new schools for children"]
            [none]
            examples = ["they met and shook hands"]
        "#;
        Codebook::from_toml(toml, std::path::Path::new("two.toml")).unwrap()
    }

    fn closeness(directions: &[Direction], text: &str) -> Vec<f32> {
        let embedder = FakeEmbedder::default();
        let (none, themes) = directions.split_last().unwrap();
        let vector = embedder.embed(&[text]).unwrap();
        Directions::new(themes, none).closeness(vector.view()).into_raw_vec_and_offset().0
    }

    #[test]
    fn a_text_lies_closest_to_the_theme_whose_words_it_shares() {
        let directions = learn(&codebook(), &FakeEmbedder::default(), &[]).unwrap();
        let close = closeness(&directions, "ships in a deep water port");
        assert!(close[0] > close[1] && close[0] > close[2], "{close:?}");
    }

    #[test]
    fn units_of_the_corpus_teach_words_that_the_codebook_lacks() {
        let embedder = FakeEmbedder::default();
        let taught = embedder.embed(&["port quay crane", "port quay tug"]).unwrap();
        let units: Vec<TaughtUnit<'_>> =
            (0..100).map(|i| TaughtUnit { vector: taught.row(i % 2), theme: Some(0) }).collect();
        let before = learn(&codebook(), &embedder, &[]).unwrap();
        let after = learn(&codebook(), &embedder, &units).unwrap();
        let quay = |directions: &[Direction]| closeness(directions, "quay")[0];
        assert!(quay(&after) > quay(&before) + 1.0);
    }
}
