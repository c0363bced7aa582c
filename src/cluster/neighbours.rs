//! Which rows lie closest to which, and the graph that this makes.
//!
//! Two rows are joined where one is among the nearest of the other. The edge weighs as much as their
//! neighbourhoods overlap (Jarvis and Patrick 1973; the Jaccard weight is that of PhenoGraph, Levine
//! et al. 2015): in a space of hundreds of dimensions cosines say little by themselves, but rows of
//! one group have the same neighbours, and rows that merely touch have not.

use ndarray::parallel::prelude::*;
use ndarray::{ArrayView1, ArrayView2, Axis};

/// Neighbours that a row is joined to.
const N_NEIGHBOURS: usize = 15;
/// Neighbours that are kept of each row, so that enough are left where a part of the rows is not.
const N_KEPT: usize = 2 * N_NEIGHBOURS;
/// Rows compared with all others at once.
const BLOCK: usize = 128;

/// For each row of a matrix the rows that lie closest to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    /// The row's nearest others, nearest first; fewer than [`N_KEPT`] in a small matrix.
    nearest: Vec<Vec<u32>>,
}

/// Rows joined by weighted edges; each edge stands at both of its ends.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// For each node its edges: the other end, ascending, and the weight, over 0.
    pub edges: Vec<Vec<(u32, f64)>>,
    /// For each node twice the weight of the edges that lie within it.
    pub loops: Vec<f64>,
}

impl Neighbours {
    /// By cosine, in a matrix `(n, dimension)` of rows of length 1 or zero. Equal cosines go by the
    /// row; rows that share nothing (a cosine of 0 or less) are no neighbours.
    pub fn of(matrix: ArrayView2<'_, f32>) -> Self {
        let block = |(index, rows): (usize, ArrayView2<'_, f32>)| {
            let cosines = rows.dot(&matrix.t());
            let rows = cosines.axis_iter(Axis(0)).enumerate();
            rows.map(|(row, cosines)| nearest(cosines, index * BLOCK + row)).collect::<Vec<_>>()
        };
        let blocks = matrix.axis_chunks_iter(Axis(0), BLOCK).into_par_iter().enumerate();
        let blocks: Vec<Vec<Vec<u32>>> = blocks.map(block).collect();
        Neighbours { nearest: blocks.concat() }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.nearest.len()
    }

    /// The graph of the rows, or of those that are `kept`; the others stay in it without an edge.
    pub fn graph(&self, kept: Option<&[bool]>) -> Graph {
        let is_kept = |row: u32| kept.is_none_or(|kept| kept[row as usize]);
        let around = |row: usize| {
            let others = self.nearest[row].iter().copied().filter(|&other| is_kept(other));
            let mut around: Vec<u32> = others.take(N_NEIGHBOURS).chain([row as u32]).collect();
            around.sort_unstable();
            if is_kept(row as u32) { around } else { Vec::new() }
        };
        let around: Vec<Vec<u32>> = (0..self.n_rows()).into_par_iter().map(around).collect();
        let mut joined: Vec<Vec<u32>> = vec![Vec::new(); self.n_rows()];
        for (row, others) in around.iter().enumerate() {
            for &other in others.iter().filter(|&&other| other as usize != row) {
                joined[row].push(other);
                joined[other as usize].push(row as u32);
            }
        }
        let weighed = |(row, mut ends): (usize, Vec<u32>)| {
            ends.sort_unstable();
            ends.dedup();
            let weight = |end: u32| (end, overlap(&around[row], &around[end as usize]));
            ends.into_iter().map(weight).filter(|(_, weight)| *weight > 0.0).collect()
        };
        let edges: Vec<Vec<(u32, f64)>> = joined.into_par_iter().enumerate().map(weighed).collect();
        Graph { loops: vec![0.0; edges.len()], edges }
    }
}

/// The rows with the largest cosines, largest first, without `own`.
fn nearest(cosines: ArrayView1<'_, f32>, own: usize) -> Vec<u32> {
    let by_cosine = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    let mut best: Vec<(f32, u32)> = Vec::with_capacity(4 * N_KEPT);
    let mut bound = 0.0;
    for (row, &cosine) in cosines.iter().enumerate() {
        if cosine > bound && row != own {
            best.push((cosine, row as u32));
            if best.len() == 4 * N_KEPT {
                best.select_nth_unstable_by(N_KEPT - 1, by_cosine);
                best.truncate(N_KEPT);
                bound = best[N_KEPT - 1].0;
            }
        }
    }
    best.sort_unstable_by(by_cosine);
    best.into_iter().take(N_KEPT).map(|(_, row)| row).collect()
}

/// Jaccard's index of two ascending lists: the part of their members that they share, 0..1.
fn overlap(a: &[u32], b: &[u32]) -> f64 {
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        shared += usize::from(a[i] == b[j]);
        let (next_a, next_b) = (a[i] <= b[j], b[j] <= a[i]);
        i += usize::from(next_a);
        j += usize::from(next_b);
    }
    shared as f64 / (a.len() + b.len() - shared).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn nearest_rows_are_those_of_a_full_sort() {
        let n = 700;
        let cosine = |row: usize| ((row * 7919 + 13) % 101) as f32 / 101.0 - 0.3;
        let cosines = ndarray::Array1::from_shape_fn(n, cosine);
        let mut all: Vec<usize> = (0..n).filter(|&row| row != 5 && cosine(row) > 0.0).collect();
        all.sort_by(|&a, &b| cosine(b).total_cmp(&cosine(a)).then(a.cmp(&b)));
        let expected: Vec<u32> = all.into_iter().take(N_KEPT).map(|row| row as u32).collect();
        assert_eq!(nearest(cosines.view(), 5), expected);
    }

    #[test]
    fn overlap_is_the_shared_part() {
        assert_eq!(overlap(&[1, 2, 3], &[2, 3, 4]), 0.5);
        assert_eq!(overlap(&[1, 2], &[1, 2]), 1.0);
        assert_eq!(overlap(&[1], &[2]), 0.0);
        assert_eq!(overlap(&[], &[]), 0.0);
    }

    #[test]
    fn every_edge_stands_at_both_ends_and_rows_left_out_have_none() {
        let matrix = Array2::from_shape_fn((90, 6), |(row, column)| {
            if row % 6 == column { 1.0 } else { 0.01 * ((row * column) % 5) as f32 }
        });
        let kept: Vec<bool> = (0..90).map(|row| row % 4 != 0).collect();
        let graph = Neighbours::of(matrix.view()).graph(Some(&kept));
        let mut n_edges = 0;
        for (row, edges) in graph.edges.iter().enumerate() {
            assert!(kept[row] || edges.is_empty());
            for &(end, weight) in edges {
                assert!(graph.edges[end as usize].contains(&(row as u32, weight)));
                n_edges += 1;
            }
        }
        assert!(n_edges > 90);
    }
}
