//! Plain measures of the frames of a clip: sharpness, how much moves, flicker, and whether each frame follows from the
//! last.

use serde::Serialize;

use crate::{
    degrade::{Picture, luma},
    look::Footage,
};

/// Frames are compared at this share of their size, so that rain and noise count for little.
const COARSE: usize = 8;
/// A frame that differs from the one before by less than this share of what its neighbours differ by repeats it.
const SAME_SHARE: f32 = 0.12;
/// Neighbours that differ by less than this, of 255, show no motion that could be missing.
const LEAST_STEP: f32 = 0.8;
/// A clip whose neighbouring frames differ by less than this, of 255, has too little motion to tell its order.
const TOO_LITTLE: f32 = 0.6;
/// Neighbours of a clip in which everything follows differ by at most this share of what any two frames differ by.
const MOST_RATIO: f32 = 0.75;
/// At most this share of the frames repeats the one before: what jumps rests for a frame or two in between.
const MOST_REPEATED: f32 = 0.2;

/// The measures of a clip.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measures {
    /// The root mean square of the Laplacian of brightness, of 255: how fine the edges are.
    pub sharpness: f32,
    /// The mean absolute difference between neighbouring frames, of 255: how much moves.
    pub dynamic_degree: f32,
    /// The mean absolute second difference in time over the first, where things do not move: how much flickers.
    pub flicker: f32,
    /// What neighbouring frames differ by over what any two frames differ by, both seen coarsely.
    pub neighbour_ratio: f32,
    /// What neighbouring frames differ by seen coarsely, of 255.
    pub coarse_difference: f32,
    /// The share of frames, but for the first, that show the frame before them again although there is motion before and
    /// behind them.
    pub repeated_share: f32,
}

impl Measures {
    /// Of a clip as it is looked at.
    pub fn of(footage: &Footage) -> Self {
        let [width, height] = [footage.width, footage.height];
        let count = footage.num_frames();
        let luma: Vec<Vec<f32>> = (0..count).map(|frame| brightness(footage.frame(frame))).collect();
        let coarse: Vec<Vec<f32>> = (0..count)
            .map(|frame| {
                let picture = Picture::from_rgb(width, height, footage.frame(frame));
                let small = picture.resized((width / COARSE).max(1), (height / COARSE).max(1));
                small.values.iter().map(|value| 255.0 * value).collect()
            })
            .collect();
        let neighbours = (1..count).map(|frame| difference(&coarse[frame - 1], &coarse[frame]));
        let coarse_difference = neighbours.sum::<f32>() / (count - 1) as f32;
        let mut all = (0.0, 0.0);
        for a in 0..count {
            for b in a + 1..count {
                all = (all.0 + difference(&coarse[a], &coarse[b]), all.1 + 1.0);
            }
        }
        let steps: Vec<f32> = (1..count).map(|frame| difference(&luma[frame - 1], &luma[frame])).collect();
        Self {
            sharpness: luma.iter().map(|frame| laplacian(frame, width)).sum::<f32>() / count as f32,
            dynamic_degree: steps.iter().sum::<f32>() / steps.len() as f32,
            flicker: flicker(&coarse),
            neighbour_ratio: coarse_difference / (all.0 / all.1).max(1e-6),
            coarse_difference,
            repeated_share: repeated(&steps) as f32 / steps.len() as f32,
        }
    }

    /// Whether each frame follows from the last, as far as there is motion to tell it by.
    pub fn is_continuous(&self) -> bool {
        self.coarse_difference < TOO_LITTLE || self.neighbour_ratio <= MOST_RATIO
    }

    /// How sure that is, from 0 to 1.
    pub fn continuity(&self) -> f32 {
        if self.coarse_difference < TOO_LITTLE { 1.0 } else { (1.5 - self.neighbour_ratio).clamp(0.0, 1.0) }
    }

