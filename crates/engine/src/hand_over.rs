//! What frames that are there have, and latents do not hold, is handed over to the frames beside them.
//!
//! A frame that became latents and came back is not quite what it was: some of its texture is lost. Frames that are made come
//! out of latents, so that beside those that were given all texture would change at once. What the last frame before them has lost
//! is added to them, less with each frame, and so is what the first one behind them has; but only where nothing has moved since,
//! as what moves takes its texture along.

use std::collections::BTreeMap;

use models::family::AutoencoderConfig;

use crate::{Plan, Size, reel::Reel, steady::steady, timeline::Window};

/// Until nothing is left of what is handed over.
const SECONDS: f64 = 1.0;
/// A change of this size, from 0 to 1, is as likely motion as not.
const MOVES: f32 = 0.04;
/// Changes are means over so many pixels to each side.
const AROUND: usize = 2;

/// The frames of a window on their way from the decoder into the video.
pub(crate) struct HandOver {
    size: Size,
    /// Whether the latents are those of the small autoencoder: they lose something to speak of, and have grain.
    is_coarse: bool,
    /// By how much the share that is handed over falls from frame to frame.
    step: f32,
    /// The frames that are there beside those that are made, as they are.
    settled: BTreeMap<isize, Vec<f32>>,
    before: Option<Lost>,
    /// Frames that wait for one behind them.
    waiting: Vec<Waiting>,
}

/// A frame that is made, as it was decoded, and what is handed over to it from before.
struct Waiting {
    frame: usize,
    decoded: Vec<f32>,
    before: Option<Share>,
}

/// How much of what a frame lost, and that, `[height, width, 3]`.
type Share = (f32, Vec<f32>);

impl HandOver {
    pub fn new(plan: &Plan, window: &Window, reel: &Reel<'_>) -> Self {
        let frames = (0..window.latent_frames).flat_map(|latent| plan.layout.frames_of(window, latent));
        let is_beside = |frame: isize| [frame - 1, frame + 1].into_iter().any(|next| !reel.is_settled(next));
        let settled = frames.filter(|&frame| reel.is_settled(frame) && is_beside(frame));
        let is_coarse = matches!(plan.autoencoder, AutoencoderConfig::Kinora(_));
        let settled = settled.filter(|_| is_coarse).filter_map(|frame| Some((frame, reel.frame(frame)?)));
        Self {
            size: plan.size,
            is_coarse,
            step: 1.0 / (1.0 + SECONDS * plan.fps) as f32,
            settled: settled.collect(),
            before: None,
            waiting: Vec::new(),
        }
    }

    /// Takes the next frame of the window as it was decoded, and puts what the window `makes` on the reel as soon as nothing
    /// is missing for it.
    pub fn take(&mut self, frame: isize, decoded: &[f32], makes: bool, reel: &mut Reel<'_>) {
        if let Some(own) = self.settled.remove(&frame) {
            self.put_waiting(Some(Lost::new(&own, decoded, self.step)), reel);
            self.before = Some(Lost::new(&own, decoded, self.step));
            return;
        }
        let Ok(frame) = usize::try_from(frame) else { return };
        if !makes {
            return;
        }
        let before = self.before.as_mut().and_then(|lost| lost.next(decoded, self.size));
        self.waiting.push(Waiting { frame, decoded: decoded.to_vec(), before });
        if self.settled.is_empty() {
            self.put_waiting(None, reel);
        }
    }

    /// Puts on the reel what waited for something behind it that does not come.
    pub fn finish(mut self, reel: &mut Reel<'_>) {
        self.put_waiting(None, reel);
    }

    fn put_waiting(&mut self, mut behind: Option<Lost>, reel: &mut Reel<'_>) {
        let handed = self.waiting.drain(..).rev().map(|Waiting { frame, mut decoded, before }| {
            let behind = behind.as_mut().and_then(|lost| lost.next(&decoded, self.size));
            add(&mut decoded, [before, behind]);
            (frame, decoded)
        });
        let handed: Vec<(usize, Vec<f32>)> = handed.collect();
        for (frame, mut pixels) in handed.into_iter().rev() {
            let at = frame as isize - 1;
            if let Some(before) = reel.frame(at).filter(|_| self.is_coarse && reel.is_settled(at)) {
                steady(&mut pixels, &before, self.size);
            }
            reel.put(frame, &pixels);
        }
    }
}

/// Adds shares, which are all of what was lost at most.
fn add(frame: &mut [f32], shares: [Option<Share>; 2]) {
    let sum: f32 = shares.iter().flatten().map(|(share, _)| share).sum();
    for (share, lost) in shares.into_iter().flatten() {
        let share = share / sum.max(1.0);
        frame.iter_mut().zip(lost).for_each(|(value, lost)| *value += share * lost);
    }
    frame.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
}

