//! Where things are in a video in the making, frame by frame: as it was planned, or as it is seen in what is given.

use std::{collections::BTreeMap, fmt, sync::Arc};

use burn::tensor::Tensor;
use media::Clip;
use models::tracks::{Place, Track};

use crate::{
    Known, KnownTracks, Plan, Planner, Result,
    carried::Move,
    noise,
    reel::Reel,
    shown,
    timeline::{Frame, Window},
};

/// Something that sees where the things of a clip are.
pub trait Eyes: fmt::Debug + Send + Sync {
    /// The tracks of a clip, with a place for each of its frames: first what the prompt names, in its order. None of a clip in which it
    /// sees nothing clearly.
    fn look(&self, clip: &Clip, prompt: &str) -> Option<Vec<Track>>;

    /// The same of a clip that is made into what the prompt says: each thing is what the prompt has in its place. None if the prompt names more
    /// things than there are, or fewer.
    fn look_for(&self, clip: &Clip, prompt: &str) -> Option<Vec<Track>>;
}

/// How far tracks are planned anew where something else is made of what is there, as a share of [`Known::strength`](crate::Known::strength):
/// things stay about where they are, and may be of another shape.
const REPLANNED: f32 = 0.6;

/// How far they are where something else moves as what is there does, however little else is kept of that.
const REPLANNED_MOTION: f32 = 0.3;

/// Fewer frames than this are shown to [`Eyes`] several times: what is seen in one is seen with those beside it.
const LEAST_LOOKED_AT: usize = 5;

/// A thing in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spot {
    kind: usize,
    colour: usize,
    place: Place,
}

/// What is there in a frame.
#[derive(Clone, Debug, Default, PartialEq)]
struct Spots {
    spots: Vec<Spot>,
    /// How far that is planned anew, from 0 to 1.
    level: f32,
}

/// Frames by their number in the video.
type Frames = BTreeMap<usize, Spots>;

