//! One frame in floating point, and what can be done to it.

use rand::Rng;

/// A frame as `[3, height, width]`, 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// One plane after the other: red, green, blue.
    pub values: Vec<f32>,
}

impl Picture {
    /// Of 8-bit RGB, `[height, width, 3]`.
    ///
    /// # Panics
    /// If there are not `width * height * 3` bytes.
    pub fn from_rgb(width: usize, height: usize, rgb: &[u8]) -> Self {
        assert_eq!(rgb.len(), width * height * 3, "bytes of a frame of {width}x{height}");
        let plane = |colour: usize| rgb.iter().skip(colour).step_by(3).map(|&byte| f32::from(byte) / 255.0);
        Self { width, height, values: (0..3).flat_map(plane).collect() }
    }

    /// As 8-bit RGB, `[height, width, 3]`.
    pub fn to_rgb(&self) -> Vec<u8> {
        let area = self.width * self.height;
        let byte = |value: f32| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
        (0..area).flat_map(|pixel| [0, 1, 2].map(|plane| byte(self.values[plane * area + pixel]))).collect()
    }

    /// Each plane, `[height, width]`.
    fn planes_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.values.chunks_exact_mut((self.width * self.height).max(1))
    }

    /// Blurred by a Gaussian with a standard deviation of `sigma` pixels; the border is continued.
    pub fn blur(&mut self, sigma: f32) {
        let reach = (3.0 * sigma).ceil() as usize;
        if reach == 0 {
            return;
        }
        let weight = |at: usize| (-0.5 * (at as f32 / sigma).powi(2)).exp();
        let sum = weight(0) + 2.0 * (1..=reach).map(weight).sum::<f32>();
        let kernel: Vec<f32> = (0..=2 * reach).map(|at| weight(at.abs_diff(reach)) / sum).collect();
        let [width, height] = [self.width, self.height];
        let mut padded = Vec::new();
        for plane in self.planes_mut() {
            for row in plane.chunks_exact_mut(width) {
                pad(row, reach, &mut padded);
                for (at, value) in row.iter_mut().enumerate() {
                    *value = padded[at..].iter().zip(&kernel).map(|(value, weight)| value * weight).sum();
                }
            }
            let rows = plane.to_vec();
            for (row, values) in plane.chunks_exact_mut(width).enumerate() {
                values.fill(0.0);
                for (at, weight) in kernel.iter().enumerate() {
                    let from = (row + at).saturating_sub(reach).min(height - 1) * width;
                    let above = &rows[from..from + width];
                    values.iter_mut().zip(above).for_each(|(sum, value)| *sum += weight * value);
                }
            }
        }
    }

    /// Shrunk to `share` of its size and enlarged again, both with straight lines between pixels.
    pub fn coarsen(&mut self, share: f32) {
        let small = |side: usize| ((side as f32 * share).round() as usize).max(1);
        let shrunk = self.resized(small(self.width), small(self.height));
        *self = shrunk.resized(self.width, self.height);
    }

    /// Of another size, with straight lines between pixels; where it gets smaller, each pixel is a mean.
    pub fn resized(&self, width: usize, height: usize) -> Self {
        let across = Taps::between(self.width, width);
        let down = Taps::between(self.height, height);
        let mut values = Vec::with_capacity(3 * width * height);
        for plane in self.values.chunks_exact((self.width * self.height).max(1)) {
            let rows: Vec<f32> = plane.chunks_exact(self.width).flat_map(|row| across.of(row, 1)).collect();
            let columns: Vec<Vec<f32>> = (0..width).map(|column| down.of(&rows[column..], width)).collect();
            values.extend((0..height).flat_map(|row| columns.iter().map(move |column| column[row])));
        }
        Self { width, height, values }
    }

    /// Gaussian noise with a standard deviation of `sigma` of the brightest, on each value.
    pub fn add_noise(&mut self, sigma: f32, rng: &mut impl Rng) {
        for value in &mut self.values {
            *value = (*value + sigma * normal(rng)).clamp(0.0, 1.0);
        }
    }

    /// Each plane times its gain.
    pub fn tint(&mut self, gains: [f32; 3]) {
        for (plane, gain) in self.planes_mut().zip(gains) {
            plane.iter_mut().for_each(|value| *value = (*value * gain).min(1.0));
        }
    }

    /// A share of another picture of the same size laid over this one; `share` has one value a pixel.
    pub fn blend(&mut self, other: &Self, share: &[f32]) {
        let area = self.width * self.height;
        for (at, (value, other)) in self.values.iter_mut().zip(&other.values).enumerate() {
            *value += share[at % area] * (other - *value);
        }
    }
}

