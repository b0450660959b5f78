//! The tasks that begin from pictures, as requests: each says what is known, and where. There is no other code for them.

use std::path::Path;

use media::ClipShape;

use crate::{At, Edge, Error, Known, ModelInfo, Region, Result, Span, VideoRequest, timeline::frames_in};

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
        self.inherit(first, Told::First)?;
        self.known.push(Known::new(first));
        self.known.extend(last.map(|last| Known { at: At::Edge(Edge::End), ..Known::new(last) }));
        Ok(self)
    }

    /// A clip that goes on for so many seconds.
    ///
    /// # Errors
    /// A clip that cannot be read, or a prompt that is missing.
    pub fn extend(mut self, clip: &Path, side: Side, seconds: f64, info: &ModelInfo) -> Result<Self> {
        self.check_added(seconds)?;
        let (own, fps) = self.length(clip, info)?;
        let (at, told) = match side {
            Side::Forward => (At::Seconds(0.0), Told::Last),
            Side::Backward => (At::Edge(Edge::End), Told::First),
        };
        self.inherit(clip, told)?;
        self.num_frames = Some(own.saturating_add(frames_in(seconds, fps)));
        self.known.push(Known { at, ..Known::new(clip) });
        Ok(self)
    }

    /// Two clips, and what leads from the one to the other in so many seconds.
    ///
    /// # Errors
    /// A clip that cannot be read, or a prompt that is missing.
    pub fn connect(mut self, first: &Path, second: &Path, seconds: f64, info: &ModelInfo) -> Result<Self> {
        self.check_added(seconds)?;
        let ((before, fps), (behind, _)) = (self.length(first, info)?, self.length(second, info)?);
        self.inherit(first, Told::Last)?;
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
        self.inherit(clip, Told::All)?;
        self.fps = Some(fps);
        self.known.push(Known { fill_between: true, ..Known::new(clip) });
        Ok(self)
    }

    /// A clip that leads back to its beginning in about so many seconds.
    ///
    /// # Errors
    /// A clip that cannot be read, or a prompt that is missing.
    pub fn loop_clip(mut self, clip: &Path, seconds: f64, info: &ModelInfo) -> Result<Self> {
        self.check_added(seconds)?;
        let (own, fps) = self.length(clip, info)?;
        self.inherit(clip, Told::Last)?;
        self.num_frames = Some(own.saturating_add(frames_in(seconds, fps)));
        self.known.push(Known::new(clip));
        self.is_loop = true;
        Ok(self)
    }

    /// A clip of which so much is made anew, everywhere or in some regions.
    ///
    /// # Errors
    /// A clip that cannot be read, or is shorter than the video is to be, or a prompt that is missing.
    pub fn remix(
        mut self,
        clip: &Path,
        strength: f64,
        regions: Vec<Region>,
        info: &ModelInfo,
    ) -> Result<Self> {
        let (own, fps) = self.length(clip, info)?;
        let asked = self.num_frames.or(self.seconds.map(|seconds| frames_in(seconds, fps)));
        if let Some(asked) = asked.filter(|&asked| own > 1 && asked > own) {
            let expected =
                format!("no more than the {own} frames of {}, which `extend` makes longer", clip.display());
            return Err(Error::request("num_frames", expected, asked));
        }
        self.inherit(clip, Told::All)?;
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
    fn inherit(&mut self, file: &Path, told: Told) -> Result<()> {
        if !self.prompt.trim().is_empty() || !self.spans.is_empty() {
            return Ok(());
        }
        let record = media::summary(file)?.provenance.unwrap_or_default();
        // Of one scene there is no more than its prompt.
        let scenes: Vec<Span> = serde_json::from_value(record["scenes"].clone()).unwrap_or_default();
        let prompt = match told {
            Told::All if !scenes.is_empty() => {
                self.spans = scenes;
                return Ok(());
            }
            Told::Last => scenes.last().map(|scene| scene.prompt.as_str()),
            _ => None,
        };
        let prompt = prompt.or(record["prompt"].as_str());
        let expected =
            format!("words that say what is seen: {} does not tell what it was made of", file.display());
        self.prompt = prompt.ok_or_else(|| Error::request("prompt", expected, "nothing"))?.to_owned();
        Ok(())
    }

    /// Checks how long what is added to a clip is to be.
    fn check_added(&self, seconds: f64) -> Result<()> {
        if let Some(frames) = self.num_frames {
            let expected = "none, as the clip has its own length, and `seconds` says how much is added to it";
            return Err(Error::request("num_frames", expected, frames));
        }
        if seconds > 0.0 && seconds.is_finite() {
            return Ok(());
        }
        Err(Error::request("seconds", "more than 0", seconds))
    }
}

/// What of a clip's scenes is told on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    First,
    Last,
    All,
}

fn shape(file: &Path) -> Result<ClipShape> {
    Ok(media::summary(file)?.shape)
}