/// The tracks of a video in the making: where things are in each frame that is there, as it was planned or is seen.
#[derive(Debug, Default)]
pub(crate) struct Tracked {
    frames: Frames,
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
        let given = frames.filter_map(|frame| Some((given(plan, frame)?, 0.0))).collect();
        for (frames, level) in runs(&given) {
            let seen = look(&frames, level, plan, reel, |clip| eyes.look(clip, &plan.prompt))?;
            tracked.frames.extend(seen.into_iter().flatten());
        }
        Ok(tracked)
    }

    /// Plans a window of a video for what the contexts of its prompt and of nothing say; what the denoiser of pictures is shown of it is
    /// `[1, planes, frames, height, width]`. None if there is something to see in the window of which it is not known where things are:
    /// pictures that others are made between, what no eyes have seen, what is made into something else
    /// and is not what that asks for, and pictures that show other things than those before or behind them.
    pub fn plan(
        &mut self,
        planner: &Planner,
        (plan, index): (&Plan, usize),
        (reel, eyes): (&Reel<'_>, Option<&Arc<dyn Eyes>>),
        contexts: [Tensor<3>; 2],
    ) -> Result<Option<Tensor<5>>> {
        let window = &plan.layout.windows[index];
        let frames_of = |latent: usize| plan.layout.frames_of(window, latent);
        let frames: Vec<isize> = (0..window.latent_frames).flat_map(frames_of).collect();
        let Some(remade) = self.remade(&frames, (plan, window), reel, eyes)? else { return Ok(None) };
        let Some(mut known) = self.known(&remade, (plan, window), reel) else { return Ok(None) };
        // A shorter window is the beginning of one as long as those that were taught, unless something is behind it.
        let taught = plan.model.native_latent_frames();
        if known.levels.last() == Some(&1.0) && known.levels.len() < taught {
            known.extend_to(taught, planner.code.factor);
        }
        let size = [plan.size.width, plan.size.height];
        let device = contexts[0].device();
        let mut noise = noise::of_tracks(plan.request.seed, index);
        let tracks = planner.plan(contexts, size, &known, &mut noise)?;
        for (at, &frame) in frames.iter().enumerate() {
            let Some(frame) = usize::try_from(frame).ok().filter(|frame| window.makes.contains(frame)) else {
                continue;
            };
            let spots = tracks.iter().map(|track| Spot {
                kind: track.kind,
                colour: track.colour,
                place: track.places[at],
            });
            self.frames.entry(frame).or_insert_with(|| Spots { spots: spots.collect(), level: 0.0 });
        }
        Ok(Some(shown::show(planner.code, &tracks, (plan, window), &device)))
    }

    /// What eyes see in those of a window's frames of which something else is made, taken for what that is to be. None if it is not known of
    /// some frame that is there what it shows.
    fn remade(
        &self,
        frames: &[isize],
        (plan, window): (&Plan, &Window),
        reel: &Reel<'_>,
        eyes: Option<&Arc<dyn Eyes>>,
    ) -> Result<Option<Frames>> {
        let mut remade = BTreeMap::new();
        let unseen = |frame: &&isize| self.at(plan, **frame).is_none() && reel.frame(**frame).is_some();
        for &frame in frames.iter().filter(unseen) {
            match anew(plan, frame) {
                Some((_, 1.0)) => {}
                Some((frame, level)) => drop(remade.insert(frame, level)),
                None => return Ok(None),
            }
        }
        let mut seen = Frames::new();
        for (frames, level) in runs(&remade) {
            let Some(eyes) = eyes else { return Ok(None) };
            let prompt = &plan.prompts[plan.prompt_of(window)];
            match look(&frames, level, plan, reel, |clip| eyes.look_for(clip, prompt))? {
                Some(found) if found.iter().all(|(frame, spots)| changes(plan, *frame, spots)) => {
                    seen.extend(found);
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(seen))
    }

    /// Where things are at a place of the timeline, if that is known.
    fn at(&self, plan: &Plan, frame: isize) -> Option<&Spots> {
        let frame = match plan.layout.frame(frame)? {
            Frame::Again(first) => first,
            Frame::Known { .. } | Frame::Anew => frame as usize,
        };
        self.frames.get(&frame)
    }

    /// Where each thing is in one frame, and where in another, what is nearer behind what is farther; nothing of things that are not
    /// known in both.
    pub fn moves(&self, plan: &Plan, [from, to]: [isize; 2]) -> Vec<Move> {
        let [Some(from), Some(to)] = [from, to].map(|frame| self.at(plan, frame)) else { return Vec::new() };
        let mut left: Vec<&Spot> = from.spots.iter().collect();
        let mut moves: Vec<Move> = Vec::new();
        for spot in &to.spots {
            let same =
                (0..left.len()).filter(|&of| (left[of].kind, left[of].colour) == (spot.kind, spot.colour));
            let far = |of: usize| (left[of].place.x - spot.place.x).hypot(left[of].place.y - spot.place.y);
            let nearest = same.min_by(|&a, &b| far(a).total_cmp(&far(b)));
            moves.extend(nearest.map(|nearest| [left.remove(nearest).place, spot.place]));
        }
        moves.sort_by(|[_, a], [_, b]| b.distance.total_cmp(&a.distance));
        moves
    }

    /// What is known of the tracks in a window; none if that is not of the same things all over.
    fn known(
        &self,
        remade: &Frames,
        (plan, window): (&Plan, &Window),
        reel: &Reel<'_>,
    ) -> Option<KnownTracks> {
        let mut frames = Vec::new();
        for latent in 0..window.latent_frames {
            let of_latent = plan.layout.frames_of(window, latent);
            let is_settled = |frame: isize| reel.is_settled(frame);
            // What is not there is as what is there before it, or as the first that is, if the denoiser of pictures sees it so.
            let leads = plan.layout.leads_to(window, latent, &plan.request.known, is_settled);
            let mut shown = of_latent.clone().find(|&frame| is_settled(frame)).filter(|_| leads);
            let of_frame = |frame: isize| {
                shown = shown.map(|shown| if is_settled(frame) { frame } else { shown });
                let frame = shown.unwrap_or(frame);
                let remade = usize::try_from(frame).ok().and_then(|frame| remade.get(&frame));
                remade.or_else(|| self.at(plan, frame))
            };
            frames.push(of_latent.map(of_frame).collect());
        }
        matched(&frames)
    }
}

/// Frames one behind the other that are planned anew as far, and how far.
fn runs(levels: &BTreeMap<usize, f32>) -> Vec<(Vec<usize>, f32)> {
    let mut runs: Vec<(Vec<usize>, f32)> = Vec::new();
    for (&frame, &level) in levels {
        match runs.last_mut() {
            Some((run, of)) if *of == level && run.last() == frame.checked_sub(1).as_ref() => run.push(frame),
            _ => runs.push((vec![frame], level)),
        }
    }
    runs
}

/// What is seen in frames one behind the other, if anything is.
fn look(
    frames: &[usize],
    level: f32,
    plan: &Plan,
    reel: &Reel<'_>,
    see: impl FnOnce(&Clip) -> Option<Vec<Track>>,
) -> Result<Option<Frames>> {
    let mut pixels = Vec::new();
    let shown = frames.iter().chain(frames.last().into_iter().cycle());
    for &frame in shown.take(frames.len().max(LEAST_LOOKED_AT)) {
        let Some(picture) = reel.frame(frame as isize) else { return Ok(None) };
        pixels.extend(crate::to_bytes(&picture));
    }
    let clip = Clip::new(plan.size.width, plan.size.height, plan.fps, pixels)?;
    let Some(tracks) = see(&clip) else { return Ok(None) };
    let of_frame = |(at, &frame): (usize, &usize)| {
        let spot = |track: &Track| {
            track.places.get(at).map(|&place| Spot { kind: track.kind, colour: track.colour, place })
        };
        (frame, Spots { spots: tracks.iter().filter_map(spot).collect(), level })
    };
    Ok(Some(frames.iter().enumerate().map(of_frame).collect()))
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

/// A frame of which something else is made, and how far its tracks are planned anew: from nothing where nothing of it is left. None
/// of other frames, and of those between which others are made.
fn anew(plan: &Plan, frame: isize) -> Option<(usize, f32)> {
    let Frame::Known { index, .. } = plan.layout.frame(frame)? else { return None };
    let Known { strength, regions, motion_only, fill_between, .. } = &plan.request.known[index];
    let at = usize::try_from(frame).ok().filter(|_| *strength > 0.0 && !fill_between)?;
    let is_left = *strength < 1.0 || !regions.is_empty();
    let level = if *motion_only { REPLANNED_MOTION } else { REPLANNED * *strength as f32 };
    Some((at, if is_left { level } else { 1.0 }))
}

/// Whether all that is seen in a frame is where that is made anew.
fn changes(plan: &Plan, frame: usize, seen: &Spots) -> bool {
    let Some(Frame::Known { index, .. }) = plan.layout.frame(frame as isize) else { return false };
    let known = &plan.request.known[index];
    let seconds = plan.num_frames as f64 / plan.fps;
    let regions = known.regions_at(frame as f64 / plan.fps, seconds);
    let is_inside = |spot: &Spot| {
        let [x, y] = [(spot.place.x, plan.size.width), (spot.place.y, plan.size.height)]
            .map(|(share, side)| f64::from(share) * side as f64);
        regions
            .iter()
            .any(|[left, upper, right, lower]| (left..right).contains(&&x) && (upper..lower).contains(&&y))
    };
    known.regions.is_empty() || seen.spots.iter().all(is_inside)
}

/// The tracks of what is known of the frames of each latent frame. What is of one kind and colour is one thing, the nearest place of it if
/// there are several. A latent frame is known as well as the least known of its frames. None if one of these lacks a thing that others have, or
/// if there are more than can be planned.
fn matched(latents: &[Vec<Option<&Spots>>]) -> Option<KnownTracks> {
    let mut things: Vec<(Spot, Vec<Option<Place>>)> = Vec::new();
    let frames: Vec<Option<&Spots>> = latents.iter().flatten().copied().collect();
    for (at, seen) in frames.iter().enumerate() {
        for spot in seen.iter().flat_map(|seen| &seen.spots) {
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
    let level = |frames: &Vec<Option<&Spots>>| {
        frames.iter().map(|seen| seen.map_or(1.0, |seen| seen.level)).fold(0.0, f32::max)
    };
    let levels = latents.iter().map(level).collect();
    let tracks = things.iter().map(|(last, places)| Track {
        kind: last.kind,
        colour: last.colour,
        places: places.iter().map(|place| place.unwrap_or(last.place)).collect(),
    });
    is_whole.then(|| KnownTracks { tracks: tracks.collect(), levels })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spots<const N: usize>(spots: [Spot; N]) -> Spots {
        Spots { spots: spots.to_vec(), level: 0.0 }
    }

    fn spot(kind: usize, x: f32) -> Spot {
        let place = Place { x, y: 0.5, width: 0.1, height: 0.1, distance: 4.0, ..Place::default() };
        Spot { kind, colour: 0, place }
    }

    #[test]
    fn things_are_matched_by_what_they_are() {
        let (first, second) = ([spot(1, 0.2), spot(2, 0.8)], [spot(2, 0.7), spot(1, 0.3)]);
        let (first, second) = (spots(first), Spots { level: 0.5, ..spots(second) });
        let latents = [vec![Some(&first)], vec![None, Some(&second)], vec![Some(&first), Some(&second)]];
        let known = matched(&latents).unwrap();
        assert_eq!(known.levels, [0.0, 1.0, 0.5]);
        let of = |thing: usize| known.tracks[thing].places.iter().map(|place| place.x).collect::<Vec<_>>();
        assert_eq!((known.tracks[0].kind, known.tracks[1].kind), (1, 2));
        // Where a thing is not known any place stands for it.
        assert_eq!((of(0)[0], of(0)[2..].to_vec()), (0.2, vec![0.3, 0.2, 0.3]));
        assert_eq!((of(1)[0], of(1)[2..].to_vec()), (0.8, vec![0.7, 0.8, 0.7]));
    }

    #[test]
    fn two_of_a_kind_are_told_apart_by_where_they_are() {
        let (first, second) = ([spot(1, 0.2), spot(1, 0.8)], [spot(1, 0.75), spot(1, 0.25)]);
        let (first, second) = (spots(first), spots(second));
        let known = matched(&[vec![Some(&first)], vec![Some(&second); 2]]).unwrap();
        assert_eq!(known.tracks[0].places.iter().map(|place| place.x).collect::<Vec<_>>(), [0.2, 0.25, 0.25]);
    }

    #[test]
    fn pictures_of_other_things_are_not_planned_between() {
        let (both, one) = (spots([spot(1, 0.2), spot(2, 0.8)]), spots([spot(1, 0.2)]));
        assert_eq!(matched(&[vec![Some(&both)], vec![None; 2], vec![Some(&one); 2]]), None);
        let many = (0..=world::MOST_THINGS).map(|kind| spot(kind, 0.2)).collect();
        let many = Spots { spots: many, level: 0.0 };
        assert_eq!(matched(&[vec![Some(&many)], vec![None; 2]]), None);
        assert_eq!(matched(&[vec![None]]), Some(KnownTracks::nothing(1)));
    }
}
