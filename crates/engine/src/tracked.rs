//! Where things are in a video in the making, frame by frame: as it was planned, or as it is seen in what is given.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
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

/// A thing in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spot {
    kind: usize,
    colour: usize,
    place: Place,
}

/// The tracks of a video in the making: where things are in each frame that is there, as it was planned or is seen.
#[derive(Debug, Default)]
pub(crate) struct Tracked {
    frames: BTreeMap<usize, Vec<Spot>>,
}

impl Tracked {
    /// What eyes see in what is given of a plan's video, stays as it is, and is seen by a window.
    pub fn of_given(plan: &Plan, reel: &Reel<'_>, eyes: Option<&Arc<dyn Eyes>>) -> Result<Self> {
        let mut tracked = Self::default();
        let Some(eyes) = eyes else { return Ok(tracked) };
        let layout = &plan.layout;
        let frames = layout.windows.iter().flat_map(|window| {
            (0..window.latent_frames).flat_map(move |latent| layout.frames_of(window, latent))
        });
        let given: BTreeSet<usize> = frames.filter_map(|frame| given(plan, frame)).collect();
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
            let spot = |track: &Track| {
                track.places.get(at).map(|&place| Spot { kind: track.kind, colour: track.colour, place })
            };
            self.frames.insert(frame, tracks.iter().filter_map(spot).collect());
        }
        Ok(())
    }

    /// Plans a window of a video for what `context` says; what the denoiser of pictures is shown of it is
    /// `[1, planes, frames, height, width]`. None if there is something to see in the window of which it is not known where things are:
    /// pictures that others are made of, what no eyes have seen, and pictures that show other things than those before or behind them.
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
        if frames.iter().any(|&frame| self.at(plan, frame).is_none() && reel.frame(frame).is_some()) {
            return Ok(None);
        }
        let Some(mut known) = self.known(plan, window, reel) else { return Ok(None) };
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
            let Some(frame) = usize::try_from(frame).ok().filter(|frame| window.makes.contains(frame)) else {
                continue;
            };
            let spots = tracks.iter().map(|track| Spot {
                kind: track.kind,
                colour: track.colour,
                place: track.places[at],
            });
            self.frames.entry(frame).or_insert_with(|| spots.collect());
        }
        Ok(Some(planner.show(&tracks, plan, window.latent_frames, &device)))
    }

    /// Where things are at a place of the timeline, if that is known.
    fn at(&self, plan: &Plan, frame: isize) -> Option<&[Spot]> {
        let frame = match plan.layout.frame(frame)? {
            Frame::Again(first) => first,
            Frame::Known { .. } | Frame::Anew => frame as usize,
        };
        self.frames.get(&frame).map(Vec::as_slice)
    }

    /// What is known of the tracks in a window; none if that is not of the same things all over.
    fn known(&self, plan: &Plan, window: &Window, reel: &Reel<'_>) -> Option<KnownTracks> {
        let mut frames = Vec::new();
        for latent in 0..window.latent_frames {
            let of_latent = plan.layout.frames_of(window, latent);
            let is_settled = |frame: isize| reel.is_settled(frame);
            // What is not there is as what is there before it, or as the first that is, if the denoiser of pictures sees it so.
            let leads = plan.layout.leads_to(window, latent, &plan.request.known, is_settled);
            let mut shown = of_latent.clone().find(|&frame| is_settled(frame)).filter(|_| leads);
            let of_frame = |frame: isize| {
                shown = shown.map(|shown| if is_settled(frame) { frame } else { shown });
                self.at(plan, shown.unwrap_or(frame))
            };
            frames.push(of_latent.map(of_frame).collect());
        }
        matched(&frames)
    }
}

/// A frame of the video that is given as it is, and is none of those between which others are made.
fn given(plan: &Plan, frame: isize) -> Option<usize> {
    match plan.layout.frame(frame)? {
        Frame::Again(first) => given(plan, first as isize),
        Frame::Known { index, .. } if !plan.request.known[index].fill_between => {
            usize::try_from(frame).ok().filter(|&at| plan.layout.is_pinned(at))
        }
        Frame::Known { .. } | Frame::Anew => None,
    }
}

