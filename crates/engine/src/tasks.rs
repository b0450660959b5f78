//! The tasks that begin from pictures, as requests: each says what is known, and where. There is no other code for them.

use std::path::Path;

use media::ClipShape;

use crate::{At, Edge, Error, Known, ModelInfo, Region, Result, VideoRequest, timeline::frames_in};

/// On which side of a clip a video goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Behind its end.
    Forward,
    /// Before its beginning.
    Backward,
}

impl VideoRequest {
    /// A video that begins with a picture, or ends with one, or both.
    ///
    /// # Errors
    /// A prompt that is missing.
    pub fn animate(mut self, first: &Path, last: Option<&Path>) -> Result<Self> {
        self.inherit(first)?;
        self.known.push(Known::new(first));
        self.known.extend(last.map(|last| Known { at: At::Edge(Edge::End), ..Known::new(last) }));
        Ok(self)
    }

    /// A clip that goes on for so many seconds.
    ///
    /// # Errors
    /// A clip that cannot be read, or a prompt that is missing.
    pub fn extend(mut self, clip: &Path, side: Side, seconds: f64, info: &ModelInfo) -> Result<Self> {
        check_seconds(seconds)?;
        let (own, fps) = self.length(clip, info)?;
        self.inherit(clip)?;
        self.num_frames = Some(own.saturating_add(frames_in(seconds, fps)));
        let at = match side {
            Side::Forward => At::Seconds(0.0),
            Side::Backward => At::Edge(Edge::End),
        };
        self.known.push(Known { at, ..Known::new(clip) });
        Ok(self)
    }

    /// Two clips, and what leads from the one to the other in so many seconds.
    ///
    /// # Errors
    /// A clip that cannot be read, or a prompt that is missing.
    pub fn connect(mut self, first: &Path, second: &Path, seconds: f64, info: &ModelInfo) -> Result<Self> {
        check_seconds(seconds)?;
        let ((before, fps), (behind, _)) = (self.length(first, info)?, self.length(second, info)?);
        self.inherit(first)?;
        self.num_frames = Some(frames_in(seconds, fps).saturating_add(before + behind));
        self.known.push(Known::new(first));
        self.known.push(Known { at: At::Edge(Edge::End), ..Known::new(second) });
        Ok(self)
    }

    /// A clip at a higher rate, with what is between its frames.
    ///
    /// # Errors
    /// A clip that cannot be read or has that rate already, or a prompt that is missing.
    pub fn interpolate(mut self, clip: &Path, fps: f64) -> Result<Self> {
        let shape = shape(clip)?;
        if !(fps > shape.fps && fps.is_finite()) {
            return Err(Error::request("fps", format!("more than the clip's {}", shape.fps), fps));
        }
        self.inherit(clip)?;
        self.fps = Some(fps);
        self.known.push(Known { fill_between: true, ..Known::new(clip) });
        Ok(self)
    }

    /// A clip that leads back to its beginning in about so many seconds.
    ///
    /// # Errors
    /// A clip that cannot be read, or a prompt that is missing.
    pub fn loop_clip(mut self, clip: &Path, seconds: f64, info: &ModelInfo) -> Result<Self> {
        check_seconds(seconds)?;
        let (own, fps) = self.length(clip, info)?;
        self.inherit(clip)?;
        self.num_frames = Some(own.saturating_add(frames_in(seconds, fps)));
        self.known.push(Known::new(clip));
        self.is_loop = true;
        Ok(self)
    }

    /// A clip of which so much is made anew, everywhere or in some regions.
    ///
    /// # Errors
    /// A prompt that is missing.
    pub fn remix(mut self, clip: &Path, strength: f64, regions: Vec<Region>) -> Result<Self> {
        self.inherit(clip)?;
        self.known.push(Known { strength, regions, ..Known::new(clip) });
        Ok(self)
    }

    /// A video in which something moves as a clip does. `strength` says how much of that is made anew, above 0 and up to 1: the
    /// less, the more exactly it moves so, and the more of the clip's own shapes is seen.
    ///
    /// # Errors
    /// A clip that cannot be read.
    pub fn move_as(mut self, clip: &Path, strength: f64, info: &ModelInfo) -> Result<Self> {
        if self.num_frames.is_none() && self.seconds.is_none() {
            // What only rolls on in windows could be of any length.
            let (own, _) = self.length(clip, info)?;
            self.num_frames = Some(info.frames_at_most(own));
        }
        self.known.push(Known { motion_only: true, strength, ..Known::new(clip) });
        Ok(self)
    }

    /// Frames that a clip has at the video's rate, and that rate.
    fn length(&self, clip: &Path, info: &ModelInfo) -> Result<(usize, f64)> {
        let fps = self.fps.unwrap_or(info.native.fps);
        let shape = shape(clip)?;
        let own = match shape.num_frames {
            1 => 1,
            count => frames_in(count as f64 / shape.fps, fps).max(1),
        };
        Ok((own, fps))
    }

    /// Takes the prompt of a file that says what it was made of, if there is none.
    fn inherit(&mut self, file: &Path) -> Result<()> {
        if !self.prompt.trim().is_empty() || !self.spans.is_empty() {
            return Ok(());
        }
        let record = media::summary(file)?.provenance;
        let prompt = record.as_ref().and_then(|record| record.get("prompt")?.as_str());
        let expected =
            format!("words that say what is seen: {} does not tell what it was made of", file.display());
        self.prompt = prompt.ok_or_else(|| Error::request("prompt", expected, "nothing"))?.to_owned();
        Ok(())
    }
}

fn shape(file: &Path) -> Result<ClipShape> {
    Ok(media::summary(file)?.shape)
}

fn check_seconds(seconds: f64) -> Result<()> {
    if seconds > 0.0 && seconds.is_finite() {
        return Ok(());
    }
    Err(Error::request("seconds", "more than 0", seconds))
}
