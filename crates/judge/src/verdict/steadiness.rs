//! What changes that should not: things that appear, vanish or turn into others.

use std::fmt;

use glam::Vec2;
use serde::Serialize;
use world::{Colour, Kind};

use crate::{
    look::Sight,
    tracks::{Sighting, Track},
};

/// A change that the world does not know.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A thing is there from this frame on, in full view, and was not before.
    Appears {
        /// What it is.
        kind: Kind,
        /// From 0.
        frame: usize,
    },
    /// A thing was in full view in this frame, and is not there afterwards.
    Disappears {
        /// What it is.
        kind: Kind,
        /// From 0.
        frame: usize,
    },
    /// A thing is another in this frame than it was before.
    Turns {
        /// What it was.
        from: (Colour, Kind),
        /// What it is.
        to: (Colour, Kind),
        /// From 0.
        frame: usize,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Appears { kind, frame } => write!(f, "{kind:?} appears in frame {frame}"),
            Self::Disappears { kind, frame } => write!(f, "{kind:?} vanishes after frame {frame}"),
            Self::Turns { from, to, frame } => {
                write!(f, "{:?} {:?} turns into {:?} {:?} in frame {frame}", from.0, from.1, to.0, to.1)
            }
        }
    }
}

/// Frames in which a thing need not be seen although nothing hides it: the recogniser may miss it for a moment.
const MISSED: usize = 2;
/// Sightings that are compared at either end of what a thing was hidden by, or of the clip.
const COMPARED: usize = 3;
/// What is likelier than this is sure.
const SURE: f32 = 0.8;

/// The changes of the tracks that `lasting` lists.
pub fn changes(tracks: &[Track], lasting: &[usize], sight: &Sight) -> Vec<Change> {
    let count = sight.frames.len();
    let mut found = Vec::new();
    for &index in lasting {
        let track = &tracks[index];
        let Some((first, last)) = track.span() else { continue };
        let hides = |frame: usize| may_hide(tracks, index, frame, sight);
        if first > MISSED && !hides(first) && !hides(first - 1) {
            found.push(Change::Appears { kind: track.kind(), frame: first });
        }
        if last + MISSED < count - 1 && !hides(last) && !hides(last + 1) {
            found.push(Change::Disappears { kind: track.kind(), frame: last });
        }
        let seen: Vec<usize> = track.seen().map(|(frame, _)| frame).collect();
        for pair in seen.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            if after - before > MISSED + 1 && !(before..=after).any(hides) {
                found.push(Change::Disappears { kind: track.kind(), frame: before });
            }
        }
        found.extend(turns(track));
    }
    found
}

/// Whether the thing could be out of view in a frame: at the border, or where another thing is.
fn may_hide(tracks: &[Track], of: usize, frame: usize, sight: &Sight) -> bool {
    let Some(centre) = tracks[of].centre(frame) else { return false };
    let Some(near) = tracks[of].nearest(frame) else { return false };
    let half = near.extent / 2.0;
    let size = Vec2::new(sight.width as f32, sight.height as f32);
    let at_border = (centre - half).min_element() < 2.0 || (size - centre - half).min_element() < 2.0;
    let behind = tracks.iter().enumerate().filter(|(other, _)| *other != of).any(|(_, other)| {
        let Some(at) = other.centre(frame) else { return false };
        let extent = other.nearest(frame).map_or(Vec2::ZERO, |is| is.extent);
        (at - centre).abs().cmplt((extent / 2.0 + half) * 1.1).all()
    });
    at_border || behind
}

/// Whether a track is something else at its end than at its beginning, or after it was hidden.
fn turns(track: &Track) -> Option<Change> {
    let seen: Vec<(usize, &Sighting)> = track.seen().collect();
    let gap = seen.windows(2).position(|pair| pair[1].0 - pair[0].0 > MISSED + 1);
    let parts = match gap {
        Some(at) => (&seen[..=at], &seen[at + 1..]),
        None => seen.split_at(seen.len() / 2),
    };
    let ends = |part: &[(usize, &Sighting)], from_end: bool| {
        let compared = COMPARED.min(part.len());
        let some = if from_end { &part[part.len() - compared..] } else { &part[..compared] };
        Track { sightings: some.iter().map(|(_, sighting)| Some((*sighting).clone())).collect() }
    };
    // Across a gap its two sides, otherwise the two ends of the clip.
    let (from, to) = match gap {
        Some(_) => (ends(parts.0, true), ends(parts.1, false)),
        None => (ends(parts.0, false), ends(parts.1, true)),
    };
    let frame = parts.1.first().map_or(0, |(frame, _)| *frame);
    let [was, is] = [&from, &to].map(|end| (end.colour(), end.kind()));
    // Only what is sure before and behind has turned.
    let turned = |at: usize, was: &[f32], is: &[f32]| was[at] > SURE && is[at] < 1.0 - SURE;
    let kinds = (from.kinds(), to.kinds());
    let colours = (from.colours(), to.colours());
    let other_kind = turned(was.1 as usize, &kinds.0, &kinds.1) && kinds.1[is.1 as usize] > SURE;
    let other_colour = turned(was.0 as usize, &colours.0, &colours.1) && colours.1[is.0 as usize] > SURE;
    (other_kind || other_colour).then_some(Change::Turns { from: was, to: is, frame })
}
