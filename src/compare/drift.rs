//! Does a theme still mean what it meant? How far the units of each period lie from the theme's
//! centroid, how far they moved from those of all earlier periods, and which terms are new in the theme.
//!
//! Periods are only ever set against earlier ones, so that what came later never shows in what was
//! before. Documents, not units, are what chance draws.

use std::collections::BTreeMap;

use ndarray::{Array1, ArrayView1};
use rustc_hash::FxHashMap;

use crate::embed::EmbeddingMatrix;

/// Documents under which nothing is said of a period.
const MIN_DOCUMENTS: usize = 5;
/// Documents that must have a new term.
const MIN_WITH_TERM: u32 = 3;
/// How much more frequent a new term is than before, at least.
const MIN_LIFT: f64 = 3.0;
/// Root of the log-likelihood ratio of a new term, at least: about standard errors.
const MIN_ROOT: f64 = 4.0;
/// New terms that are given for a period.
const MAX_TERMS: usize = 5;

/// A unit of a theme, of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledUnit {
    /// Index of the theme in the model.
    pub theme: usize,
    /// Label of its period.
    pub period: String,
    /// Id of its document.
    pub document: String,
    /// Its text.
    pub text: String,
}

/// Where a theme stands in a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// Index of the theme in the model.
    pub theme: usize,
    /// Label of the period.
    pub period: String,
    /// Units that were embedded, and their documents.
    pub n_sampled: (u64, u64),
    /// Mean distance (1 - cosine) of the units to the centroid of the theme's units of all periods,
    /// 0..2, with its standard error; `None`: fewer than 5 documents.
    pub distance: Option<(f64, f64)>,
    /// Distance (1 - cosine, about) between the mean of this period's documents and that of all
    /// earlier ones, less what chance makes of it; 0: not moved. `None`: fewer than 5 documents on either side.
    pub shift: Option<f64>,
    /// Terms that are more frequent in the theme than in all earlier periods, the surest first.
    pub new_terms: Vec<String>,
}

/// Where themes stand in each period that has units in the sample. `vectors`: shape (units, dimension), a
/// row for each unit of `units`, of length 1 or 0.
pub fn drifts(units: &[SampledUnit], vectors: &EmbeddingMatrix, terms: &ThemeTerms) -> Vec<Drift> {
    let mut themes: BTreeMap<usize, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
    for (index, unit) in units.iter().enumerate() {
        themes.entry(unit.theme).or_default().entry(&unit.period).or_default().push(index);
    }
    let of_theme = |(theme, periods): (usize, BTreeMap<&str, Vec<usize>>)| {
        of_theme(theme, &periods, units, vectors, terms)
    };
    themes.into_iter().flat_map(of_theme).collect()
}

fn of_theme(
    theme: usize,
    periods: &BTreeMap<&str, Vec<usize>>,
    units: &[SampledUnit],
    vectors: &EmbeddingMatrix,
    terms: &ThemeTerms,
) -> Vec<Drift> {
    let centroid = mean(periods.values().flatten().map(|&unit| vectors.row(unit)));
    let mut before: Vec<Array1<f64>> = Vec::new();
    let mut found = Vec::new();
    for (period, own) in periods {
        let documents = by_document(own, units);
        let means: Vec<Array1<f64>> = documents
            .iter()
            .map(|own| mean(own.iter().map(|&unit| vectors.row(unit))).unwrap_or_default())
            .collect();
        let is_enough = documents.len() >= MIN_DOCUMENTS;
        found.push(Drift {
            theme,
            period: (*period).to_owned(),
            n_sampled: (own.len() as u64, documents.len() as u64),
            distance: centroid
                .as_ref()
                .filter(|_| is_enough)
                .map(|c| distance(&documents, vectors, c)),
            shift: shift(&before, &means),
            new_terms: terms.new_in(theme, period),
        });
        before.extend(means);
    }
    found
}

/// The units of each document, in the order of ids.
fn by_document(own: &[usize], units: &[SampledUnit]) -> Vec<Vec<usize>> {
    let mut documents: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for &unit in own {
        documents.entry(&units[unit].document).or_default().push(unit);
    }
    documents.into_values().collect()
}

/// `None` of nothing.
fn mean<'v>(vectors: impl Iterator<Item = ArrayView1<'v, f32>>) -> Option<Array1<f64>> {
    let mut n = 0.0;
    let sum = vectors.map(|vector| vector.mapv(f64::from)).reduce(|sum, vector| {
        n += 1.0;
        sum + vector
    })?;
    Some(sum / (n + 1.0))
}

