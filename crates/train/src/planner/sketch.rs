//! Tracks as a picture: a box for each thing, in its colour, the farthest first.

use models::tracks::Track;
use world::{ClipSpec, Colour};

const BACKGROUND: u8 = 128;

/// The frames of tracks, as RGB of this size.
pub fn sketch(tracks: &[Track], spec: &ClipSpec) -> Vec<u8> {
    let ClipSpec { width, height, num_frames, .. } = *spec;
    let mut pixels = vec![BACKGROUND; num_frames * width * height * 3];
    for (frame, pixels) in pixels.chunks_exact_mut(width * height * 3).enumerate() {
        let mut things: Vec<_> = tracks.iter().map(|track| (track.colour, track.places[frame])).collect();
        things.sort_by(|(_, a), (_, b)| b.distance.total_cmp(&a.distance));
        for (colour, place) in things {
            let span = |middle: f32, length: f32, cells: usize| {
                let end = |at: f32| ((at * cells as f32).round().max(0.0) as usize).min(cells);
                end(middle - length / 2.0)..end(middle + length / 2.0)
            };
            for y in span(place.y, place.height, height) {
                for x in span(place.x, place.width, width) {
                    pixels[(y * width + x) * 3..][..3].copy_from_slice(&Colour::ALL[colour].srgb());
                }
            }
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use models::tracks::Place;

    use super::*;

    #[test]
    fn boxes_are_where_the_tracks_say() {
        let spec = ClipSpec { width: 8, height: 4, num_frames: 2, ..ClipSpec::default() };
        let place = |x: f32, distance: f32| Place {
            x,
            y: 0.25,
            width: 0.25,
            height: 0.5,
            distance,
            ..Place::default()
        };
        let tracks = [
            Track { kind: 0, colour: 2, places: vec![place(0.125, 3.0), place(0.875, 3.0)] },
            Track { kind: 0, colour: 3, places: vec![place(0.125, 4.0); 2] },
        ];
        let pixels = sketch(&tracks, &spec);
        let at = |frame: usize, x: usize, y: usize| &pixels[((frame * 4 + y) * 8 + x) * 3..][..3];
        let colour = |index: usize| Colour::ALL[index].srgb();
        assert_eq!(
            (at(0, 0, 0), at(0, 7, 0), at(0, 0, 3)),
            (&colour(2)[..], &[BACKGROUND; 3][..], &[BACKGROUND; 3][..])
        );
        assert_eq!((at(1, 0, 1), at(1, 7, 1)), (&colour(3)[..], &colour(2)[..]));
    }
}
