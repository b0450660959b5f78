//! A clip in a mirror, and back: what is seen there tells of the clip once more. Things and their motions are alike on the left
//! and on the right; the sun is not, which stands where the hour has it, so that the networks are taught in a mirror too.
//!
//! The judge looks at both and takes the mean (Krizhevsky et al. 2012, section 4.1, of single pictures).

use glam::Vec2;
use world::{CameraMove, Direction};

use crate::{
    camera::{Explained, WAYS},
    drift::DRIFT,
    look::{FrameSight, Sight},
    reader::{deed, shot},
    recogniser::seen,
    tracks::{Sighting, Track},
};

/// A frame of 8-bit RGB rows of `width` pixels.
pub fn frame(rgb: &[u8], width: usize) -> Vec<u8> {
    rgb.chunks_exact(3 * width).flat_map(|row| row.chunks_exact(3).rev().flatten().copied()).collect()
}

/// The numbers of the cells of a frame, as [`seen`] lists them.
pub fn cells(cells: &[f32], columns: usize) -> Vec<f32> {
    let rows = cells.chunks_exact(columns * seen::ALL);
    let mut mirrored: Vec<f32> =
        rows.flat_map(|row| row.chunks_exact(seen::ALL).rev().flatten().copied()).collect();
    mirrored.chunks_exact_mut(seen::ALL).for_each(|cell| cell[seen::CENTRE.start] *= -1.0);
    mirrored
}

/// What is seen of a clip in a mirror, by what the recogniser says of the frames there, of which only the cells are known
/// to be those of `sight`.
pub fn sight(sight: &Sight, frames: Vec<FrameSight>) -> Sight {
    Sight {
        width: sight.width,
        height: sight.height,
        frames,
        drift: sight.drift.iter().map(|field| drift(*field)).collect(),
        camera: camera(sight.camera),
    }
}

/// Across, `u = a + b x + c y`: `a` and `c` turn round. Down, `v = d + e x + f y`: `e` does.
fn drift([a, b, c, d, e, f]: [f32; DRIFT]) -> [f32; DRIFT] {
    [-a, b, -c, d, -e, f]
}

/// Turns and circles go the other way.
fn camera([turns, nearer, circles]: [Explained; WAYS]) -> [Explained; WAYS] {
    let round = |way: Explained| Explained { rate: -way.rate, ..way };
    [round(turns), nearer, round(circles)]
}

/// The track of a thing in the mirror of a clip.
pub fn track(track: &Track, sight: &Sight) -> Track {
    let columns = sight.columns();
    let of = |sighting: &Sighting| Sighting {
        cells: sighting.cells.iter().map(|&(at, share)| (cell(at, columns), share)).collect(),
        centre: Vec2::new(sight.width as f32 - sighting.centre.x, sighting.centre.y),
        ..sighting.clone()
    };
    Track { sightings: track.sightings.iter().map(|sighting| sighting.as_ref().map(of)).collect() }
}

/// The cell that is at the place of this one; `columns` are the cells in a row.
pub fn cell(at: usize, columns: usize) -> usize {
    at - at % columns + (columns - 1 - at % columns)
}

/// Where each of the channels of [`deed`] stands in what is said of the mirror.
pub fn deeds() -> [usize; deed::ALL] {
    let mut channels = std::array::from_fn(|channel| channel);
    let of = |way: Direction| deed::DIRECTION.start + 1 + way as usize;
    Direction::ALL.into_iter().for_each(|way| channels[of(way)] = of(way.mirrored()));
    channels
}

/// Where each of the channels of [`shot`] stands in what is said of the mirror.
pub fn shots() -> [usize; shot::ALL] {
    let mut channels = std::array::from_fn(|channel| channel);
    let of = |way: CameraMove| shot::CAMERA.start + way as usize;
    CameraMove::ALL.into_iter().for_each(|way| channels[of(way)] = of(way.mirrored()));
    channels
}

#[cfg(test)]
mod tests {
    use media::Clip;

    use super::*;
    use crate::{camera::explained, drift, lessons::lesson_scene, look::Footage};

    #[test]
    fn a_mirror_in_a_mirror_is_what_it_was() {
        assert_eq!(
            frame(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 2),
            [4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]
        );
        let values: Vec<f32> = (0..6 * seen::ALL).map(|value| value as f32).collect();
        let mirrored = cells(&values, 3);
        assert_eq!(mirrored[0], (2 * seen::ALL) as f32);
        assert_eq!(cells(&mirrored, 3), values);
        let sight = Sight::example(2);
        let seen = Track { sightings: vec![Some(Sighting::example()), None] };
        let mirrored = track(&seen, &sight);
        let is = mirrored.sightings[0].as_ref().unwrap();
        // Cell 495 is the fifteenth of 32 in its row (from 0): the sixteenth from the right.
        assert_eq!(is.cells[0].0, 496);
        assert_eq!(track(&mirrored, &sight).sightings, seen.sightings);
    }

    /// What is measured in the mirror is what is measured of the clip, turned round.
    #[test]
    fn the_background_goes_the_other_way() {
        let spec = world::ClipSpec::default();
        let scene = (0..).map(lesson_scene).find(|scene| scene.camera == CameraMove::OrbitLeft).unwrap();
        let pixels = world::render(&scene, &world::simulate(&scene, &spec), &spec);
        let turned = frame(&pixels, spec.width);
        let [plain, mirrored] = [pixels, turned].map(|pixels| {
            Footage::new(&Clip::new(spec.width, spec.height, f64::from(spec.fps), pixels).unwrap()).unwrap()
        });
        let near = |a: f32, b: f32| (a - b).abs() < 0.02 + 0.05 * a.abs();
        for (is, found) in drift::drift(&plain, &[]).into_iter().zip(drift::drift(&mirrored, &[])) {
            assert!(drift(is).into_iter().zip(found).all(|(a, b)| near(a, b)), "{is:?} {found:?}");
        }
        let [is, found] = [&plain, &mirrored].map(|footage| explained(footage, &[]));
        for (a, b) in camera(is).into_iter().zip(found) {
            assert!(near(a.gain, b.gain) && (b.gain < 0.05 || near(a.rate, b.rate)), "{a:?} {b:?}");
        }
        assert_eq!(shots()[shot::CAMERA.start + CameraMove::OrbitLeft as usize], {
            shot::CAMERA.start + CameraMove::OrbitRight as usize
        });
        let of = |way: Direction| deed::DIRECTION.start + 1 + way as usize;
        assert_eq!(deeds()[of(Direction::Left)], of(Direction::Right));
        assert_eq!(deeds().iter().enumerate().filter(|(at, channel)| at != *channel).count(), 2);
        assert_eq!(deeds().map(|channel| deeds()[channel]), std::array::from_fn(|channel| channel));
    }
}