/// Mean distance of the units to the centroid, and its standard error with documents as clusters.
fn distance(
    documents: &[Vec<usize>],
    vectors: &EmbeddingMatrix,
    centroid: &Array1<f64>,
) -> (f64, f64) {
    let length = centroid.dot(centroid).sqrt().max(f64::MIN_POSITIVE);
    let of = |&unit: &usize| 1.0 - vectors.row(unit).mapv(f64::from).dot(centroid) / length;
    let sums: Vec<(f64, f64)> =
        documents.iter().map(|own| (own.iter().map(of).sum(), own.len() as f64)).collect();
    let (all, n) = sums.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    let mean = all / n;
    let squares: f64 = sums.iter().map(|(sum, size)| (sum - mean * size).powi(2)).sum();
    let k = documents.len() as f64;
    (mean, (squares * k / (k - 1.0)).sqrt() / n)
}

/// Half the squared distance of the two means, less what their spread adds to it by chance.
fn shift(before: &[Array1<f64>], now: &[Array1<f64>]) -> Option<f64> {
    if before.len() < MIN_DOCUMENTS || now.len() < MIN_DOCUMENTS {
        return None;
    }
    let (before, now) = (centre(before), centre(now));
    let apart = &now.0 - &before.0;
    Some(((apart.dot(&apart) - before.1 - now.1) / 2.0).max(0.0))
}

/// The mean of some documents, and the expected squared distance to the mean of all such documents.
fn centre(documents: &[Array1<f64>]) -> (Array1<f64>, f64) {
    let n = documents.len() as f64;
    let mean = documents.iter().fold(Array1::zeros(documents[0].len()), |sum, d| sum + d) / n;
    let squares: f64 = documents.iter().map(|d| (d - &mean).mapv(|x| x * x).sum()).sum();
    (mean, squares / (n - 1.0) / n)
}

/// For each theme and period how many documents have which terms in the theme's units.
#[derive(Debug, Clone, Default)]
pub struct ThemeTerms {
    of: BTreeMap<usize, BTreeMap<String, Documents>>,
}

#[derive(Debug, Clone, Default)]
struct Documents {
    n: u32,
    with: FxHashMap<String, u32>,
}

impl ThemeTerms {
    /// Adds a document: the terms in its units of a theme, each once.
    pub fn add(&mut self, theme: usize, period: &str, terms: impl IntoIterator<Item = String>) {
        let periods = self.of.entry(theme).or_default();
        let documents = periods.entry(period.to_owned()).or_default();
        documents.n += 1;
        terms.into_iter().for_each(|term| *documents.with.entry(term).or_default() += 1);
    }

    /// The terms that are more frequent than in all earlier periods together, by the log-likelihood ratio;
    /// none that share a word.
    fn new_in(&self, theme: usize, period: &str) -> Vec<String> {
        let Some(periods) = self.of.get(&theme) else { return Vec::new() };
        let Some(now) = periods.get(period) else { return Vec::new() };
        let is_earlier = |(own, _): &(&String, &Documents)| own.as_str() < period;
        let earlier = || periods.iter().take_while(is_earlier).map(|(_, documents)| documents);
        let n_before: u32 = earlier().map(|documents| documents.n).sum();
        if n_before < MIN_DOCUMENTS as u32 {
            return Vec::new();
        }
        let frequent = now.with.iter().filter(|(_, n)| **n >= MIN_WITH_TERM);
        let new: BTreeMap<&str, f64> = frequent
            .filter_map(|(term, &n)| {
                let n_earlier = earlier().filter_map(|d| d.with.get(term)).sum();
                Some((term.as_str(), novelty((n, now.n), (n_earlier, n_before))?))
            })
            .collect();
        // A pair counts where each of its words is new too, so that no function word comes along.
        let is_whole = |term: &str| term.split(' ').all(|word| new.contains_key(word));
        let whole = new.iter().filter(|(term, _)| is_whole(term));
        let mut ranked: Vec<(f64, &str)> = whole.map(|(term, root)| (*root, *term)).collect();
        ranked
            .sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.len().cmp(&a.1.len())).then(a.1.cmp(b.1)));
        apart(ranked.into_iter().map(|(_, term)| term))
    }
}

/// The first few that have no word in common.
fn apart<'t>(terms: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut chosen: Vec<String> = Vec::new();
    for term in terms {
        let known = |word: &str| chosen.iter().any(|other| other.split(' ').any(|own| own == word));
        if chosen.len() < MAX_TERMS && !term.split(' ').any(known) {
            chosen.push(term.to_owned());
        }
    }
    chosen
}

