//! What frames that are there show, and latents do not hold, is handed over to the frames beside them.
//!
//! A frame that became latents and came back is not quite what it was: some of its texture is lost. Frames that are made come
//! out of latents, so that beside those that were given all texture would change at once. What the last frame before them shows
//! and they do not is added to them, less with each frame, and so is what the first one behind them shows: where nothing
//! moves, and where a thing of which it is known where it goes takes its texture along.

use std::collections::BTreeMap;

use models::{family::AutoencoderConfig, tracks::Place};

use crate::{
    Plan, Size,
    carried::{Move, aligned, carried},
    reel::Reel,
    steady::{change, largest_change, likely, steady_in_turn},
    timeline::Window,
    tracked::Tracked,
};

/// Until nothing is left of what is handed over.
const SECONDS: f64 = 1.0;
/// A change of this size, from 0 to 1, is as likely motion as not.
const MOVES: f32 = 0.04;
/// A thing that was taken along and differs by this much from the one that was made is as likely another sight of it as not.
const TURNS: f32 = 0.5;
/// Where a frame and what came back of it differ by this much, they are as likely two pictures as one.
const OTHER: f32 = 0.1;
/// Changes are means over so many pixels to each side.
const AROUND: usize = 2;
/// What waits takes so many bytes for each of its pixels, at most.
const BYTES: usize = 24;

/// The bytes of the frames that wait for one behind them, in windows of so many frames.
pub(crate) fn waiting_bytes(autoencoder: &AutoencoderConfig, num_frames: usize, size: Size) -> usize {
    match autoencoder {
        AutoencoderConfig::Kinora(_) => {
            BYTES.saturating_mul(num_frames).saturating_mul(size.width).saturating_mul(size.height)
        }
        AutoencoderConfig::Wan(_) => 0,
    }
}

/// The frames of a window on their way from the decoder into the video.
pub(crate) struct HandOver<'a> {
    plan: &'a Plan,
    tracked: &'a Tracked,
    size: Size,
    /// Whether the latents are those of the small autoencoder: they lose something to speak of, and have grain.
    is_coarse: bool,
    /// By how much the share that is handed over falls from frame to frame.
    step: f32,
    /// The frames that are there beside those that are made.
    settled: BTreeMap<isize, Settled>,
    before: Option<Lost>,
    /// Frames that wait for one behind them.
    waiting: Vec<Waiting>,
}

/// A frame that is there, and those on both sides of it that are.
struct Settled {
    own: Vec<f32>,
    beside: [Option<Vec<f32>>; 2],
}

/// A frame that is made, as it was decoded, and what is handed over to it from before.
struct Waiting {
    frame: usize,
    decoded: Vec<f32>,
    before: Option<Share>,
}

/// How much of what is missing a frame gets, and that, `[height, width, 3]`.
type Share = (f32, Vec<f32>);

