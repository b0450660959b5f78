//! Sums over rows: what a bias gets for its gradient.

use crate::{lanes::widest, threads::prelude::*};

/// Columns of a task: four cache lines, so that no two tasks write one line.
const COLUMNS: usize = 64;

/// `sums[j] = Σᵢ x[i, j]` for `x` `[rows, sums.len()]`, each column from its first row to its last.
///
/// # Panics
/// If `x` has not whole rows.
pub fn column_sums(x: &[f32], sums: &mut [f32]) {
    let columns = sums.len();
    assert!(columns > 0 && x.len().is_multiple_of(columns), "column_sums: x is not [rows, columns]");
    sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(task, sums)| {
        let start = task * COLUMNS;
        widest!(add_rows(x: &[f32], columns: usize, start: usize, sums: &mut [f32]));
    });
}

#[inline(always)]
fn add_rows(x: &[f32], columns: usize, start: usize, sums: &mut [f32]) {
    sums.fill(0.0);
    for row in x.chunks_exact(columns) {
        for (sum, x) in sums.iter_mut().zip(&row[start..]) {
            *sum += x;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::test_values;

    #[test]
    fn every_column_is_summed_in_order() {
        for columns in [1, 63, 64, 65, 200] {
            let x = test_values(37 * columns, 5);
            let mut sums = vec![f32::NAN; columns];
            column_sums(&x, &mut sums);
            for (j, sum) in sums.iter().enumerate() {
                assert_eq!(*sum, (0..37).map(|i| x[i * columns + j]).fold(0.0, |sum, x| sum + x));
            }
        }
    }
}
