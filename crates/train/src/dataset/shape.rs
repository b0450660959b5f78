//! Widths, heights and lengths of clips to render.

use std::{fmt, str::FromStr};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use world::ClipSpec;

/// The size and the length of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ClipShape {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// At the frame rate of [`ClipSpec`].
    pub num_frames: usize,
}

/// What a data set has if no shapes are asked for, each with its share: about as many pixels each.
const COMMON: [([usize; 2], f64); 3] = [([128, 128], 0.7), ([160, 96], 0.15), ([96, 160], 0.15)];
/// Sides are multiples of what a token of kinora-tiny sees, and no larger than is drawn in bearable time.
const SIDE_STEP: usize = 16;
const MOST_SIDE: usize = 1024;
const MOST_FRAMES: usize = 129;

impl ClipShape {
    /// One of the common ones.
    pub fn common(rng: &mut ChaCha8Rng) -> Self {
        Self::draw(&[], rng)
    }

    /// One of the `shapes`, all as likely; one of the common ones if there are none.
    pub(super) fn draw(shapes: &[Self], rng: &mut ChaCha8Rng) -> Self {
        let mut draw = rng.random::<f64>();
        if !shapes.is_empty() {
            return shapes[((draw * shapes.len() as f64) as usize).min(shapes.len() - 1)];
        }
        for ([width, height], share) in COMMON {
            if draw < share {
                return Self { width, height, ..Self::default() };
            }
            draw -= share;
        }
        Self::default()
    }

    /// The most bytes that a frame and a clip of one of the `shapes` has.
    pub(super) fn most_bytes(shapes: &[Self]) -> [u64; 2] {
        let common = [Self::default()];
        let shapes = if shapes.is_empty() { &common } else { shapes };
        let frame = |shape: &Self| (shape.width * shape.height * super::BYTES_PER_PIXEL) as u64;
        let most = |of: &dyn Fn(&Self) -> u64| shapes.iter().map(of).max().unwrap_or(0);
        [most(&frame), most(&|shape| frame(shape) * shape.num_frames as u64)]
    }

    /// How the world is to draw it.
    pub fn spec(self) -> ClipSpec {
        let Self { width, height, num_frames } = self;
        ClipSpec { width, height, num_frames, ..ClipSpec::default() }
    }
}

impl Default for ClipShape {
    fn default() -> Self {
        let ClipSpec { width, height, num_frames, .. } = ClipSpec::default();
        Self { width, height, num_frames }
    }
}

/// A text that is no [`ClipShape`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "expected WIDTHxHEIGHTxFRAMES, such as 128x128x33, with sides that are multiples of {SIDE_STEP} up to \
     {MOST_SIDE} and 1 to {MOST_FRAMES} frames, found '{0}'"
)]
pub struct ParseShapeError(String);

impl FromStr for ClipShape {
    type Err = ParseShapeError;

    fn from_str(text: &str) -> Result<Self, ParseShapeError> {
        let numbers: Vec<usize> = text.split('x').filter_map(|number| number.parse().ok()).collect();
        let is_side = |side: usize| side.is_multiple_of(SIDE_STEP) && (SIDE_STEP..=MOST_SIDE).contains(&side);
        match numbers[..] {
            [width, height, num_frames]
                if text.split('x').count() == 3
                    && is_side(width)
                    && is_side(height)
                    && (1..=MOST_FRAMES).contains(&num_frames) =>
            {
                Ok(Self { width, height, num_frames })
            }
            _ => Err(ParseShapeError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for ClipShape {
    type Error = ParseShapeError;

    fn try_from(text: String) -> Result<Self, ParseShapeError> {
        text.parse()
    }
}

impl From<ClipShape> for String {
    fn from(shape: ClipShape) -> Self {
        shape.to_string()
    }
}

impl fmt::Display for ClipShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.width, self.height, self.num_frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, rng};

    #[test]
    fn shapes_are_read_and_written() {
        let shape: ClipShape = "160x96x33".parse().unwrap();
        assert_eq!(shape, ClipShape { width: 160, height: 96, num_frames: 33 });
        assert_eq!(serde_json::to_string(&shape).unwrap(), "\"160x96x33\"");
        for text in ["", "128x128", "128x128x0", "100x128x17", "128x2048x17", "0x0x1", "128x128x17x", "axbxc"]
        {
            let message = text.parse::<ClipShape>().unwrap_err().to_string();
            assert!(message.contains("WIDTHxHEIGHTxFRAMES"), "{message}");
        }
    }

    #[test]
    fn each_shape_is_drawn() {
        let shapes: Vec<ClipShape> = ["128x128x33", "64x96x5"].map(|text| text.parse().unwrap()).into();
        let mut rng = rng(1, Purpose::Scene, 0);
        let drawn: Vec<_> = (0..200).map(|_| ClipShape::draw(&shapes, &mut rng)).collect();
        let first = drawn.iter().filter(|shape| **shape == shapes[0]).count();
        assert!((70..130).contains(&first), "{first}");
        assert_eq!(ClipShape::most_bytes(&shapes), [128 * 128 * 3, 128 * 128 * 3 * 33]);
        let common: Vec<_> = (0..200).map(|_| ClipShape::draw(&[], &mut rng)).collect();
        assert!(common.iter().all(|shape| shape.num_frames == 17));
        assert!(common.iter().any(|shape| shape.width > shape.height));
    }
}
