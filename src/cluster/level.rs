//! Vectors with what all of them share levelled out.
//!
//! In every encoder a few directions carry much of the spread and little of the meaning: length,
//! style, how common the words are (Mu and Viswanath 2018, "All-but-the-Top", remove them). Here
//! rows are centred, and the widest directions are narrowed half-way to the spread of the rest, not
//! removed, for some of them are topics.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::direction;

/// Directions that are narrowed.
const N_NARROWED: usize = 32;
/// Rows that the directions are found from: many times the numbers in a vector.
const MAX_ROWS: usize = 4_000;
/// Rounds of orthogonal iteration: the widest directions part from the rest at once, and between
/// directions of like spread it does not matter which is which.
const ROUNDS: usize = 12;

/// The rows of a matrix `(n, dimension)`, centred, with the widest directions narrowed, each of
/// length 1 again; rows of zeros stay zero. Deterministic.
pub fn levelled(matrix: ArrayView2<'_, f32>) -> Array2<f32> {
    let known: Vec<usize> = (0..matrix.nrows()).filter(|&row| !is_zero(matrix, row)).collect();
    let mean = mean(matrix, &known);
    let mut rows = &matrix - &mean.mapv(|x| x as f32);
    (0..matrix.nrows())
        .filter(|&row| is_zero(matrix, row))
        .for_each(|row| rows.row_mut(row).fill(0.0));
    let n = known.len().min(MAX_ROWS);
    let drawn: Vec<usize> = (0..n).map(|place| known[place * known.len() / n]).collect();
    narrow(&mut rows, &drawn);
    for mut row in rows.rows_mut() {
        match direction(row.mapv(f64::from).view()) {
            Some(unit) => row.assign(&unit),
            None => row.fill(0.0),
        }
    }
    rows
}

fn is_zero(matrix: ArrayView2<'_, f32>, row: usize) -> bool {
    matrix.row(row).iter().all(|&x| x == 0.0)
}

fn mean(matrix: ArrayView2<'_, f32>, rows: &[usize]) -> Array1<f64> {
    let mut sum = Array1::zeros(matrix.ncols());
    for &row in rows {
        sum.zip_mut_with(&matrix.row(row), |s: &mut f64, &x| *s += f64::from(x));
    }
    sum / rows.len().max(1) as f64
}

/// Narrows the widest directions, as `drawn` rows show them: the standard deviation along each
/// becomes the geometric mean of its own and that of the last of them.
fn narrow(rows: &mut Array2<f32>, drawn: &[usize]) {
    let n = N_NARROWED.min(rows.ncols() / 4).min(drawn.len() / 4);
    let sample = rows.select(Axis(0), drawn).mapv(f64::from);
    let spread = sample.t().dot(&sample);
    let directions = widest(&spread, n);
    let variances: Vec<f64> =
        directions.columns().into_iter().map(|d| d.dot(&spread.dot(&d))).collect();
    let Some(&last) = variances.last().filter(|last| **last > 0.0) else { return };
    let change = variances.iter().map(|variance| ((last / variance).powf(0.25) - 1.0) as f32);
    let change = Array1::from_iter(change);
    let directions = directions.mapv(|x| x as f32);
    let along = rows.dot(&directions) * &change;
    *rows += &along.dot(&directions.t());
}

/// The `n` widest directions of a symmetric matrix `(dimension, dimension)`, as columns of length 1
/// at right angles, about by width: orthogonal iteration (Golub and Van Loan, "Matrix Computations",
/// 8.2) from a seeded start.
fn widest(spread: &Array2<f64>, n: usize) -> Array2<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut directions = Array2::from_shape_fn((spread.nrows(), n), |_| rng.random::<f64>() - 0.5);
    for _ in 0..ROUNDS {
        directions = spread.dot(&directions);
        orthonormalise(&mut directions);
    }
    directions
}

/// Makes columns of length 1 at right angles, each from those before it (Gram and Schmidt).
fn orthonormalise(columns: &mut Array2<f64>) {
    for index in 0..columns.ncols() {
        let mut column = columns.column(index).to_owned();
        for before in columns.columns().into_iter().take(index) {
            let along: f64 = before.dot(&column);
            column.scaled_add(-along, &before);
        }
        let norm = column.dot(&column).sqrt();
        let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
        columns.column_mut(index).assign(&(column * scale));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_directions_of_a_known_spread_are_found() {
        // Variances 9, 4, 1, ... along the axes, turned by a rotation in each pair of axes.
        let n = 12;
        let variance = |axis: usize| 9.0 / ((axis + 1) * (axis + 1)) as f64;
        let mut turn = Array2::<f64>::eye(n);
        for pair in 0..n / 2 {
            let (a, b) = (2 * pair, 2 * pair + 1);
            (turn[(a, a)], turn[(b, b)], turn[(a, b)], turn[(b, a)]) = (0.6, 0.6, -0.8, 0.8);
        }
        let spread =
            turn.dot(&Array2::from_diag(&Array1::from_shape_fn(n, variance))).dot(&turn.t());
        let found = widest(&spread, 3);
        for (axis, column) in found.columns().into_iter().enumerate() {
            let cosine = column.dot(&turn.column(axis)).abs();
            assert!(cosine > 0.999, "axis {axis}: {cosine}");
        }
    }

    #[test]
    fn a_shared_direction_no_longer_decides_who_is_near() {
        // Rows differ along axis 0 by far the most, and by topic along axes 1 to 4.
        let row = |index: usize| {
            let mut row = Array1::<f64>::zeros(40);
            row[0] = 3.0 + 2.0 * ((index * 31 % 17) as f64 / 17.0 - 0.5);
            row[1 + index % 4] = 0.4;
            row[5 + index % 35] += 0.1;
            direction(row.view()).unwrap()
        };
        let matrix = Array2::from_shape_fn((400, 40), |(index, axis)| row(index)[axis]);
        let rows = levelled(matrix.view());
        let cosine = |a: usize, b: usize| rows.row(a).dot(&rows.row(b));
        assert!(cosine(0, 4) > cosine(0, 1) + 0.5, "{} {}", cosine(0, 4), cosine(0, 1));
        assert!(matrix.row(0).dot(&matrix.row(1)) > 0.95, "before, all are alike");
    }

    #[test]
    fn zero_rows_stay_zero_and_rows_have_length_one() {
        let matrix = Array2::from_shape_fn((40, 8), |(row, axis)| {
            if row == 7 { 0.0 } else { ((row * 5 + axis * 3) % 11) as f32 }
        });
        for (index, row) in levelled(matrix.view()).rows().into_iter().enumerate() {
            let expected = if index == 7 { 0.0 } else { 1.0 };
            assert!((row.dot(&row) - expected).abs() < 1e-5);
        }
        assert_eq!(levelled(Array2::zeros((0, 4)).view()).dim(), (0, 4));
    }
}
