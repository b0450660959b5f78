//! What is no thing: how bright it is, and where it is not.

use glam::Vec2;

use crate::{
    degrade::{Picture, luma},
    look::Footage,
    tracks::Track,
};

/// Added around the box of a thing, in pixels and as a share of its width: shadows fall there.
const AROUND: f32 = 4.0;
const AROUND_SHARE: f32 = 0.15;

/// The brightness of a frame, from 0 to 255, at one in `shrunk` of its size and blurred by so many pixels of that:
/// `[height, width]`.
pub fn brightness(footage: &Footage, frame: usize, shrunk: usize, blur: f32) -> Picture {
    let mut picture = Picture::from_rgb(footage.width, footage.height, footage.frame(frame))
        .resized((footage.width / shrunk).max(1), (footage.height / shrunk).max(1));
    picture.blur(blur);
    let area = picture.width * picture.height;
    for pixel in 0..area {
        let [r, g, b] = [0, 1, 2].map(|plane| picture.values[plane * area + pixel]);
        picture.values[pixel] = 255.0 * luma([r, g, b]);
    }
    picture.values.truncate(area);
    picture
}

/// Where things are in either of two frames, with some room for their shadows: corners in pixels.
pub fn covered(tracks: &[Track], frames: [usize; 2]) -> Vec<(Vec2, Vec2)> {
    let of = |track: &Track, frame: usize| {
        let extent = track.nearest(frame)?.extent;
        let middle = track.centre(frame)?;
        let room = Vec2::new(AROUND + AROUND_SHARE * extent.x, AROUND);
        Some((middle - extent / 2.0 - room, middle + extent / 2.0 + room + Vec2::Y * AROUND))
    };
    tracks.iter().flat_map(|track| frames.map(|frame| of(track, frame))).flatten().collect()
}

/// Whether a pixel lies in one of these.
pub fn is_covered(covered: &[(Vec2, Vec2)], pixel: Vec2) -> bool {
    covered.iter().any(|(low, high)| pixel.cmpge(*low).all() && pixel.cmple(*high).all())
}
