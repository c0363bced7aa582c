//! Themes that the codebook does not have: groups of units that fit none of its themes, nor `none`.
//!
//! Units that no theme has a claim on are clustered. A group becomes an emergent theme where
//!
//! - it is large enough and comes from several documents;
//! - it comes back when a part of the units is left out;
//! - its units stand together in their documents. Who speaks of a topic stays with it for a while;
//!   turns of phrase ("the problem", "we must not") lie together as closely in meaning, but scatter;
//! - it is not what `none` stands for: protocol and praise lie together closely too.
//!
//! A theme is scored by one direction, the mean of its members less the mean of all units that no
//! theme of the codebook takes, and by a logistic curve along it that tells the members from these.
//! So scoring a new unit takes one dot product, and the score is a probability.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::cluster::{Clustering, direction};

use super::FittedTheme;
use super::directions::Direction;
use super::logistic::{self, FREE, Observation, best_threshold};

/// Units that are clustered; where there are more, they are thinned out evenly. Bounds the time.
const MAX_CLUSTERED: usize = 15_000;
/// Least units of an emergent theme.
const MIN_UNITS: usize = 15;
/// Least part of the units that no theme takes.
const MIN_PART: f64 = 0.002;
/// Least documents that its units come from.
const MIN_DOCUMENTS: usize = 6;
/// Least stability: under it, a group is not to be trusted (Hennig 2007).
const MIN_STABILITY: f64 = 0.6;
/// Units before and after a unit that it stands together with.
const REACH: usize = 5;
/// Least times that units of a theme stand together, against chance.
const MIN_CLUMPING: f64 = 6.0;
/// Part of the units within reach that is enough where a theme is so large that chance alone puts
/// many there, ...
const ENOUGH_WITHIN_REACH: f64 = 0.25;
/// ... and the times against chance that are then enough.
const MIN_CLUMPING_OF_LARGE: f64 = 1.5;
/// Units within reach, for each unit of a group, under which documents are too short to judge by.
const MIN_WITHIN_REACH: usize = 3;
/// Largest mean closeness to `none`, in standard deviations.
const MAX_PROTOCOL: f32 = 0.8;
/// Largest part of the units that carry terms of `none`.
const MAX_NONE_TERMS: f64 = 0.15;
/// Least score that a threshold may be set at.
const MIN_THRESHOLD: f32 = 0.2;

/// What only an emergent theme has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Emergence {
    /// How well its units come back as a group when a part of the sample is left out, 0..1: the mean
    /// best Jaccard index over seeded draws (Hennig 2007). Over 0.75 is stable.
    pub stability: f32,
    /// Closeness at which a unit belongs to it as likely as not.
    pub midpoint: f32,
    /// How fast that probability rises with closeness, over 0.
    pub slope: f32,
}

/// A group of units that fit no theme.
#[derive(Debug, Clone, PartialEq)]
pub struct Emergent {
    /// Where it lies.
    pub direction: Direction,
    /// How stable it is, and how closeness becomes a score.
    pub emergence: Emergence,
    /// Least score that makes a unit a member, 0..1.
    pub threshold: f32,
}

/// The units of a sample, in the order of their documents' texts, for themes to be found among.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'g> {
    /// `(n_units, dimension)`, rows of length 1 or zero.
    pub vectors: ArrayView2<'g, f32>,
    /// For each unit the index of its document.
    pub documents: &'g [usize],
    /// Units that no theme of the codebook takes, ascending.
    pub free: &'g [usize],
    /// Those of them that may found a theme: no theme comes near them, and they say something.
    pub founding: &'g [usize],
    /// For each unit its closeness to `none`, in standard deviations.
    pub protocol: &'g [f32],
    /// For each unit whether terms of `none` stand in it.
    pub none_terms: &'g [bool],
}

/// The emergent themes of a sample, largest first, at most `max`.
pub fn discover(ground: Ground<'_>, max: usize, seed: u64) -> Vec<Emergent> {
    let founding = thinned(ground.founding, MAX_CLUSTERED);
    let clustering = Clustering::of(ground.vectors.select(Axis(0), &founding).view(), seed);
    let least = MIN_UNITS.max((MIN_PART * ground.free.len() as f64).ceil() as usize);
    let background = Background::of(ground);
    let stable = clustering.stability.iter().enumerate().filter(|(_, s)| **s >= MIN_STABILITY);
    let groups = stable.map(|(k, &stability)| {
        let members: Vec<usize> = clustering.rows(k).into_iter().map(|row| founding[row]).collect();
        (members, stability)
    });
    let mut groups: Vec<(Vec<usize>, f64)> = groups.collect();
    groups.sort_by_key(|(members, _)| std::cmp::Reverse(members.len()));
    groups
        .into_iter()
        .filter(|(members, _)| members.len() >= least && ground.is_theme(members))
        .filter_map(|(members, stability)| background.emergent(&members, stability))
        .take(max)
        .collect()
}

