//! Linear equations.

/// A pivot that is smaller is none.
const SMALLEST_PIVOT: f64 = 1e-12;

/// Solves `N` equations, each with its `N` factors and then its right side (Gauss); none if they have no single solution.
pub(crate) fn solve<const N: usize, const M: usize>(mut rows: [[f64; M]; N]) -> Option<[f64; N]> {
    const { assert!(M == N + 1) };
    for pivot in 0..N {
        let best = (pivot..N).max_by(|&a, &b| rows[a][pivot].abs().total_cmp(&rows[b][pivot].abs()))?;
        rows.swap(pivot, best);
        if rows[pivot][pivot].abs() < SMALLEST_PIVOT {
            return None;
        }
        for row in 0..N {
            if row != pivot {
                let factor = rows[row][pivot] / rows[pivot][pivot];
                let from = rows[pivot];
                rows[row].iter_mut().zip(from).for_each(|(value, other)| *value -= factor * other);
            }
        }
    }
    Some(std::array::from_fn(|i| rows[i][N] / rows[i][i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved_or_have_no_single_solution() {
        // x = 1, y = -2, z = 3; the first pivot is 0.
        let rows = [[0.0, 2.0, 1.0, -1.0], [1.0, 1.0, 1.0, 2.0], [2.0, -1.0, 1.0, 7.0]];
        let solved = solve(rows).unwrap();
        assert!(solved.iter().zip([1.0, -2.0, 3.0]).all(|(found, exact)| (found - exact).abs() < 1e-12));
        assert_eq!(solve([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]), None);
    }
}
