//! A clip of another size.

use std::{borrow::Cow, str::FromStr};

use image::{ImageBuffer, Rgb, RgbImage, imageops};
use serde::{Deserialize, Serialize};

use crate::{Clip, ClipShape, Error, Result, error::Malformed};

/// How a clip takes a size whose sides are of another ratio than its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// All of the size is covered; what does not fit is cut off, as much on one side as on the other.
    #[default]
    Cover,
    /// All of the clip is shown; what is left of the size is black, as much on one side as on the other.
    Contain,
    /// The clip is stretched: circles become ellipses.
    Stretch,
}

/// A text that is no [`Fit`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected cover, contain or stretch, found '{0}'")]
pub struct ParseFitError(String);

impl FromStr for Fit {
    type Err = ParseFitError;

    fn from_str(text: &str) -> std::result::Result<Self, ParseFitError> {
        match text {
            "cover" => Ok(Self::Cover),
            "contain" => Ok(Self::Contain),
            "stretch" => Ok(Self::Stretch),
            _ => Err(ParseFitError(text.to_owned())),
        }
    }
}

/// A part of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Area {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Clip {
    /// The clip at another size in pixels, resampled by Lanczos of three lobes. Only [`Fit::Stretch`] changes what is
    /// round, the others by no more than the rounding to whole pixels.
    ///
    /// # Errors
    /// A side of 0, or more than [`Clip::MAX_BYTES`] of frames.
    pub fn fit(&self, width: usize, height: usize, fit: Fit) -> Result<Self> {
        let shape = ClipShape { width, height, ..self.shape() };
        shape.check()?;
        let bytes = ClipShape::bytes(width, height, self.num_frames()).ok_or_else(|| Error::InvalidClip {
            expected: format!("at most {} bytes of frames", Self::MAX_BYTES),
            found: format!("{} frames of {width}x{height}", self.num_frames()),
        })?;
        let mut frames = Vec::with_capacity(bytes);
        for frame in self.frames() {
            append_fitted(frame, (self.width(), self.height()), (width, height), fit, &mut frames);
        }
        Self::new(width, height, self.fps(), frames)
    }
}

/// Frames of a file as they are read, of one size: their own, or one that each is brought to, so that no more of them than
/// that is in memory.
pub(crate) struct Frames {
    wanted: Option<Wanted>,
    own: Option<(usize, usize)>,
    rgb: Vec<u8>,
}

/// A size that frames are brought to, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub size: (usize, usize),
    pub fit: Fit,
}

impl Frames {
    pub fn new(wanted: Option<Wanted>) -> Self {
        Self { wanted, own: None, rgb: Vec::new() }
    }

    /// Appends a frame, `[height, width, 3]`, so many times.
    pub fn push(
        &mut self,
        frame: &[u8],
        (width, height): (usize, usize),
        times: usize,
    ) -> std::result::Result<(), Malformed> {
        if *self.own.get_or_insert((width, height)) != (width, height) {
            return Err(Malformed::new(format!("the picture changes size to {width}x{height}")));
        }
        let (wide, high) = self.size((width, height));
        let more = ClipShape::bytes(wide, high, times);
        if more.is_none_or(|more| self.rgb.len() + more > Clip::MAX_BYTES) {
            return Err(Malformed::new(format!("more than {} bytes of frames", Clip::MAX_BYTES)));
        }
        let start = self.rgb.len();
        for time in 0..times {
            match self.wanted {
                _ if time > 0 => self.rgb.extend_from_within(start..start + wide * high * 3),
                Some(Wanted { size, fit }) => append_fitted(frame, (width, height), size, fit, &mut self.rgb),
                None => self.rgb.extend_from_slice(frame),
            }
        }
        Ok(())
    }

    /// What frames of a size become.
    pub fn size(&self, own: (usize, usize)) -> (usize, usize) {
        self.wanted.map_or(own, |wanted| wanted.size)
    }

    /// All of them.
    ///
    /// # Errors
    /// A rate that no clip has, or none at all.
    pub fn clip(self, fps: f64) -> Result<Clip> {
        let (width, height) = self.size(self.own.unwrap_or_default());
        Clip::new(width, height, fps, self.rgb)
    }
}

