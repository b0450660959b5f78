//! Free fall and bounces, from how high a thing is in each frame.

use std::ops::Range;

use serde::Serialize;

use crate::{
    linear::solve,
    look::{Footage, Sight},
    tracks::Track,
};

/// The cosine of the angle at which the world's cameras look down, about.
const LOOKING_DOWN: f32 = 0.975;
/// Frames of a fall that are needed for a fit.
const FEWEST: usize = 4;

/// The free fall of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fall {
    /// The pull downwards that fits best, in m/s².
    pub gravity: f32,
    /// The share of the motion that the fit explains, R².
    pub r_squared: f32,
    /// Frames that it is fitted to.
    pub frames: usize,
    /// The speed after the first bounce over the speed before it; none if it does not bounce.
    pub restitution: Option<f32>,
}

impl Fall {
    /// Whether it is a free fall with a pull downwards that is in a range, in m/s², or off by no more than 15 % of its end.
    pub fn is_free(&self, pull: Range<f32>) -> bool {
        /// The share of the motion that a parabola explains.
        const FREE_FALL: f32 = 0.95;
        /// How far off the pull may be, as a share.
        const OFF: f32 = 0.15;
        let pull = pull.start * (1.0 - OFF)..=pull.end * (1.0 + OFF);
        self.r_squared >= FREE_FALL && pull.contains(&self.gravity)
    }
}

/// Fits a parabola to the fall of a track from its first frame on; none if it is seen too shortly before it lands.
pub fn fall(track: &Track, sight: &Sight) -> Option<Fall> {
    let focal = 0.5 * sight.width.min(sight.height) as f32 / (0.5 * world::FIELD_OF_VIEW).tan();
    let mut distances: Vec<f32> = track.seen().map(|(_, sighting)| sighting.distance).collect();
    distances.sort_by(f32::total_cmp);
    let distance = *distances.get(distances.len() / 2)?;
    let metres = distance / focal / LOOKING_DOWN;
    let heights: Vec<(f32, f32)> =
        track.seen().map(|(frame, seen)| (Footage::time(frame), -seen.centre.y * metres)).collect();
    fit(&heights)
}

/// Heights in metres at times in seconds.
fn fit(heights: &[(f32, f32)]) -> Option<Fall> {
    let landed = landing(heights)?;
    let highest = heights.first()?.1;
    let falling = &heights[..landed];
    if falling.len() < FEWEST.min(landed.max(3)) || falling.len() < 3 {
        return None;
    }
    let (gravity, r_squared) = parabola(falling)?;
    // A bounce of height h goes up at sqrt(2 g h).
    let after = &heights[landed..];
    let drop = highest - after.iter().take(2).map(|(_, height)| *height).fold(f32::INFINITY, f32::min);
    let (_, rise) = after.iter().fold((f32::INFINITY, 0.0_f32), |(lowest, rise), (_, height)| {
        let lowest = lowest.min(*height);
        (lowest, rise.max(height - lowest))
    });
    let restitution = (rise > 0.12 * drop).then(|| (rise / drop).max(0.0).sqrt());
    Some(Fall { gravity, r_squared, frames: falling.len(), restitution })
}

/// The frame of the landing, or the one behind it. What falls gets faster: it has landed where it has become much slower, or
/// where it is nearly as low as ever. (The camera may go on to move, so that it sinks in the picture while it lies.)
fn landing(heights: &[(f32, f32)]) -> Option<usize> {
    /// It falls where it is at least so fast, as a share of the fastest, and has landed where it is slower than this share of
    /// the speed before.
    const FAST: f32 = 0.5;
    const SLOWER: f32 = 0.5;
    /// As low as ever, but for this share of the fall.
    const LOW: f32 = 0.08;
    let lowest = heights.iter().map(|(_, height)| *height).fold(f32::INFINITY, f32::min);
    let highest = heights.first()?.1;
    let is_low = |&(_, height): &(f32, f32)| height < lowest + LOW * (highest - lowest);
    let low = heights.iter().position(is_low)?;
    let speed = |pair: &[(f32, f32)]| (pair[0].1 - pair[1].1) / (pair[1].0 - pair[0].0);
    let speeds: Vec<f32> = heights.windows(2).map(speed).collect();
    let fastest = speeds[..low].iter().copied().fold(0.0, f32::max);
    let slower = (1..low).find(|&frame| {
        let before = speeds[frame - 1];
        before > FAST * fastest && speeds[frame] < SLOWER * before
    });
    Some(slower.unwrap_or(low))
}

