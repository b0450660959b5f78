//! How the background drifts from frame to frame, by which the camera's moves are known.
//!
//! The motion of what is no thing is fitted by an affine field, so that brightness goes with it (Lucas and Kanade 1981;
//! Bergen et al. 1992), with little weight for pixels that do not follow: rain, snow and shadows.

use glam::Vec2;

use crate::{
    background::{brightness, covered, is_covered},
    degrade::Picture,
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
/// A pixel that changes by more than this, of 255, does not follow.
const LARGEST_CHANGE: f32 = 40.0;

/// The drift from each frame to the next, in pixels of the shrunk frame a frame, at places from -1 to 1.
pub fn drift(footage: &Footage, tracks: &[Track]) -> Vec<[f32; DRIFT]> {
    let frames: Vec<Picture> =
        (0..footage.num_frames()).map(|frame| brightness(footage, frame, SHRUNK, BLUR)).collect();
    (1..frames.len()).map(|frame| fit(&frames[frame - 1], &frames[frame], tracks, frame)).collect()
}

fn fit(before: &Picture, after: &Picture, tracks: &[Track], frame: usize) -> [f32; DRIFT] {
    const BORDER: usize = 2;
    let [width, height] = [before.width, before.height];
    let covered = covered(tracks, [frame - 1, frame]);
    let mut rows: Vec<([f32; DRIFT], f32)> = Vec::new();
    for y in BORDER..height.saturating_sub(BORDER) {
        for x in BORDER..width.saturating_sub(BORDER) {
            let at = y * width + x;
            let change = after.values[at] - before.values[at];
            let pixel = Vec2::new(x as f32 + 0.5, y as f32 + 0.5) * SHRUNK as f32;
            if is_covered(&covered, pixel) || change.abs() > LARGEST_CHANGE {
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
