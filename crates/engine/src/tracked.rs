//! Where things are in a video in the making, frame by frame: as it was planned, or as it is seen in what is given.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
    sync::Arc,
};

use burn::tensor::Tensor;
use media::Clip;
use models::tracks::{Place, Track};

use crate::{
    KnownTracks, Plan, Planner, Result, noise,
    reel::Reel,
    timeline::{Frame, Window},
};

/// Something that sees where the things of a clip are.
pub trait Eyes: fmt::Debug + Send + Sync {
    /// The tracks of a clip, with a place for each of its frames: first what the prompt names, in its order. None of a clip in which it
    /// sees nothing clearly.
    fn look(&self, clip: &Clip, prompt: &str) -> Option<Vec<Track>>;
}

/// Fewer frames than this are shown to [`Eyes`] several times: what is seen in one is seen with those beside it.
const LEAST_LOOKED_AT: usize = 5;

/// A window has a beginning and an end where what is there meets what is made.
const MOST_JOINS: usize = 2;

/// Things in one frame.
type Spots = Vec<(usize, usize, Place)>;

/// The tracks of a video in the making: where things are in each frame for which that was planned.
#[derive(Debug, Default)]
pub(crate) struct Tracked {
    frames: BTreeMap<usize, Spots>,
}

impl Tracked {
    /// What eyes see in what is given of a plan's video, stays as it is, and is seen by a window in whole latent frames.
    pub fn of_given(plan: &Plan, reel: &Reel<'_>, eyes: Option<&Arc<dyn Eyes>>) -> Result<Self> {
        let mut tracked = Self::default();
        let Some(eyes) = eyes else { return Ok(tracked) };
        let layout = &plan.layout;
        let is_given = |frame: isize| {
            usize::try_from(frame).is_ok_and(|at| at < plan.num_frames && layout.is_pinned(at))
        };
        let latents = layout
            .windows
            .iter()
            .flat_map(|window| (0..window.latent_frames).map(move |latent| layout.frames_of(window, latent)));
        let given = latents.filter(|frames| frames.clone().all(is_given)).flatten();
        let given: BTreeSet<usize> = given.map(|frame| frame as usize).collect();
        let mut run = Vec::new();
        for &frame in &given {
            run.push(frame);
            if !given.contains(&(frame + 1)) {
                tracked.look(&std::mem::take(&mut run), plan, reel, eyes)?;
            }
        }
        Ok(tracked)
    }

    /// Looks at frames one behind the other.
    fn look(&mut self, frames: &[usize], plan: &Plan, reel: &Reel<'_>, eyes: &Arc<dyn Eyes>) -> Result<()> {
        let mut pixels = Vec::new();
        let shown = frames.iter().chain(frames.last().into_iter().cycle());
        for &frame in shown.take(frames.len().max(LEAST_LOOKED_AT)) {
            let Some(picture) = reel.frame(frame as isize) else { return Ok(()) };
            pixels.extend(crate::to_bytes(&picture));
        }
        let clip = Clip::new(plan.size.width, plan.size.height, plan.fps, pixels)?;
        let Some(tracks) = eyes.look(&clip, &plan.prompt) else { return Ok(()) };
        for (at, &frame) in frames.iter().enumerate() {
            let spots = tracks.iter().map(|track| (track.kind, track.colour, track.places[at]));
            self.frames.insert(frame, spots.collect());
        }
        Ok(())
    }

    /// Plans a window of a video for what `context` says; what the denoiser of pictures is shown of it is
    /// `[1, planes, frames, height, width]`. None if there is something to see in the window of which it is not known where things are:
    /// frames that others are made of, or that lie between made ones.
    pub fn plan(
        &mut self,
        planner: &Planner,
        (plan, index): (&Plan, usize),
        reel: &Reel<'_>,
        context: Tensor<3>,
    ) -> Result<Option<Tensor<5>>> {
        let window = &plan.layout.windows[index];
        let frames_of = |latent: usize| plan.layout.frames_of(window, latent);
        let frames: Vec<isize> = (0..window.latent_frames).flat_map(frames_of).collect();
        let is_unseen = |frame: isize| reel.frame(frame).is_some() && self.at(plan, frame).is_none();
        // Where what is there meets what is made, a frame of it may be in a latent frame of both.
        if (0..window.latent_frames).filter(|&latent| frames_of(latent).any(is_unseen)).count() > MOST_JOINS {
            return Ok(None);
        }
        let mut known = self.known(plan, window, &frames);
        if frames.iter().any(|&frame| is_unseen(frame)) && !known.latent_frames.contains(&true) {
            return Ok(None);
        }
        // A shorter window is the beginning of one as long as those that were taught, unless something is behind it.
        let taught = plan.model.native_latent_frames();
        if known.latent_frames.last() != Some(&true) && known.latent_frames.len() < taught {
            known.extend_to(taught, planner.code.factor);
        }
        let size = [plan.size.width, plan.size.height];
        let device = context.device();
        let mut noise = noise::of_tracks(plan.request.seed, index);
        let tracks = planner.plan(context, size, &known, &mut noise)?;
        for (at, &frame) in frames.iter().enumerate() {
            let Some(Frame::Anew | Frame::Known { .. }) = plan.layout.frame(frame) else { continue };
            let spots = || tracks.iter().map(|track| (track.kind, track.colour, track.places[at])).collect();
            self.frames.entry(frame as usize).or_insert_with(spots);
        }
        Ok(Some(planner.show(&tracks, plan, window.latent_frames, &device)))
    }

    /// Where things are at a place of the timeline, if that was planned.
    fn at(&self, plan: &Plan, frame: isize) -> Option<&Spots> {
        match plan.layout.frame(frame)? {
            Frame::Again(first) => self.frames.get(&first),
            Frame::Known { .. } | Frame::Anew => self.frames.get(&(frame as usize)),
        }
    }

    fn known(&self, plan: &Plan, window: &Window, frames: &[isize]) -> KnownTracks {
        let is_known = |frames: Range<isize>| frames.into_iter().all(|frame| self.at(plan, frame).is_some());
        let latent_frames: Vec<bool> =
            (0..window.latent_frames).map(|latent| is_known(plan.layout.frames_of(window, latent))).collect();
        let found: Vec<Option<&Spots>> = frames.iter().map(|&frame| self.at(plan, frame)).collect();
        let fewest = found.iter().flatten().map(|spots| spots.len()).min().unwrap_or(0);
        let tracks = (0..fewest).map(|thing| {
            let of = |spots: &Spots| spots[thing];
            let (kind, colour, place) =
                found.iter().flatten().map(|spots| of(spots)).next().expect("a frame");
            let places = found.iter().map(|spots| spots.map_or(place, |spots| of(spots).2)).collect();
            Track { kind, colour, places }
        });
        KnownTracks { tracks: tracks.collect(), latent_frames }
    }
}
