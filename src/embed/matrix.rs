//! The vectors of many texts in one block of memory, each of length one, so that a dot product is
//! a cosine.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

/// One vector a text: shape `(n_texts, dimension)`, each row of Euclidean length 1, or all zero
/// where the text has no known token.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingMatrix(Array2<f32>);

impl EmbeddingMatrix {
    /// Scales each row of `(n_texts, dimension)` to length 1; a row of zeros, or one whose length
    /// is not finite, becomes zeros.
    pub fn normalised(mut rows: Array2<f32>) -> Self {
        for mut row in rows.axis_iter_mut(Axis(0)) {
            let norm = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
            if norm > 0.0 && norm.is_finite() {
                row.mapv_inplace(|x| (f64::from(x) / norm) as f32);
            } else {
                row.fill(0.0);
            }
        }
        EmbeddingMatrix(rows)
    }

    /// No rows, of the given dimension.
    pub fn empty(dimension: usize) -> Self {
        EmbeddingMatrix(Array2::zeros((0, dimension)))
    }

    /// Texts embedded.
    pub fn n_rows(&self) -> usize {
        self.0.nrows()
    }

    /// Numbers in a row.
    pub fn dimension(&self) -> usize {
        self.0.ncols()
    }

    /// The vector of text `index`.
    ///
    /// # Panics
    /// Where `index` is not below [`Self::n_rows`].
    pub fn row(&self, index: usize) -> ArrayView1<'_, f32> {
        self.0.row(index)
    }

    /// The whole matrix, shape `(n_texts, dimension)`.
    pub fn view(&self) -> ArrayView2<'_, f32> {
        self.0.view()
    }

    /// The matrix itself.
    pub fn into_inner(self) -> Array2<f32> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn rows_have_length_one_or_are_zero() {
        let matrix = EmbeddingMatrix::normalised(array![
            [3.0, 4.0],
            [0.0, 0.0],
            [f32::INFINITY, 1.0],
            [1e-30, 0.0],
        ]);
        assert_eq!(matrix.view(), array![[0.6, 0.8], [0.0, 0.0], [0.0, 0.0], [1.0, 0.0]]);
        assert_eq!((matrix.n_rows(), matrix.dimension()), (4, 2));
    }
}
