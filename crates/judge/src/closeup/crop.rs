//! Windows cut out of frames.

use glam::Vec2;

use super::{WHERE, WINDOW};
use crate::look::Footage;

/// The side of a window over the longer side of the thing's box.
const ROOM: f32 = 1.2;

/// A square of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// The frame.
    pub frame: usize,
    /// The middle, in pixels.
    pub middle: Vec2,
    /// Pixels along each side.
    pub side: f32,
}

impl Window {
    /// Around a box with this middle and these sides.
    pub fn around(frame: usize, middle: Vec2, extent: Vec2) -> Self {
        Self { frame, middle, side: ROOM * extent.max_element().max(4.0) }
    }

    /// What the network is told of where it is.
    pub fn place(&self, footage: &Footage) -> [f32; WHERE] {
        let size = Vec2::new(footage.width as f32, footage.height as f32);
        let at = self.middle / size * 2.0 - 1.0;
        [self.side / 64.0 - 0.75, at.x, at.y]
    }
}

/// A window of the frame before it, of its own and of the one behind it: `[9, WINDOW, WINDOW]` from -1 to 1, with
/// straight lines between pixels; outside of the frame its border goes on.
pub fn crop(footage: &Footage, window: &Window) -> Vec<f32> {
    let [width, height] = [footage.width, footage.height];
    let last = footage.num_frames() - 1;
    let mut values = vec![0.0; 9 * WINDOW * WINDOW];
    let along =
        |middle: f32, at: usize| middle + window.side * ((at as f32 + 0.5) / WINDOW as f32 - 0.5) - 0.5;
    let tap = |at: f32, length: usize| {
        let at = at.clamp(0.0, (length - 1) as f32);
        (at as usize, (at as usize + 1).min(length - 1), at.fract())
    };
    let columns: Vec<_> = (0..WINDOW).map(|at| tap(along(window.middle.x, at), width)).collect();
    for shift in 0..3 {
        let pixels = footage.frame((window.frame + shift).saturating_sub(1).min(last));
        for row in 0..WINDOW {
            let (top, bottom, down) = tap(along(window.middle.y, row), height);
            for (column, &(left, right, across)) in columns.iter().enumerate() {
                for plane in 0..3 {
                    let at = |x: usize, y: usize| f32::from(pixels[(y * width + x) * 3 + plane]);
                    let above = at(left, top) + (at(right, top) - at(left, top)) * across;
                    let below = at(left, bottom) + (at(right, bottom) - at(left, bottom)) * across;
                    let value = above + (below - above) * down;
                    values[((3 * shift + plane) * WINDOW + row) * WINDOW + column] = value / 127.5 - 1.0;
                }
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use media::Clip;

    use super::*;

    #[test]
    fn a_window_shows_its_square_of_three_frames() {
        // Red grows along x, green along y, blue is the frame.
        let frame = |frame: usize| {
            (0..64 * 64).flat_map(move |pixel| [(pixel % 64) as u8, (pixel / 64) as u8, frame as u8])
        };
        let clip = Clip::new(64, 64, 8.0, (0..17).flat_map(frame).collect()).unwrap();
        let footage = Footage::new(&clip).unwrap();
        let scale = footage.width as f32 / 64.0;
        let window = Window { frame: 16, middle: Vec2::new(32.0, 20.0) * scale, side: 20.0 * scale };
        let values = crop(&footage, &window);
        let at = |channel: usize, row: usize, column: usize| {
            (values[(channel * WINDOW + row) * WINDOW + column] + 1.0) * 127.5
        };
        assert!(
            (at(3, 20, 20) - 31.75).abs() < 0.6 && (at(3, 20, 0) - 21.75).abs() < 0.6,
            "{}",
            at(3, 20, 20)
        );
        assert!((at(4, 0, 5) - 9.75).abs() < 0.6, "{}", at(4, 0, 5));
        assert_eq!([at(2, 3, 3), at(5, 3, 3), at(8, 3, 3)].map(f32::round), [15.0, 16.0, 16.0]);
        let outside = crop(&footage, &Window { middle: Vec2::splat(-500.0), ..window });
        assert!(outside.iter().take(WINDOW * WINDOW).all(|value| *value == -1.0));
    }
}
