//! Many tests at once: of the changes that are called real, how many are not.

/// For each p-value its q-value: the smallest rate of false discoveries (Benjamini and Hochberg 1995)
/// at which it would still be called real. A p-value that is absent is no test and has no q.
pub(super) fn q_values(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> =
        p.iter().enumerate().filter_map(|(index, p)| p.map(|p| (index, p))).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let n = order.len() as f64;
    let mut q = vec![None; p.len()];
    let mut smallest = 1.0f64;
    for (above, (index, p)) in order.into_iter().enumerate() {
        smallest = smallest.min(p * n / (n - above as f64));
        q[index] = Some(smallest);
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_values_are_those_computed_by_hand() {
        // Sorted: 0.005, 0.009, 0.05, 0.05, 0.5; times 5 / rank: 0.025, 0.0225, 0.0833, 0.0625, 0.5; then
        // no q is larger than one of a larger p.
        let p = [Some(0.05), Some(0.5), None, Some(0.009), Some(0.05), Some(0.005)];
        let expected = [Some(0.0625), Some(0.5), None, Some(0.0225), Some(0.0625), Some(0.0225)];
        for (found, expected) in q_values(&p).into_iter().zip(expected) {
            assert_eq!(found.is_some(), expected.is_some());
            assert!((found.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs() < 1e-12, "{found:?}");
        }
        assert_eq!(q_values(&[None]), [None]);
    }
}