/// What red, green and blue give to brightness (ITU-R BT.601).
pub(crate) const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// The brightness of red, green and blue, in their unit.
pub fn luma([r, g, b]: [f32; 3]) -> f32 {
    LUMA[0] * r + LUMA[1] * g + LUMA[2] * b
}

/// A standard normal number (Box & Muller 1958).
fn normal(rng: &mut impl Rng) -> f32 {
    let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
    radius * (std::f32::consts::TAU * rng.random::<f32>()).cos()
}

/// A row with its ends continued by `reach` on either side.
fn pad(row: &[f32], reach: usize, padded: &mut Vec<f32>) {
    padded.clear();
    padded.resize(reach, row[0]);
    padded.extend_from_slice(row);
    padded.resize(row.len() + 2 * reach, row[row.len() - 1]);
}

/// Which values make each value of a resized line, with their weights.
struct Taps(Vec<Vec<(usize, f32)>>);

impl Taps {
    fn between(from: usize, to: usize) -> Self {
        let scale = from as f32 / to as f32;
        // A triangle as wide as a new pixel, but at least as wide as an old one.
        let reach = scale.max(1.0);
        let of = |at: usize| {
            let middle = (at as f32 + 0.5) * scale - 0.5;
            let first = (middle - reach).ceil() as isize;
            let last = (middle + reach).floor() as isize;
            let taps: Vec<(usize, f32)> = (first..=last)
                .map(|tap| {
                    let inside = tap.clamp(0, from as isize - 1) as usize;
                    (inside, 1.0 - (tap as f32 - middle).abs() / reach)
                })
                .collect();
            let sum: f32 = taps.iter().map(|(_, weight)| weight).sum();
            taps.into_iter().map(|(tap, weight)| (tap, weight / sum)).collect()
        };
        Self((0..to).map(of).collect())
    }

    /// The resized line of values that lie `step` apart.
    fn of(&self, line: &[f32], step: usize) -> Vec<f32> {
        self.0.iter().map(|taps| taps.iter().map(|&(tap, weight)| weight * line[tap * step]).sum()).collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn noisy(width: usize, height: usize) -> Picture {
        let mut picture = Picture { width, height, values: vec![0.5; 3 * width * height] };
        picture.add_noise(0.2, &mut ChaCha8Rng::seed_from_u64(1));
        picture
    }

    fn spread(picture: &Picture) -> f32 {
        let mean = picture.values.iter().sum::<f32>() / picture.values.len() as f32;
        let square = picture.values.iter().map(|value| (value - mean).powi(2)).sum::<f32>();
        (square / picture.values.len() as f32).sqrt()
    }

    #[test]
    fn bytes_come_back() {
        let rgb: Vec<u8> = (0..5 * 3 * 3).map(|i| (i * 5) as u8).collect();
        assert_eq!(Picture::from_rgb(5, 3, &rgb).to_rgb(), rgb);
    }

    /// White noise blurred by a Gaussian keeps `1 / (2 sigma sqrt(pi))` of its deviation.
    #[test]
    fn blur_takes_as_much_as_a_gaussian_does() {
        for sigma in [1.0, 2.0, 3.0] {
            let mut picture = noisy(400, 300);
            let before = spread(&picture);
            picture.blur(sigma);
            let kept = spread(&picture) / before;
            let expected = 1.0 / (2.0 * sigma * std::f32::consts::PI.sqrt());
            assert!((kept / expected - 1.0).abs() < 0.15, "{sigma}: {kept}, not {expected}");
        }
        let mut same = noisy(9, 7);
        same.blur(0.0);
        assert_eq!(same, noisy(9, 7));
    }

    #[test]
    fn a_resized_ramp_is_a_ramp() {
        let ramp = |width: usize| Picture {
            width,
            height: 2,
            values: (0..6 * width).map(|i| ((i % width) as f32 + 0.5) / width as f32).collect(),
        };
        for (from, to) in [(64, 32), (32, 64), (40, 30)] {
            let resized = ramp(from).resized(to, 2);
            for (at, (found, expected)) in resized.values.iter().zip(&ramp(to).values).enumerate() {
                let inner = (2..to - 2).contains(&(at % to));
                assert!(!inner || (found - expected).abs() < 1e-3, "{from} to {to}: {found} {expected}");
            }
        }
    }

    #[test]
    fn blending_takes_from_the_other_where_it_is_asked() {
        let mut picture = Picture { width: 2, height: 1, values: vec![0.0; 6] };
        picture.blend(&Picture { width: 2, height: 1, values: vec![1.0; 6] }, &[0.25, 0.0]);
        assert_eq!(picture.values, [0.25, 0.0, 0.25, 0.0, 0.25, 0.0]);
    }
}
