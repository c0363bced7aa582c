//! Themes that the codebook does not have: groups of units that fit none of its themes, nor `none`.
//!
//! A group becomes an emergent theme where it is large enough, comes from several documents, and
//! lies together more closely than the rest of the corpus lies to it. Protocol and praise belong to
//! `none` and are kept out before.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::cluster::{Clustering, best_kmeans};

/// Least units of an emergent theme.
const MIN_UNITS: usize = 15;
/// Least part of the sampled units.
const MIN_PART: f64 = 0.005;
/// Least documents that its units come from.
const MIN_DOCUMENTS: usize = 3;
/// Least distance between members and the other units, in standard deviations of the latter.
const MIN_SEPARATION: f32 = 2.0;
/// Part of the members that lie over the threshold of the theme.
const KEPT: f64 = 0.75;

/// A group of units that fit no theme.
#[derive(Debug, Clone, PartialEq)]
pub struct Emergent {
    /// `(dimension)`, of length 1.
    pub centroid: Array1<f32>,
    /// Rows of the members, closest first.
    pub members: Vec<usize>,
    /// Least cosine with the centroid that makes a unit a member.
    pub threshold: f32,
}

/// The emergent themes among `residual` rows of `vectors` `(n_units, dimension)`, largest first, at
/// most `max`. `documents`: for each row the index of its document.
pub fn discover(
    vectors: ArrayView2<'_, f32>,
    documents: &[usize],
    residual: &[usize],
    max: usize,
    seed: u64,
) -> Vec<Emergent> {
    let rows: Array2<f32> = vectors.select(Axis(0), residual);
    let candidates: Vec<usize> = (2..=2 * max).step_by(2).collect();
    let Some(clustering) = best_kmeans(rows.view(), &candidates, seed) else {
        return Vec::new();
    };
    let min_units = MIN_UNITS.max((MIN_PART * vectors.nrows() as f64).ceil() as usize);
    let mut found: Vec<Emergent> = (0..clustering.n_clusters())
        .map(|k| emergent(&clustering, k, residual))
        .filter(|theme| theme.members.len() >= min_units)
        .filter(|theme| n_documents(&theme.members, documents) >= MIN_DOCUMENTS)
        .filter(|theme| separation(theme, vectors) >= MIN_SEPARATION)
        .collect();
    found.sort_by_key(|theme| std::cmp::Reverse(theme.members.len()));
    found.truncate(max);
    found
}

fn emergent(clustering: &Clustering, k: usize, residual: &[usize]) -> Emergent {
    let ranked = clustering.ranked_members(k);
    let kept = (ranked.len() as f64 * KEPT).ceil() as usize;
    let members: Vec<usize> = ranked.iter().take(kept).map(|&row| residual[row]).collect();
    let last = ranked.get(kept.saturating_sub(1));
    Emergent {
        centroid: clustering.centroids.row(k).to_owned(),
        threshold: last.map_or(1.0, |&row| clustering.similarity[row]),
        members,
    }
}

fn n_documents(members: &[usize], documents: &[usize]) -> usize {
    let mut of: Vec<usize> = members.iter().map(|&row| documents[row]).collect();
    of.sort_unstable();
    of.dedup();
    of.len()
}

/// Mean cosine of the members with the centroid, less that of all units, in the latter's standard
/// deviations.
fn separation(theme: &Emergent, vectors: ArrayView2<'_, f32>) -> f32 {
    let cosines = vectors.dot(&theme.centroid);
    let members = theme.members.iter().map(|&row| cosines[row]).sum::<f32>();
    let mean = members / theme.members.len().max(1) as f32;
    (mean - mean_of(cosines.view())) / cosines.std(0.0).max(1e-6)
}

fn mean_of(values: ArrayView1<'_, f32>) -> f32 {
    values.mean().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 40 units near axis 0 and 40 spread evenly over the other 19 axes.
    fn vectors() -> Array2<f32> {
        let mut vectors = Array2::zeros((80, 20));
        for row in 0..80 {
            let axis = if row < 40 { 0 } else { 1 + row % 19 };
            vectors[[row, axis]] = 1.0;
        }
        vectors
    }

    #[test]
    fn a_tight_group_over_many_documents_is_a_theme() {
        let residual: Vec<usize> = (0..80).collect();
        let documents: Vec<usize> = (0..80).map(|row| row / 4).collect();
        let found = discover(vectors().view(), &documents, &residual, 4, 1);
        assert_eq!(found.len(), 1);
        assert!(found[0].members.iter().all(|&row| row < 40));
        assert!(found[0].centroid[0] > 0.99);
    }

    #[test]
    fn one_document_makes_no_theme() {
        let residual: Vec<usize> = (0..80).collect();
        assert!(discover(vectors().view(), &[0; 80], &residual, 4, 1).is_empty());
        assert!(discover(vectors().view(), &[0; 80], &[], 4, 1).is_empty());
    }
}
