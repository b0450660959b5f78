//! The frames of a video: which are there, which are made, and in which windows.

use std::ops::Range;

use diffusion::Levels;
use media::ClipShape;

use super::{
    At, Known, frames_in,
    windows::{Window, WindowShape, windows},
};
use crate::{Error, ModelInfo, Result, Size, VideoRequest};

/// Frames that a window should see of what is there before it and behind it, if there are so many.
const CONTEXT_FRAMES: usize = 5;

/// Where a frame of a video comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// It is made.
    Anew,
    /// Of a file: which of the request's, and which of its frames. It stays, or what is made of it is a frame of the video.
    Known { index: usize, source: usize },
    /// Behind the end of a loop: the frame of its beginning.
    Again(usize),
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Those of the video, and behind them those that a loop sees again.
    frames: Vec<Frame>,
    /// In the order in which they are made.
    pub windows: Vec<Window>,
    /// By frame: the levels of those that are known.
    strengths: Vec<f32>,
    /// What each of the request's files is.
    pub placed: Vec<Placed>,
    factor: usize,
    fps: f64,
    num_frames: usize,
}

/// A file's shape, and where its frames are in the video.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placed {
    pub shape: ClipShape,
    /// Whether frames of the file were repeated or left out to come to its rate.
    pub rate_varies: bool,
    /// How many frames of the video it gives, at the video's rate.
    pub count: usize,
    /// The second of the file at which the first of them is.
    from: f64,
}

impl Placed {
    /// What `known`, a file of this shape whose rate may vary, gives at a rate of `fps`.
    ///
    /// # Errors
    /// A part of the file that is not there.
    pub fn of(known: &Known, (shape, rate_varies): (ClipShape, bool), fps: f64) -> Result<Self> {
        if shape.num_frames == 1 {
            return Ok(Self { shape, rate_varies, count: 1, from: 0.0 });
        }
        let seconds = shape.num_frames as f64 / shape.fps;
        let to = known.to.unwrap_or(seconds);
        // Half a frame is forgiven: times are written with few digits.
        let most = seconds + 0.5 / shape.fps;
        if !(known.from >= 0.0 && known.from < to && to <= most) {
            return Err(Error::request(
                "known",
                format!("a part of {}, which has {seconds:.3} seconds", known.file.display()),
                format!("from {} to {to}", known.from),
            ));
        }
        // Nothing is behind the last frame to fill up to.
        let seconds = if known.fill_between { to - known.from - 1.0 / shape.fps } else { to - known.from };
        let count = (seconds * fps).round().max(0.0) as usize + usize::from(known.fill_between);
        let count = count.max(1);
        Ok(Self { shape, rate_varies, count, from: known.from })
    }

    /// The frame of the file that is shown as frame `index` of those it gives: the nearest in time. If those between two are
    /// to be made, the one of which this is the nearest frame, if there is one.
    fn source(self, index: usize, fps: f64, fill_between: bool) -> Option<usize> {
        let source = (self.from + index as f64 / fps) * self.shape.fps;
        let nearest = (source.round() as usize).min(self.shape.num_frames - 1);
        let shown_at = (nearest as f64 / self.shape.fps - self.from) * fps;
        (!fill_between || shown_at.round() as usize == index).then_some(nearest)
    }
}

