//! How a clip moves, without what it shows.

use media::Clip;

use crate::Result;

/// What differs by more than this from what stands still, of 255, moves.
const MOVES: i16 = 14;

/// Where something moves in each frame of a clip.
#[derive(Debug)]
pub(crate) struct Motion {
    /// By frame, row and column.
    moves: Vec<bool>,
    width: usize,
    height: usize,
}

impl Motion {
    /// Where a clip differs from its own middle value over time, which is what stands still in it.
    pub fn of(clip: &Clip) -> Self {
        let (width, height) = (clip.width(), clip.height());
        let grey: Vec<Vec<u8>> = clip.frames().map(brightness).collect();
        let mut moves = vec![false; grey.len() * width * height];
        let mut over_time = Vec::with_capacity(grey.len());
        for place in 0..width * height {
            over_time.clear();
            over_time.extend(grey.iter().map(|frame| frame[place]));
            over_time.sort_unstable();
            let stands = i16::from(over_time[over_time.len() / 2]);
            for (frame, grey) in grey.iter().enumerate() {
                moves[frame * width * height + place] = (i16::from(grey[place]) - stands).abs() > MOVES;
            }
        }
        Self { moves, width, height }
    }

    /// A clip without its colours.
    ///
    /// # Errors
    /// More memory than a clip may take.
    pub fn in_grey(clip: &Clip) -> Result<Clip> {
        let grey = clip.frames().flat_map(|frame| brightness(frame).into_iter().flat_map(|grey| [grey; 3]));
        Ok(Clip::new(clip.width(), clip.height(), clip.fps(), grey.collect())?)
    }

    /// Whether something moves in each square of `side` pixels of a frame, by row and column.
    pub fn squares(&self, frame: usize, side: usize) -> Vec<bool> {
        let [rows, columns] = [self.height / side, self.width / side];
        let moves = &self.moves[frame * self.width * self.height..][..self.width * self.height];
        let square = |row: usize, column: usize| {
            let mut pixels =
                (row * side..(row + 1) * side).flat_map(|y| &moves[y * self.width + column * side..][..side]);
            pixels.any(|moves| *moves)
        };
        (0..rows * columns).map(|index| square(index / columns, index % columns)).collect()
    }
}

/// Luma of BT.601, `[height, width]`.
fn brightness(frame: &[u8]) -> Vec<u8> {
    let of = |rgb: &[u8]| {
        (299 * u32::from(rgb[0]) + 587 * u32::from(rgb[1]) + 114 * u32::from(rgb[2]) + 500) / 1000
    };
    frame.chunks_exact(3).map(|rgb| of(rgb) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_where_it_is_and_has_no_colour() {
        // A red pixel of 8x8 that goes to the right on green.
        let mut pixels = Vec::new();
        for frame in 0..5 {
            for place in 0..64 {
                pixels.extend(if place == 8 + frame { [255, 0, 0] } else { [0, 200, 0] });
            }
        }
        let clip = Clip::new(8, 8, 8.0, pixels).unwrap();
        let motion = Motion::of(&clip);
        assert_eq!(motion.squares(0, 4), [true, false, false, false]);
        assert_eq!(motion.squares(4, 4), [false, true, false, false]);
        let grey = Motion::in_grey(&clip).unwrap();
        assert!(grey.as_bytes().chunks_exact(3).all(|rgb| rgb[0] == rgb[1] && rgb[1] == rgb[2]));
        assert_eq!((grey.as_bytes()[0], grey.as_bytes()[3 * 8]), (117, 76));
    }
}
