//! How well each way to move the camera explains a clip.
//!
//! A camera over flat ground turns, comes nearer, or circles. Each moves the background in a way of its own, of which only
//! the rate is open: found is the rate that leaves least of the change between frames some way apart, all pairs of a clip
//! together (Lucas and Kanade 1981, iterated), with little weight for what does not follow, as rain, waves and shadows
//! (Geman and McClure 1985). Where the ground shows little, the whole clip tells what no two frames do.

use glam::{Mat3, Vec2, Vec3};
use world::{Camera, ClipSpec, FIELD_OF_VIEW};

use crate::{
    background::{brightness, covered, is_covered},
    degrade::Picture,
    look::Footage,
    tracks::Track,
};

/// To turn to the left, to come nearer, to circle to the left.
pub const WAYS: usize = 3;

/// What a way to move explains.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Explained {
    /// From one frame to the next, in units of what the world's camera does in clips of 17.
    pub rate: f32,
    /// The share of the change that is gone with it, from 0 on.
    pub gain: f32,
}

/// About what the world's camera does from one frame to the next in clips of 17: radians, logarithms of the distance,
/// radians.
const UNITS: [f32; WAYS] = [0.0066, 0.023, 0.047];
/// Where the search for a rate begins, in the same units.
const STARTS: [f32; 8] = [0.4, 0.8, 1.3, 2.0, -0.4, -0.8, -1.3, -2.0];
/// How many frames lie between two that are compared, and between one pair and the next.
const APART: usize = 4;
const STEP: usize = 3;
/// Frames are looked at at these shares of their size, one after the other, and so many times.
const SHRUNK: [usize; 2] = [4, 2];
const ROUNDS: usize = 4;
/// The standard deviation of the blur, in pixels of the shrunk frame.
const BLUR: f32 = 1.0;
/// Pixels at the border that are not looked at.
const BORDER: usize = 2;
/// The least change, of 255, that counts as much as half of any.
const LEAST_SCALE: f32 = 1.5;
/// Where less than this share of all changes, nothing is to be explained.
const LEAST_CHANGE: f32 = 1e-3;

/// The camera that is thought of: it looks at a point above the middle of the ground, from so far away and above. The
/// world's are near it.
const TARGET: Vec3 = Vec3::new(0.0, 0.4, 0.0);
const DISTANCE: f32 = 5.5;
const ELEVATION: f32 = 0.225;

/// What each way explains of a clip; nothing of one of a single frame.
pub fn explained(footage: &Footage, tracks: &[Track]) -> [Explained; WAYS] {
    let count = footage.num_frames();
    if count < 2 {
        return Default::default();
    }
    let [coarse, fine] = SHRUNK.map(|shrunk| Level::new(footage, tracks, shrunk));
    std::array::from_fn(|way| {
        let flow = coarse.flow(way);
        let begin = |start: &f32| coarse.fit(&flow, start * UNITS[way]);
        let begun = STARTS.iter().map(begin).min_by(|a, b| a.1.total_cmp(&b.1));
        let flow = fine.flow(way);
        let (rate, left) = fine.fit(&flow, begun.map_or(0.0, |begun| begun.0));
        let still = fine.sums(&flow, 0.0).mean_left();
        Explained { rate: rate / UNITS[way], gain: (still - left).max(0.0) / (still + LEAST_CHANGE) }
    })
}

/// The pairs of frames of a clip at one size.
struct Level {
    width: usize,
    height: usize,
    pairs: Vec<Pair>,
    /// A change of this size counts half as much as any.
    scale: f32,
}

/// Two frames, how many frames apart they are, and which pixels show the background in both.
struct Pair {
    before: Vec<f32>,
    after: Vec<f32>,
    apart: f32,
    is_ground: Vec<bool>,
}

/// Sums over all pixels for a rate: the change that is left, from 0 to 1 a pixel, and the step to a better rate.
#[derive(Default)]
struct Sums {
    left: f32,
    count: f32,
    slope: f32,
    curvature: f32,
}