/// How sure it is that a term is more frequent now than before (documents with it, documents): the root of the
/// log-likelihood ratio (Dunning 1993), about in standard errors; `None` where chance or no great rise
/// explains it.
fn novelty(now: (u32, u32), before: (u32, u32)) -> Option<f64> {
    let rate = |(with, n): (u32, u32)| f64::from(with) / f64::from(n);
    let both = rate((now.0 + before.0, now.1 + before.1));
    let surprise = |(with, n): (u32, u32)| {
        let likelihood = |count: u32, own: f64, shared: f64| match count {
            0 => 0.0,
            _ => f64::from(count) * (own / shared).ln(),
        };
        let own = rate((with, n));
        likelihood(with, own, both) + likelihood(n - with, 1.0 - own, 1.0 - both)
    };
    let root = (2.0 * (surprise(now) + surprise(before))).max(0.0).sqrt();
    (root >= MIN_ROOT && rate(now) >= MIN_LIFT * rate(before)).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Ten documents a year with three units each, around a direction by year.
    fn sampled(directions: &[[f32; 3]], seed: u64) -> (Vec<SampledUnit>, EmbeddingMatrix) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut units, mut rows) = (Vec::new(), Vec::new());
        for (year, direction) in directions.iter().enumerate() {
            for document in 0..10 {
                for _ in 0..3 {
                    units.push(SampledUnit {
                        theme: 0,
                        period: (2020 + year).to_string(),
                        document: format!("{year}-{document}"),
                        text: String::new(),
                    });
                    rows.extend(direction.map(|x| x + 0.4 * (rng.random::<f32>() - 0.5)));
                }
            }
        }
        let rows = Array2::from_shape_vec((units.len(), 3), rows).unwrap();
        (units, EmbeddingMatrix::normalised(rows))
    }

    #[test]
    fn a_theme_that_moves_shifts_and_one_that_stays_does_not() {
        let (stays, moves) = ([1.0, 0.0, 0.0], [0.8, 0.6, 0.0]);
        let shifts = |directions: &[[f32; 3]], seed| {
            let (units, vectors) = sampled(directions, seed);
            let found = drifts(&units, &vectors, &ThemeTerms::default());
            found.into_iter().map(|drift| drift.shift).collect::<Vec<_>>()
        };
        assert_eq!(shifts(&[stays; 3], 1)[0], None);
        let mean = |directions: &[[f32; 3]]| {
            (0..40).map(|seed| shifts(directions, seed)[1].unwrap()).sum::<f64>() / 40.0
        };
        // Half the squared distance of unit directions is 1 - cosine: here 0.2.
        let (none, some) = (mean(&[stays, stays]), mean(&[stays, moves]));
        println!("shift of none {none:.4}, of 0.2 {some:.4}");
        assert!(none < 0.002, "{none}");
        assert!((some - 0.2).abs() < 0.03, "{some}");
    }

    #[test]
    fn the_distance_to_the_centroid_has_an_error() {
        let (units, vectors) = sampled(&[[1.0, 0.0, 0.0]; 4], 3);
        let found = drifts(&units, &vectors, &ThemeTerms::default());
        let (distance, se) = found[0].distance.unwrap();
        assert!(distance > 0.0 && distance < 0.1 && se > 0.0 && se < distance);
        assert_eq!(found[0].n_sampled, (30, 10));
    }

    #[test]
    fn a_new_term_is_found_in_its_period_and_leaks_into_no_earlier_one() {
        let mut terms = ThemeTerms::default();
        for year in 2019..2023 {
            for document in 0..20 {
                let old = ["energy".to_owned(), format!("only {year} {document}")];
                let is_new = year >= 2021 && document % 2 == 0;
                let new = is_new.then_some(["green hydrogen", "of hydrogen", "hydrogen", "green"]);
                let new = new.into_iter().flatten().map(str::to_owned);
                terms.add(0, &year.to_string(), old.into_iter().chain(new));
            }
        }
        let new: Vec<Vec<String>> =
            (2019..2024).map(|year| terms.new_in(0, &year.to_string())).collect();
        assert_eq!(new[2], ["green hydrogen"]);
        assert_eq!((&new[0], &new[1], &new[4]), (&vec![], &vec![], &vec![]));
        // In 2022 it is no longer thrice as frequent as before.
        assert_eq!(new[3], Vec::<String>::new());
    }
}
