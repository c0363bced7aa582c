//! What the sentences around a sentence speak of.
//!
//! A speaker stays with a subject: a sentence that names nothing ("This cannot go on.") speaks of
//! what its neighbours speak of. The sentences around count less with every sentence that lies
//! between, on both sides alike.

use ndarray::Array2;

/// What is left of a sentence's weight with each sentence further away.
const DECAY: f32 = 0.6;

/// For each sentence (row) and theme (column) the mean over the other sentences of the document,
/// weighted by nearness; 0 for a sentence that stands alone. Linear in the number of sentences.
pub fn around(sentences: &Array2<f32>) -> Array2<f32> {
    let (n, n_themes) = sentences.dim();
    let mut sums = Array2::<f32>::zeros((n, n_themes));
    let mut weights = vec![0.0_f32; n];
    let forward: Vec<usize> = (0..n).collect();
    let backward: Vec<usize> = (0..n).rev().collect();
    for order in [forward, backward] {
        let (mut sum, mut weight) = (vec![0.0_f32; n_themes], 0.0);
        for pair in order.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            weight = DECAY * (weight + 1.0);
            weights[to] += weight;
            for theme in 0..n_themes {
                sum[theme] = DECAY * (sum[theme] + sentences[[from, theme]]);
                sums[[to, theme]] += sum[theme];
            }
        }
    }
    for (mut row, weight) in sums.rows_mut().into_iter().zip(weights) {
        row.mapv_inplace(|sum| if weight > 0.0 { sum / weight } else { 0.0 });
    }
    sums
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// The same by its definition, in quadratic time.
    fn by_definition(sentences: &Array2<f32>) -> Array2<f32> {
        let mean = |(at, theme): (usize, usize)| {
            let (mut sum, mut weights) = (0.0, 0.0);
            for other in (0..sentences.nrows()).filter(|&other| other != at) {
                let weight = DECAY.powi(other.abs_diff(at) as i32);
                sum += weight * sentences[[other, theme]];
                weights += weight;
            }
            if weights > 0.0 { sum / weights } else { 0.0 }
        };
        Array2::from_shape_fn(sentences.dim(), mean)
    }

    #[test]
    fn nearer_sentences_count_more_and_a_sentence_does_not_count_for_itself() {
        let sentences = array![[1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.5, 0.2]];
        let (found, expected) = (around(&sentences), by_definition(&sentences));
        assert!((&found - &expected).iter().all(|d| d.abs() < 1e-6), "{found} {expected}");
        assert!(found[[1, 0]] > found[[1, 1]], "the sentence before is nearer than the one after");
        assert!(found[[0, 0]] < 0.1, "its own weight is left out");
    }

    #[test]
    fn a_sentence_alone_has_no_context() {
        assert_eq!(around(&array![[1.0, 1.0]]), array![[0.0, 0.0]]);
        assert_eq!(around(&Array2::zeros((0, 3))).dim(), (0, 3));
    }
}