/// Appends a frame at another size.
fn append_fitted(frame: &[u8], own: (usize, usize), wanted: (usize, usize), fit: Fit, frames: &mut Vec<u8>) {
    let whole = |(width, height): (usize, usize)| Area { left: 0, top: 0, width, height };
    let (from, to) = match fit {
        Fit::Cover => (centred(own, wanted), whole(wanted)),
        Fit::Contain => (whole(own), centred(wanted, own)),
        Fit::Stretch => (whole(own), whole(wanted)),
    };
    let scaled = scaled(frame, own.0, from, (to.width, to.height));
    if to == whole(wanted) {
        frames.extend_from_slice(&scaled);
        return;
    }
    let (start, (width, height)) = (frames.len(), wanted);
    frames.resize(start + width * height * 3, 0);
    let rows = frames[start..].chunks_exact_mut(width * 3).skip(to.top);
    for (row, scaled) in rows.zip(scaled.chunks_exact(to.width * 3)) {
        row[to.left * 3..][..to.width * 3].copy_from_slice(scaled);
    }
}

/// A frame of rows of `width` pixels, `[height, width, 3]`, with rows of `shown_width`.
pub(crate) fn widened(frame: Vec<u8>, width: usize, shown_width: usize) -> Vec<u8> {
    let height = frame.len() / (width * 3);
    if shown_width == width {
        return frame;
    }
    scaled(&frame, width, Area { left: 0, top: 0, width, height }, (shown_width, height)).into_owned()
}

/// The largest area in the middle of a size whose sides have the ratio of another's.
fn centred((width, height): (usize, usize), (across, down): (usize, usize)) -> Area {
    // To the nearest pixel, and at least one.
    let side = |of: usize, part: usize, whole: usize| {
        let side = (2 * of as u128 * part as u128 + whole as u128) / (2 * whole as u128);
        (side as usize).max(1)
    };
    let is_wider = width as u128 * down as u128 > height as u128 * across as u128;
    let (area_width, area_height) = match is_wider {
        true => (side(height, across, down).min(width), height),
        false => (width, side(width, down, across).min(height)),
    };
    Area {
        left: (width - area_width) / 2,
        top: (height - area_height) / 2,
        width: area_width,
        height: area_height,
    }
}

