//! What a video looks like while it forms: latents as pictures by one matrix, which costs next to nothing.
//!
//! An autoencoder's latent is, to a first approximation, a linear code of its block of pixels. The best matrix from one to the
//! other (least squares) is fitted once for each autoencoder, to pictures of the procedural world, and kept on the disk.

use burn::tensor::Tensor;
use media::Clip;
use models::family::{Autoencoder, AutoencoderConfig};
use nalgebra::{DMatrix, DVector};
use world::{ClipSpec, Scene, Split};

use crate::{Error, Result, cache, finite::values};

/// Clips that a matrix is fitted to, and their side in pixels.
const CLIPS: u64 = 24;
const SIDE: usize = 128;
/// Of the mean square of the latents: keeps what the clips do not tell apart near zero.
const RIDGE: f64 = 1e-3;
/// A preview is no higher than this, in pixels, unless its latents are.
const HIGHEST: usize = 192;

/// From a latent to the pixels of its block's last frame.
#[derive(Clone, Debug, PartialEq)]
struct Matrix {
    /// `[side, side, 3, channels + 1]`; the last is added.
    weights: Vec<f32>,
}

/// From latents to pictures.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Projection {
    channels: usize,
    /// Pixels of a latent along each side.
    side: usize,
    /// Of first latent frames, which are one frame each, and of later ones.
    of: [Matrix; 2],
}

impl Projection {
    /// That of an autoencoder whose files have the fingerprint `hash`; fitted if it is not on the disk. `autoencoder` is then
    /// asked for, with its encoder.
    ///
    /// # Errors
    /// What `autoencoder` answers.
    pub fn of(
        config: &AutoencoderConfig,
        hash: &str,
        autoencoder: impl FnOnce() -> Result<std::sync::Arc<Autoencoder>>,
    ) -> Result<Self> {
        let (channels, side) = (config.z_dim(), config.scale_factors()[1]);
        // Of the forms of one autoencoder each has its own.
        let name = format!("preview-{}-{side}", &hash[..hash.len().min(32)]);
        let size = side * side * 3 * (channels + 1);
        if let Some(found) = cache::numbers(&name).filter(|found| found.len() == 2 * size) {
            let of = [&found[..size], &found[size..]].map(|weights| Matrix { weights: weights.to_vec() });
            return Ok(Self { channels, side, of });
        }
        let fitted = Self::fit(&*autoencoder()?);
        cache::keep_numbers(&name, &[&fitted.of[0].weights[..], &fitted.of[1].weights].concat());
        Ok(fitted)
    }

    fn fit(autoencoder: &Autoencoder) -> Self {
        let config = autoencoder.config();
        let [factor, side, _] = config.scale_factors();
        let channels = config.z_dim();
        let mut fits = [0, 1].map(|_| LeastSquares::new(channels, side * side * 3));
        for seed in 0..CLIPS {
            let spec = ClipSpec { width: SIDE, height: SIDE, num_frames: 1 + factor, fps: 8 };
            let scene = Scene::sample(seed, Split::Train);
            let pixels = world::render(&scene, &world::simulate(&scene, &spec), &spec);
            let latents = values(autoencoder.encode(to_video(&pixels, &spec, &Default::default())));
            let (rows, frames) = (SIDE / side, latents.len() / channels / (SIDE / side).pow(2));
            for (latent, fit) in fits.iter_mut().enumerate().take(frames) {
                let frame = &pixels[latent * factor * SIDE * SIDE * 3..][..SIDE * SIDE * 3];
                for place in 0..rows * rows {
                    let code: Vec<f64> = (0..channels)
                        .map(|channel| f64::from(latents[(channel * frames + latent) * rows * rows + place]))
                        .collect();
                    fit.add(code, block(frame, [place / rows, place % rows], side));
                }
            }
        }
        Self { channels, side, of: fits.map(|fit| Matrix { weights: fit.solve() }) }
    }

    /// Latents as the autoencoder decodes them, `[1, channels, frames, height, width]`, as a clip of a frame for each latent
    /// frame, at a rate of `fps`; no larger than is good to look at.
    ///
    /// # Errors
    /// None for latents that a video can have.
    pub fn pictures(&self, latents: Tensor<5>, fps: f64) -> Result<Clip> {
        let [_, channels, frames, height, width] = latents.dims();
        let cell = (HIGHEST / height).clamp(1, self.side);
        let latents = values(latents);
        let matrices = [0, 1].map(|index| self.shrunk(index, cell));
        let mut pixels = vec![0_u8; frames * height * width * cell * cell * 3];
        for frame in 0..frames {
            let matrix = &matrices[frame.min(1)];
            for (place, at) in (0..height * width).zip(frame * height * width..) {
                let code = |channel: usize| latents[channel * frames * height * width + at];
                let [row, column] = [place / width, place % width];
                for (index, weights) in matrix.chunks_exact(channels + 1).enumerate() {
                    let value = (0..channels).map(|channel| weights[channel] * code(channel)).sum::<f32>();
                    let [y, x, colour] = [index / (cell * 3), index / 3 % cell, index % 3];
                    let to = ((frame * height + row) * cell + y) * width * cell + column * cell + x;
                    pixels[to * 3 + colour] = (value + weights[channels]).round().clamp(0.0, 255.0) as u8;
                }
            }
        }
        Clip::new(width * cell, height * cell, fps, pixels).map_err(Error::from)
    }