impl Layout {
    /// Of a request whose length and rate are settled; `placed` are the shapes of what it knows, `cuts` the frames, in their order, from which
    /// another prompt is drawn than before.
    ///
    /// # Errors
    /// What lies outside of the video, or nothing to be made.
    pub fn new(
        request: &VideoRequest,
        placed: &[Placed],
        num_frames: usize,
        fps: f64,
        cuts: &[usize],
        info: &ModelInfo,
    ) -> Result<Self> {
        let [factor, _, _] = info.autoencoder.scale_factors();
        let mut frames = vec![Frame::Anew; num_frames];
        let mut strengths = vec![1.0; num_frames];
        let mut settled = vec![false; num_frames];
        for (index, (known, placed)) in request.known.iter().zip(placed).enumerate() {
            let start = match known.at {
                At::Seconds(seconds) => frames_in(seconds, fps),
                At::Edge(_) => num_frames.saturating_sub(placed.count),
            };
            let end = start.saturating_add(placed.count);
            if end > num_frames {
                return Err(Error::request(
                    "known",
                    format!(
                        "what ends with the video, after {num_frames} frames ({:.3} s): make it longer (`seconds`), or take a part of \
                         the file (`from` and `to`)",
                        num_frames as f64 / fps
                    ),
                    format!("{} in frames {start} to {end}", known.file.display()),
                ));
            }
            for (number, frame) in (start..end).enumerate() {
                (frames[frame], strengths[frame], settled[frame]) =
                    match placed.source(number, fps, known.fill_between) {
                        Some(source) => {
                            let frame = Frame::Known { index, source };
                            (frame, known.strength as f32, known.stays() && !known.fill_between)
                        }
                        None => (Frame::Anew, 1.0, false),
                    };
            }
        }
        let most = match info.expand_timesteps {
            true => shape_of(info, info.native.num_frames),
            // All is made at once, whatever it takes.
            false => WindowShape { most: usize::MAX, ..shape_of(info, 1) },
        };
        let placed = placed.to_vec();
        let mut layout = Self { frames, windows: Vec::new(), strengths, placed, factor, fps, num_frames };
        layout.windows = match request.is_loop {
            true => layout.windows_of_loop(settled, cuts, most)?,
            false => windows(settled, cuts, most),
        };
        if layout.windows.is_empty() {
            return Err(Error::request("known", "something left to be made", "every frame as it stays"));
        }
        Ok(layout)
    }

    /// The end of a loop is made when its beginning is there, which it sees once more behind itself.
    fn windows_of_loop(
        &mut self,
        settled: Vec<bool>,
        cuts: &[usize],
        shape: WindowShape,
    ) -> Result<Vec<Window>> {
        let num_frames = settled.len();
        let again = shape.factor * shape.context;
        let gap = shape.frames(shape.most).saturating_sub(shape.frames(shape.context) + again);
        let is_open = settled.iter().rev().take_while(|settled| !**settled).count();
        let fewest = gap + shape.frames(shape.context);
        if gap == 0 || num_frames < fewest || is_open == 0 {
            return Err(Error::request(
                "loop",
                format!("{fewest} frames or more, of which the last {gap} or so are not known"),
                format!("{num_frames} frames, the last {is_open} of them not known"),
            ));
        }
        let body = num_frames - gap.min(is_open);
        let mut all = windows(settled[..body].to_vec(), cuts, shape);
        let mut rest = vec![true; body];
        rest.extend(vec![false; num_frames - body]);
        rest.extend(vec![true; again]);
        all.extend(windows(rest, cuts, shape));
        self.frames.extend((0..again).map(Frame::Again));
        Ok(all)
    }

    /// The bytes of all that is known, in the video's size; none if no [pictures are seen](Self::sees_pictures).
    pub fn pictures(&self, Size { width, height }: Size) -> Option<u64> {
        let frames = self.placed.iter().map(|placed| placed.shape.num_frames as u64);
        let bytes = frames.fold(0, u64::saturating_add).saturating_mul((width * height * 3) as u64);
        self.sees_pictures().then_some(bytes)
    }

    /// Whether something is seen of pictures that are there, so that they are encoded: of files, or of windows before.
    pub fn sees_pictures(&self) -> bool {
        !self.placed.is_empty() || self.windows.len() > 1
    }

    /// Whether the first frame and the last one are known as they are.
    pub fn ends(&self) -> [bool; 2] {
        [0, self.num_frames - 1].map(|frame| self.is_pinned(frame))
    }

    /// Whether a frame is known as it is, and may be within what is made.
    pub fn is_pinned(&self, frame: usize) -> bool {
        matches!(self.frames.get(frame), Some(Frame::Known { .. })) && self.strengths[frame] == 0.0
    }

    /// Whether every frame is known, and as much of each is made anew.
    pub fn remakes_all(&self) -> bool {
        let is_known = |frame: &Frame| matches!(frame, Frame::Known { .. });
        self.frames.iter().all(is_known)
            && self.strengths.iter().all(|strength| *strength == self.strengths[0])
    }

    /// Where a frame comes from; none outside of the video.
    pub fn frame(&self, frame: isize) -> Option<Frame> {
        usize::try_from(frame).ok().and_then(|frame| self.frames.get(frame).copied())
    }

    /// The frames of the video in a latent frame of a window, those outside of it included.
    pub fn frames_of(&self, window: &Window, latent: usize) -> Range<isize> {
        window.frames_of(latent, self.factor)
    }

    /// The first frame that a window behind the first `seen` ones looks at.
    pub fn needed_from(&self, seen: usize) -> usize {
        let later = self.windows[seen..].iter();
        later.map(|window| window.start.max(0) as usize).min().unwrap_or(self.num_frames)
    }

