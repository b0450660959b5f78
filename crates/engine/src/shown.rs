//! What a denoiser of the world's pictures is shown beside its latents: where things are, which side of them is seen, and where each drop and
//! flake is.
//!
//! Where drops are is chance, and there are so many that every few pixels could hold one. A denoiser of few steps draws the mean of
//! what it thinks possible, and the mean of all rains is no rain. So they are planned as things are: drawn first, from the seed of the
//! video and by the world's own rule, and shown.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use models::tracks::{Track, TrackCode};
use world::{Camera, Claims, ClipSpec, Mark, Weather};

use crate::{
    Known, Plan,
    timeline::{Frame, Window},
};

/// Pixels along each side of a latent of the world's clips.
const PIXELS: usize = 8;
/// Rows and columns of the parts of a latent whose weather is shown apart: streaks are high and thin.
const PARTS: [usize; 2] = [2, 4];
/// Planes of the weather are so many times as loud as shares are.
const LOUD: f32 = 8.0;

/// What a denoiser is shown beside boxes and poses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// What falls in each part of each latent.
    pub weather: bool,
    /// Which side of a thing each latent shows.
    pub sides: bool,
}

impl Shown {
    /// All that can be.
    pub const ALL: [Self; 4] = [
        Self { weather: false, sides: false },
        Self { weather: true, sides: false },
        Self { weather: false, sides: true },
        Self { weather: true, sides: true },
    ];

    /// How many planes: those of the tracks, behind them those of the weather, for each frame of a latent one for each part of a latent, and behind
    /// those the sides.
    pub fn planes(self, code: TrackCode) -> usize {
        self.weather_planes(code).end + if self.sides { code.sides() } else { 0 }
    }

    /// The planes of the weather; none if that is not shown.
    pub fn weather_planes(self, code: TrackCode) -> Range<usize> {
        let count = if self.weather { code.factor * PARTS[0] * PARTS[1] } else { 0 };
        code.planes()..code.planes() + count
    }

    /// The planes of what is turned how: the poses, and the sides.
    pub fn turned_planes(self, code: TrackCode) -> [Range<usize>; 2] {
        [code.pose_planes(), self.weather_planes(code).end..self.planes(code)]
    }

    /// What one of so many planes is shown, if there is such a one.
    pub fn of_planes(code: TrackCode, planes: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|shown| shown.planes(code) == planes)
    }

    /// How many planes there can be, in words.
    pub fn possible(code: TrackCode) -> String {
        let [tracks, weather, sides, all] = Self::ALL.map(|shown| shown.planes(code));
        format!(
            "{tracks}, the planes of the world's tracks, or {weather} with those of its weather, {sides} with the sides of its things, \
             {all} with both"
        )
    }

    /// The planes, `[planes, frames, height, width]` of latents; `falling` has what falls in each frame of the clip, and is not asked if
    /// that is not shown.
    pub fn planes_of(
        self,
        code: TrackCode,
        tracks: &[Track],
        falling: &[Vec<Mark>],
        size: [usize; 3],
    ) -> Vec<f32> {
        let mut planes = code.planes_of(tracks, size);
        if self.weather {
            planes.extend(weather_planes(code, falling, size));
        }
        if self.sides {
            planes.extend(code.sides_of(tracks, size));
        }
        planes
    }
}

/// What falls before a camera at a time in seconds, in a picture of so many latents down and across.
pub fn falling(
    weather: Weather,
    seed: u64,
    camera: &Camera,
    time: f32,
    [height, width]: [usize; 2],
) -> Vec<Mark> {
    let spec = ClipSpec { width: PIXELS * width, height: PIXELS * height, ..ClipSpec::default() };
    world::falling(weather, seed, camera, time, &spec)
}

/// Tracks as a window's denoiser is shown them, `[1, planes, frames, height, width]`, with the weather of the window's prompt if it is shown
/// that.
pub(crate) fn show(
    code: TrackCode,
    tracks: &[Track],
    (plan, window): (&Plan, &Window),
    device: &Device,
) -> Tensor<5> {
    let [_, _, height, width] = plan.latent_shape;
    let size = [window.latent_frames, height, width];
    let count = plan.model.denoiser().shown_channels();
    let shown = Shown::of_planes(code, count).unwrap_or_default();
    let falling = if shown.weather { falling_in(plan, window) } else { Vec::new() };
    let planes = shown.planes_of(code, tracks, &falling, size);
    Tensor::from_data(TensorData::new(planes, [1, count, window.latent_frames, height, width]), device)
}