impl<'a> HandOver<'a> {
    pub fn new(plan: &'a Plan, window: &Window, reel: &Reel<'_>, tracked: &'a Tracked) -> Self {
        let frames = (0..window.latent_frames).flat_map(|latent| plan.layout.frames_of(window, latent));
        let is_made = |frame: isize| {
            usize::try_from(frame).is_ok_and(|frame| window.makes.contains(&frame)) && !reel.is_settled(frame)
        };
        let is_coarse = matches!(plan.autoencoder, AutoencoderConfig::Kinora(_));
        let there = |frame: isize| reel.is_settled(frame).then(|| reel.frame(frame))?;
        let settled = frames.filter(|&frame| is_coarse && (is_made(frame - 1) || is_made(frame + 1)));
        let settled = settled.filter_map(|frame| {
            Some((frame, Settled { own: there(frame)?, beside: [frame - 1, frame + 1].map(there) }))
        });
        Self {
            plan,
            tracked,
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
        if let Some(Settled { own, beside: [earlier, later] }) = self.settled.remove(&frame) {
            let lost = |beside: &Option<Vec<f32>>| {
                Lost::new((frame, &own), decoded, beside.as_deref(), self.size, self.step)
            };
            // On a side where a frame is there, none is made that could take anything over.
            let behind = earlier.is_none().then(|| lost(&later));
            self.before = later.is_none().then(|| lost(&earlier));
            self.put_waiting(behind, reel);
            return;
        }
        let Ok(at) = usize::try_from(frame) else { return };
        if !makes {
            return;
        }
        let before = self.before.as_mut().and_then(|lost| {
            let moves = self.tracked.moves(self.plan, [lost.frame, frame]);
            lost.next(decoded, &moves, self.size)
        });
        // Nothing is left of it.
        self.before.take_if(|_| before.is_none());
        self.waiting.push(Waiting { frame: at, decoded: decoded.to_vec(), before });
        let next = self.settled.keys().find(|&&settled| settled > frame);
        // Nothing is left of it so far before it.
        if next.is_none_or(|&next| (next - frame) as f32 * self.step >= 1.0) {
            self.put_waiting(None, reel);
        }
    }

    /// Puts on the reel what waited for something behind it that does not come.
    pub fn finish(mut self, reel: &mut Reel<'_>) {
        self.put_waiting(None, reel);
    }

    fn put_waiting(&mut self, mut behind: Option<Lost>, reel: &mut Reel<'_>) {
        let next = behind.as_ref().and_then(|lost| reel.frame(lost.frame));
        let handed = self.waiting.drain(..).rev().map(|Waiting { frame, mut decoded, before }| {
            let behind = behind.as_mut().and_then(|lost| {
                let moves = self.tracked.moves(self.plan, [lost.frame, frame as isize]);
                lost.next(&decoded, &moves, self.size)
            });
            let is_between = behind.is_some();
            add(&mut decoded, [before, behind]);
            (frame, decoded, is_between)
        });
        let mut handed: Vec<_> = handed.collect();
        handed.reverse();
        if self.is_coarse {
            let before = handed.first().map(|(frame, ..)| *frame as isize - 1);
            let before = before.filter(|&before| reel.is_settled(before)).and_then(|at| reel.frame(at));
            steady_in_turn(before.as_deref(), handed.iter_mut().map(|(_, pixels, _)| pixels), self.size);
            // What lies between two frames is drawn to either.
            let between = handed.iter_mut().rev().take_while(|(.., is_between)| *is_between);
            steady_in_turn(next.as_deref(), between.map(|(_, pixels, _)| pixels), self.size);
        }
        for (frame, pixels, _) in handed {
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

/// What a frame that is there shows and the one beside it does not.
struct Lost {
    /// Which frame that is.
    frame: isize,
    /// What things look like there: as it is, and as it came back where that is another picture.
    looks: Vec<f32>,
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
    /// Of a frame as it is and as it came back, and of the one on its other side. What fell, flew or flickered between those two
    /// will not stand still now; and where the two do not show the same, the one that came back is none of it.
    fn new(
        (frame, own): (isize, &[f32]),
        decoded: &[f32],
        beside: Option<&[f32]>,
        size: Size,
        step: f32,
    ) -> Self {
        let mut looks = decoded.to_vec();
        let differs = around(&change(own, decoded), size);
        let pixels = looks.as_chunks_mut::<3>().0.iter_mut().zip(own.as_chunks::<3>().0);
        for ((looks, own), differs) in pixels.zip(differs) {
            let same = likely(differs / OTHER);
            looks.iter_mut().zip(own).for_each(|(looks, own)| *looks += same * (own - *looks));
        }
        let mut still = vec![1.0; own.len() / 3];
        if let Some(beside) = beside {
            let changes = largest_change(own, beside, size);
            still.iter_mut().zip(changes).for_each(|(still, change)| *still = likely_still(change));
        }
        for colour in 0..3 {
            let values = own.iter().zip(decoded).skip(colour).step_by(3);
            let differs: Vec<f32> = values.map(|(own, decoded)| own - decoded).collect();
            let differs = around(&differs, size);
            still
                .iter_mut()
                .zip(differs)
                .for_each(|(still, differs)| *still = still.min(likely_still(differs)));
        }
        Self { frame, looks, lost: own.to_vec(), decoded: decoded.to_vec(), still, share: 1.0, step }
    }

    /// What the next frame gets, to which things moved so; nothing of a frame that is too far away.
    fn next(&mut self, decoded: &[f32], moves: &[Move], size: Size) -> Option<Share> {
        const NOTHING: f32 = 1e-3;
        let is_first = self.share == 1.0;
        self.share -= self.step;
        if self.share < NOTHING {
            return None;
        }
        let changes = around(&change(&self.decoded, decoded), size);
        if is_first {
            self.lost.iter_mut().zip(decoded).for_each(|(own, decoded)| *own -= decoded);
            self.decoded = decoded.to_vec();
        }
        let mut handed = self.lost.clone();
        for ((still, change), handed) in self.still.iter_mut().zip(changes).zip(handed.as_chunks_mut::<3>().0)
        {
            *still = still.min(likely_still(change));
            handed.iter_mut().for_each(|value| *value *= *still);
        }
        if !moves.is_empty() {
            // Beside the frame that is there a thing is where that leads; soon behind it, where it was drawn.
            let settled = (2.0 * (1.0 - self.share)).min(1.0);
            let moves = moves.iter().map(|&[from, to]| {
                let [_, drawn] = aligned(&self.looks, decoded, [from, to], size);
                let between = |a: f32, b: f32| a + settled * (b - a);
                [from, Place { x: between(to.x, drawn.x), y: between(to.y, drawn.y), ..to }]
            });
            let moves: Vec<Move> = moves.collect();
            let (looks, is_thing) = carried(&self.looks, &moves, size);
            let differs = around(&change(&looks, decoded), size);
            for at in 0..is_thing.len() {
                let along = is_thing[at] * likely(differs[at] / TURNS);
                for value in 3 * at..3 * at + 3 {
                    let lost = looks[value] - decoded[value];
                    handed[value] += along * (lost - handed[value]);
                }
            }
        }
        Some((self.share, handed))
    }
}

/// How likely it is, from 0 to 1, that a change is none.
fn likely_still(change: f32) -> f32 {
    likely(change / MOVES)
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

    /// Grey that is finely chequered, by so much.
    fn texture(amount: f32) -> Vec<f32> {
        let sign = |at: usize| if (at / 12 + at % 12).is_multiple_of(2) { 1.0 } else { -1.0 };
        (0..PIXELS).flat_map(|at| [0.5 + sign(at) * amount; 3]).collect()
    }

    #[test]
    fn what_was_lost_fades_where_nothing_moves() {
        let (own, decoded) = (texture(0.1), texture(0.0));
        let mut lost = Lost::new((0, &own), &decoded, Some(&own), SIZE, 0.25);
        let shares: Vec<Option<f32>> = (0..4)
            .map(|_| {
                let (share, handed) = lost.next(&decoded, &[], SIZE)?;
                let rest = handed.iter().zip(own.iter().zip(&decoded));
                assert!(rest.clone().all(|(handed, (own, decoded))| (handed - (own - decoded)).abs() < 0.01));
                Some(share)
            })
            .collect();
        assert_eq!(shares, [Some(0.75), Some(0.5), Some(0.25), None]);
    }

    /// The share of the texture that the left and the right edge get.
    fn at_edges(lost: &mut Lost, frame: &[f32]) -> [f32; 2] {
        let (_, handed) = lost.next(frame, &[], SIZE).unwrap();
        [0, 11].map(|x| handed[3 * x].abs() / 0.1)
    }

    /// Half a frame, on the left, becomes another.
    fn changed(frame: &[f32]) -> Vec<f32> {
        let mut changed = frame.to_vec();
        let left = changed.as_chunks_mut::<3>().0.iter_mut().enumerate().filter(|(at, _)| at % 12 < 6);
        left.for_each(|(_, pixel)| *pixel = [0.9; 3]);
        changed
    }

    #[test]
    fn what_moved_takes_nothing_over_also_not_later() {
        let (own, decoded) = (texture(0.1), texture(0.0));
        let mut lost = Lost::new((0, &own), &decoded, None, SIZE, 0.25);
        for frame in [&changed(&decoded), &decoded] {
            let [left, right] = at_edges(&mut lost, frame);
            assert!(left < 0.05 && right > 0.9, "{left} {right}");
        }
    }

    /// Rain that fell before the last frame does not hang still behind it.
    #[test]
    fn what_moved_before_takes_nothing_over() {
        let (own, decoded) = (texture(0.1), texture(0.0));
        let [left, right] =
            at_edges(&mut Lost::new((0, &own), &decoded, Some(&changed(&own)), SIZE, 0.25), &decoded);
        assert!(left < 0.05 && right > 0.9, "{left} {right}");
    }

    /// A dark thing with a bright line down its middle, which latents do not hold, goes to the right.
    #[test]
    fn what_moves_takes_its_texture_along() {
        let thing = |left: usize, line: f32| -> Vec<f32> {
            let value = |at: usize| match (at / 12, at % 12) {
                (1..5, x) if x == left + 2 => line,
                (1..5, x) if (left..left + 5).contains(&x) => 0.2,
                _ => 0.8,
            };
            (0..PIXELS).flat_map(|at| [value(at); 3]).collect()
        };
        let (own, decoded) = (thing(0, 0.4), thing(0, 0.2));
        let at = |left: usize| Place {
            x: (left as f32 + 2.5) / 12.0,
            y: 0.5,
            width: 5.0 / 12.0,
            height: 4.0 / 6.0,
            ..Default::default()
        };
        let gets = |moves: &[Move]| {
            let mut lost = Lost::new((0, &own), &decoded, None, SIZE, 0.25);
            let (_, handed) = lost.next(&thing(6, 0.2), moves, SIZE).unwrap();
            [3 * 12 + 8, 3 * 12 + 2, 0].map(|at| handed[3 * at])
        };
        let [on_the_line, where_it_was, elsewhere] = gets(&[[at(0), at(6)]]);
        assert!((0.15..=0.2).contains(&on_the_line), "{on_the_line}");
        assert!(where_it_was.abs() < 0.05 && elsewhere.abs() < 0.01, "{where_it_was} {elsewhere}");
        let [unknown, ..] = gets(&[]);
        assert!(unknown.abs() < 0.05, "{unknown}");
    }

    /// A picture that the video does not lead to is not laid over it.
    #[test]
    fn another_picture_is_not_handed_over() {
        let decoded = texture(0.0);
        let whole = Place { x: 0.25, y: 0.5, width: 0.5, height: 1.0, ..Default::default() };
        for (moves, most) in [(&[][..], 0.01), (&[[whole; 2]], 0.06)] {
            let mut lost = Lost::new((0, &changed(&texture(0.1))), &decoded, None, SIZE, 0.25);
            let (_, handed) = lost.next(&decoded, moves, SIZE).unwrap();
            assert!(handed[0].abs() < most && handed[33].abs() > 0.09, "{} {}", handed[0], handed[33]);
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
