//! Tracks: where each thing of a clip is while it lasts. A small denoiser draws them before anything is seen, and the one that draws
//! the picture is shown them.
//!
//! ```text
//! noise ─► tracks [1, channels, frames, 1, things] ─► planes [1, planes, frames, height, width] ─► beside the latents
//! ```
//!
//! Where things go is a hundred numbers, and how they look a hundred thousand. A model that draws both at once spends nearly all of
//! its training on the looks. (Lin et al. 2023, "VideoDirectorGPT", and Lian et al. 2023, "LLM-grounded video diffusion models", have
//! a language model say the boxes; the numbers of a small world are learnt from nothing.)
//!
//! Tracks are noisy latents to their denoiser, an ordinary [`WanTransformer3d`](crate::wan::WanTransformer3d) whose tokens are one
//! thing in one latent frame each. So all that is done with latents can be done with them: known frames, windows, samplers.

use std::ops::Range;

/// Where a thing is in one frame, and how it is turned. Shares of its width or height, from the top left corner; it may reach beyond the
/// frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// The middle of the box around it, from the left.
    pub x: f32,
    /// The same from the top.
    pub y: f32,
    /// The width of the box,
    pub width: f32,
    /// and its height.
    pub height: f32,
    /// From the camera, in metres: what is nearer hides what is farther.
    pub distance: f32,
    /// How it is turned, and holds its limbs.
    pub pose: Pose,
}

/// How a thing is turned, and holds its limbs: zeros where that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pose {
    /// Where its front points, a unit vector in the axes of the camera: to the right, up, and out of the picture.
    pub front: [f32; 3],
    /// Where its top points.
    pub top: [f32; 3],
    /// The angle of legs and arms from the vertical, in radians,
    pub stride: f32,
    /// that of the wings from the horizontal,
    pub wings: f32,
    /// and whether these are spread, 1, or folded, -1.
    pub spread: f32,
}

/// A thing, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Which kind it is,
    pub kind: usize,
    /// and which colour it has.
    pub colour: usize,
    /// Where it is in each frame.
    pub places: Vec<Place>,
}

/// The numbers that tracks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackCode {
    /// How many kinds and colours there are.
    pub labels: [usize; 2],
    /// The most things of a clip.
    pub things: usize,
    /// Frames of each latent frame but the first, which is one.
    pub factor: usize,
}

/// Numbers of each [`Place`] without its pose.
const OF_PLACE: usize = 5;
/// Numbers of each [`Pose`].
const OF_POSE: usize = 9;
/// What they are multiplied by: of things that move, each reaches about as far as 1 then.
const REACH: [f32; OF_POSE] = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.6, 1.3, 1.0];
/// How much louder than that they are in latents, for standard deviations of about 1.
const LOUD_POSE: f32 = 1.5;
/// Planes that show which side of a thing is seen where.
const OF_SIDES: usize = 3;
/// What is subtracted from the numbers of a place, and what it is then multiplied by: in clips of the world their means are about 0 then, and
/// their standard deviations about 1. Sizes and distances are logarithms.
const NORMAL: [[f32; 2]; OF_PLACE] = [[0.5, 4.0], [0.6, 6.0], [-1.7, 1.7], [-1.6, 1.7], [1.9, 4.0]];
/// Planes are so many times as loud as shares are, to be heard beside the noise of a hundred channels from the first steps of a training on.
const LOUD: f32 = 8.0;
/// Of a label that a thing has, and of one that it has not. The second is near to nothing, since most labels are not had.
const LABEL: [f32; 2] = [2.0, -0.2];

impl Place {
    fn numbers(self) -> [f32; OF_PLACE] {
        let Self { x, y, width, height, distance, .. } = self;
        let log = |size: f32| size.max(1e-3).ln();
        let numbers = [x, y, log(width), log(height), log(distance)];
        std::array::from_fn(|at| (numbers[at] - NORMAL[at][0]) * NORMAL[at][1])
    }

    fn of_numbers(numbers: &[f32]) -> Self {
        let of = |at: usize| numbers[at] / NORMAL[at][1] + NORMAL[at][0];
        // No number of a model is beyond what can be drawn.
        let size = |at: usize| of(at).clamp(-7.0, 3.0).exp();
        let [x, y, width, height, distance] = [of(0), of(1), size(2), size(3), size(4)];
        Self { x, y, width, height, distance, pose: Pose::default() }
    }