    /// Whether frames are not merely repeated where something moves.
    pub fn is_alive(&self) -> bool {
        self.repeated_share <= MOST_REPEATED
    }
}

fn brightness(frame: &[u8]) -> Vec<f32> {
    frame.chunks_exact(3).map(|rgb| luma([rgb[0], rgb[1], rgb[2]].map(f32::from))).collect()
}

/// The mean absolute difference.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f32>() / a.len().max(1) as f32
}

/// How many of the differences between neighbours are far smaller than those within three frames before and behind.
fn repeated(steps: &[f32]) -> usize {
    const NEAR: usize = 3;
    let most = |part: &[f32]| part.iter().copied().fold(0.0, f32::max);
    let is_repeated = |&at: &usize| {
        let before = most(&steps[at.saturating_sub(NEAR)..at]);
        let behind = most(&steps[at + 1..(at + 1 + NEAR).min(steps.len())]);
        let around = before.min(behind);
        around > LEAST_STEP && steps[at] < SAME_SHARE * around
    };
    (0..steps.len()).filter(is_repeated).count()
}

fn laplacian(frame: &[f32], width: usize) -> f32 {
    let height = frame.len() / width;
    let (mut sum, mut count) = (0.0, 0.0_f32);
    for row in 1..height.saturating_sub(1) {
        for column in 1..width - 1 {
            let at = row * width + column;
            let around = frame[at - 1] + frame[at + 1] + frame[at - width] + frame[at + width];
            sum += (around - 4.0 * frame[at]).powi(2);
            count += 1.0;
        }
    }
    (sum / count.max(1.0)).sqrt()
}

/// The median over places of the mean absolute second difference in time.
fn flicker(frames: &[Vec<f32>]) -> f32 {
    if frames.len() < 3 {
        return 0.0;
    }
    let at = |place: usize| {
        let second =
            frames.windows(3).map(|three| (three[0][place] - 2.0 * three[1][place] + three[2][place]).abs());
        second.sum::<f32>() / (frames.len() - 2) as f32
    };
    let mut all: Vec<f32> = (0..frames[0].len()).map(at).collect();
    all.sort_by(f32::total_cmp);
    all[all.len() / 2]
}

#[cfg(test)]
mod tests {
    use media::Clip;

    use super::*;
    use crate::degrade::{ClipFault, spoil};

    /// A bright square that moves to the right by two pixels a frame over a slope.
    fn clip() -> Clip {
        let frame = |frame: usize| {
            (0..64 * 64).flat_map(move |pixel| {
                let (x, y) = (pixel % 64, pixel / 64);
                let inside = (2 * frame..2 * frame + 24).contains(&x) && (20..44).contains(&y);
                [if inside { 240 } else { (40 + x) as u8 }; 3]
            })
        };
        Clip::new(64, 64, 8.0, (0..17).flat_map(frame).collect()).unwrap()
    }

    fn measures(clip: &Clip) -> Measures {
        Measures::of(&Footage::new(clip).unwrap())
    }

    #[test]
    fn faults_show() {
        let real = measures(&clip());
        assert!(real.is_continuous() && real.repeated_share == 0.0 && real.is_alive());
        let blurred = measures(&spoil(&clip(), ClipFault::Blurred(2.0), 0));
        assert!(blurred.sharpness < 0.6 * real.sharpness, "{blurred:?} {real:?}");
        let shuffled = measures(&spoil(&clip(), ClipFault::Shuffled, 1));
        assert!(!shuffled.is_continuous(), "{shuffled:?}");
        let frozen = measures(&spoil(&clip(), ClipFault::Frozen, 1));
        assert_eq!((frozen.dynamic_degree, frozen.flicker), (0.0, 0.0));
        let dropped = measures(&spoil(&clip(), ClipFault::Dropped(0.5), 1));
        assert!(!dropped.is_alive() && dropped.flicker >= real.flicker, "{dropped:?}");
    }
}