/// An area of a frame with rows of `frame_width` pixels, at another size.
fn scaled(frame: &[u8], frame_width: usize, area: Area, (width, height): (usize, usize)) -> Cow<'_, [u8]> {
    let rows = frame.chunks_exact(frame_width * 3).skip(area.top).take(area.height);
    let rows = rows.map(|row| &row[area.left * 3..][..area.width * 3]);
    let part = if area.width == frame_width {
        Cow::Borrowed(&frame[area.top * frame_width * 3..][..area.height * frame_width * 3])
    } else {
        Cow::Owned(rows.collect::<Vec<_>>().concat())
    };
    if (area.width, area.height) == (width, height) {
        return part;
    }
    let part: Option<ImageBuffer<Rgb<u8>, &[u8]>> =
        ImageBuffer::from_raw(area.width as u32, area.height as u32, &part);
    let resized =
        part.map(|part| imageops::resize(&part, width as u32, height as u32, imageops::FilterType::Lanczos3));
    Cow::Owned(resized.map(RgbImage::into_raw).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clip whose pixels are all of one value, but for a disc in the middle.
    fn disc(width: usize, height: usize, num_frames: usize) -> Clip {
        let radius = width.min(height) as f64 / 8.0;
        let frame: Vec<u8> = (0..width * height)
            .flat_map(|index| {
                let (x, y) = ((index % width) as f64 + 0.5, (index / width) as f64 + 0.5);
                let distance = (x - width as f64 / 2.0).hypot(y - height as f64 / 2.0);
                [if distance < radius { 250 } else { 100 }; 3]
            })
            .collect();
        Clip::new(width, height, 12.0, frame.repeat(num_frames)).unwrap()
    }

    /// Width and height of what is brighter than 175.
    fn bright(clip: &Clip) -> (usize, usize) {
        let is_bright = |x: usize, y: usize| clip.as_bytes()[(y * clip.width() + x) * 3] > 175;
        let columns = (0..clip.width()).filter(|&x| (0..clip.height()).any(|y| is_bright(x, y)));
        let rows = (0..clip.height()).filter(|&y| (0..clip.width()).any(|x| is_bright(x, y)));
        (columns.count(), rows.count())
    }

    #[test]
    fn frames_are_fitted_as_they_come() {
        let clip = disc(64, 40, 3);
        for fit in [Fit::Cover, Fit::Contain, Fit::Stretch] {
            let mut frames = Frames::new(Some(Wanted { size: (32, 32), fit }));
            clip.frames().for_each(|frame| frames.push(frame, (64, 40), 1).unwrap());
            frames.push(clip.frame(0).unwrap(), (64, 40), 2).unwrap();
            assert!(frames.push(&[0; 12], (2, 2), 1).is_err(), "another size");
            let (whole, each) = (clip.fit(32, 32, fit).unwrap(), frames.clip(12.0).unwrap());
            assert_eq!(each.num_frames(), 5);
            assert!(whole.frames().eq(each.frames().take(3)));
            assert_eq!((each.frame(3), each.frame(4)), (each.frame(0), each.frame(0)));
        }
    }

    #[test]
    fn round_stays_round_unless_it_is_stretched() {
        for (width, height) in [(160, 90), (90, 160), (100, 100)] {
            let clip = disc(width, height, 2);
            for (to_width, to_height) in [(64, 64), (128, 72), (40, 90), (300, 200)] {
                for fit in [Fit::Cover, Fit::Contain] {
                    let fitted = clip.fit(to_width, to_height, fit).unwrap();
                    assert_eq!((fitted.width(), fitted.height()), (to_width, to_height));
                    assert_eq!((fitted.num_frames(), fitted.fps()), (2, 12.0));
                    let (across, down) = bright(&fitted);
                    assert!(across.abs_diff(down) <= 2, "{fit:?} {to_width}x{to_height}: {across}x{down}");
                }
            }
        }
        let (across, down) = bright(&disc(100, 100, 1).fit(200, 50, Fit::Stretch).unwrap());
        assert!(across > 3 * down, "{across}x{down}");
    }

    #[test]
    fn what_is_cut_off_or_left_is_the_same_on_both_sides() {
        // Columns of the value of their number.
        let clip = Clip::still(8, 4, (0..32).flat_map(|index| [index % 8 * 10; 3]).collect()).unwrap();
        let first_row = |clip: &Clip| -> Vec<u8> {
            clip.as_bytes().chunks_exact(3).take(clip.width()).map(|pixel| pixel[0]).collect()
        };
        assert_eq!(first_row(&clip.fit(4, 4, Fit::Cover).unwrap()), [20, 30, 40, 50]);
        let high = clip.fit(8, 8, Fit::Contain).unwrap();
        assert!(high.as_bytes()[..2 * 8 * 3].iter().all(|&value| value == 0));
        assert_eq!(&high.as_bytes()[2 * 8 * 3..6 * 8 * 3], clip.as_bytes());
        assert!(high.as_bytes()[6 * 8 * 3..].iter().all(|&value| value == 0));
        let wide = clip.fit(12, 4, Fit::Contain).unwrap();
        assert_eq!(first_row(&wide), [0, 0, 0, 10, 20, 30, 40, 50, 60, 70, 0, 0]);
        for fit in [Fit::Cover, Fit::Contain, Fit::Stretch] {
            assert_eq!(clip.fit(8, 4, fit).unwrap(), clip);
        }
    }

    #[test]
    fn the_smallest_and_the_flattest_have_their_pixel() {
        let line = Clip::still(1000, 1, vec![80; 3000]).unwrap();
        assert_eq!(line.fit(4, 4, Fit::Cover).unwrap().as_bytes(), [80; 48]);
        let shown = line.fit(4, 4, Fit::Contain).unwrap();
        assert_eq!(shown.as_bytes().iter().filter(|&&value| value == 80).count(), 12);
    }

    #[test]
    fn sizes_that_no_clip_has_are_refused_before_they_take_memory() {
        let clip = disc(16, 16, 3);
        for (width, height) in [(0, 8), (8, 0), (1 << 20, 1 << 20), (usize::MAX, 2)] {
            let message = clip.fit(width, height, Fit::Cover).unwrap_err().to_string();
            assert!(message.contains("expected") && message.contains("found"), "{message}");
        }
    }
}
