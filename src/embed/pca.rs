//! Principal components: the directions in which points differ most (Pearson 1901), by the
//! eigenvectors of their covariance, found by Jacobi's rotations. Plain and exact to the last digits
//! that f64 has, which is what a table that must come out the same every time wants.

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip};

/// The centre of some points and the directions in which they spread, the widest first.
pub(super) struct Components {
    /// `(dimension)`
    mean: Array1<f64>,
    /// `(dimension, dimension)`: a direction a column, each of length 1, its largest entry positive.
    directions: Array2<f64>,
}

impl Components {
    /// From points in rows, shape `(n_points, dimension)`.
    pub fn of(points: ArrayView2<'_, f64>) -> Self {
        let dimension = points.ncols();
        let mean = points.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(dimension));
        let centred = &points - &mean;
        let covariance = centred.t().dot(&centred) / points.nrows().max(1) as f64;
        let (values, vectors) = eigen(covariance);
        let mut order: Vec<usize> = (0..dimension).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        let mut directions = vectors.select(Axis(1), &order);
        directions.columns_mut().into_iter().for_each(|mut direction| {
            let largest = direction
                .iter()
                .copied()
                .fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
            direction *= largest.signum();
        });
        Components { mean, directions }
    }

    /// The coordinates of points along `n` directions after the first `skip`: shape `(n_points, n)`.
    pub fn project(&self, points: ArrayView2<'_, f64>, skip: usize, n: usize) -> Array2<f64> {
        let kept: Vec<usize> = (skip..skip + n).collect();
        (&points - &self.mean).dot(&self.directions.select(Axis(1), &kept))
    }
}

/// Sweeps over all off-diagonal entries; far more than any matrix needs.
const MAX_SWEEPS: usize = 60;

/// Eigenvalues of a symmetric matrix, and its eigenvectors as columns in the same order, by cyclic
/// Jacobi rotations (Golub and Van Loan, "Matrix Computations", 8.5).
fn eigen(mut matrix: Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let n = matrix.nrows();
    // A vector a row while rotating, so that a rotation walks through memory in order.
    let mut vectors = Array2::eye(n);
    let tiny = matrix.iter().map(|x| x * x).sum::<f64>() * f64::EPSILON * f64::EPSILON;
    for _ in 0..MAX_SWEEPS {
        let pairs = || (0..n).flat_map(|p| (p + 1..n).map(move |q| (p, q)));
        if pairs().map(|pair| matrix[pair].powi(2)).sum::<f64>() <= tiny {
            break;
        }
        for (p, q) in pairs() {
            if let Some(angle) = annihilating(&matrix, p, q) {
                rotate_rows(&mut matrix, p, q, angle);
                matrix.swap_axes(0, 1); // its columns, as rows
                rotate_rows(&mut matrix, p, q, angle);
                rotate_rows(&mut vectors, p, q, angle);
            }
        }
    }
    (matrix.diag().to_owned(), vectors.reversed_axes())
}

/// Cosine and sine of the rotation that makes entry `(p, q)` zero; `None` where it is zero.
fn annihilating(matrix: &Array2<f64>, p: usize, q: usize) -> Option<(f64, f64)> {
    let entry = matrix[(p, q)];
    if entry == 0.0 {
        return None;
    }
    let theta = (matrix[(q, q)] - matrix[(p, p)]) / (2.0 * entry);
    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    Some((cosine, tangent * cosine))
}

/// Turns rows `p < q` into each other by the angle.
fn rotate_rows(matrix: &mut Array2<f64>, p: usize, q: usize, (cosine, sine): (f64, f64)) {
    let (mut above, mut below) = matrix.view_mut().split_at(Axis(0), q);
    Zip::from(above.row_mut(p)).and(below.row_mut(0)).for_each(|a, b| {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A symmetric matrix without structure.
    fn symmetric(n: usize) -> Array2<f64> {
        Array2::from_shape_fn((n, n), |(i, j)| {
            let (i, j) = (i.min(j), i.max(j));
            (((i * 7919 + j * 104_729 + 13) % 1009) as f64) / 1009.0 - 0.5
        })
    }

    #[test]
    fn eigenvectors_are_orthonormal_and_give_the_matrix_back() {
        for n in [1, 2, 5, 40] {
            let matrix = symmetric(n);
            let (values, vectors) = eigen(matrix.clone());
            let close = |a: &Array2<f64>, b: &Array2<f64>| (a - b).iter().all(|x| x.abs() < 1e-12);
            assert!(close(&vectors.t().dot(&vectors), &Array2::eye(n)), "n = {n}");
            let back = vectors.dot(&Array2::from_diag(&values)).dot(&vectors.t());
            assert!(close(&back, &matrix), "n = {n}");
        }
    }

    #[test]
    fn the_first_component_is_the_direction_of_the_widest_spread() {
        // Points along (3, 4) / 5, with a little spread across.
        let points = Array2::from_shape_fn((200, 2), |(i, axis)| {
            let (along, across) = (i as f64 - 99.5, if i % 2 == 0 { 0.1 } else { -0.1 });
            if axis == 0 {
                0.6 * along - 0.8 * across + 7.0
            } else {
                0.8 * along + 0.6 * across - 2.0
            }
        });
        let components = Components::of(points.view());
        let first = components.project(points.view(), 0, 1);
        assert!((first[(199, 0)] - 99.5).abs() < 0.01 && (first[(0, 0)] + 99.5).abs() < 0.01);
        let second = components.project(points.view(), 1, 1);
        assert!(second.iter().all(|x| (x.abs() - 0.1).abs() < 0.01));
    }
}