    /// The share of each cell of a row that lies between two edges.
    fn covered(middle: f32, length: f32, cells: usize) -> Vec<f32> {
        let (start, end) = ((middle - length / 2.0) * cells as f32, (middle + length / 2.0) * cells as f32);
        let of_cell = |cell: usize| (end.min(cell as f32 + 1.0) - start.max(cell as f32)).clamp(0.0, 1.0);
        (0..cells).map(of_cell).collect()
    }
}

impl Pose {
    /// Which side of a thing that is turned so a point shows that lies so far to the right and above of its middle, from -1 to 1 at the edges of
    /// its box, if it is taken for a ball: its front, its top and its right hand, each as the cosine to the point's own direction. Zeros if it
    /// is not known how it is turned. (Wang et al. 2019, "Normalized object coordinate space", of a ball for every shape.)
    pub fn sides(self, [right, up]: [f32; 2]) -> [f32; OF_SIDES] {
        let far = right.hypot(up).max(1.0);
        let [right, up] = [right / far, up / far];
        let point = [right, up, (1.0 - right * right - up * up).max(0.0).sqrt()];
        let [[a, b, c], [d, e, f]] = [self.front, self.top];
        let hand = [b * f - c * e, c * d - a * f, a * e - b * d];
        [self.front, self.top, hand]
            .map(|axis| axis.iter().zip(point).map(|(axis, point)| axis * point).sum())
    }

    fn numbers(self) -> [f32; OF_POSE] {
        let Self { front: [a, b, c], top: [d, e, f], stride, wings, spread } = self;
        let numbers = [a, b, c, d, e, f, stride, wings, spread];
        std::array::from_fn(|at| numbers[at] * REACH[at])
    }

    fn of_numbers(numbers: &[f32]) -> Self {
        // As far as what was taught reaches, and not beyond.
        let of = |at: usize| numbers[at].clamp(-1.0, 1.0) / REACH[at];
        Self {
            front: [of(0), of(1), of(2)],
            top: [of(3), of(4), of(5)],
            stride: of(6),
            wings: of(7),
            spread: of(8),
        }
    }
}

impl TrackCode {
    /// Channels of the tracks' own latents: whether there is a thing, its labels, its places in the frames of the latent one, and its poses.
    pub fn channels(self) -> usize {
        1 + self.labels[0] + self.labels[1] + self.factor * (OF_PLACE + OF_POSE)
    }

    /// The channels of the poses, which are the last.
    pub fn poses(self) -> Range<usize> {
        self.channels() - self.factor * OF_POSE..self.channels()
    }

    /// Planes that the denoiser of pictures is shown: a kind or a colour each, what is there at all in each of the frames, where in its box
    /// that is, across and down, and its pose in each of the frames.
    pub fn planes(self) -> usize {
        self.labels[0] + self.labels[1] + self.factor * (1 + OF_POSE) + 2
    }

    /// The planes of the poses, which are the last.
    pub fn pose_planes(self) -> Range<usize> {
        self.planes() - self.factor * OF_POSE..self.planes()
    }

    /// Planes of which side of each thing is seen where, in each of the frames of a latent one.
    pub fn sides(self) -> usize {
        self.factor * OF_SIDES
    }

    /// Which planes show that there is anything at all, and how loud they are where there is.
    pub fn presence(self) -> (Range<usize>, f32) {
        let first = self.labels[0] + self.labels[1];
        (first..first + self.factor, LOUD)
    }

    /// The frames of a latent frame, each as often as it counts: the first one has a single frame, which counts for all.
    pub fn frames_of(self, latent: usize) -> impl Iterator<Item = usize> {
        (0..self.factor).map(move |at| if latent == 0 { 0 } else { (latent - 1) * self.factor + 1 + at })
    }

    /// What the denoiser of tracks is shown of the shape of the picture.
    pub fn shape([width, height]: [usize; 2]) -> f32 {
        (width as f32 / height as f32).ln()
    }

    /// Tracks as latents, `[channels, latent_frames, 1, things]`; their places are of as many frames as that takes.
    pub fn encode(self, tracks: &[Track], latent_frames: usize) -> Vec<f32> {
        let [kinds, colours] = self.labels;
        let mut latents = vec![0.0; self.channels() * latent_frames * self.things];
        for thing in 0..self.things {
            let track = tracks.get(thing);
            for latent in 0..latent_frames {
                let mut numbers = vec![0.0; self.channels()];
                numbers[0] = if track.is_some() { 1.0 } else { -1.0 };
                numbers[1..=kinds + colours].fill(LABEL[1]);
                if let Some(Track { kind, colour, places }) = track {
                    numbers[1 + kind] = LABEL[0];
                    numbers[1 + kinds + colour] = LABEL[0];
                    let of_places = numbers[1 + kinds + colours..].chunks_exact_mut(OF_PLACE);
                    for (frame, numbers) in self.frames_of(latent).zip(of_places) {
                        numbers.copy_from_slice(&places[frame].numbers());
                    }
                    let of_poses = numbers[self.poses()].chunks_exact_mut(OF_POSE);
                    for (frame, numbers) in self.frames_of(latent).zip(of_poses) {
                        numbers.copy_from_slice(&places[frame].pose.numbers().map(|of| LOUD_POSE * of));
                    }
                }
                for (channel, number) in numbers.into_iter().enumerate() {
                    latents[(channel * latent_frames + latent) * self.things + thing] = number;
                }
            }
        }
        latents
    }

