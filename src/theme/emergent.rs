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

    const N: usize = 240;

    /// Every tenth unit on axis 0, the others spread evenly over 19 more axes.
    fn vectors() -> Array2<f32> {
        let axis = |row: usize| if row.is_multiple_of(10) { 0 } else { 1 + row % 19 };
        Array2::from_shape_fn((N, 20), |(row, column)| f32::from(u8::from(axis(row) == column)))
    }

    #[test]
    fn a_tight_group_over_many_documents_is_a_theme() {
        let residual: Vec<usize> = (0..N).collect();
        let documents: Vec<usize> = (0..N).map(|row| row / 20).collect();
        let found = discover(vectors().view(), &documents, &residual, 12, 1);
        let tight = found.iter().find(|theme| theme.centroid[0] > 0.99).unwrap();
        assert!(tight.members.iter().all(|row| row.is_multiple_of(10)));
        assert!(tight.members.len() >= MIN_UNITS && tight.threshold > 0.99);
    }

    #[test]
    fn one_document_makes_no_theme() {
        let residual: Vec<usize> = (0..N).collect();
        assert!(discover(vectors().view(), &[0; N], &residual, 4, 1).is_empty());
        assert!(discover(vectors().view(), &[0; N], &[], 4, 1).is_empty());
    }
}
