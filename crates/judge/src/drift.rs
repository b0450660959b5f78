//! How the background drifts from frame to frame, by which the camera's moves are known.
//!
//! The motion of what is no thing is fitted by an affine field, so that brightness goes with it (Lucas and Kanade 1981;
//! Bergen et al. 1992), with little weight for pixels that do not follow: rain, snow and shadows.

use glam::Vec2;

use crate::{
    degrade::{Picture, luma},
    linear::solve,
    look::Footage,
    tracks::Track,
};

/// Numbers of an affine field: `u = a + b x + c y`, `v = d + e x + f y`.
pub const DRIFT: usize = 6;
/// Frames are looked at at this share of their size.
const SHRUNK: usize = 2;
/// The standard deviation of the blur, in pixels of the shrunk frame.
const BLUR: f32 = 1.0;
/// How often pixels that do not follow are found anew.
const ROUNDS: usize = 3;
/// What keeps the field at rest where nothing can be seen, as sums of squared slopes (of 255 a pixel).
const AT_REST: f64 = 20.0;
/// Added around the box of a thing, in pixels and as a share of its width: shadows fall there.
const AROUND: f32 = 4.0;
const AROUND_SHARE: f32 = 0.15;
/// A pixel that changes by more than this, of 255, does not follow.
const LARGEST_CHANGE: f32 = 40.0;

/// The drift from each frame to the next, in pixels of the shrunk frame a frame, at places from -1 to 1.
pub fn drift(footage: &Footage, tracks: &[Track]) -> Vec<[f32; DRIFT]> {
    let frames: Vec<Picture> = (0..footage.num_frames()).map(|frame| smoothed(footage, frame)).collect();
    (1..frames.len()).map(|frame| fit(&frames[frame - 1], &frames[frame], tracks, frame)).collect()
}

/// Brightness, from 0 to 255, in the first plane.
fn smoothed(footage: &Footage, frame: usize) -> Picture {
    let mut picture = Picture::from_rgb(footage.width, footage.height, footage.frame(frame))
        .resized((footage.width / SHRUNK).max(1), (footage.height / SHRUNK).max(1));
    picture.blur(BLUR);
    let area = picture.width * picture.height;
    for pixel in 0..area {
        let [r, g, b] = [0, 1, 2].map(|plane| picture.values[plane * area + pixel]);
        picture.values[pixel] = 255.0 * luma([r, g, b]);
    }
    picture.values.truncate(area);
    picture
}

fn fit(before: &Picture, after: &Picture, tracks: &[Track], frame: usize) -> [f32; DRIFT] {
    const BORDER: usize = 2;
    let [width, height] = [before.width, before.height];
    let boxes: Vec<(Vec2, Vec2)> = tracks.iter().flat_map(|track| boxes(track, frame)).collect();
    let mut rows: Vec<([f32; DRIFT], f32)> = Vec::new();
    for y in BORDER..height.saturating_sub(BORDER) {
        for x in BORDER..width.saturating_sub(BORDER) {
            let at = y * width + x;
            let change = after.values[at] - before.values[at];
            let pixel = Vec2::new(x as f32 + 0.5, y as f32 + 0.5) * SHRUNK as f32;
            let on_thing =
                boxes.iter().any(|(low, high)| pixel.cmpge(*low).all() && pixel.cmple(*high).all());
            if on_thing || change.abs() > LARGEST_CHANGE {
                continue;
            }
            let slope = |step: usize| {
                let of = |picture: &Picture| picture.values[at + step] - picture.values[at - step];
                (of(before) + of(after)) / 4.0
            };
            let (across, down) = (slope(1), slope(width));
            let px = 2.0 * (x as f32 + 0.5) / width as f32 - 1.0;
            let py = 2.0 * (y as f32 + 0.5) / height as f32 - 1.0;
            rows.push(([across, across * px, across * py, down, down * px, down * py], change));
        }
    }
    let mut field = [0.0; DRIFT];
    let mut scale = f32::INFINITY;
    for _ in 0..ROUNDS {
        let left =
            |row: &([f32; DRIFT], f32)| row.1 + row.0.iter().zip(&field).map(|(a, b)| a * b).sum::<f32>();
        let mut normal = [[0.0_f64; DRIFT + 1]; DRIFT];
        let mut rest = 0.0;
        for row in &rows {
            let residual = left(row);
            rest += residual.abs();
            let weight = f64::from(1.0 / (1.0 + (residual / scale).powi(2)));
            for (sums, a) in normal.iter_mut().zip(row.0) {
                for (sum, b) in sums.iter_mut().zip(row.0) {
                    *sum += weight * f64::from(a * b);
                }
                sums[DRIFT] -= weight * f64::from(a * row.1);
            }
        }
        (0..DRIFT).for_each(|i| normal[i][i] += AT_REST);
        let Some(solved) = solve(normal) else { break };
        field = solved.map(|value| value as f32);
        scale = 2.0 * rest / rows.len().max(1) as f32 + 0.3;
    }
    field
}

/// Around a thing in a frame and in the one before.
fn boxes(track: &Track, frame: usize) -> Vec<(Vec2, Vec2)> {
    let of = |frame: usize| {
        let extent = track.nearest(frame)?.extent;
        let middle = track.centre(frame)?;
        let room = Vec2::new(AROUND + AROUND_SHARE * extent.x, AROUND);
        Some((middle - extent / 2.0 - room, middle + extent / 2.0 + room + Vec2::Y * AROUND))
    };
    [frame - 1, frame].into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use media::Clip;

    use super::*;

    /// A slow wave that moves by so many pixels a frame and grows by a factor around the middle.
    fn moving(step: f32, growth: f32) -> Footage {
        let frame = |frame: usize| {
            (0..128 * 128).flat_map(move |pixel| {
                let (x, y) = ((pixel % 128) as f32 - 64.0, (pixel / 128) as f32 - 64.0);
                let scale = growth.powi(frame as i32);
                let (x, y) = ((x - step * frame as f32) / scale, y / scale);
                [(128.0 + 50.0 * (x / 7.0).sin() * (y / 9.0).cos()) as u8; 3]
            })
        };
        let clip = Clip::new(128, 128, 8.0, (0..5).flat_map(frame).collect()).unwrap();
        Footage::new(&clip).unwrap()
    }

    #[test]
    fn what_moves_is_measured() {
        for [a, b, _, d, _, f] in drift(&moving(1.0, 1.0), &[]) {
            assert!(
                (a - 0.5).abs() < 0.1 && [b, d, f].iter().all(|value| value.abs() < 0.1),
                "{a} {b} {d} {f}"
            );
        }
        // By 1 % a frame: 0.32 of 32 pixels.
        for [a, b, _, d, _, f] in drift(&moving(0.0, 1.01), &[]) {
            assert!((b - 0.32).abs() < 0.08 && (f - 0.32).abs() < 0.08, "{b} {f}");
            assert!(a.abs() < 0.06 && d.abs() < 0.06, "{a} {d}");
        }
        assert!(drift(&moving(0.0, 1.0), &[]).iter().flatten().all(|value| value.abs() < 1e-3));
    }
}
