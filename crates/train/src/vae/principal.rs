//! What an encoder is taught before there is a decoder: the principal components of blocks of pictures.
//!
//! An autoencoder that learns both halves at once, for a short time, keeps little more in its latents than a small
//! picture in three colours, whatever the number of its channels: the decoder learns first to use what is there. The
//! best linear code of the same size tells more and is known in closed form. An encoder that is taught that code
//! fills every channel from the start, and a decoder then learns to read it.

use burn::tensor::{Device, Tensor, TensorData};
use models::wan::{AutoencoderKlWanConfig, Posterior};
use nalgebra::{DMatrix, DVector};

use crate::{
    dataset::{Store, to_tensor},
    error::{Result, TrainError},
    linear_algebra::sorted_eigen,
    parameters::to_vec,
};

/// Clips that the components are measured on, evenly spaced.
const MEASURED_CLIPS: usize = 256;
/// Components of full size, as many as there are colours. Later ones shrink with the fourth root of their energy:
/// fine detail then stays below the noise until the coarse picture is there.
const FULL_SIZE: usize = 3;
/// What the logarithm of the latents' variance is taught: noise of a twentieth.
const LOGVAR: f64 = -6.0;
/// Its weight in the loss.
const LOGVAR_WEIGHT: f64 = 1e-3;

/// The linear code of blocks of pictures in as many numbers as there are latent channels.
pub struct Principal {
    /// `[values of a block, channels]`
    basis: Tensor<2>,
    /// `[1, values of a block]`
    mean: Tensor<2>,
    /// Frames of a block, and pixels on its side.
    block: [usize; 2],
}

impl Principal {
    /// Measures the components on `clips`.
    ///
    /// # Errors
    /// Clips that cannot be read, or more channels than a block has values.
    pub fn measure(clips: &Store, config: &AutoencoderKlWanConfig, device: &Device) -> Result<Self> {
        let block = [config.scale_factor_temporal, config.scale_factor_spatial];
        let values = 3 * block[0] * block[1] * block[1];
        if config.z_dim > values {
            let expected = format!("at most {values}, the values of a block");
            return Err(TrainError::Setting { flag: "--z-dim", expected, found: config.z_dim.to_string() });
        }
        let (mut sum, mut squares) = (DVector::zeros(values), DMatrix::zeros(values, values));
        let mut count = 0.0;
        let step = clips.items().len().div_ceil(MEASURED_CLIPS).max(1);
        for (index, item) in clips.items().iter().enumerate().step_by(step) {
            let video = to_tensor(&[clips.read(index)?], item.size, device);
            let blocks = blocks(video, block).flatten::<2>(0, 3);
            let host = |values: Tensor<2>| Ok(to_vec(values)?.into_iter().map(f64::from).collect::<Vec<_>>());
            count += blocks.dims()[0] as f64;
            sum += DVector::from_vec(host(blocks.clone().sum_dim(0))?);
            squares += DMatrix::from_vec(values, values, host(blocks.clone().transpose().matmul(blocks))?);
        }
        let mean = sum / count;
        let (energies, directions) = sorted_eigen(squares / count - &mean * mean.transpose());
        let basis = DMatrix::from_fn(values, config.z_dim, |value, channel| {
            let energy = energies[channel].max(f64::MIN_POSITIVE);
            let reference = energies[FULL_SIZE.min(config.z_dim) - 1].max(f64::MIN_POSITIVE);
            let size = (energy / reference).powf(0.25).min(1.0);
            directions[(value, channel)] * size / energy.sqrt()
        });
        let upload = |rows: usize, columns: usize, matrix: &[f64]| {
            let values: Vec<f32> = matrix.iter().map(|&value| value as f32).collect();
            Tensor::from_data(TensorData::new(values, [rows, columns]), device)
        };
        Ok(Self {
            basis: upload(values, config.z_dim, basis.transpose().as_slice()),
            mean: upload(1, values, mean.as_slice()),
            block,
        })
    }

    /// The code of `video` `[batch, 3, frames, height, width]`: `[batch, channels, frames', height', width']`.
    pub fn code(&self, video: Tensor<5>) -> Tensor<5> {
        let blocks = blocks(video, self.block);
        let [batch, frames, height, width, values] = blocks.dims();
        let centred = blocks.reshape([batch * frames * height * width, values]) - self.mean.clone();
        let channels = self.basis.dims()[1];
        centred
            .matmul(self.basis.clone())
            .reshape([batch, frames, height, width, channels])
            .permute([0, 4, 1, 2, 3])
    }

