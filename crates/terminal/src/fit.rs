//! How large a picture is in a terminal.

use crate::Grid;

/// The room of a picture that is as large as fits, of its own shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// In the terminal's pixels, at least 1 each.
    pub width: usize,
    pub height: usize,
    /// In cells, the last of which may be filled in part.
    pub columns: usize,
    pub rows: usize,
    /// Whether it is the width that ends the room, not the height.
    pub is_wide: bool,
}

impl Room {
    /// For a picture of `width` by `height` pixels in the first `columns` and `rows` of `grid`.
    pub fn of(width: usize, height: usize, grid: Grid, columns: usize, rows: usize) -> Self {
        let (most_width, most_height) = (columns * grid.cell_width, rows * grid.cell_height);
        let is_wide = width as u128 * most_height as u128 >= height as u128 * most_width as u128;
        let scaled = |side: usize, to: usize, from: usize| {
            let exact = side as f64 * to as f64 / from as f64;
            (exact.round() as usize).max(1)
        };
        let (width, height) = if is_wide {
            (most_width, scaled(height, most_width, width).min(most_height))
        } else {
            (scaled(width, most_height, height).min(most_width), most_height)
        };
        Self {
            width,
            height,
            columns: width.div_ceil(grid.cell_width),
            rows: height.div_ceil(grid.cell_height),
            is_wide,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_its_shape() {
        let grid = Grid::default(); // 640 by 384 pixels
        let room = |width, height| {
            let room = Room::of(width, height, grid, grid.columns, grid.rows);
            (room.width, room.height, room.columns, room.rows, room.is_wide)
        };
        assert_eq!(room(64, 64), (384, 384, 48, 24, false));
        assert_eq!(room(832, 480), (640, 369, 80, 24, true));
        assert_eq!(room(5000, 1), (640, 1, 80, 1, true));
        assert_eq!(room(1, 5000), (1, 384, 1, 24, false));
        assert_eq!(room(10, 6), (640, 384, 80, 24, true));
    }
}
