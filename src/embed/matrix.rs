//! The vectors of many texts in one block of memory, each of length one, so that a dot product is
//! a cosine.

use super::kernel::{self, Level};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

/// One vector a text: shape `(n_texts, dimension)`, each row of Euclidean length 1, or all zero
/// where the text has no known token.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingMatrix(Array2<f32>);

impl EmbeddingMatrix {
    /// Scales each row of `(n_texts, dimension)` to length 1; a row of zeros, or one whose length
    /// is not finite, becomes zeros.
    pub fn normalised(mut rows: Array2<f32>) -> Self {
        if !rows.is_standard_layout() {
            rows = rows.as_standard_layout().into_owned();
        }
        let dimension = rows.ncols().max(1);
        rows.as_slice_mut()
            .into_iter()
            .flat_map(|s| s.chunks_exact_mut(dimension))
            .for_each(normalise);
        EmbeddingMatrix(rows)
    }

    /// From rows that [`normalise`] made, in standard layout.
    pub(super) fn from_normalised(rows: Array2<f32>) -> Self {
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

    /// Some of its rows, in the order of `rows`.
    ///
    /// # Panics
    /// Where one is not below [`Self::n_rows`].
    pub fn select(&self, rows: &[usize]) -> Self {
        EmbeddingMatrix(self.0.select(Axis(0), rows))
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

/// The product of each row of `vectors`, `(n, dimension)`, with each of `others`, `(m, dimension)`:
/// shape `(n, m)`; their cosines, -1..1, where all have length 1.
///
/// # Panics
/// Where the dimensions differ.
pub fn products(vectors: ArrayView2<'_, f32>, others: ArrayView2<'_, f32>) -> Array2<f32> {
    assert_eq!(vectors.ncols(), others.ncols(), "vectors of one dimension");
    let mut products = Array2::zeros((vectors.nrows(), others.nrows()));
    let (vectors, others) = (vectors.as_standard_layout(), others.as_standard_layout());
    let rows = (vectors.as_slice(), others.as_slice(), products.as_slice_mut());
    if let (Some(vectors_), Some(others_), Some(out)) = rows {
        kernel::products(Level::best(), vectors_, others_, vectors.ncols(), out);
    }
    products
}

/// Scales a row to length 1; a row of zeros, or one whose length is not finite, becomes zeros.
pub(super) fn normalise(row: &mut [f32]) {
    let norm = squares(row).sqrt();
    if norm > 0.0 && norm.is_finite() {
        let scale = 1.0 / norm;
        row.iter_mut().for_each(|x| *x = (f64::from(*x) * scale) as f32);
    } else {
        row.fill(0.0);
    }
}

/// The sum of squares, in eight running sums that the processor can keep side by side.
fn squares(row: &[f32]) -> f64 {
    let (eights, rest) = row.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, &x)| *sum += f64::from(x) * f64::from(x));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>()
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
        let turned = Array2::from_shape_fn((2, 19), |(i, j)| (i + j) as f32).reversed_axes();
        for row in EmbeddingMatrix::normalised(turned.reversed_axes()).view().rows() {
            assert!((row.dot(&row) - 1.0).abs() < 1e-6);
        }
    }
}
