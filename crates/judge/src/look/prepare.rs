//! Clips of any size and rate as the recogniser knows them.

use media::Clip;

use crate::{
    degrade::Picture,
    error::{Error, Result},
    mirror,
    recogniser::SIDE_STEP,
};

/// Frames a second that are looked at.
pub const FPS: f64 = 8.0;
/// The fewest frames in which a motion can be seen.
const FEWEST_FRAMES: usize = 3;
/// The longest clip, in seconds.
const LONGEST: f64 = 120.0;
/// Pixels of a frame that the recogniser was taught on, about.
const AREA: f64 = 128.0 * 128.0;
/// Frames of so many times more or fewer pixels are looked at as they are.
const TOLERANCE: f64 = 1.3;
/// The shortest side, and how much longer the other may be.
const SHORTEST_SIDE: usize = 16;
const LONGEST_SIDE: usize = 4;

/// A clip as it is looked at: 8 frames a second, sides that are multiples of [`SIDE_STEP`], about 128×128 pixels.
///
/// Frames are taken at the times of those that would be there at 8 a second, the nearest in time; a clip of another size
/// is resized as a whole, with straight lines between pixels.
#[derive(Clone, Debug)]
pub struct Footage {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    frames: Vec<Vec<u8>>,
}

impl Footage {
    /// Fails unless a clip of these sides, frames and frames a second can be judged.
    ///
    /// # Errors
    /// A clip that is too short, too long, too small or too narrow.
    pub fn check([width, height]: [usize; 2], num_frames: usize, fps: f64) -> Result<()> {
        let (short, long) = (width.min(height), width.max(height));
        if short < SHORTEST_SIDE || long > LONGEST_SIDE * short {
            return Err(Error::Size { width, height, least: SHORTEST_SIDE, longest: LONGEST_SIDE });
        }
        let seconds = num_frames as f64 / fps;
        if seconds > LONGEST {
            return Err(Error::TooLong { seconds, most: LONGEST });
        }
        if num_frames < FEWEST_FRAMES || times(num_frames, fps).len() < FEWEST_FRAMES {
            return Err(Error::TooShort { num_frames, fps, least: FEWEST_FRAMES, looks: FPS });
        }
        Ok(())
    }

    /// Of a clip.
    ///
    /// # Errors
    /// A clip that is too short, too long, too small or too narrow.
    pub fn new(clip: &Clip) -> Result<Self> {
        let [width, height] = [clip.width(), clip.height()];
        Self::check([width, height], clip.num_frames(), clip.fps())?;
        let [to_width, to_height] = sides(width, height);
        let times = times(clip.num_frames(), clip.fps());
        let frames = times.into_iter().filter_map(|index| clip.frame(index));
        let resized = |frame: &[u8]| {
            if [to_width, to_height] == [width, height] {
                return frame.to_vec();
            }
            Picture::from_rgb(width, height, frame).resized(to_width, to_height).to_rgb()
        };
        Ok(Self { width: to_width, height: to_height, frames: frames.map(resized).collect() })
    }

    /// Of frames as they are, each 8-bit RGB `[height, width, 3]`, 8 of them a second.
    pub fn of_frames([width, height]: [usize; 2], frames: Vec<Vec<u8>>) -> Self {
        Self { width, height, frames }
    }

    /// In a mirror: left is right.
    pub(super) fn mirrored(&self) -> Self {
        let frames = self.frames.iter().map(|frame| mirror::frame(frame, self.width)).collect();
        Self { frames, ..*self }
    }

    /// At least 3 of a clip.
    pub fn num_frames(&self) -> usize {
        self.frames.len()
    }

    /// Frame `index` as 8-bit RGB, `[height, width, 3]`.
    ///
    /// # Panics
    /// If there is no such frame.
    pub fn frame(&self, index: usize) -> &[u8] {
        &self.frames[index]
    }