impl Sums {
    /// The change that is left, from 0 to 1.
    fn mean_left(&self) -> f32 {
        self.left / self.count.max(1.0)
    }
}

impl Level {
    fn new(footage: &Footage, tracks: &[Track], shrunk: usize) -> Self {
        let frames: Vec<Picture> =
            (0..footage.num_frames()).map(|frame| brightness(footage, frame, shrunk, BLUR)).collect();
        let Picture { width, height, .. } = frames[0];
        let apart = APART.min(frames.len() - 1);
        let pair = |first: usize| {
            let covered = covered(tracks, [first, first + apart]);
            let is_ground = |pixel: usize| {
                let at =
                    Vec2::new((pixel % width) as f32 + 0.5, (pixel / width) as f32 + 0.5) * shrunk as f32;
                !is_covered(&covered, at)
            };
            Pair {
                before: frames[first].values.clone(),
                after: frames[first + apart].values.clone(),
                apart: apart as f32,
                is_ground: (0..width * height).map(is_ground).collect(),
            }
        };
        let pairs: Vec<Pair> = (0..frames.len() - apart).step_by(STEP).map(pair).collect();
        let mut changes: Vec<f32> = pairs.iter().flat_map(Pair::changes).collect();
        changes.sort_unstable_by(f32::total_cmp);
        let median = changes.get(changes.len() / 2).copied().unwrap_or(0.0);
        Self { width, height, pairs, scale: (1.4 * median).max(LEAST_SCALE) }
    }

    /// Where each pixel of the background goes, in pixels for a rate of 1: towards the right and down.
    fn flow(&self, way: usize) -> Vec<Vec2> {
        /// Small enough for a straight line, large enough for 32 bits.
        const RATE: f32 = 1e-2;
        const FAR: f32 = 1e4;
        let spec = ClipSpec { width: self.width, height: self.height, ..ClipSpec::default() };
        let away = Vec3::new(0.0, ELEVATION.sin(), ELEVATION.cos()) * DISTANCE;
        let turned = |v: Vec3, angle: f32| Mat3::from_rotation_y(angle) * v;
        let still = Camera { position: TARGET + away, target: TARGET, field_of_view: FIELD_OF_VIEW };
        let moved = match way {
            0 => Camera { target: still.position + turned(-away, RATE), ..still },
            1 => Camera { position: TARGET + away * (1.0 - RATE), ..still },
            _ => Camera { position: TARGET + turned(away, -RATE), ..still },
        };
        let rays = still.rays(&spec);
        let to = |pixel: usize| {
            let at = Vec2::new((pixel % self.width) as f32 + 0.5, (pixel / self.width) as f32 + 0.5);
            // The ground is flat and has the height 0; the sky is very far away.
            let ray = rays.direction(at);
            let reach = if ray.y < 0.0 { (-rays.origin.y / ray.y).min(FAR) } else { FAR };
            let goes = moved.project(rays.origin + ray * reach, &spec);
            goes.map_or(Vec2::ZERO, |goes| (goes - at) / RATE)
        };
        (0..self.width * self.height).map(to).collect()
    }

    /// The rate that leaves least, from one to begin with, and what it leaves.
    fn fit(&self, flow: &[Vec2], start: f32) -> (f32, f32) {
        let mut best = (start, f32::INFINITY);
        let mut rate = start;
        for _ in 0..=ROUNDS {
            let sums = self.sums(flow, rate);
            let left = sums.mean_left();
            if left < best.1 {
                best = (rate, left);
            }
            let most = 0.5 * start.abs().max(1e-3);
            rate -= (sums.slope / sums.curvature.max(1e-9)).clamp(-most, most);
        }
        best
    }