impl Ground<'_> {
    /// Whether a group of units is about something that none of the known themes is.
    fn is_theme(&self, members: &[usize]) -> bool {
        let part = |n: usize| n as f64 / members.len() as f64;
        let protocol: f32 = members.iter().map(|&row| self.protocol[row]).sum();
        let none_terms = members.iter().filter(|&&row| self.none_terms[row]).count();
        self.n_documents(members) >= MIN_DOCUMENTS
            && self.clumping(members).is_none_or(Clumping::is_of_a_topic)
            && protocol / members.len() as f32 <= MAX_PROTOCOL
            && part(none_terms) <= MAX_NONE_TERMS
    }

    fn n_documents(&self, members: &[usize]) -> usize {
        let mut of: Vec<usize> = members.iter().map(|&row| self.documents[row]).collect();
        of.dedup();
        of.len()
    }

    /// How members stand together in their documents; `None` where these are too short to say.
    fn clumping(&self, members: &[usize]) -> Option<Clumping> {
        let (mut n_within, mut n_met) = (0, 0_u32);
        for &row in members {
            let reach = row.saturating_sub(REACH)..(row + REACH + 1).min(self.documents.len());
            let same = |other: &usize| self.documents[*other] == self.documents[row];
            for other in reach.filter(|&other| other != row).filter(same) {
                n_within += 1;
                n_met += u32::from(members.binary_search(&other).is_ok());
            }
        }
        let chance = members.len() as f64 / self.documents.len() as f64;
        let part = f64::from(n_met) / n_within.max(1) as f64;
        (n_within >= MIN_WITHIN_REACH * members.len())
            .then_some(Clumping { part, times: part / chance })
    }
}

/// How the members of a group stand together in their documents.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Clumping {
    /// Part of the units within reach of a member that are members, 0..1.
    part: f64,
    /// That part against the one that members would make up if they were scattered, 0 or more.
    times: f64,
}

impl Clumping {
    fn is_of_a_topic(self) -> bool {
        self.times >= MIN_CLUMPING
            || (self.part >= ENOUGH_WITHIN_REACH && self.times >= MIN_CLUMPING_OF_LARGE)
    }
}

/// At most `n` of the rows, evenly spread.
fn thinned(rows: &[usize], n: usize) -> Vec<usize> {
    let n = n.min(rows.len());
    (0..n).map(|place| rows[place * rows.len() / n]).collect()
}

/// The units that a theme has to stand out from.
struct Background<'g> {
    ground: Ground<'g>,
    /// `(n_free, dimension)`.
    vectors: Array2<f32>,
    /// `(dimension)`.
    mean: Array1<f64>,
}

impl<'g> Background<'g> {
    fn of(ground: Ground<'g>) -> Self {
        let vectors = ground.vectors.select(Axis(0), ground.free);
        let all: Vec<usize> = (0..vectors.nrows()).collect();
        Background { mean: mean(vectors.view(), &all), ground, vectors }
    }

    /// The theme of a group; `None` where the group lies in no direction of its own.
    fn emergent(&self, members: &[usize], stability: f64) -> Option<Emergent> {
        let centroid = direction((mean(self.ground.vectors, members) - &self.mean).view())?;
        let cosines = self.vectors.dot(&centroid);
        let background_mean = cosines.mean()?;
        let background_sd = cosines.std(0.0).max(1e-6);
        let closeness = cosines.mapv(|cosine| (cosine - background_mean) / background_sd);
        let belongs: Vec<bool> =
            self.ground.free.iter().map(|row| members.binary_search(row).is_ok()).collect();
        let (midpoint, slope) = logistic_fit(closeness.view(), &belongs)?;
        let emergence = Emergence { stability: stability as f32, midpoint, slope };
        let scores: Vec<f32> = closeness.iter().map(|&c| emergence.score(c)).collect();
        let centroid = centroid.to_vec();
        Some(Emergent {
            direction: Direction { centroid, background_mean, background_sd },
            emergence,
            threshold: best_agreement(&scores, &belongs).max(MIN_THRESHOLD),
        })
    }
}

fn mean(vectors: ArrayView2<'_, f32>, rows: &[usize]) -> Array1<f64> {
    let mut sum = Array1::zeros(vectors.ncols());
    for &row in rows {
        sum.zip_mut_with(&vectors.row(row), |s: &mut f64, &x| *s += f64::from(x));
    }
    sum / rows.len().max(1) as f64
}

/// Weight of the pull towards a slope of 0, which keeps the slope finite where one closeness parts
/// members from the rest.
const SLOPE_PENALTY: f64 = 1.0;

