//! What a planner lets waver stands still.
//!
//! Of a thing that rests each frame of a plan has it a pixel elsewhere, and what is drawn by such a plan shimmers at its outlines.
//! So what hardly leaves its place in all that is planned at once is held there, and through the numbers of the rest go straight lines,
//! each through those around it in time that are like it: a bilateral filter (Tomasi and Manduchi 1998) of first order. What moves
//! goes by more than that in a frame or two, and stays as it was planned.

use std::ops::Range;

use models::tracks::{Place, Pose, Track};

/// What rests changes by no more than this: shares of the picture, of its size and of its distance.
const RESTS: f32 = 0.035;
const RESTS_SIZE: f32 = 0.06;
/// Frames of this many to either side count, falling off as a normal distribution with that deviation.
const FRAMES: f32 = 6.0;
/// Numbers are alike that differ by no more than this, likewise, and radians.
const ALIKE: f32 = 0.012;
const ALIKE_SIZE: f32 = 0.02;
const ALIKE_TURN: f32 = 0.06;
/// No line goes through so little.
const LEAST_SPREAD: f32 = 1e-3;

/// Calms what is planned in frames of which nothing is known, level 1, beside those that are known, level 0. `levels` has that of each
/// frame.
pub(crate) fn calm(tracks: &mut [Track], levels: &[f32]) {
    for Track { places, .. } in tracks {
        let planned: Vec<Numbers> = places.iter().map(numbers).collect();
        let mut calmed: Vec<Numbers> = (0..planned.len()).map(|frame| filtered(&planned, frame)).collect();
        if rests(&planned) {
            hold(&planned, &mut calmed, levels);
        }
        let anew = places.iter_mut().zip(calmed).zip(levels).filter(|(_, level)| **level == 1.0);
        anew.for_each(|((is, calmed), _)| *is = place(calmed));
    }
}

/// Whether a thing is about where it is, and of its size, in all frames.
fn rests(planned: &[Numbers]) -> bool {
    OF_PLACE.into_iter().all(|at| {
        let values = planned.iter().map(|numbers| numbers[at]);
        let (least, most) = (values.clone().fold(f32::MAX, f32::min), values.fold(f32::MIN, f32::max));
        most - least < if OF_SIZE.contains(&at) { RESTS_SIZE } else { RESTS }
    })
}

/// Where a thing rests: between where it is known to be beside those frames, or there if it is on one side alone, or else in the mean.
fn hold(planned: &[Numbers], held: &mut [Numbers], levels: &[f32]) {
    let known = |frame: usize| (levels.get(frame) == Some(&0.0)).then(|| planned[frame]);
    let mut end = 0;
    for run in levels.chunk_by(|a, b| a == b) {
        let (start, count) = (end, run.len() as f32);
        end += run.len();
        let [before, behind] = [start.checked_sub(1).and_then(known), known(end)];
        for at in OF_PLACE {
            let mean = || planned[start..end].iter().map(|numbers| numbers[at]).sum::<f32>() / count;
            let [from, to] =
                [before.or(behind), behind.or(before)].map(|side| side.map_or_else(mean, |side| side[at]));
            for frame in start..end {
                let share = (frame + 1 - start) as f32 / (count + 1.0);
                held[frame][at] = from + share * (to - from);
            }
        }
    }
}

/// What the numbers around a frame that are like those in it are there, as a straight line goes through them.
fn filtered(planned: &[Numbers], frame: usize) -> Numbers {
    std::array::from_fn(|at| {
        // Sums of weights with powers of how many frames later, and of those with the numbers.
        let (mut sums, mut with) = ([0.0; 3], [0.0; 2]);
        for (other, of) in planned.iter().enumerate() {
            let later = other as f32 - frame as f32;
            let unlike = (of[at] - planned[frame][at]) / alike(at);
            let weight = (-0.5 * ((later / FRAMES).powi(2) + unlike.powi(2))).exp();
            (0..3).for_each(|power| sums[power] += weight * later.powi(power as i32));
            (0..2).for_each(|power| with[power] += weight * later.powi(power as i32) * of[at]);
        }
        let spread = sums[0] * sums[2] - sums[1] * sums[1];
        // A number that no other is like is itself.
        if spread < LEAST_SPREAD {
            planned[frame][at]
        } else {
            (sums[2] * with[0] - sums[1] * with[1]) / spread
        }
    })
}

