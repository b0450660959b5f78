//! The cells of a terminal.

/// How many cells a terminal has, and how large they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Cells in a row, at least 1.
    pub columns: usize,
    /// Rows of cells, at least 1.
    pub rows: usize,
    /// Pixels from left to right in a cell, at least 1.
    pub cell_width: usize,
    /// Pixels from top to bottom in a cell, at least 1.
    pub cell_height: usize,
}

impl Default for Grid {
    /// As terminals began, for those that do not say.
    fn default() -> Self {
        Self { columns: 80, rows: 24, cell_width: 8, cell_height: 16 }
    }
}

impl Grid {
    /// From what a terminal says, in cells and in pixels: 0 for what it does not know.
    #[cfg(any(unix, test))]
    pub(crate) fn of(columns: usize, rows: usize, width: usize, height: usize) -> Self {
        let usual = Self::default();
        if columns == 0 || rows == 0 {
            return usual;
        }
        let (cell_width, cell_height) = match (width / columns, height / rows) {
            // Some fill in numbers of cells, or a constant: no font has cells of such a shape.
            (w, h) if w < 2 || h < 4 || w > 3 * h || h > 6 * w => (usual.cell_width, usual.cell_height),
            cell => cell,
        };
        Self { columns, rows, cell_width, cell_height }
    }
}

/// The grid of the terminal that is open as `terminal`.
#[cfg(unix)]
pub(crate) fn of(terminal: impl std::os::fd::AsFd) -> Option<Grid> {
    let size = rustix::termios::tcgetwinsize(terminal).ok()?;
    Some(Grid::of(size.ws_col.into(), size.ws_row.into(), size.ws_xpixel.into(), size.ws_ypixel.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_does_not_say_is_assumed() {
        let grid = |columns, rows, cell_width, cell_height| Grid { columns, rows, cell_width, cell_height };
        assert_eq!(Grid::of(100, 50, 1000, 1100), grid(100, 50, 10, 22));
        assert_eq!(Grid::of(100, 50, 0, 0), grid(100, 50, 8, 16));
        assert_eq!(Grid::of(100, 50, 100, 50), grid(100, 50, 8, 16), "cells for pixels");
        assert_eq!(Grid::of(10, 10, 640, 10), grid(10, 10, 8, 16));
        assert_eq!(Grid::of(0, 0, 640, 480), Grid::default());
    }
}