/// What a frame that is there has and the one beside it has not.
struct Lost {
    /// The frame as it is; the difference to the one beside it as soon as that is known. `[height, width, 3]`
    lost: Vec<f32>,
    /// The frame as it came back from latents; then the one beside it.
    decoded: Vec<f32>,
    /// How still each pixel was since, from 0 to 1.
    still: Vec<f32>,
    share: f32,
    step: f32,
}

impl Lost {
    fn new(own: &[f32], decoded: &[f32], step: f32) -> Self {
        let still = vec![1.0; own.len() / 3];
        Self { lost: own.to_vec(), decoded: decoded.to_vec(), still, share: 1.0, step }
    }

    /// What the next frame gets; nothing of a frame that is too far away.
    fn next(&mut self, decoded: &[f32], size: Size) -> Option<Share> {
        const NOTHING: f32 = 1e-3;
        let is_first = self.share == 1.0;
        self.share -= self.step;
        if self.share < NOTHING {
            return None;
        }
        let pixels = self.decoded.as_chunks::<3>().0.iter().zip(decoded.as_chunks::<3>().0);
        let change = |(a, b): (&[f32; 3], &[f32; 3])| {
            (a[0] - b[0]).abs().max((a[1] - b[1]).abs()).max((a[2] - b[2]).abs())
        };
        let changes = around(&pixels.map(change).collect::<Vec<_>>(), size);
        if is_first {
            self.lost.iter_mut().zip(decoded).for_each(|(own, decoded)| *own -= decoded);
            self.decoded = decoded.to_vec();
        }
        let mut handed = self.lost.clone();
        for ((still, change), handed) in self.still.iter_mut().zip(changes).zip(handed.as_chunks_mut::<3>().0)
        {
            *still = still.min(1.0 / (1.0 + (change / MOVES).powi(2)));
            handed.iter_mut().for_each(|value| *value *= *still);
        }
        Some((self.share, handed))
    }
}

/// Means over the pixels [`AROUND`] each, `[height, width]`.
fn around(values: &[f32], Size { width, height }: Size) -> Vec<f32> {
    let mean = |values: &[f32], length: usize, step: usize, start: usize, out: &mut [f32]| {
        for at in 0..length {
            let near = at.saturating_sub(AROUND)..(at + AROUND + 1).min(length);
            let sum: f32 = near.clone().map(|near| values[start + near * step]).sum();
            out[start + at * step] = sum / near.len() as f32;
        }
    };
    let mut across = vec![0.0; values.len()];
    (0..height).for_each(|y| mean(values, width, 1, y * width, &mut across));
    let mut both = vec![0.0; values.len()];
    (0..width).for_each(|x| mean(&across, height, width, x, &mut both));
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 12, height: 6 };
    const PIXELS: usize = 72;

    #[test]
    fn what_was_lost_fades_where_nothing_moves() {
        let decoded = vec![0.5; 3 * PIXELS];
        let mut lost = Lost::new(&[0.6; 3 * PIXELS], &decoded, 0.25);
        let shares: Vec<Option<f32>> = (0..4)
            .map(|_| {
                let (share, handed) = lost.next(&decoded, SIZE)?;
                assert!(handed.iter().all(|value| (value - 0.1).abs() < 1e-6));
                Some(share)
            })
            .collect();
        assert_eq!(shares, [Some(0.75), Some(0.5), Some(0.25), None]);
    }

    #[test]
    fn what_moved_takes_nothing_over_also_not_later() {
        let decoded = vec![0.5; 3 * PIXELS];
        let mut lost = Lost::new(&[0.6; 3 * PIXELS], &decoded, 0.25);
        let mut moved = decoded.clone();
        // The left half becomes another.
        moved.as_chunks_mut::<3>().0.iter_mut().enumerate().filter(|(at, _)| at % 12 < 6).for_each(
            |(_, pixel)| {
                *pixel = [0.9; 3];
            },
        );
        for frame in [&moved, &decoded] {
            let (_, handed) = lost.next(frame, SIZE).unwrap();
            assert!(handed[0] < 0.002 && (handed[3 * 11] - 0.1).abs() < 1e-6, "{handed:?}");
        }
    }

    #[test]
    fn two_neighbours_give_no_more_than_one() {
        let share = |share: f32, value: f32| Some((share, vec![value; 3]));
        for (shares, expected) in [
            ([share(0.9, 0.1), share(0.9, 0.3)], 0.7),
            ([share(0.5, 0.1), None], 0.55),
            ([share(0.9, 0.8), None], 1.0),
            ([None, None], 0.5),
        ] {
            let mut frame = [0.5; 3];
            add(&mut frame, shares);
            assert!(frame.iter().all(|value| (value - expected).abs() < 1e-6), "{frame:?} {expected}");
        }
    }

    #[test]
    fn changes_are_means_of_what_is_around() {
        let mut values = vec![0.0; PIXELS];
        values[2 * 12 + 5] = 25.0;
        let means = around(&values, SIZE);
        assert_eq!([means[2 * 12 + 5], means[4 * 12 + 7], means[2 * 12 + 8]], [1.0, 1.25, 0.0]);
    }
}
