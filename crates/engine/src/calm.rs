//! What a planner lets waver stands still.
//!
//! Of a thing that rests each frame of a plan has it a pixel elsewhere, and what is drawn by such a plan shimmers at its outlines.
//! So what hardly leaves its place in all that is planned at once is held there. What moves stays as it was planned.

use models::tracks::{Place, Track};

use crate::continuity::{Numbers, numbers, place};

/// What rests changes by no more than this: across and down, shares of the picture; its width, its height and its distance, shares
/// of themselves.
const RESTS: Numbers = [0.035, 0.035, 0.06, 0.06, 0.06];

/// Holds what rests in frames of which nothing is known, level 1, beside those that are known, level 0. `levels` has that of each frame.
/// How it is turned stays as it was planned: it may spin.
pub(crate) fn calm(tracks: &mut [Track], levels: &[f32]) {
    for Track { places, .. } in tracks {
        let planned: Vec<Numbers> = places.iter().copied().map(numbers).collect();
        if rests(&planned) {
            hold(places, &planned, levels);
        }
    }
}

/// Whether a thing is about where it is, and of its size, in all frames.
fn rests(planned: &[Numbers]) -> bool {
    RESTS.iter().enumerate().all(|(at, reach)| {
        let values = planned.iter().map(|numbers| numbers[at]);
        let (least, most) = (values.clone().fold(f32::MAX, f32::min), values.fold(f32::MIN, f32::max));
        most - least < *reach
    })
}

/// Where a thing rests: between where it is known to be beside those frames, or there if it is on one side alone, or else in the mean.
fn hold(places: &mut [Place], planned: &[Numbers], levels: &[f32]) {
    let known = |frame: usize| (levels.get(frame) == Some(&0.0)).then(|| planned[frame]);
    let mut end = 0;
    for run in levels.chunk_by(|a, b| a == b) {
        let (start, count) = (end, run.len() as f32);
        end += run.len();
        if run[0] != 1.0 {
            continue;
        }
        let mean: Numbers =
            std::array::from_fn(|at| planned[start..end].iter().map(|of| of[at]).sum::<f32>() / count);
        let [before, behind] = [start.checked_sub(1).and_then(known), known(end)];
        let (from, to) = (before.or(behind).unwrap_or(mean), behind.or(before).unwrap_or(mean));
        for (step, is) in (1..).zip(&mut places[start..end]) {
            let share = step as f32 / (count + 1.0);
            *is = place(std::array::from_fn(|at| from[at] + share * (to[at] - from[at])), *is);
        }
    }
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
            ..Place::default()
        };
        vec![Track { kind: 1, colour: 2, places: (0..17).map(place).collect() }]
    }

    fn is_there(place: &Place, x: f32) -> bool {
        (place.x - x).abs() < 1e-6
    }

    #[test]
    fn what_rests_stands_still_and_what_moves_goes_on() {
        let levels = [1.0; 17];
        let mut rests = track(0.0);
        calm(&mut rests, &levels);
        let places = &rests[0].places;
        let mean = track(0.0)[0].places.iter().map(|place| place.x).sum::<f32>() / 17.0;
        assert!(places.iter().all(|place| is_there(place, mean)), "{places:?}");
        assert!(places.iter().all(|place| (place.height - places[0].height).abs() < 1e-6), "{places:?}");

        let mut goes = track(0.005);
        calm(&mut goes, &levels);
        assert_eq!(goes, track(0.005));
    }

    #[test]
    fn what_is_known_stays_and_the_rest_rests_there() {
        let mut levels = [1.0; 17];
        levels[..5].fill(0.0);
        let planned = track(0.0)[0].places.clone();
        let mut tracks = track(0.0);
        calm(&mut tracks, &levels);
        assert_eq!(tracks[0].places[..5], planned[..5]);
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