    /// The tracks that latents stand for.
    pub fn decode(self, latents: &[f32]) -> Vec<Track> {
        let latent_frames = latents.len() / (self.channels() * self.things);
        let of = |channel: usize, latent: usize, thing: usize| {
            latents[(channel * latent_frames + latent) * self.things + thing]
        };
        let mean = |channel: usize, thing: usize| {
            (0..latent_frames).map(|latent| of(channel, latent, thing)).sum::<f32>()
        };
        let [kinds, colours] = self.labels;
        let likeliest = |channels: Range<usize>, thing: usize| {
            let first = channels.start;
            channels.max_by(|&a, &b| mean(a, thing).total_cmp(&mean(b, thing))).map_or(0, |at| at - first)
        };
        let track = |thing: usize| Track {
            kind: likeliest(1..1 + kinds, thing),
            colour: likeliest(1 + kinds..1 + kinds + colours, thing),
            places: (0..latent_frames)
                .flat_map(|latent| (0..if latent == 0 { 1 } else { self.factor }).map(move |at| (latent, at)))
                .map(|(latent, at)| {
                    let numbers = |first: usize, count: usize| {
                        (first..first + count).map(|channel| of(channel, latent, thing)).collect::<Vec<f32>>()
                    };
                    let place = Place::of_numbers(&numbers(1 + kinds + colours + at * OF_PLACE, OF_PLACE));
                    let mut pose = numbers(self.poses().start + at * OF_POSE, OF_POSE);
                    pose.iter_mut().for_each(|number| *number /= LOUD_POSE);
                    Place { pose: Pose::of_numbers(&pose), ..place }
                })
                .collect(),
        };
        (0..self.things).filter(|&thing| mean(0, thing) > 0.0).map(track).collect()
    }

    /// What the denoiser of pictures is shown of tracks, `[planes, frames, height, width]` of its latents: the share of each latent that
    /// the box of a thing of a kind, or of a colour, takes up, as far as no nearer one hides it; the frames of a latent frame count alike. Behind those
    /// the share that any thing takes up in each of these frames, this share times how far from the middle of its box the latent is, from
    /// -1 at its left or upper edge to 1, and times the numbers of its pose in each of the frames. All of it as many times as [`presence`](Self::presence) says.
    pub fn planes_of(self, tracks: &[Track], size: [usize; 3]) -> Vec<f32> {
        let [kinds, colours] = self.labels;
        let mut planes = Planes::new(self.planes(), size);
        self.each_seen(
            tracks,
            size,
            |Seen { track, place, part, latent, cell, share: shown, from_middle }| {
                let share = shown / self.factor as f32;
                for (axis, from_middle) in from_middle.into_iter().enumerate() {
                    *planes.at(kinds + colours + self.factor + axis, latent, cell) += share * from_middle;
                }
                *planes.at(track.kind, latent, cell) += share;
                *planes.at(kinds + track.colour, latent, cell) += share;
                *planes.at(kinds + colours + part, latent, cell) += shown;
                let first = self.pose_planes().start + part * OF_POSE;
                for (plane, number) in (first..).zip(place.pose.numbers()) {
                    *planes.at(plane, latent, cell) += shown * number;
                }
            },
        );
        planes.values
    }

    /// Which [side](Pose::sides) of a thing each latent shows in each of its frames, times the share of it that this takes up, and as loud
    /// as that is elsewhere: `[sides, frames, height, width]`.
    pub fn sides_of(self, tracks: &[Track], size: [usize; 3]) -> Vec<f32> {
        let mut planes = Planes::new(self.sides(), size);
        self.each_seen(
            tracks,
            size,
            |Seen { place, part, latent, cell, share, from_middle: [x, y], .. }| {
                let sides = place.pose.sides([x, -y]);
                for (plane, side) in (part * OF_SIDES..).zip(sides) {
                    *planes.at(plane, latent, cell) += share * side;
                }
            },
        );
        planes.values
    }

