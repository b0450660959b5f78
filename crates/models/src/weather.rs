//! What the denoiser of pictures is shown of rain and snow: where each drop and flake is.
//!
//! Where drops are is chance, and there are so many that every few pixels could hold one. A denoiser of few steps draws the mean of
//! what it thinks possible, and the mean of all rains is no rain. So they are planned as things are: drawn first, by the world's own
//! rule, and shown.

use crate::tracks::TrackCode;

/// A drop or flake in one frame, in latents from the upper left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Both ends, across and down; a flake has them in one place.
    pub ends: [[f32; 2]; 2],
    /// Half as thick as it is drawn.
    pub radius: f32,
    /// How much of what is behind it is hidden, from 0 to 1.
    pub opacity: f32,
}

/// Rows and columns of the parts of a latent that are shown apart: streaks are high and thin.
const PARTS: [usize; 2] = [2, 4];
/// Points along each side of a latent that are looked at.
const POINTS: usize = 8;
/// Planes are so many times as loud as shares are.
const LOUD: f32 = 8.0;

impl Mark {
    /// How much of a point it hides, from 0 to 1; its edge is one of [`POINTS`] wide.
    fn hides(&self, [x, y]: [f32; 2]) -> f32 {
        let [[x0, y0], [x1, y1]] = self.ends;
        let line = [x1 - x0, y1 - y0];
        let length = (line[0] * line[0] + line[1] * line[1]).max(1e-9);
        let along = (((x - x0) * line[0] + (y - y0) * line[1]) / length).clamp(0.0, 1.0);
        let away = (x - x0 - along * line[0]).hypot(y - y0 - along * line[1]);
        ((self.radius - away) * POINTS as f32 + 0.5).clamp(0.0, 1.0) * self.opacity
    }

    /// The points of a row or column of so many latents, an `axis`, that it can reach.
    fn reach(&self, axis: usize, latents: usize) -> std::ops::Range<usize> {
        let [a, b] = self.ends.map(|end| end[axis]);
        let edge = self.radius + 1.0 / POINTS as f32;
        let point = |at: f32| (at * POINTS as f32).clamp(0.0, (latents * POINTS) as f32);
        point(a.min(b) - edge) as usize..point(a.max(b) + edge).ceil() as usize
    }
}

impl TrackCode {
    /// Planes that show rain and snow, behind those of the tracks: for each frame of a latent one for each part of a latent.
    pub fn weather_planes(self) -> usize {
        self.factor * PARTS[0] * PARTS[1]
    }

    /// `[planes, frames, height, width]` of latents: how much of each part of each latent is hidden by what falls in each of its frames.
    /// `falling` has the marks of each frame of the clip.
    pub fn weather_planes_of(
        self,
        falling: &[Vec<Mark>],
        [latent_frames, height, width]: [usize; 3],
    ) -> Vec<f32> {
        let [rows, columns] = PARTS;
        let (cells, unit) = (height * width, LOUD / ((POINTS / rows) * (POINTS / columns)) as f32);
        let mut planes = vec![0.0; self.weather_planes() * latent_frames * cells];
        for latent in 0..latent_frames {
            for (part, frame) in self.frames_of(latent).enumerate() {
                let mut hidden = vec![0.0_f32; cells * POINTS * POINTS];
                for mark in &falling[frame] {
                    for y in mark.reach(1, height) {
                        for x in mark.reach(0, width) {
                            let hides = mark.hides([x, y].map(|at| (at as f32 + 0.5) / POINTS as f32));
                            let hidden = &mut hidden[y * width * POINTS + x];
                            *hidden += (1.0 - *hidden) * hides;
                        }
                    }
                }
                for (at, hidden) in hidden.into_iter().enumerate().filter(|(_, hidden)| *hidden > 0.0) {
                    let [y, x] = [at / (width * POINTS), at % (width * POINTS)];
                    let [row, column] = [y % POINTS * rows / POINTS, x % POINTS * columns / POINTS];
                    let plane = (part * rows + row) * columns + column;
                    let cell = y / POINTS * width + x / POINTS;
                    planes[(plane * latent_frames + latent) * cells + cell] += unit * hidden;
                }
            }
        }
        planes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: TrackCode = TrackCode { labels: [1, 1], things: 1, factor: 2 };

    /// What is shown of one latent at a frame of a clip of five: its parts, row by row.
    fn parts(falling: &[Vec<Mark>], latent: usize, part: usize, cell: usize) -> Vec<f32> {
        let planes = CODE.weather_planes_of(falling, [3, 2, 2]);
        assert_eq!(planes.len(), CODE.weather_planes() * 3 * 4);
        (0..8).map(|at| planes[((part * 8 + at) * 3 + latent) * 4 + cell]).collect()
    }

    #[test]
    fn a_streak_is_in_the_parts_that_it_goes_through() {
        // Down the right edge of the lower left latent, in its upper half, two points wide; in the last frame alone.
        let streak = Mark { ends: [[0.875, 1.0], [0.875, 1.5]], radius: 0.125, opacity: 0.5 };
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
        let flake = Mark { ends: [[0.5, 0.5]; 2], radius: 0.2, opacity: 1.0 };
        let falling = [vec![vec![flake]], vec![Vec::new(); 4]].concat();
        assert_eq!(parts(&falling, 0, 0, 0), parts(&falling, 0, 1, 0));
        assert!(parts(&falling, 0, 0, 0).iter().sum::<f32>() > 0.5);
    }

    #[test]
    fn what_is_beside_the_frame_is_not_shown() {
        let beside = [[-3.0, 0.5], [9.0, 9.0]].map(|at| Mark { ends: [at; 2], radius: 0.2, opacity: 1.0 });
        let falling = vec![beside.to_vec(); 5];
        assert!(CODE.weather_planes_of(&falling, [3, 2, 2]).iter().all(|&share| share == 0.0));
    }
}