/// The closeness of a unit, and whether it belongs.
struct Belonging(f32, bool);

impl Observation for Belonging {
    /// The bias, then the slope.
    fn factors(&self) -> impl Iterator<Item = (usize, f64)> + Clone {
        [(0, 1.0), (1, f64::from(self.0))].into_iter()
    }

    fn is_positive(&self) -> bool {
        self.1
    }
}

/// The logistic curve that tells who belongs by closeness: its midpoint and slope, by penalised
/// maximum likelihood. `None` where belonging does not rise with closeness.
fn logistic_fit(closeness: ArrayView1<'_, f32>, belongs: &[bool]) -> Option<(f32, f32)> {
    let n_members = belongs.iter().filter(|b| **b).count();
    let odds = n_members as f64 / (belongs.len() - n_members).max(1) as f64;
    let rows = closeness.iter().zip(belongs).map(|(&x, &belongs)| Belonging(x, belongs));
    let start = [odds.ln(), 0.0];
    let rows: Vec<Belonging> = rows.collect();
    let found = logistic::climb(&rows, start.to_vec(), &start, &[FREE, SLOPE_PENALTY]);
    let (bias, slope) = (found[0], found[1]);
    (slope > 0.0 && slope.is_finite()).then(|| ((-bias / slope) as f32, slope as f32))
}

/// The score at or over which the units agree best (F1) with those that belong.
fn best_agreement(scores: &[f32], belongs: &[bool]) -> f32 {
    let pair = |(&score, &belongs): (&f32, &bool)| (score.into(), f64::from(u8::from(belongs)));
    let pairs = scores.iter().zip(belongs).map(pair).collect();
    best_threshold(pairs).unwrap_or(1.0) as f32
}

impl Emergence {
    /// The probability that a unit of this closeness belongs, 0..1.
    fn score(&self, closeness: f32) -> f32 {
        1.0 / (1.0 + (self.slope * (self.midpoint - closeness)).exp())
    }
}

/// The emergent themes of a model, ready to be compared with vectors.
#[derive(Debug, Clone)]
pub struct EmergentThemes<'m> {
    themes: Vec<(&'m Direction, &'m Emergence, f32)>,
}

