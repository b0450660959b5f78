//! How a product is cut into tasks.

use std::ops::Range;

use super::tile::PANEL;

/// Rows of a task at most: packed, they share the second-level cache with a block of a panel.
const MAX_ROWS: usize = 192;
/// Rows of a task at least, as long as there are more: fewer would read the panels too often.
const MIN_ROWS: usize = 48;
/// Multiplications below which a second thread does not pay.
const ONE_THREAD: usize = 1 << 19;

/// Part `index` of `0..len` cut into `parts` of nearly one size.
pub(super) fn part(len: usize, index: usize, parts: usize) -> Range<usize> {
    index * len / parts..(index + 1) * len / parts
}

/// How a product is cut into tasks. The cut decides who computes an element, never how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub row_blocks: usize,
    pub column_blocks: usize,
}

impl Grid {
    /// For `[m, n]` sums of `k` products.
    pub(super) fn new(m: usize, n: usize, k: usize, threads: usize) -> Self {
        if threads == 1 || m.saturating_mul(n).saturating_mul(k) < ONE_THREAD {
            return Self { row_blocks: m.div_ceil(MAX_ROWS), column_blocks: 1 };
        }
        let panels = n.div_ceil(PANEL);
        // As many for each thread, if that does not make them too low.
        let even = m.div_ceil(MAX_ROWS).next_multiple_of(threads);
        let row_blocks = even.min(m.div_ceil(MIN_ROWS));
        let column_blocks = match row_blocks {
            1 => panels.min(4 * threads),
            _ => panels.min(threads.div_ceil(row_blocks)),
        };
        Self { row_blocks, column_blocks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_complete_and_even() {
        for (len, parts) in [(100, 3), (7, 7), (2, 5)] {
            let cut: Vec<_> = (0..parts).map(|index| part(len, index, parts)).collect();
            assert!(cut.iter().cloned().flatten().eq(0..len));
            assert!(cut.iter().all(|part| (len / parts..=len.div_ceil(parts)).contains(&part.len())));
        }
    }

    #[test]
    fn every_thread_has_a_task() {
        for threads in [2, 8, 64] {
            for (m, n) in [(1, 64 * 64), (320, 1024), (768, 8960), (5000, 64)] {
                let Grid { row_blocks, column_blocks } = Grid::new(m, n, 1536, threads);
                assert!(row_blocks * column_blocks >= threads, "{m} x {n} on {threads} threads");
                assert!(row_blocks <= m && column_blocks <= n.div_ceil(PANEL));
            }
        }
        assert_eq!(Grid::new(3, 64, 16, 8), Grid { row_blocks: 1, column_blocks: 1 });
    }
}