    /// Whether a frame is of one colour all over, but for what a codec makes of it: there is no thing without an edge.
    pub fn is_plain(&self, index: usize) -> bool {
        /// Of 255.
        const SPREAD: u8 = 8;
        let frame = self.frame(index);
        (0..3).all(|channel| {
            let values = || frame.iter().skip(channel).step_by(3);
            let (least, most) = (values().min(), values().max());
            least.zip(most).is_none_or(|(least, most)| most - least <= SPREAD)
        })
    }

    /// The time of a frame, in seconds from the first.
    pub fn time(frame: usize) -> f32 {
        frame as f32 / FPS as f32
    }
}

/// The frame that is nearest to each of the times that are looked at.
fn times(num_frames: usize, fps: f64) -> Vec<usize> {
    let last = num_frames - 1;
    let count = (last as f64 / fps * FPS).round() as usize + 1;
    (0..count).map(|index| ((index as f64 / FPS * fps).round() as usize).min(last)).collect()
}

/// The sides of frames that are looked at.
fn sides(width: usize, height: usize) -> [usize; 2] {
    let area = (width * height) as f64;
    let ratio = area / AREA;
    let fits = [width, height].iter().all(|side| side.is_multiple_of(SIDE_STEP));
    if fits && (1.0 / TOLERANCE..=TOLERANCE).contains(&ratio) {
        return [width, height];
    }
    let scale = ratio.sqrt().recip();
    [width, height].map(|side| {
        let steps = (side as f64 * scale / SIDE_STEP as f64).round() as usize;
        steps.max(1) * SIDE_STEP
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(width: usize, height: usize, num_frames: usize, fps: f64) -> Clip {
        let frame = |index: usize| vec![index as u8; width * height * 3];
        Clip::new(width, height, fps, (0..num_frames).flat_map(frame).collect()).unwrap()
    }

    #[test]
    fn what_cannot_be_judged_says_why() {
        for (clip, words) in [
            (clip(128, 128, 1, 8.0), "1 frames at 8 a second"),
            (clip(128, 128, 2, 8.0), "2 frames"),
            (clip(32, 32, 4, 1000.0), "4 frames at 1000 a second"),
            (clip(8, 64, 17, 8.0), "8x64"),
            (clip(16, 128, 17, 8.0), "16x128"),
            (clip(16, 16, 200, 1.0), "200 s"),
        ] {
            let message = Footage::new(&clip).unwrap_err().to_string();
            assert!(message.contains(words) && message.contains("expected"), "{message}");
        }
    }

    #[test]
    fn clips_of_the_world_are_looked_at_as_they_are() {
        for [width, height] in [[128, 128], [160, 96], [96, 160]] {
            let footage = Footage::new(&clip(width, height, 17, 8.0)).unwrap();
            assert_eq!([footage.width, footage.height, footage.num_frames()], [width, height, 17]);
            assert!((0..17).all(|frame| footage.frame(frame)[0] == frame as u8));
        }
    }

    #[test]
    fn a_picture_of_one_colour_is_plain() {
        let mut frame = vec![100; 64 * 64 * 3];
        frame[5] = 107;
        let plain = Footage::of_frames([64, 64], vec![frame.clone()]);
        frame[3 * 64 * 32 + 2] = 120;
        let other = Footage::of_frames([64, 64], vec![frame]);
        assert!(plain.is_plain(0) && !other.is_plain(0));
    }

    #[test]
    fn other_sizes_and_rates_become_those() {
        let footage = Footage::new(&clip(256, 256, 51, 25.0)).unwrap();
        assert_eq!([footage.width, footage.height, footage.num_frames()], [128, 128, 17]);
        let shown: Vec<u8> = (0..17).map(|frame| footage.frame(frame)[0]).collect();
        assert_eq!(shown[..5], [0, 3, 6, 9, 13]);
        assert_eq!(shown[16], 50);
        let footage = Footage::new(&clip(99, 55, 5, 4.0)).unwrap();
        assert_eq!(footage.num_frames(), 9);
        assert!(footage.width.is_multiple_of(SIDE_STEP) && footage.height.is_multiple_of(SIDE_STEP));
        assert!(footage.width > footage.height);
    }
}
