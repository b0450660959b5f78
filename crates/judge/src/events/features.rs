//! What the event reader is told of each frame of a track.

use glam::Vec2;
use world::{Action, Kind};

use crate::{
    drift::DRIFT,
    look::Sight,
    tracks::{Sighting, Track},
};

/// Numbers about each frame.
pub const FEATURES: usize = OWN + NEAR + DRIFT + 2;

/// About the thing itself, and about the one that is nearest to it.
const OWN: usize = 20 + Action::ALL.len() + Kind::ALL.len();
const NEAR: usize = 7;

/// The features of a track, `[frames, FEATURES]`. Where the thing was not seen, it is as it was last seen (or will be
/// first), but for the flag that says so.
pub fn features(sight: &Sight, tracks: &[Track], of: usize) -> Vec<f32> {
    let count = sight.frames.len();
    let mut values = Vec::with_capacity(count * FEATURES);
    for frame in 0..count {
        let start = values.len();
        values.extend(own(sight, &tracks[of], frame));
        values.extend(nearest(tracks, of, frame));
        values.extend(sight.drift[frame.max(1) - 1].map(|value| value.clamp(-5.0, 5.0)));
        let progress = frame as f32 / (count - 1) as f32;
        values.extend([progress, (count as f32 / 17.0).ln()]);
        debug_assert_eq!(values.len() - start, FEATURES);
    }
    values
}

/// The features of the same track in a clip whose left and right are swapped.
pub fn mirror(features: &mut [f32]) {
    // Places and ways along the frame's width, spins about the axes in the plane of the mirror, and the drift's parts that
    // change their sign.
    let near = OWN;
    let drift = near + NEAR;
    let flipped = [1, 3, 5, 10, 14, 15, near + 1, drift, drift + 2, drift + 4];
    for frame in features.chunks_exact_mut(FEATURES) {
        flipped.iter().for_each(|&index| frame[index] = -frame[index]);
    }
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
    let share = is.area / is.extent.element_product().max(1.0);
    let numbers = [
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
        is.velocity.x,
        is.velocity.y,
        is.velocity.z,
        is.spin.x / 3.0,
        is.spin.y / 3.0,
        is.spin.z / 3.0,
        is.height,
        is.stride / 0.2,
        is.wings,
        if is_seen { share } else { 0.0 },
    ];
    for (value, number) in values.iter_mut().zip(numbers) {
        *value = number.clamp(-5.0, 5.0);
    }
    values[20..20 + Action::ALL.len()].copy_from_slice(&is.actions);
    values[20 + Action::ALL.len()..].copy_from_slice(&is.kinds[..Kind::ALL.len()]);
    values
}

/// The nearest other thing: that there is one, where it is in sizes of this one, how much farther from the camera, its
/// speed, how wide it is, and whether it is seen.
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
        other.velocity.length().min(4.0),
        other.extent.x / unit,
        f32::from(is_seen),
    ]
}