/// The numbers of a place: where it is, how large and far away, and how it is turned.
const NUMBERS: usize = 14;
const OF_PLACE: Range<usize> = 0..5;
const OF_SIZE: Range<usize> = 2..5;

type Numbers = [f32; NUMBERS];

fn alike(at: usize) -> f32 {
    match at {
        _ if OF_SIZE.contains(&at) => ALIKE_SIZE,
        _ if OF_PLACE.contains(&at) => ALIKE,
        _ => ALIKE_TURN,
    }
}

fn numbers(&Place { x, y, width, height, distance, pose }: &Place) -> Numbers {
    let [width, height, distance] = [width, height, distance].map(|size| size.max(1e-3).ln());
    let Pose { front: [a, b, c], top: [d, e, f], stride, wings, spread } = pose;
    [x, y, width, height, distance, a, b, c, d, e, f, stride, wings, spread]
}

fn place([x, y, width, height, distance, a, b, c, d, e, f, stride, wings, spread]: Numbers) -> Place {
    let pose = Pose { front: [a, b, c], top: [d, e, f], stride, wings, spread };
    Place { x, y, width: width.exp(), height: height.exp(), distance: distance.exp(), pose }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thing that goes so far in each of 17 frames, and wavers by a pixel of 128 beside that.
    fn track(step: f32) -> Vec<Track> {
        let wavers = |frame: usize| [1.0, -0.6, 0.3, -1.0, 0.7][frame % 5] / 128.0;
        let place = |frame: usize| Place {
            x: 0.1 + step * frame as f32 + wavers(frame),
            y: 0.5,
            width: 0.2,
            height: 0.3 * (1.0 + wavers(frame)),
            distance: 4.0,
            pose: Pose { front: [0.0, wavers(frame), 1.0], ..Pose::default() },
        };
        vec![Track { kind: 1, colour: 2, places: (0..17).map(place).collect() }]
    }

    /// The largest change of the place across from one frame to the next beside `step`.
    fn waver(track: &Track, step: f32) -> f32 {
        track.places.array_windows().map(|[a, b]| (b.x - a.x - step).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn what_rests_stands_still_and_what_moves_goes_on() {
        let levels = [1.0; 17];
        let mut rests = track(0.0);
        let planned = rests[0].clone();
        calm(&mut rests, &levels);
        assert!(waver(&rests[0], 0.0) < 1e-6 && waver(&planned, 0.0) > 1.0 / 128.0, "{:?}", rests[0]);
        let front =
            |track: &Track| track.places.iter().map(|place| place.pose.front[1].abs()).fold(0.0, f32::max);
        assert!(front(&rests[0]) < 0.5 * front(&planned), "{} {}", front(&rests[0]), front(&planned));

        let mut goes = track(0.05);
        let planned = goes[0].clone();
        calm(&mut goes, &levels);
        for (found, planned) in goes[0].places.iter().zip(&planned.places) {
            assert!((found.x - planned.x).abs() < 0.2 / 128.0, "{} {}", found.x, planned.x);
            // It does not waver in what does not change.
            assert!((found.height - 0.3).abs() < 0.3 * 0.5 / 128.0, "{}", found.height);
        }
    }

    #[test]
    fn what_is_known_stays_and_the_rest_rests_there() {
        let mut levels = [1.0; 17];
        levels[..5].fill(0.0);
        let mut tracks = track(0.0);
        let planned = tracks[0].places.clone();
        calm(&mut tracks, &levels);
        assert_eq!(tracks[0].places[..5], planned[..5]);
        let is_there = |place: &Place, x: f32| (place.x - x).abs() < 1e-6;
        assert!(tracks[0].places[5..].iter().all(|place| is_there(place, planned[4].x)), "{tracks:?}");
        // Between two places it goes from one to the other.
        levels[16] = 0.0;
        let mut tracks = track(0.0);
        calm(&mut tracks, &levels);
        let middle = f32::midpoint(planned[4].x, planned[16].x);
        assert!(is_there(&tracks[0].places[10], middle), "{tracks:?}");
        // What is planned anew in part stays as it was planned.
        levels[5..].fill(0.5);
        let mut tracks = track(0.0);
        calm(&mut tracks, &levels);
        assert_eq!(tracks[0].places, planned);
    }
}