    /// How many of the first frames are seen again at the end of a loop.
    pub fn seen_again(&self) -> usize {
        self.frames.len() - self.num_frames
    }

    /// Whether the frames of a latent frame, of which some are made and the last ones are there, are all as those: nothing is made
    /// behind them in the window, and a latent frame that is there as a whole can be led to. Between frames that are there,
    /// each is for itself.
    pub fn leads_to(
        &self,
        window: &Window,
        latent: usize,
        known: &[Known],
        is_settled: impl Fn(isize) -> bool,
    ) -> bool {
        let Some(first) = self.frames_of(window, latent).find(|frame| is_settled(*frame)) else {
            return false;
        };
        let is_between =
            matches!(self.frame(first), Some(Frame::Known { index, .. }) if known[index].fill_between);
        let end = self.frames_of(window, window.latent_frames - 1).end;
        !is_between && (first..end).all(|frame| is_settled(frame) || self.frame(frame).is_none())
    }

    /// How far each latent of a window is made anew, for latents of `[height, width]` of `side` pixels each. `leads`
    /// tells of each latent frame whether it [is there as a whole](Self::leads_to), `is_there`
    /// of each frame of the video whether it is made already, `moving` of one of which only the motion counts where that
    /// is, by row and column.
    #[allow(clippy::too_many_arguments, reason = "each is asked for something else")]
    pub fn levels(
        &self,
        window: &Window,
        [height, width]: [usize; 2],
        side: usize,
        known: &[Known],
        leads: &[bool],
        is_there: impl Fn(usize) -> bool,
        moving: impl Fn(usize) -> Option<Vec<bool>>,
    ) -> Levels {
        let mut values = Vec::with_capacity(window.latent_frames * height * width);
        let seconds = self.num_frames as f64 / self.fps;
        for (latent, &leads) in leads.iter().enumerate() {
            let mut of_frame = vec![0.0_f32; height * width];
            let frames = if leads { 0..0 } else { self.frames_of(window, latent) };
            for frame in frames {
                let at = usize::try_from(frame).unwrap_or(usize::MAX);
                match self.frame(frame) {
                    Some(Frame::Again(_)) => {}
                    Some(_) if is_there(at) => {}
                    Some(Frame::Known { .. }) if let Some(moving) = moving(at) => {
                        for (level, moves) in of_frame.iter_mut().zip(moving) {
                            *level = level.max(if moves { self.strengths[at] } else { 1.0 });
                        }
                    }
                    Some(Frame::Known { index, .. }) => {
                        let time = at as f64 / self.fps;
                        let regions = known[index].regions_at(time, seconds);
                        let all = known[index].regions.is_empty();
                        for (position, level) in of_frame.iter_mut().enumerate() {
                            let is_inside =
                                all || is_touched(&regions, position / width, position % width, side);
                            if is_inside {
                                *level = level.max(self.strengths[at]);
                            }
                        }
                    }
                    Some(Frame::Anew) | None => of_frame.fill(1.0),
                }
            }
            values.extend(of_frame);
        }
        Levels::new(values, [window.latent_frames, height, width])
    }
}

/// Windows of at most so many frames.
fn shape_of(info: &ModelInfo, num_frames: usize) -> WindowShape {
    let ([factor, _, _], [patch, _, _]) = (info.autoencoder.scale_factors(), info.denoiser().patch_size());
    let latent_frames = 1 + num_frames.saturating_sub(1) / factor;
    let most = (latent_frames / patch).max(1) * patch;
    let context = 1 + (CONTEXT_FRAMES - 1) / factor;
    WindowShape { factor, most, patch, context }
}

/// Whether one of the regions reaches into a latent, or into one beside it: what a latent draws is seen there too.
fn is_touched(regions: &[[f64; 4]], row: usize, column: usize, side: usize) -> bool {
    let pixel = |index: usize| (index * side) as f64;
    let reach = side as f64 / 2.0;
    regions.iter().any(|[left, upper, right, lower]| {
        pixel(column) < right + reach
            && pixel(column + 1) > left - reach
            && pixel(row) < lower + reach
            && pixel(row + 1) > upper - reach
    })
}

/// The size of a video of which something is known, if none is asked for: that of the first file, as near as the model makes it.
pub(crate) fn size_of(first: ClipShape, info: &ModelInfo) -> Size {
    info.size_for(Size { width: first.width, height: first.height })
}
