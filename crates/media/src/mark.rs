//! A visible mark in the corner of frames that a model made.

use crate::{Clip, caption};

/// What the mark says, and what it says in frames that are too narrow for that.
const TEXTS: [&str; 2] = ["Kinora AI", "AI"];

/// Rows of the frame for each row of a letter's dots: letters are a twentieth of the frame high.
const ROWS_PER_DOT: usize = 160;

impl Clip {
    /// Writes into the lower right corner of every frame that a model made it: bright letters on a darkened ground. In frames that
    /// are too small for two letters, only what fits of them is seen.
    pub fn mark(&mut self) {
        let (width, height) = (self.width(), self.height());
        let scale = (height / ROWS_PER_DOT).max(1);
        let cell = caption::CELL * scale;
        let wide = |text: &&str| (text.len() + 1) * cell;
        let text = TEXTS.into_iter().find(|text| wide(text) <= width).unwrap_or(TEXTS[1]);
        // Half a letter all around.
        let (left, top) = (width.saturating_sub(wide(&text)), height.saturating_sub(2 * cell));
        let mut ink = vec![false; width * height];
        caption::draw(text, scale, |x, y| {
            let (x, y) = (left + cell / 2 + x, top + cell / 2 + y);
            if x < width && y < height {
                ink[y * width + x] = true;
            }
        });
        for frame in self.frames_mut() {
            for y in top..height {
                for x in left..width {
                    let pixel = y * width + x;
                    for value in &mut frame[3 * pixel..3 * pixel + 3] {
                        *value = if ink[pixel] { 255 - (255 - *value) / 8 } else { *value / 2 };
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pixels of a grey frame the mark changed, and how many of these are bright.
    fn marked(width: usize, height: usize) -> (usize, usize) {
        let mut clip = Clip::new(width, height, 8.0, vec![100; 2 * width * height * 3]).unwrap();
        clip.mark();
        assert_eq!(clip.frame(0), clip.frame(1));
        let pixels = || clip.frame(0).unwrap().chunks(3);
        let upper = pixels().take(width * height / 2);
        assert!(height < 32 || upper.into_iter().all(|pixel| pixel == [100; 3]), "only the corner is marked");
        (pixels().filter(|pixel| *pixel != [100; 3]).count(), pixels().filter(|pixel| pixel[0] > 200).count())
    }

    #[test]
    fn frames_of_every_size_are_marked_legibly() {
        assert_eq!(marked(128, 128).0, 80 * 16);
        assert_eq!(marked(64, 48).0, 24 * 16, "two letters, where there is no room for more");
        assert_eq!(marked(1280, 720).0, 80 * 4 * 16 * 4);
        // All of the letters' dots are there.
        let dots = |text: &str| {
            let mut dots = 0;
            caption::draw(text, 1, |_, _| dots += 1);
            dots
        };
        assert_eq!(marked(128, 128).1, dots("Kinora AI"));
        assert_eq!(marked(64, 48).1, dots("AI"));
        for size in [1, 7, 16] {
            marked(size, size);
        }
    }

    #[test]
    fn the_mark_is_seen_on_black_and_on_white() {
        for ground in [0, 255] {
            let mut clip = Clip::still(128, 128, vec![ground; 128 * 128 * 3]).unwrap();
            clip.mark();
            let corner =
                || clip.as_bytes()[120 * 128 * 3..].chunks(3).map(|pixel| pixel[0]).skip(48).take(70);
            assert!(corner().max() > corner().min().map(|darkest| darkest + 100), "{ground}");
        }
    }
}