    /// The matrix for cells of so many pixels, which are means over the whole block's.
    fn shrunk(&self, index: usize, cell: usize) -> Vec<f32> {
        let (width, side) = (self.channels + 1, self.side);
        let mut shrunk = vec![0.0; cell * cell * 3 * width];
        let mut counts = vec![0.0_f32; cell * cell];
        for (row, weights) in self.of[index].weights.chunks_exact(width).enumerate() {
            let [y, x] = [row / (side * 3), row / 3 % side].map(|at| at * cell / side);
            counts[y * cell + x] += 1.0 / 3.0;
            let to = ((y * cell + x) * 3 + row % 3) * width;
            shrunk[to..to + width].iter_mut().zip(weights).for_each(|(to, weight)| *to += weight);
        }
        for (of_cell, count) in shrunk.chunks_exact_mut(3 * width).zip(counts) {
            of_cell.iter_mut().for_each(|weight| *weight /= count);
        }
        shrunk
    }
}

/// Sums of a least-squares fit of many numbers to some.
struct LeastSquares {
    /// `[inputs + 1, inputs + 1]`
    squares: DMatrix<f64>,
    /// `[inputs + 1, outputs]`
    products: DMatrix<f64>,
    count: f64,
}

impl LeastSquares {
    fn new(inputs: usize, outputs: usize) -> Self {
        let size = inputs + 1;
        Self { squares: DMatrix::zeros(size, size), products: DMatrix::zeros(size, outputs), count: 0.0 }
    }

    fn add(&mut self, mut input: Vec<f64>, output: Vec<f64>) {
        input.push(1.0);
        let (input, output) = (DVector::from_vec(input), DVector::from_vec(output));
        self.squares.ger(1.0, &input, &input, 1.0);
        self.products.ger(1.0, &input, &output, 1.0);
        self.count += 1.0;
    }

    /// The weights of each output, one behind the other: `[outputs, inputs + 1]`.
    fn solve(self) -> Vec<f32> {
        let inputs = self.squares.nrows() - 1;
        let mean = (0..inputs).map(|index| self.squares[(index, index)]).sum::<f64>() / inputs as f64;
        let mut squares = self.squares;
        for index in 0..inputs {
            squares[(index, index)] += RIDGE * mean + f64::MIN_POSITIVE;
        }
        squares[(inputs, inputs)] += f64::MIN_POSITIVE + if self.count > 0.0 { 0.0 } else { 1.0 };
        let solved = squares.lu().solve(&self.products);
        // One column for each output, as they lie in memory.
        solved.unwrap_or_else(|| self.products * 0.0).iter().map(|weight| *weight as f32).collect()
    }
}

/// A block of a frame, `[side, side, 3]`, 0 to 255.
fn block(frame: &[u8], [row, column]: [usize; 2], side: usize) -> Vec<f64> {
    (0..side)
        .flat_map(|y| &frame[((row * side + y) * SIDE + column * side) * 3..][..side * 3])
        .map(|&value| f64::from(value))
        .collect()
}

/// `[frames, height, width, 3]`, 0 to 255, as `[1, 3, frames, height, width]`, -1 to 1.
fn to_video(pixels: &[u8], spec: &ClipSpec, device: &burn::tensor::Device) -> Tensor<5> {
    let shape = [1, spec.num_frames, spec.height, spec.width, 3];
    let values: Vec<f32> = pixels.iter().map(|&value| f32::from(value) / 127.5 - 1.0).collect();
    Tensor::<5>::from_data(burn::tensor::TensorData::new(values, shape), device).permute([0, 4, 1, 2, 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_code_is_read_exactly() {
        // Two channels and what is added: one output is the sum, the other a constant.
        let mut fit = LeastSquares::new(2, 2);
        for at in 0..50 {
            let input = [f64::from(at % 7) - 3.0, f64::from(at % 5) - 2.0];
            fit.add(input.to_vec(), vec![input[0] + input[1], 4.0]);
        }
        let weights = fit.solve();
        let expected = [1.0, 1.0, 0.0, 0.0, 0.0, 4.0];
        assert!(weights.iter().zip(expected).all(|(is, should)| (is - should).abs() < 0.01), "{weights:?}");
    }

    #[test]
    fn cells_are_means_of_blocks() {
        // One channel; the weight of each pixel of a 2x2 block is its number, in all colours.
        let weights = (0..4).flat_map(|pixel| [pixel as f32, 1.0].repeat(3)).collect::<Vec<_>>();
        let matrix = Matrix { weights };
        let projection = Projection { channels: 1, side: 2, of: [matrix.clone(), matrix] };
        let means = projection.shrunk(0, 1);
        assert!(
            means.chunks(2).all(|pair| (pair[0] - 1.5).abs() + (pair[1] - 1.0).abs() < 1e-5),
            "{means:?}"
        );
        let whole = projection.shrunk(0, 2);
        let pairs = whole.iter().zip(&projection.of[0].weights);
        assert!(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) < 1e-5, "{whole:?}");
        let latents = Tensor::<5>::from_floats([[[[[10.0]]]]], &Default::default());
        let clip = projection.pictures(latents, 8.0).unwrap();
        assert_eq!((clip.width(), clip.height()), (2, 2));
        assert_eq!(clip.as_bytes(), [1, 1, 1, 11, 11, 11, 21, 21, 21, 31, 31, 31]);
    }
}
