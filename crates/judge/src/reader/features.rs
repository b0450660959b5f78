//! What the reader is told of each frame, apart from what the recogniser makes of its pixels.

use glam::Vec2;
use world::Kind;

use crate::{
    camera::{Explained, WAYS},
    drift::DRIFT,
    look::Sight,
    tracks::{Sighting, Track},
};

/// Numbers about a thing in a frame: itself, the nearest other one, and the frame.
pub const FEATURES: usize = OWN + NEAR + SHOT_FEATURES;
/// Numbers about a frame: the background's drift, and when it is.
pub const SHOT_FEATURES: usize = DRIFT + 2;
/// Numbers about a clip: how fast and how well each way to move the camera explains it.
pub const CAMERA_FEATURES: usize = 2 * WAYS;

const OWN: usize = NUMBERS + Kind::ALL.len() + 1;
const NUMBERS: usize = 11;
const NEAR: usize = 6;

/// The features of a track, `[frames, FEATURES]`. Where the thing was not seen, it is as it was last seen (or will be
/// first), but for the flag that says so.
pub fn features(sight: &Sight, tracks: &[Track], of: usize) -> Vec<f32> {
    let features = |frame| {
        let own = own(sight, &tracks[of], frame);
        own.into_iter().chain(nearest(tracks, of, frame)).chain(shot_features(sight, frame))
    };
    (0..sight.frames.len()).flat_map(features).collect()
}

/// The features of a frame.
pub fn shot_features(sight: &Sight, frame: usize) -> [f32; SHOT_FEATURES] {
    let count = sight.frames.len();
    let mut values = [0.0; SHOT_FEATURES];
    let drift = sight.drift[frame.max(1) - 1];
    values[..DRIFT].copy_from_slice(&drift.map(|value| value.clamp(-5.0, 5.0)));
    values[DRIFT] = frame as f32 / (count - 1) as f32;
    values[DRIFT + 1] = (count as f32 / 17.0).ln();
    values
}

/// What each way to move the camera explains of a clip.
pub fn camera_features(sight: &Sight) -> [f32; CAMERA_FEATURES] {
    let of = |way: &Explained| [way.rate.clamp(-4.0, 4.0), 3.0 * way.gain.sqrt()];
    let mut values = [0.0; CAMERA_FEATURES];
    values.iter_mut().zip(sight.camera.iter().flat_map(of)).for_each(|(value, number)| *value = number);
    values
}

/// What was seen in the frame, or in the nearest one before it, or else behind it.
fn near_in_time(track: &Track, frame: usize) -> Option<&Sighting> {
    let before = track.seen().rev().find(|(at, _)| *at <= frame);
    before.or_else(|| track.seen().find(|(at, _)| *at > frame)).map(|(_, sighting)| sighting)
}

fn own(sight: &Sight, track: &Track, frame: usize) -> [f32; OWN] {
    let mut values = [0.0; OWN];
    let Some(is) = near_in_time(track, frame) else { return values };
    let is_seen = track.sightings[frame].is_some();
    let size = Vec2::new(sight.width as f32, sight.height as f32);
    let centre = track.centre(frame).unwrap_or(is.centre);
    let before = track.centre(frame.saturating_sub(1)).unwrap_or(centre);
    let after = track.centre((frame + 1).min(track.sightings.len() - 1)).unwrap_or(centre);
    let at = centre / size * 2.0 - 1.0;
    let (came, goes) = ((centre - before) / 4.0, (after - centre) / 4.0);
    let numbers: [f32; NUMBERS] = [
        f32::from(is_seen),
        at.x,
        at.y,
        came.x,
        came.y,
        goes.x,
        goes.y,
        is.extent.x / 32.0 - 1.0,
        is.extent.y / 32.0 - 1.0,
        (is.distance / 5.0).ln() * 2.0,
        if is_seen { is.shown() } else { 0.0 },
    ];
    for (value, number) in values.iter_mut().zip(numbers) {
        *value = number.clamp(-5.0, 5.0);
    }
    values[NUMBERS..].copy_from_slice(&is.kinds);
    values
}

/// The nearest other thing: that there is one, where it is in sizes of this one, how much farther from the camera, how
/// wide it is, and whether it is seen.
fn nearest(tracks: &[Track], of: usize, frame: usize) -> [f32; NEAR] {
    let none = [0.0; NEAR];
    let Some(is) = near_in_time(&tracks[of], frame) else { return none };
    let centre = tracks[of].centre(frame).unwrap_or(is.centre);
    let others = tracks.iter().enumerate().filter(|(index, _)| *index != of);
    let seen = others.filter_map(|(_, track)| {
        Some((track.centre(frame)?, near_in_time(track, frame)?, track.sightings[frame].is_some()))
    });
    let nearest = seen.min_by(|a, b| a.0.distance(centre).total_cmp(&b.0.distance(centre)));
    let Some((at, other, is_seen)) = nearest else { return none };
    let unit = is.extent.max_element().max(8.0);
    let to = (at - centre) / unit;
    [
        1.0,
        to.x.clamp(-3.0, 3.0),
        to.y.clamp(-3.0, 3.0),
        4.0 * (other.distance / is.distance).ln().clamp(-1.0, 1.0),
        (other.extent.x / unit).min(5.0),
        f32::from(is_seen),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_it_says_and_hidden_things_stay_where_they_were() {
        let seen = Sighting { centre: Vec2::new(96.0, 64.0), ..Sighting::example() };
        let hidden = |frame| if (3..6).contains(&frame) { None } else { Some(seen.clone()) };
        let track = Track { sightings: (0..9).map(hidden).collect() };
        let sight = Sight::example(9);
        let values = features(&sight, &[track.clone(), Track { sightings: vec![None; 9] }], 0);
        assert_eq!(values.len(), 9 * FEATURES);
        let of = |frame: usize| &values[frame * FEATURES..][..FEATURES];
        assert_eq!([of(2)[0], of(4)[0], of(8)[0]], [1.0, 0.0, 1.0]);
        assert_eq!([of(4)[1], of(4)[2]], [0.5, 0.0]);
        assert_eq!(of(8)[FEATURES - 2], 1.0);
        assert!(
            features(&sight, &[track, Track { sightings: vec![None; 9] }], 1)[..OWN + NEAR]
                .iter()
                .all(|value| *value == 0.0)
        );
    }
}