    /// What is seen of each thing in each latent in each of its frames, what is nearer before what is farther.
    fn each_seen(
        self,
        tracks: &[Track],
        [latent_frames, height, width]: [usize; 3],
        mut see: impl FnMut(Seen<'_>),
    ) {
        for latent in 0..latent_frames {
            for (part, frame) in self.frames_of(latent).enumerate() {
                let mut things: Vec<(&Track, Place)> =
                    tracks.iter().map(|track| (track, track.places[frame])).collect();
                things.sort_by(|(_, a), (_, b)| a.distance.total_cmp(&b.distance));
                let mut free = vec![1.0; height * width];
                for (track, place) in things {
                    let across = Place::covered(place.x, place.width, width);
                    let down = Place::covered(place.y, place.height, height);
                    for (cell, free) in free.iter_mut().enumerate() {
                        let covered = down[cell / width] * across[cell % width];
                        let share = LOUD * covered * *free;
                        *free *= 1.0 - covered;
                        let from_middle = [
                            ((cell % width) as f32 + 0.5 - place.x * width as f32)
                                / (place.width * width as f32),
                            ((cell / width) as f32 + 0.5 - place.y * height as f32)
                                / (place.height * height as f32),
                        ];
                        let from_middle = from_middle.map(|by| (2.0 * by).clamp(-1.0, 1.0));
                        if share > 0.0 {
                            see(Seen { track, place, part, latent, cell, share, from_middle });
                        }
                    }
                }
            }
        }
    }
}

/// A part of a thing.
struct Seen<'a> {
    track: &'a Track,
    place: Place,
    /// Which of the frames of a latent frame it is seen in,
    part: usize,
    /// which latent frame that is,
    latent: usize,
    /// and in which latent of that.
    cell: usize,
    /// The share of the latent that it takes up, as many times as planes are louder than shares.
    share: f32,
    /// How far from the middle of its box the latent is, from -1 at its left or upper edge to 1.
    from_middle: [f32; 2],
}

/// `[planes, frames, height, width]`.
struct Planes {
    values: Vec<f32>,
    frames: usize,
    cells: usize,
}

impl Planes {
    fn new(planes: usize, [frames, height, width]: [usize; 3]) -> Self {
        let cells = height * width;
        Self { values: vec![0.0; planes * frames * cells], frames, cells }
    }

