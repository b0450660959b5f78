//! From the things of each frame to things over time.

use glam::Vec2;

use super::{Track, blobs, likeness, sighting::Sighting};
use crate::look::Sight;

/// A track is continued by what costs at most this.
const MOST_COST: f32 = 2.2;
/// What another colour and another kind cost at most.
const COLOUR_COST: f32 = 2.4;
const KIND_COST: f32 = 0.8;
/// What a frame in which it was not seen costs.
const GAP_COST: f32 = 0.04;
/// The fewest frames that make a track, and the share of the clip's.
const FEWEST_FRAMES: usize = 2;
const LEAST_SHARE: f32 = 0.12;
/// What shows less of its own box than this is a rim or a corner of something else: of the world's things a seventh is seen even of those
/// that come out from behind others, and of such rims a twentieth.
const LEAST_SHOWN: f32 = 0.08;

/// The things of a clip, those that are seen most first.
pub fn tracks(sight: &Sight) -> Vec<Track> {
    let seen = sight.frames.iter().map(|frame| blobs::sightings(sight, frame)).collect();
    link(seen)
}

/// Links what is seen in each frame.
fn link(frames: Vec<Vec<Sighting>>) -> Vec<Track> {
    let count = frames.len();
    let mut tracks: Vec<Track> = Vec::new();
    for (frame, sightings) in frames.into_iter().enumerate() {
        let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
        for (track, of) in tracks.iter().enumerate() {
            for (index, sighting) in sightings.iter().enumerate() {
                pairs.push((cost(of, frame, sighting), track, index));
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut free: Vec<Option<Sighting>> = sightings.into_iter().map(Some).collect();
        for (cost, track, index) in pairs {
            let is_open = tracks[track].sightings[frame].is_none();
            if cost <= MOST_COST && is_open && free[index].is_some() {
                tracks[track].sightings[frame] = free[index].take();
            }
        }
        for sighting in free.into_iter().flatten() {
            let mut track = Track { sightings: vec![None; count] };
            track.sightings[frame] = Some(sighting);
            tracks.push(track);
        }
    }
    let fewest = FEWEST_FRAMES.max((LEAST_SHARE * count as f32).ceil() as usize);
    tracks.retain(|track| track.frames_seen() >= fewest && shown(track) >= LEAST_SHOWN);
    let total = |track: &Track| track.seen().map(|(_, sighting)| sighting.area).sum::<f32>();
    tracks.sort_by(|a, b| total(b).total_cmp(&total(a)));
    tracks
}

/// The share of its box that is seen of a thing, in the mean of the frames in which it is.
fn shown(track: &Track) -> f32 {
    track.seen().map(|(_, sighting)| sighting.shown()).sum::<f32>() / track.frames_seen().max(1) as f32
}

/// What it costs to take a sighting for the next of a track.
fn cost(track: &Track, frame: usize, sighting: &Sighting) -> f32 {
    let mut seen = track.seen().rev();
    let Some((last, is)) = seen.next() else { return f32::INFINITY };
    let before = seen.next().filter(|(before, _)| last - before == 1);
    let speed = before.map_or(Vec2::ZERO, |(_, was)| is.centre - was.centre);
    let gap = (frame - last) as f32;
    let expected = is.centre + speed * gap.min(4.0);
    // Whatever is nearer: it may have stopped, or gone on.
    let away = sighting.centre.distance(expected).min(sighting.centre.distance(is.centre));
    let size = 6.0 + 0.4 * is.extent.max_element() * (1.0 + 0.15 * (gap - 1.0)).min(2.0);
    away / size
        + COLOUR_COST * (1.0 - likeness(&is.colours, &sighting.colours))
        + KIND_COST * (1.0 - likeness(&is.kinds, &sighting.kinds))
        + GAP_COST * (gap - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(x: f32, colour: usize) -> Sighting {
        let mut colours = [0.0; 8];
        colours[colour] = 1.0;
        let mut kinds = [0.0; 14];
        kinds[0] = 1.0;
        Sighting { centre: Vec2::new(x, 60.0), kinds, colours, ..Sighting::example() }
    }

    #[test]
    fn a_thing_that_was_hidden_is_the_same_when_it_comes_out() {
        // From 10 to 90 at 5 pixels a frame, hidden from frame 6 to 10; another stands still at 50.
        let frames = (0..17).map(|frame| {
            let moving = (!(6..=10).contains(&frame)).then(|| sighting(10.0 + 5.0 * frame as f32, 0));
            moving.into_iter().chain([sighting(50.0, 3)]).collect()
        });
        let tracks = link(frames.collect());
        assert_eq!(tracks.len(), 2);
        let seen: Vec<usize> = tracks.iter().map(Track::frames_seen).collect();
        assert_eq!(seen, [17, 12]);
        assert_eq!(tracks[1].span(), Some((0, 16)));
        assert_eq!(tracks[1].centre(8), Some(Vec2::new(50.0, 60.0)));
    }

    /// Of a dog behind a cube an ear and the tail are seen, and one of the two is taken for another dog.
    #[test]
    fn a_rim_of_something_is_no_thing() {
        let of = |area: f32| Sighting { area, extent: Vec2::splat(40.0), ..sighting(50.0, 0) };
        let behind = |area: f32| Sighting { centre: Vec2::new(90.0, 60.0), ..of(area) };
        let tracks = |area: f32| link((0..17).map(|_| vec![of(800.0), behind(area)]).collect());
        assert_eq!([60.0, 300.0].map(|area| tracks(area).len()), [1, 2]);
    }

    #[test]
    fn another_colour_is_another_thing_and_a_flash_is_none() {
        let frames = (0..17).map(|frame| match frame {
            0..8 => vec![sighting(50.0, 0)],
            12 => vec![sighting(50.0, 4), sighting(110.0, 2)],
            _ => vec![sighting(50.0, 4)],
        });
        let tracks = link(frames.collect());
        let spans: Vec<_> = tracks.iter().map(|track| track.span().unwrap()).collect();
        assert_eq!(spans, [(8, 16), (0, 7)]);
    }
}