/// What falls in each frame of a window by its prompt: nothing in pictures that stay as they are given, in which nobody knows where drops
/// are.
fn falling_in(plan: &Plan, window: &Window) -> Vec<Vec<Mark>> {
    let [_, _, height, width] = plan.latent_shape;
    let weather = Claims::of_prompt(&plan.prompts[plan.prompt_of(window)]).weather.unwrap_or(Weather::Clear);
    let camera = world::usual_camera();
    let of_frame = |frame: isize| {
        let time = |frame: isize| (frame as f64 / plan.fps) as f32;
        let at = |frame| falling(weather, plan.request.seed, &camera, time(frame), [height, width]);
        match plan.layout.frame(frame) {
            Some(Frame::Known { index, .. }) if stays(&plan.request.known[index]) => Vec::new(),
            Some(Frame::Again(first)) => at(first as isize),
            _ => at(frame),
        }
    };
    let latents = 0..window.latent_frames;
    latents.flat_map(|latent| plan.layout.frames_of(window, latent)).map(of_frame).collect()
}

/// Whether what is given stays as it is, all of it or beside a region.
fn stays(known: &Known) -> bool {
    known.strength <= 0.0 || !known.regions.is_empty()
}

/// `[planes, frames, height, width]` of latents: how much of each part of each latent is hidden by what falls in each of its frames.
fn weather_planes(
    code: TrackCode,
    falling: &[Vec<Mark>],
    [latent_frames, height, width]: [usize; 3],
) -> Vec<f32> {
    let [rows, columns] = PARTS;
    let (cells, unit) = (height * width, LOUD / ((PIXELS / rows) * (PIXELS / columns)) as f32);
    let [tall, wide] = [height, width].map(|side| side * PIXELS);
    let mut planes = vec![0.0; code.factor * rows * columns * latent_frames * cells];
    for latent in 0..latent_frames {
        for (part, frame) in code.frames_of(latent).enumerate().filter(|(_, at)| !falling[*at].is_empty()) {
            let mut hidden = vec![0.0_f32; tall * wide];
            for mark in &falling[frame] {
                let [min, max] = mark.bounds();
                // What lies beside the picture is cut off: of a negative number nothing is left.
                for y in min.y as usize..(max.y.ceil() as usize).min(tall) {
                    for x in min.x as usize..(max.x.ceil() as usize).min(wide) {
                        let hides = mark.hides([x as f32 + 0.5, y as f32 + 0.5].into());
                        let hidden = &mut hidden[y * wide + x];
                        *hidden += (1.0 - *hidden) * hides;
                    }
                }
            }
            for (at, hidden) in hidden.into_iter().enumerate().filter(|(_, hidden)| *hidden > 0.0) {
                let [y, x] = [at / wide, at % wide];
                let [row, column] = [y % PIXELS * rows / PIXELS, x % PIXELS * columns / PIXELS];
                let plane = (part * rows + row) * columns + column;
                let cell = y / PIXELS * width + x / PIXELS;
                planes[(plane * latent_frames + latent) * cells + cell] += unit * hidden;
            }
        }
    }
    planes
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: TrackCode = TrackCode { labels: [1, 1], things: 1, factor: 2 };
    const WEATHER: Shown = Shown { weather: true, sides: false };

    fn at(weather: Weather, seed: u64, time: f32) -> Vec<Mark> {
        falling(weather, seed, &world::usual_camera(), time, [16, 16])
    }

    fn heights(marks: &[Mark]) -> Vec<f32> {
        marks.iter().map(|mark| mark.from.y).collect()
    }

    /// Between two points, in latents, half as thick.
    fn mark([from, to]: [[f32; 2]; 2], radius: f32, opacity: f32) -> Mark {
        let pixels = |at: [f32; 2]| at.map(|at| at * PIXELS as f32).into();
        Mark { from: pixels(from), to: pixels(to), radius: radius * PIXELS as f32, opacity, distance: 5.0 }
    }

    /// What is shown of one latent at a frame of a clip of five: its parts, row by row.
    fn parts(falling: &[Vec<Mark>], latent: usize, part: usize, cell: usize) -> Vec<f32> {
        let shown = WEATHER.planes_of(CODE, &[], falling, [3, 2, 2]);
        assert_eq!(shown.len(), WEATHER.planes(CODE) * 3 * 4);
        let first = CODE.planes();
        (0..8).map(|at| shown[((first + part * 8 + at) * 3 + latent) * 4 + cell]).collect()
    }

    #[test]
    fn what_is_shown_is_told_by_how_many_planes_there_are() {
        for shown in Shown::ALL {
            assert_eq!(Shown::of_planes(CODE, shown.planes(CODE)), Some(shown));
            let of = |falling| shown.planes_of(CODE, &[], falling, [3, 2, 2]).len();
            assert_eq!(of(&vec![Vec::new(); 5]), shown.planes(CODE) * 12);
            let [poses, sides] = shown.turned_planes(CODE);
            assert!(poses.end <= sides.start && sides.end == shown.planes(CODE));
        }
        assert_eq!(Shown::of_planes(CODE, 3), None);
    }

    #[test]
    fn rain_falls_and_snow_falls_slower() {
        assert_eq!(at(Weather::Clear, 1, 0.0), []);
        for (weather, fewest) in [(Weather::Rain, 12), (Weather::Snow, 12)] {
            let marks = at(weather, 1, 0.0);
            let is_inside = |mark: &&Mark| mark.from.to_array().iter().all(|at| (0.0..128.0).contains(at));
            let inside = marks.iter().filter(is_inside).count();
            assert!(inside >= fewest, "{weather:?}: {inside}");
            assert_ne!(heights(&at(weather, 2, 0.0)), heights(&marks));
        }
        let falls = |weather| {
            let (now, then) = (heights(&at(weather, 1, 0.0)), heights(&at(weather, 1, 0.05)));
            let mut by: Vec<f32> = now.iter().zip(&then).map(|(now, then)| then - now).collect();
            by.sort_by(f32::total_cmp);
            by[by.len() / 2]
        };
        let (rain, snow) = (falls(Weather::Rain), falls(Weather::Snow));
        assert!(snow > 0.0 && rain > 3.0 * snow, "{rain} {snow}");
    }

    #[test]
    fn in_what_stays_nothing_is_shown() {
        let of = |strength| Known { strength, ..Known::new("given") };
        assert!(stays(&of(0.0)) && !stays(&of(0.5)) && !stays(&of(1.0)));
    }

    #[test]
    fn a_streak_is_in_the_parts_that_it_goes_through() {
        // Down the right edge of the lower left latent, in its upper half, two pixels wide; in the last frame alone.
        let streak = mark([[0.875, 1.0], [0.875, 1.5]], 0.125, 0.5);
        let mut falling = vec![Vec::new(); 5];
        falling[4].push(streak);
        let shown = parts(&falling, 2, 1, 2);
        assert!((shown[3] - 0.5 * LOUD).abs() < 0.1, "{shown:?}");
        assert!(shown[..3].iter().all(|&share| share < 0.1) && shown[7] < 0.2 * LOUD, "{shown:?}");
        for (latent, part, cell) in [(2, 0, 2), (1, 1, 2), (2, 1, 3), (0, 0, 2)] {
            assert!(parts(&falling, latent, part, cell).iter().all(|&share| share < 0.1));
        }
    }

    #[test]
    fn the_first_frame_counts_for_all_of_its_latent() {
        let flake = mark([[0.5, 0.5]; 2], 0.2, 1.0);
        let falling = [vec![vec![flake]], vec![Vec::new(); 4]].concat();
        assert_eq!(parts(&falling, 0, 0, 0), parts(&falling, 0, 1, 0));
        assert!(parts(&falling, 0, 0, 0).iter().sum::<f32>() > 0.5);
    }

    #[test]
    fn what_is_beside_the_frame_is_not_shown() {
        let beside = [[-3.0, 0.5], [9.0, 9.0]].map(|at| mark([at; 2], 0.2, 1.0));
        let falling = vec![beside.to_vec(); 5];
        let shown = WEATHER.planes_of(CODE, &[], &falling, [3, 2, 2]);
        assert!(shown.iter().all(|&share| share == 0.0));
    }
}