    fn sums(&self, flow: &[Vec2], rate: f32) -> Sums {
        let mut sums = Sums::default();
        for pair in &self.pairs {
            let turn = rate * pair.apart;
            for y in BORDER..self.height.saturating_sub(BORDER) {
                for x in BORDER..self.width.saturating_sub(BORDER) {
                    let pixel = y * self.width + x;
                    let at = Vec2::new(x as f32, y as f32) + flow[pixel] * turn;
                    if !pair.is_ground[pixel] || !self.holds(at) {
                        continue;
                    }
                    let (after, slope_after) = self.sample(&pair.after, at);
                    let of = |step: usize| (pair.before[pixel + step] - pair.before[pixel - step]) / 2.0;
                    let slope = (slope_after + Vec2::new(of(1), of(self.width))) / 2.0;
                    let change = after - pair.before[pixel];
                    let share = self.scale.powi(2) / (change.powi(2) + self.scale.powi(2));
                    let by_rate = slope.dot(flow[pixel]) * pair.apart;
                    sums.left += 1.0 - share;
                    sums.count += 1.0;
                    sums.slope += share.powi(2) * by_rate * change;
                    sums.curvature += share.powi(2) * by_rate.powi(2);
                }
            }
        }
        sums
    }

    /// Whether a place lies far enough within the frame to be sampled.
    fn holds(&self, at: Vec2) -> bool {
        at.cmpge(Vec2::ONE).all() && at.cmplt(Vec2::new(self.width as f32, self.height as f32) - 2.0).all()
    }

    /// The brightness at a place, and its slopes, with straight lines between pixels.
    fn sample(&self, values: &[f32], at: Vec2) -> (f32, Vec2) {
        let (whole, part) = (at.floor(), at.fract());
        let corner = whole.y as usize * self.width + whole.x as usize;
        let [a, b, c, d] = [0, 1, self.width, self.width + 1].map(|step| values[corner + step]);
        let (above, below) = (a + (b - a) * part.x, c + (d - c) * part.x);
        let across = (b - a) + ((d - c) - (b - a)) * part.y;
        (above + (below - above) * part.y, Vec2::new(across, below - above))
    }
}

impl Pair {
    /// How much each pixel of the background changes.
    fn changes(&self) -> impl Iterator<Item = f32> {
        let both = self.before.iter().zip(&self.after).zip(&self.is_ground);
        both.filter(|(_, is_ground)| **is_ground).map(|((before, after), _)| (after - before).abs())
    }
}

#[cfg(test)]
mod tests {
    use media::Clip;

    use super::*;
    use crate::lessons::{camera_way, lesson_scene};

    #[test]
    fn what_the_camera_does_explains_most() {
        let (mut right, mut all) = (0, 0);
        for number in 0..60 {
            let scene = lesson_scene(number);
            let Some((way, sign)) = camera_way(scene.camera) else { continue };
            let spec = ClipSpec::default();
            let truth = world::simulate(&scene, &spec);
            let clip = Clip::new(128, 128, 8.0, world::render(&scene, &truth, &spec)).unwrap();
            let found = explained(&Footage::new(&clip).unwrap(), &[]);
            let most = (0..WAYS).max_by(|&a, &b| found[a].gain.total_cmp(&found[b].gain)).unwrap();
            all += 1;
            right += usize::from(most == way && found[way].rate.signum() == sign);
        }
        // Waves and snow follow no camera, and things are not left out here. One in six would be chance.
        assert!(right * 100 >= all * 65, "{right} of {all}");
    }

    #[test]
    fn where_nothing_moves_nothing_is_explained() {
        let frame: Vec<u8> = (0..64 * 64).flat_map(|i| [(i * 37 % 251) as u8; 3]).collect();
        let clip = Clip::new(64, 64, 8.0, frame.repeat(9)).unwrap();
        let still = explained(&Footage::new(&clip).unwrap(), &[]);
        assert!(still.iter().all(|found| found.gain == 0.0), "{still:?}");
        assert_eq!(explained(&Footage::of_frames([64, 64], vec![frame]), &[]), [Explained::default(); WAYS]);
    }
}