/// The tracks of what is known of the frames of each latent frame. What is of one kind and colour is one thing, the nearest place of it if
/// there are several. A latent frame is known if all of its frames are. None if one of these lacks a thing that others have, or if there are
/// more than can be planned.
fn matched(latents: &[Vec<Option<&[Spot]>>]) -> Option<KnownTracks> {
    let mut things: Vec<(Spot, Vec<Option<Place>>)> = Vec::new();
    let frames: Vec<Option<&[Spot]>> = latents.iter().flatten().copied().collect();
    for (at, spots) in frames.iter().enumerate() {
        for spot in spots.iter().copied().flatten() {
            let far = |(thing, _): &(Spot, Vec<Option<Place>>)| {
                (thing.place.x - spot.place.x).hypot(thing.place.y - spot.place.y)
            };
            let same = things.iter_mut().filter(|(thing, places)| {
                (thing.kind, thing.colour) == (spot.kind, spot.colour) && places[at].is_none()
            });
            match same.min_by(|a, b| far(a).total_cmp(&far(b))) {
                Some((thing, places)) => (thing.place, places[at]) = (spot.place, Some(spot.place)),
                None => {
                    let mut places = vec![None; frames.len()];
                    places[at] = Some(spot.place);
                    things.push((*spot, places));
                }
            }
        }
    }
    let all_seen = |at: usize| things.iter().all(|(_, places)| places[at].is_some());
    let is_whole = things.len() <= world::MOST_THINGS
        && (0..frames.len()).all(|at| frames[at].is_none() || all_seen(at));
    let latent_frames = latents.iter().map(|frames| frames.iter().all(Option::is_some)).collect();
    let tracks = things.iter().map(|(last, places)| Track {
        kind: last.kind,
        colour: last.colour,
        places: places.iter().map(|place| place.unwrap_or(last.place)).collect(),
    });
    is_whole.then(|| KnownTracks { tracks: tracks.collect(), latent_frames })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(kind: usize, x: f32) -> Spot {
        Spot { kind, colour: 0, place: Place { x, y: 0.5, width: 0.1, height: 0.1, distance: 4.0 } }
    }

    #[test]
    fn things_are_matched_by_what_they_are() {
        let (first, second) = ([spot(1, 0.2), spot(2, 0.8)], [spot(2, 0.7), spot(1, 0.3)]);
        let latents = [vec![Some(&first[..])], vec![None, Some(&second[..])], vec![Some(&second[..]); 2]];
        let known = matched(&latents).unwrap();
        assert_eq!(known.latent_frames, [true, false, true]);
        let of = |thing: usize| known.tracks[thing].places.iter().map(|place| place.x).collect::<Vec<_>>();
        assert_eq!((known.tracks[0].kind, known.tracks[1].kind), (1, 2));
        // Where a thing is not known any place stands for it.
        assert_eq!((of(0)[0], of(0)[2..].to_vec()), (0.2, vec![0.3; 3]));
        assert_eq!((of(1)[0], of(1)[2..].to_vec()), (0.8, vec![0.7; 3]));
    }

    #[test]
    fn two_of_a_kind_are_told_apart_by_where_they_are() {
        let (first, second) = ([spot(1, 0.2), spot(1, 0.8)], [spot(1, 0.75), spot(1, 0.25)]);
        let known = matched(&[vec![Some(&first[..])], vec![Some(&second[..]); 2]]).unwrap();
        assert_eq!(known.tracks[0].places.iter().map(|place| place.x).collect::<Vec<_>>(), [0.2, 0.25, 0.25]);
    }

    #[test]
    fn pictures_of_other_things_are_not_planned_between() {
        let (both, one) = ([spot(1, 0.2), spot(2, 0.8)], [spot(1, 0.2)]);
        assert_eq!(matched(&[vec![Some(&both[..])], vec![None; 2], vec![Some(&one[..]); 2]]), None);
        let many: Vec<Spot> = (0..=world::MOST_THINGS).map(|kind| spot(kind, 0.2)).collect();
        assert_eq!(matched(&[vec![Some(&many[..])], vec![None; 2]]), None);
        assert_eq!(matched(&[vec![None]]), Some(KnownTracks::nothing(1)));
    }
}