impl<'m> EmergentThemes<'m> {
    /// Those of a model's themes that are emergent.
    pub fn new(themes: &'m [FittedTheme]) -> Self {
        let emergent = |theme: &'m FittedTheme| {
            let emergence = theme.emergence.as_ref()?;
            Some((&theme.direction, emergence, theme.threshold))
        };
        EmergentThemes { themes: themes.iter().filter_map(emergent).collect() }
    }

    /// Those that were just found.
    pub fn found(found: &'m [Emergent]) -> Self {
        let themes = found.iter().map(|e| (&e.direction, &e.emergence, e.threshold));
        EmergentThemes { themes: themes.collect() }
    }

    /// The score of a vector `(dimension)` for each theme, 0..1.
    pub fn scores(&self, vector: ArrayView1<'_, f32>) -> Vec<f32> {
        let score = |(direction, emergence, _): &(&Direction, &Emergence, f32)| {
            let cosine = ArrayView1::from(&direction.centroid).dot(&vector);
            emergence.score((cosine - direction.background_mean) / direction.background_sd)
        };
        self.themes.iter().map(score).collect()
    }

    /// The one theme that a unit with these scores carries: the best of those that reach their
    /// threshold (the first wins a tie).
    pub fn carried(&self, scores: &[f32]) -> Option<usize> {
        let reached = |&(k, score): &(usize, f32)| score >= self.themes[k].2;
        let reached = scores.iter().copied().enumerate().filter(reached);
        reached.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(k, _)| k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// 60 units around axis 0, 40 around axis 1, and 200 each on its own.
    fn vectors() -> Array2<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut vectors = Array2::zeros((300, 50));
        for (row, mut vector) in vectors.axis_iter_mut(Axis(0)).enumerate() {
            let mut drawn = Array1::from_shape_fn(50, |_| rng.random::<f64>() - 0.5);
            match row {
                0..60 => drawn[0] += 4.0,
                60..100 => drawn[1] += 4.0,
                _ => {}
            }
            vector.assign(&direction(drawn.view()).unwrap());
        }
        vectors
    }

    fn ground<'g>(
        vectors: &'g Array2<f32>,
        documents: &'g [usize],
        all: &'g [usize],
    ) -> Ground<'g> {
        Ground {
            vectors: vectors.view(),
            documents,
            free: all,
            founding: all,
            protocol: &[0.0; 300],
            none_terms: &[false; 300],
        }
    }

    #[test]
    fn tight_groups_over_many_documents_are_themes_and_scattered_units_are_not() {
        let (vectors, all): (_, Vec<usize>) = (vectors(), (0..300).collect());
        let documents: Vec<usize> = (0..300).map(|row| row / 8).collect();
        let ground = ground(&vectors, &documents, &all);
        let found = discover(ground, 9, 1);
        assert_eq!(found.len(), 2);
        let themes = EmergentThemes::found(&found);
        for (row, vector) in vectors.axis_iter(Axis(0)).enumerate() {
            let expected = match row {
                0..60 => Some(0),
                60..100 => Some(1),
                _ => None,
            };
            assert_eq!(themes.carried(&themes.scores(vector)), expected, "row {row}");
        }
        let stability: Vec<f32> = found.iter().map(|theme| theme.emergence.stability).collect();
        assert!(stability.iter().all(|&s| s > 0.75), "{stability:?}");
        assert_eq!(discover(ground, 1, 1), found[..1], "the largest comes first");
    }

    #[test]
    fn what_none_explains_is_no_theme() {
        let (vectors, all): (_, Vec<usize>) = (vectors(), (0..300).collect());
        let documents: Vec<usize> = (0..300).map(|row| row / 8).collect();
        let ground = ground(&vectors, &documents, &all);
        let protocol: Vec<f32> = (0..300).map(|row| if row < 60 { 2.0 } else { 0.0 }).collect();
        assert_eq!(discover(Ground { protocol: &protocol, ..ground }, 9, 1).len(), 1);
        let none_terms: Vec<bool> = (0..300).map(|row| row % 5 == 0).collect();
        assert!(discover(Ground { none_terms: &none_terms, ..ground }, 9, 1).is_empty());
    }

    #[test]
    fn few_documents_and_no_unit_make_no_theme() {
        let (vectors, all): (_, Vec<usize>) = (vectors(), (0..300).collect());
        let five: Vec<usize> = (0..300).map(|row| row / 60).collect();
        assert!(discover(ground(&vectors, &five, &all), 9, 1).is_empty());
        assert!(discover(ground(&vectors, &five, &[]), 9, 1).is_empty());
        let nothing = Array2::zeros((0, 5));
        assert!(discover(ground(&nothing, &[], &[]), 9, 1).is_empty());
    }

    #[test]
    fn members_that_scatter_do_not_clump() {
        let (vectors, all): (_, Vec<usize>) = (vectors(), (0..300).collect());
        let documents: Vec<usize> = (0..300).map(|row| row / 30).collect();
        let ground = ground(&vectors, &documents, &all);
        let scattered: Vec<usize> = (0..300).step_by(10).collect();
        let clumping = ground.clumping(&scattered).unwrap();
        assert_eq!((clumping.part, clumping.is_of_a_topic()), (0.0, false));
        let together: Vec<usize> = (30..60).collect();
        let clumping = ground.clumping(&together).unwrap();
        assert!(clumping.part == 1.0 && (clumping.times - 10.0).abs() < 1e-9, "{clumping:?}");
        let half: Vec<usize> = (0..150).collect();
        assert!(ground.clumping(&half).unwrap().is_of_a_topic(), "large, and whole documents");
        let every_other: Vec<usize> = (0..300).step_by(2).collect();
        assert!(!ground.clumping(&every_other).unwrap().is_of_a_topic(), "large, and everywhere");
        let alone: Vec<usize> = (0..300).collect();
        let short = Ground { documents: &alone, ..ground };
        assert_eq!(short.clumping(&together), None);
    }

    #[test]
    fn the_logistic_curve_is_that_of_the_closeness_it_was_drawn_from() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let closeness = Array1::from_shape_fn(20_000, |_| 8.0 * rng.random::<f32>() - 3.0);
        let curve = Emergence { stability: 1.0, midpoint: 2.0, slope: 1.5 };
        let belongs: Vec<bool> =
            closeness.iter().map(|&c| rng.random::<f32>() < curve.score(c)).collect();
        let (midpoint, slope) = logistic_fit(closeness.view(), &belongs).unwrap();
        assert!((midpoint - 2.0).abs() < 0.1 && (slope - 1.5).abs() < 0.1, "{midpoint} {slope}");
        let apart: Vec<bool> = closeness.iter().map(|&c| c > 2.0).collect();
        assert!(logistic_fit(closeness.view(), &apart).is_some_and(|(_, slope)| slope.is_finite()));
        let backwards: Vec<bool> = closeness.iter().map(|&c| c < 0.0).collect();
        assert_eq!(logistic_fit(closeness.view(), &backwards), None);
    }

    #[test]
    fn the_threshold_is_where_members_and_scores_agree_best() {
        let belongs = [true, true, false, true, false, false];
        assert_eq!(best_agreement(&[0.9, 0.8, 0.7, 0.6, 0.2, 0.1], &belongs), 0.6);
        assert_eq!(best_agreement(&[], &[]), 1.0);
    }
}
