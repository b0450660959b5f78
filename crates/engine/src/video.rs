//! What comes out.

use media::{Clip, ClipShape};
use serde_json::Value;

use crate::{Result, Size, Timings};

/// Frames, and how they were made.
#[derive(Clone, Debug)]
pub struct Video {
    /// Pixels.
    pub size: Size,
    /// Frames; 1 is an image.
    pub num_frames: usize,
    /// Frames a second.
    pub fps: f64,
    /// `[frames, height, width, 3]`, sRGB, 0 to 1.
    pub frames: Vec<f32>,
    /// Version, model and the whole request, as it is written into files.
    pub provenance: Value,
    /// Seconds of each part.
    pub timings: Timings,
}

impl Video {
    /// The frames with 8 bits for each value.
    ///
    /// # Errors
    /// More memory than a clip may take.
    pub fn to_clip(&self) -> Result<Clip> {
        Ok(Clip::new(self.size.width, self.size.height, self.fps, to_bytes(&self.frames))?)
    }

    /// Size, length and rate.
    pub fn shape(&self) -> ClipShape {
        let Size { width, height } = self.size;
        ClipShape { width, height, num_frames: self.num_frames, fps: self.fps }
    }

    /// The frames in order, each `[height, width, 3]`.
    pub fn frames(&self) -> impl Iterator<Item = &[f32]> {
        self.frames.chunks_exact(self.size.width * self.size.height * 3)
    }
}

/// Values of 0 to 1 with 8 bits each.
pub fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().map(|value| (value * 255.0 + 0.5) as u8).collect()
}
