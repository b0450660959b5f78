//! Shapes that melt.

use rand::Rng;

use super::Picture;

/// A smooth field of displacements that drifts with time.
#[derive(Clone, Debug, PartialEq)]
pub struct Warp {
    /// The largest displacement, in pixels.
    amplitude: f32,
    /// For each wave: its frequency along x and y in radians a pixel, its phase, its drift in radians a frame, and which
    /// way it displaces.
    waves: Vec<[f32; 6]>,
}

impl Warp {
    /// A field with displacements of up to `amplitude` pixels, in waves of about `length` pixels.
    pub fn draw(amplitude: f32, length: f32, rng: &mut impl Rng) -> Self {
        const WAVES: usize = 5;
        let tau = std::f32::consts::TAU;
        let mut wave = || {
            let (turn, way) = (rng.random_range(0.0..tau), rng.random_range(0.0..tau));
            let frequency = tau / (length * rng.random_range(0.7..1.5));
            let (phase, drift) = (rng.random_range(0.0..tau), rng.random_range(-0.6..0.6));
            [frequency * turn.cos(), frequency * turn.sin(), phase, drift, way.cos(), way.sin()]
        };
        Self { amplitude, waves: (0..WAVES).map(|_| wave()).collect() }
    }

    /// The picture with every pixel taken from somewhere near, as of this frame.
    pub fn apply(&self, picture: &Picture, frame: usize) -> Picture {
        let (width, height) = (picture.width, picture.height);
        let area = width * height;
        let unit = self.amplitude / (self.waves.len() as f32).sqrt();
        let mut values = vec![0.0; picture.values.len()];
        for pixel in 0..area {
            let (x, y) = ((pixel % width) as f32, (pixel / width) as f32);
            let mut from = [x, y];
            for &[fx, fy, phase, drift, dx, dy] in &self.waves {
                let lift = unit * (fx * x + fy * y + phase + drift * frame as f32).sin();
                from[0] += lift * dx;
                from[1] += lift * dy;
            }
            let x = from[0].clamp(0.0, (width - 1) as f32);
            let y = from[1].clamp(0.0, (height - 1) as f32);
            let (left, top) = (x as usize, y as usize);
            let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
            let (across, down) = (x - left as f32, y - top as f32);
            for plane in 0..3 {
                let at = |x: usize, y: usize| picture.values[plane * area + y * width + x];
                let above = at(left, top) * (1.0 - across) + at(right, top) * across;
                let below = at(left, bottom) * (1.0 - across) + at(right, bottom) * across;
                values[plane * area + pixel] = above * (1.0 - down) + below * down;
            }
        }
        Picture { values, ..picture.clone() }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn what_is_even_stays_so_and_what_is_not_moves() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let even = Picture { width: 20, height: 10, values: vec![0.25; 600] };
        let warp = Warp::draw(4.0, 12.0, &mut rng);
        let warped = warp.apply(&even, 0);
        assert!(warped.values.iter().all(|value| (value - 0.25).abs() < 1e-6));
        let lines = Picture { values: (0..600).map(|i| ((i / 3) % 2) as f32).collect(), ..even };
        assert_eq!(Warp::draw(0.0, 12.0, &mut rng).apply(&lines, 2), lines);
        let [first, second] = [0, 1].map(|frame| warp.apply(&lines, frame));
        assert!(first != lines && first != second);
    }
}
