//! What the answers about things say, as a picture: a square for each, of its colour and size, where it is expected.

use world::{ClipSpec, Colour, Size};

use super::picture::{Answers, CELLS};

const BACKGROUND: u8 = 128;
/// Sides of the squares, as shares of a cell.
const SMALL: f32 = 0.6;
const LARGE: f32 = 1.2;

/// The first and the last frame, as RGB of the clips' size; later things are drawn over earlier ones.
pub fn sketch(things: &[Answers]) -> [Vec<u8>; 2] {
    let ClipSpec { width, height, .. } = ClipSpec::default();
    let frame = |is_last: bool| {
        let mut pixels = vec![BACKGROUND; width * height * 3];
        for &[_, colour, size, _, first_column, first_row, last_column, last_row] in things {
            let [column, row] = if is_last { [last_column, last_row] } else { [first_column, first_row] };
            let share = if Size::ALL[size] == Size::Small { SMALL } else { LARGE };
            let span = |cell: usize, length: usize| {
                let side = length as f32 / CELLS as f32;
                let middle = (cell as f32 + 0.5) * side;
                let end = |at: f32| (at.max(0.0) as usize).min(length);
                end(middle - share * side / 2.0)..end(middle + share * side / 2.0)
            };
            for y in span(row, height) {
                for x in span(column, width) {
                    let start = (y * width + x) * 3;
                    pixels[start..start + 3].copy_from_slice(&Colour::ALL[colour].srgb());
                }
            }
        }
        pixels
    };
    [false, true].map(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_are_where_the_answers_say() {
        let ClipSpec { width, height, .. } = ClipSpec::default();
        // Colour 4 and large, from the top left corner to the middle of the bottom.
        let frames = sketch(&[[0, 4, Size::Large as usize, 0, 0, 0, CELLS / 2, CELLS - 1]]);
        let at = |frame: usize, x: usize, y: usize| &frames[frame][(y * width + x) * 3..][..3];
        let colour = Colour::ALL[4].srgb();
        assert_eq!((at(0, 0, 0), at(1, width / 2, height - 1)), (&colour[..], &colour[..]));
        assert_eq!((at(1, 0, 0), at(0, width / 2, height - 1)), (&[BACKGROUND; 3][..], &[BACKGROUND; 3][..]));
    }
}
