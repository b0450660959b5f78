//! Tracks that go on from what is known without a jump.
//!
//! A planner draws all of a clip's tracks from noise, and what it plans beside frames that are given is a little off: by a tenth
//! of the frame now and then, which is seen as a jump where pictures that were given meet those that are made. So what is planned is moved to
//! where what is known leads, all of the way beside it and less with each frame.

use models::tracks::{Place, Track};

/// Frames until nothing is left of that.
const FRAMES: usize = 8;

/// Moves what is planned in latent frames of which nothing is known, level 1, to those beside them that are known, level 0. `factor` is
/// how many frames a latent one is of; the first is of one.
pub(crate) fn join(tracks: &mut [Track], levels: &[f32], factor: usize) {
    let of_latent = |latent: usize| if latent == 0 { 1 } else { factor };
    let levels: Vec<f32> =
        levels.iter().enumerate().flat_map(|(latent, &level)| vec![level; of_latent(latent)]).collect();
    let runs = levels.chunk_by(|a, b| a == b).scan(0, |end, run| {
        let start = *end;
        *end += run.len();
        Some((start..*end, run[0]))
    });
    for (run, _) in runs.filter(|(_, level)| *level == 1.0) {
        let known = |frame: usize| levels.get(frame) == Some(&0.0);
        let before = run.start.checked_sub(1).filter(|&frame| known(frame));
        let behind = Some(run.end).filter(|&frame| known(frame));
        if before.or(behind).is_none() {
            continue;
        }
        for Track { places, .. } in &mut *tracks {
            let fade = FRAMES.min(run.len());
            let numbers: Vec<[f32; 5]> = places.iter().copied().map(numbers).collect();
            let offset = |known: Option<usize>, first: usize, on: isize| {
                let known = known?;
                let at = |from: usize, steps: isize| {
                    let frame = from.checked_add_signed(steps * on)?;
                    numbers.get(frame).filter(|_| levels[frame] == levels[from])
                };
                // As it went on, and as it is to go on.
                let step = |from: usize, to: isize| -> Option<[f32; 5]> {
                    let (a, b) = (numbers[from], at(from, to)?);
                    Some(std::array::from_fn(|of| (b[of] - a[of]) / to as f32))
                };
                let came = step(known, -2).or_else(|| step(known, -1)).unwrap_or_default();
                let goes = step(first, 1).unwrap_or_default();
                Some(std::array::from_fn(|of| {
                    numbers[known][of] + f32::midpoint(came[of], goes[of]) - numbers[first][of]
                }))
            };
            let offsets: [Option<[f32; 5]>; 2] =
                [offset(before, run.start, 1), offset(behind, run.end - 1, -1)];
            for (at, frame) in run.clone().enumerate() {
                let beside = [at, run.len() - 1 - at];
                let mut moved = numbers[frame];
                for (offset, beside) in offsets.iter().zip(beside) {
                    let share = 1.0 - beside.min(fade) as f32 / fade as f32;
                    if let Some(offset) = offset {
                        moved.iter_mut().zip(offset).for_each(|(number, offset)| *number += share * offset);
                    }
                }
                places[frame] = place(moved, places[frame]);
            }
        }
    }
}

/// Sizes and distances are logarithms: they are so many times as large beside each other.
fn numbers(Place { x, y, width, height, distance, .. }: Place) -> [f32; 5] {
    let log = |size: f32| size.max(1e-3).ln();
    [x, y, log(width), log(height), log(distance)]
}

fn place([x, y, width, height, distance]: [f32; 5], of: Place) -> Place {
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

    #[test]
    fn what_is_planned_goes_on_from_what_is_known() {
        // Frames 0 to 4 are known, and then all is a tenth too far.
        let mut tracks = [track(|frame| if frame < 5 { 0.0 } else { 0.1 })];
        let planned = tracks.clone();
        join(&mut tracks, &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 2);
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
        join(&mut tracks, &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], 2);
        let found = &tracks[0].places;
        assert!((found[5].x - 0.25).abs() < 0.06 && (found[8].x - 0.4).abs() < 0.06, "{found:?}");
        assert!(found[5].x > 0.2, "it does not go back: {found:?}");
    }

    #[test]
    fn what_is_planned_anew_in_part_stays_as_it_was_planned() {
        for levels in [[0.5, 0.5, 0.5], [0.0, 0.5, 0.5], [1.0, 1.0, 1.0], [1.0, 0.5, 1.0]] {
            let planned = [track(|frame| 0.1 * (frame % 2) as f32)];
            let mut tracks = planned.clone();
            join(&mut tracks, &levels, 8);
            assert_eq!(tracks[0].places, planned[0].places);
        }
    }
}