    /// How far latents are from the code of `video`: what to minimise, and the squared distance as a share of the
    /// code's own square.
    pub fn loss(&self, video: Tensor<5>, latents: &Posterior) -> (Tensor<1>, Tensor<1>) {
        let code = self.code(video);
        let energy = code.clone().square().mean();
        let error = (latents.mean.clone() - code).square().mean();
        let logvar = (latents.logvar.clone() - LOGVAR).square().mean();
        (error.clone() + logvar * LOGVAR_WEIGHT, error.detach() / energy)
    }
}

/// `[batch, 3, frames, height, width]` as blocks, `[batch, frames', height', width', values]`. The first frame makes
/// a block of its own, in which it stands still.
fn blocks(video: Tensor<5>, [time, side]: [usize; 2]) -> Tensor<5> {
    let still = video.clone().narrow(2, 0, 1);
    let video = Tensor::cat((1..time).map(|_| still.clone()).chain([video]).collect(), 2);
    let [batch, colours, frames, height, width] = video.dims();
    let [t, h, w] = [frames / time, height / side, width / side];
    video
        .reshape([batch, colours, t, time, h, side, w, side])
        .permute([0, 2, 4, 6, 1, 3, 5, 7]) // [batch, t, h, w, colours, time, side, side]
        .reshape([batch, t, h, w, colours * time * side * side])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{BYTES_PER_PIXEL, StoreWriter};

    #[test]
    fn the_first_frame_is_a_block_of_its_own() {
        let device = Device::flex();
        let size = [5, 2, 4];
        let bytes: Vec<u8> = (0..5 * 2 * 4 * 3).map(|i| i as u8).collect();
        let blocks = blocks(to_tensor(std::slice::from_ref(&bytes), size, &device), [4, 2]);
        assert_eq!(blocks.dims(), [1, 2, 1, 2, 48]);
        let values = to_vec((blocks + 1.0) * 127.5).unwrap();
        // Red of the first block's upper left pixel stands still; in the second group it moves.
        let red = |block: usize, frame: usize| values[block * 48 + frame * 4].round() as u8;
        assert_eq!([0, 1, 2, 3].map(|frame| red(0, frame)), [bytes[0]; 4]);
        assert_eq!([0, 1, 2, 3].map(|frame| red(2, frame)), [24, 48, 72, 96]);
    }

    #[test]
    fn clips_of_two_directions_are_told_by_two_numbers() {
        // Clips of one block: a grey level, and a difference between the left and the right half a third as large.
        let folder = tempfile::tempdir().unwrap();
        let mut writer = StoreWriter::open(folder.path()).unwrap();
        let size = [1, 2, 2];
        for (level, difference) in [(30, 10), (30, -10), (-30, 10), (-30, -10)] {
            let pixel = |x: i32| [(127 + level + if x == 0 { difference } else { -difference }) as u8; 3];
            let bytes: Vec<u8> = (0..4).flat_map(|i| pixel(i % 2)).collect();
            writer.append(size, vec![], &bytes, None).unwrap();
        }
        let clips = Store::open(folder.path(), BYTES_PER_PIXEL, "").unwrap();
        let config = AutoencoderKlWanConfig {
            z_dim: 2,
            scale_factor_temporal: 4,
            scale_factor_spatial: 2,
            ..AutoencoderKlWanConfig::default()
        };
        let device = Device::flex();
        let principal = Principal::measure(&clips, &config, &device).unwrap();
        let code = |index: usize| {
            to_vec(principal.code(to_tensor(&[clips.read(index).unwrap()], size, &device))).unwrap()
        };
        // Both are among the components of full size: 1 in the mean of squares.
        for index in 0..4 {
            let [level, difference] = code(index)[..] else { panic!("two channels") };
            assert!((level.abs() - 1.0).abs() < 1e-3, "{level}");
            assert!((difference.abs() - 1.0).abs() < 1e-3, "{difference}");
        }
        assert!(code(0)[0] * code(2)[0] < 0.0 && code(0)[1] * code(1)[1] < 0.0);

        let many = AutoencoderKlWanConfig { z_dim: 49, ..config };
        let message = Principal::measure(&clips, &many, &device).err().unwrap().to_string();
        assert!(message.contains("--z-dim"), "{message}");
    }
}
