//! Tracks that go on from what is known without a jump.
//!
//! A planner draws all of a clip's tracks from noise, and what it plans beside frames that are given is a little off: by a tenth
//! of the frame now and then, which is seen as a jump where pictures that were given meet those that are made. So what is planned is moved to
//! where what is known leads, all of the way beside it and less with each frame.

use models::tracks::{Place, Track};

/// Frames until nothing is left of that.
const FRAMES: usize = 8;

/// Moves what is planned in frames of which nothing is known, level 1, to those beside them that are known, level 0. `levels` has that
/// of each frame.
pub(crate) fn join(tracks: &mut [Track], levels: &[f32]) {
    let mut end = 0;
    for run in levels.chunk_by(|a, b| a == b) {
        let (start, level) = (end, run[0]);
        end += run.len();
        let known = |frame: &usize| levels.get(*frame) == Some(&0.0);
        let before = start.checked_sub(1).filter(known).map(|known| Side { known, first: start, on: 1 });
        let behind = Some(end).filter(known).map(|known| Side { known, first: end - 1, on: -1 });
        let sides: Vec<Side> = [before, behind].into_iter().flatten().collect();
        if level != 1.0 || sides.is_empty() {
            continue;
        }
        // What is known on both sides is met on both.
        let fade = FRAMES.min((run.len() + 1 - sides.len()).max(1)) as f32;
        for Track { places, .. } in &mut *tracks {
            let numbers: Vec<Numbers> = places.iter().copied().map(numbers).collect();
            let offsets: Vec<Numbers> = sides.iter().map(|side| side.offset(&numbers, levels)).collect();
            for frame in start..end {
                let share = |side: &Side| (1.0 - frame.abs_diff(side.first) as f32 / fade).max(0.0);
                let all: f32 = sides.iter().map(share).sum();
                let mut moved = numbers[frame];
                for (side, offset) in sides.iter().zip(&offsets) {
                    let share = share(side) / all.max(1.0);
                    moved.iter_mut().zip(offset).for_each(|(number, offset)| *number += share * offset);
                }
                places[frame] = place(moved, places[frame]);
            }
        }
    }
}

/// Where what is known meets what is planned.
struct Side {
    /// The frame beside those that are planned,
    known: usize,
    /// the one of these beside it,
    first: usize,
    /// and the way on from there: 1 or -1.
    on: isize,
}

impl Side {
    /// By how much a thing is not where what is known of it leads, in the first frame that is planned.
    fn offset(&self, numbers: &[Numbers], levels: &[f32]) -> Numbers {
        let &Self { known, first, on } = self;
        // How far it goes in a step, away from what is known, in frames that are all of one level.
        let step = |from: usize, steps: isize| -> Option<Numbers> {
            let other = from.checked_add_signed(steps * on)?;
            let (a, b) =
                (numbers[from], numbers.get(other).filter(|_| levels.get(other) == levels.get(from))?);
            Some(std::array::from_fn(|of| (b[of] - a[of]) / steps as f32))
        };
        let came = step(known, -2).or_else(|| step(known, -1));
        let goes = step(first, 1);
        let leads: Numbers = match (came, goes) {
            (Some(came), Some(goes)) => std::array::from_fn(|of| f32::midpoint(came[of], goes[of])),
            (came, goes) => came.or(goes).unwrap_or_default(),
        };
        std::array::from_fn(|of| numbers[known][of] + leads[of] - numbers[first][of])
    }
}

/// Across, down, and the logarithms of width, height and distance.
pub(crate) type Numbers = [f32; 5];

/// Sizes and distances are logarithms: they are so many times as large beside each other.
pub(crate) fn numbers(Place { x, y, width, height, distance, .. }: Place) -> Numbers {
    let log = |size: f32| size.max(1e-3).ln();
    [x, y, log(width), log(height), log(distance)]
}

pub(crate) fn place([x, y, width, height, distance]: Numbers, of: Place) -> Place {
    Place { x, y, width: width.exp(), height: height.exp(), distance: distance.exp(), ..of }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thing that goes to the right by a twentieth a frame, and by so much beside that in each frame.
    fn track(off: impl Fn(usize) -> f32) -> Track {
        let place = |frame: usize| Place {
            x: 0.05 * frame as f32 + off(frame),
            y: 0.5,
            width: 0.2,
            height: 0.2 * (1.0 + off(frame)),
            distance: 4.0,
            ..Place::default()
        };
        Track { kind: 1, colour: 2, places: (0..17).map(place).collect() }
    }

    /// The levels of latent frames, each but the first of so many frames.
    fn of_latents(latents: &[f32], factor: usize) -> Vec<f32> {
        latents
            .iter()
            .enumerate()
            .flat_map(|(at, &level)| vec![level; if at == 0 { 1 } else { factor }])
            .collect()
    }

    #[test]
    fn what_is_planned_goes_on_from_what_is_known() {
        // Frames 0 to 4 are known, and then all is a tenth too far.
        let mut tracks = [track(|frame| if frame < 5 { 0.0 } else { 0.1 })];
        let planned = tracks.clone();
        join(&mut tracks, &of_latents(&[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 2));
        let [found, planned] = [&tracks[0].places, &planned[0].places];
        assert_eq!(found[..5], planned[..5]);
        assert!((found[5].x - 0.25).abs() < 1e-5 && (found[5].height - 0.2).abs() < 1e-5, "{:?}", found[5]);
        assert!((found[9].x - 0.5).abs() < 1e-5, "half of it is left: {:?}", found[9]);
        for (found, planned) in found[13..].iter().zip(&planned[13..]) {
            assert!((found.x - planned.x).abs() < 1e-5 && (found.height - planned.height).abs() < 1e-5);
        }
    }

    #[test]
    fn what_is_between_meets_both() {
        let mut tracks = [track(|frame| if (5..9).contains(&frame) { -0.2 } else { 0.0 })];
        join(&mut tracks, &of_latents(&[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], 2));
        let found = &tracks[0].places;
        assert!((found[5].x - 0.25).abs() < 1e-5 && (found[8].x - 0.4).abs() < 1e-5, "{found:?}");
        // A single frame lies half way between where both sides lead.
        let mut tracks = [track(|frame| if frame == 1 { 0.3 } else { 0.0 })];
        join(&mut tracks, &of_latents(&[0.0, 1.0, 0.0], 1));
        assert!((tracks[0].places[1].x - 0.05).abs() < 1e-5, "{:?}", tracks[0].places[1]);
    }

    #[test]
    fn a_single_picture_says_nothing_of_where_things_go() {
        let mut tracks = [track(|frame| if frame == 0 { 0.0 } else { 0.1 })];
        join(&mut tracks, &of_latents(&[0.0, 1.0, 1.0, 1.0, 1.0], 4));
        assert!((tracks[0].places[1].x - 0.05).abs() < 1e-5, "{:?}", tracks[0].places[1]);
    }

    #[test]
    fn what_is_planned_anew_in_part_stays_as_it_was_planned() {
        for levels in [[0.5, 0.5, 0.5], [0.0, 0.5, 0.5], [1.0, 1.0, 1.0], [1.0, 0.5, 1.0]] {
            let planned = [track(|frame| 0.1 * (frame % 2) as f32)];
            let mut tracks = planned.clone();
            join(&mut tracks, &of_latents(&levels, 8));
            assert_eq!(tracks[0].places, planned[0].places);
        }
    }
}