    fn at(&mut self, plane: usize, frame: usize, cell: usize) -> &mut f32 {
        &mut self.values[(plane * self.frames + frame) * self.cells + cell]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: TrackCode = TrackCode { labels: [3, 2], things: 2, factor: 2 };

    fn track(kind: usize, colour: usize, distance: f32) -> Track {
        let place = |frame: usize| Place {
            x: 0.25 + 0.125 * frame as f32,
            y: 0.5,
            width: 0.25,
            height: 0.5,
            distance,
            pose: Pose {
                front: [0.6, 0.0, 0.8],
                top: [0.0, 1.0, 0.0],
                stride: 0.5,
                wings: 0.0,
                spread: -1.0,
            },
        };
        Track { kind, colour, places: (0..5).map(place).collect() }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        for tracks in [vec![], vec![track(2, 0, 3.0)], vec![track(0, 1, 3.0), track(1, 1, 8.0)]] {
            let latents = CODE.encode(&tracks, 3);
            assert_eq!(latents.len(), CODE.channels() * 3 * 2);
            let decoded = CODE.decode(&latents);
            assert_eq!(decoded.len(), tracks.len());
            for (found, expected) in decoded.iter().zip(&tracks) {
                assert_eq!((found.kind, found.colour), (expected.kind, expected.colour));
                assert_eq!(found.places.len(), 5);
                for (found, expected) in found.places.iter().zip(&expected.places) {
                    let differences = [found.x - expected.x, found.height - expected.height];
                    assert!(differences.iter().all(|by| by.abs() < 1e-5), "{found:?} {expected:?}");
                    assert!((found.distance / expected.distance - 1.0).abs() < 1e-5);
                    for (found, expected) in found.pose.numbers().iter().zip(expected.pose.numbers()) {
                        assert!((found - expected).abs() < 1e-5, "{found:?} {expected:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn planes_show_boxes_and_what_hides_them() {
        // Of four by four cells, the thing takes up the second column's left half in the first frame, from the second row to the third.
        let near = track(1, 1, 2.0);
        let planes = CODE.planes_of(std::slice::from_ref(&near), [3, 4, 4]);
        let plane =
            |planes: &[f32], plane: usize, latent: usize| planes[(plane * 3 + latent) * 16..][..16].to_vec();
        let rows = |row: [f32; 4]| {
            [[0.0; 4], row, row, [0.0; 4]].concat().iter().map(|share| share * LOUD).collect::<Vec<_>>()
        };
        assert_eq!(plane(&planes, 1, 0), rows([0.5, 0.5, 0.0, 0.0]));
        // Frames 1 and 2: the box begins at 0.25 and at 0.375 of the width.
        assert_eq!(plane(&planes, 5, 1), rows([0.0, 1.0, 0.0, 0.0]));
        assert_eq!(plane(&planes, 6, 1), rows([0.0, 0.5, 0.5, 0.0]));
        assert_eq!(plane(&planes, 1, 1), rows([0.0, 0.75, 0.25, 0.0]));
        assert_eq!(plane(&planes, 3 + 1, 1), plane(&planes, 1, 1));
        assert_eq!(plane(&planes, 0, 1), [0.0; 16]);
        // The middle of the first column is left of the box, and that of the second right of it; rows lie half a box from its middle.
        assert_eq!(plane(&planes, 7, 0), rows([-0.5, 0.5, 0.0, 0.0]));
        let lower = [[0.0; 4], [-0.25, -0.25, 0.0, 0.0], [0.25, 0.25, 0.0, 0.0], [0.0; 4]].concat();
        assert_eq!(plane(&planes, 8, 0), lower.iter().map(|share| share * LOUD).collect::<Vec<_>>());
        // It points to the right and out of the picture, in both frames of a latent one.
        for (first, at) in [(9, 0), (9, 1), (18, 1)] {
            assert_eq!(plane(&planes, first + 1, at), [0.0; 16]);
            let front = plane(&planes, first + 2, at);
            assert_eq!(front.iter().sum::<f32>(), 0.8 * 2.0 * LOUD, "{front:?}");
        }
        // Behind it nothing is seen of another.
        let both = CODE.planes_of(&[track(2, 0, 5.0), near], [3, 4, 4]);
        assert_eq!(plane(&both, 1, 1), plane(&planes, 1, 1));
        assert_eq!(plane(&both, 2, 0), rows([0.25, 0.25, 0.0, 0.0]));
    }

    #[test]
    fn a_ball_shows_the_sides_that_are_turned_to_it() {
        let pose = Pose { front: [0.0, 0.0, 1.0], top: [0.0, 1.0, 0.0], ..Pose::default() };
        let is = |found: [f32; 3], expected: [f32; 3]| {
            // At the edge rounding is seen through a root.
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?} {expected:?}");
        };
        // It looks out of the picture: its front in the middle, its top above, its right hand on the left.
        is(pose.sides([0.0, 0.0]), [1.0, 0.0, 0.0]);
        is(pose.sides([0.0, 1.0]), [0.0, 1.0, 0.0]);
        is(pose.sides([-0.6, 0.0]), [0.8, 0.0, 0.6]);
        // Beyond its edge that is seen.
        is(pose.sides([1.0, 1.0]), [0.0, 0.5_f32.sqrt(), -0.5_f32.sqrt()]);
        // Turned to the right it shows its left hand.
        let turned = Pose { front: [1.0, 0.0, 0.0], ..pose };
        is(turned.sides([0.0, 0.0]), [0.0, 0.0, 1.0]);
        is(Pose::default().sides([0.3, 0.2]), [0.0; 3]);
    }

    #[test]
    fn sides_are_shown_where_the_thing_is() {
        let near = track(1, 1, 2.0);
        let sides = CODE.sides_of(std::slice::from_ref(&near), [3, 4, 4]);
        assert_eq!(sides.len(), CODE.sides() * 3 * 16);
        let boxes = CODE.planes_of(&[near], [3, 4, 4]);
        // Of the first frame: there is something in the second and the third row.
        for cell in 0..16 {
            let is_there = boxes[(5 * 3) * 16 + cell] > 0.0;
            let shown: f32 = (0..3).map(|side| sides[side * 3 * 16 + cell].powi(2)).sum::<f32>().sqrt();
            assert_eq!(shown > 0.0, is_there, "{cell}: {shown}");
        }
    }

    #[test]
    fn what_is_beyond_the_frame_is_not_seen() {
        let mut gone = track(0, 0, 2.0);
        gone.places.iter_mut().for_each(|place| place.x = -3.0);
        assert!(CODE.planes_of(&[gone], [3, 4, 4]).iter().all(|&share| share == 0.0));
    }
}