/// Least squares of `height = a + b t - g t² / 2`: g and R².
fn parabola(points: &[(f32, f32)]) -> Option<(f32, f32)> {
    let count = points.len() as f64;
    let mean_time = points.iter().map(|(t, _)| f64::from(*t)).sum::<f64>() / count;
    let mut normal = [[0.0; 4]; 3];
    for &(time, height) in points {
        let t = f64::from(time) - mean_time;
        let basis = [1.0, t, t * t];
        for row in 0..3 {
            for column in 0..3 {
                normal[row][column] += basis[row] * basis[column];
            }
            normal[row][3] += basis[row] * f64::from(height);
        }
    }
    let [a, b, c] = solve(normal)?;
    let mean = points.iter().map(|(_, h)| f64::from(*h)).sum::<f64>() / count;
    let (mut rest, mut all) = (0.0, 0.0);
    for &(time, height) in points {
        let t = f64::from(time) - mean_time;
        rest += (f64::from(height) - a - b * t - c * t * t).powi(2);
        all += (f64::from(height) - mean).powi(2);
    }
    Some(((-2.0 * c) as f32, (1.0 - rest / all.max(1e-12)) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fall_and_its_bounce_are_measured() {
        let (gravity, bounce, drop) = (7.5_f32, 0.8_f32, 1.4_f32);
        let landing = (2.0 * drop / gravity).sqrt();
        let height = |t: f32| {
            if t < landing {
                drop - 0.5 * gravity * t * t
            } else {
                let t = t - landing;
                (bounce * gravity * landing * t - 0.5 * gravity * t * t).max(0.0)
            }
        };
        let heights: Vec<(f32, f32)> =
            (0..40).map(|i| i as f32 / 20.0).map(|t| (t, 3.0 + height(t))).collect();
        let fall = fit(&heights).unwrap();
        assert!((fall.gravity / gravity - 1.0).abs() < 0.02 && fall.r_squared > 0.999, "{fall:?}");
        assert!((fall.restitution.unwrap() - bounce).abs() < 0.03, "{fall:?}");
        assert!(fall.is_free(7.0..7.0) && !fall.is_free(6.0..6.0) && fall.is_free(world::GRAVITY));
    }

    #[test]
    fn what_sinks_in_the_picture_after_it_has_landed_has_landed() {
        // It lies still from 0.6 s on, while the camera comes nearer and lifts its eyes.
        let height = |t: f32| 2.0 - 0.5 * 8.0 * t.min(0.6).powi(2) - 0.5 * t;
        let heights: Vec<(f32, f32)> = (0..17).map(|i| i as f32 / 8.0).map(|t| (t, height(t))).collect();
        let fall = fit(&heights).unwrap();
        assert!((fall.gravity / 8.0 - 1.0).abs() < 0.02 && fall.r_squared > 0.99, "{fall:?}");
        assert_eq!(fall.restitution, None);
    }

    #[test]
    fn what_does_not_fall_is_not_fitted() {
        assert_eq!(fit(&[]), None);
        assert_eq!(fit(&[(0.0, 1.0), (0.1, 0.5)]), None);
        // At a steady speed there is no pull.
        let steady: Vec<(f32, f32)> = (0..9).map(|i| (i as f32 / 8.0, 2.0 - 0.2 * i as f32)).collect();
        let fall = fit(&steady).unwrap();
        assert!(fall.gravity.abs() < 0.05, "{fall:?}");
    }
}
