//! The linear code that an autoencoder begins with: the principal components of blocks of pictures.
//!
//! It is the best linear code of its size and known in closed form, so that no training is spent on it. An autoencoder that
//! learnt both halves at once, for a short time, kept little more in its latents than a small picture in three colours.

use burn::tensor::{Device, Tensor};
use models::{
    family::{Autoencoder, AutoencoderConfig},
    kinora::{AutoencoderKinora, AutoencoderKinoraConfig, Code},
};
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
/// Values of a block.
const VALUES: usize = AutoencoderKinoraConfig::BLOCK_VALUES;
/// What keeps a fit at rest where the pictures say nothing, as a share of a value's mean energy.
const AT_REST: f64 = 1e-6;

/// Means and products of the blocks of clips, and of latents of another autoencoder.
struct Moments {
    /// `E[x]`, `[VALUES]`.
    mean: DVector<f64>,
    /// The covariance of `x`, `[VALUES, VALUES]`.
    covariance: DMatrix<f64>,
    /// `E[y]`, `[channels]`.
    other_mean: DVector<f64>,
    /// The covariance of `x` and `y`, `[VALUES, channels]`.
    with_other: DMatrix<f64>,
}

/// Measures a code of `z_dim` channels on `clips`. The first channels say what the latents of `like` say, as far as a linear
/// code of blocks can; the others are the principal components of what these leave out.
///
/// # Errors
/// Clips that cannot be read; an autoencoder `like` whose latents are of other blocks or have more channels.
pub fn measure(clips: &Store, z_dim: usize, like: Option<&Autoencoder>, device: &Device) -> Result<Code> {
    if let Some(like) = like {
        check_like(&like.config(), z_dim)?;
    }
    Ok(code(&moments(clips, like, device)?, z_dim))
}

fn check_like(like: &AutoencoderConfig, z_dim: usize) -> Result<()> {
    let (channels, blocks) = (like.z_dim(), like.scale_factors());
    let expected = format!(
        "an autoencoder of at most --z-dim {z_dim} channels and of blocks of {:?}",
        AutoencoderKinoraConfig::SCALE_FACTORS
    );
    if channels <= z_dim && blocks == AutoencoderKinoraConfig::SCALE_FACTORS {
        return Ok(());
    }
    Err(TrainError::Setting { flag: "--like", expected, found: format!("{channels} channels of {blocks:?}") })
}

fn moments(clips: &Store, like: Option<&Autoencoder>, device: &Device) -> Result<Moments> {
    let like = like.map(|like| (like, like.config()));
    let channels = like.as_ref().map_or(0, |(_, config)| config.z_dim());
    let (mut mean, mut squares) = (DVector::zeros(VALUES), DMatrix::zeros(VALUES, VALUES));
    let (mut other_mean, mut with_other) = (DVector::zeros(channels), DMatrix::zeros(VALUES, channels));
    let mut count = 0.0;
    let step = clips.items().len().div_ceil(MEASURED_CLIPS).max(1);
    let host = |values: Tensor<2>| Ok(to_vec(values)?.into_iter().map(f64::from).collect::<Vec<_>>());
    for (index, item) in clips.items().iter().enumerate().step_by(step) {
        let video = to_tensor(&[clips.read(index)?], item.size, device);
        let x = AutoencoderKinora::blocks(video.clone()); // [blocks, VALUES]
        count += x.dims()[0] as f64;
        mean += DVector::from_vec(host(x.clone().sum_dim(0))?);
        squares += DMatrix::from_vec(VALUES, VALUES, host(x.clone().transpose().matmul(x.clone()))?);
        let Some((like, config)) = &like else { continue };
        let latents = config.normalize(like.encode(video));
        let y = latents.permute([0, 2, 3, 4, 1]).flatten::<2>(0, 3); // [blocks, channels]
        other_mean += DVector::from_vec(host(y.clone().sum_dim(0))?);
        // Row-major, so the transpose in nalgebra's order.
        with_other += DMatrix::from_vec(VALUES, channels, host(y.transpose().matmul(x))?);
    }
    let (mean, other_mean) = (mean / count, other_mean / count);
    Ok(Moments {
        covariance: squares / count - &mean * mean.transpose(),
        with_other: with_other / count - &mean * other_mean.transpose(),
        mean,
        other_mean,
    })
}

/// With `c = Bᵀ(x - mean)` for the channels that are like others, the best linear guess of `x - mean` is `G c`, where
/// `G = S B (Bᵀ S B)⁻¹`, and `S - G Bᵀ S` is the covariance of what is left.
fn code(Moments { mean, covariance, other_mean, with_other }: &Moments, z_dim: usize) -> Code {
    let alike = other_mean.len();
    let energies = sorted_eigen(covariance.clone()).0;
    let at_rest = AT_REST * covariance.trace() / VALUES as f64;
    let firm = covariance + DMatrix::identity(VALUES, VALUES) * at_rest;
    let solve = |of: &DMatrix<f64>, to: &DMatrix<f64>| {
        let solved = of.clone().cholesky().map(|cholesky| cholesky.solve(to));
        solved.unwrap_or_else(|| DMatrix::zeros(of.nrows(), to.ncols()))
    };
    let b = solve(&firm, with_other); // [VALUES, alike]
    let g = match alike {
        0 => DMatrix::zeros(VALUES, 0),
        _ => {
            let sb = covariance * &b;
            let inner = b.transpose() * &sb;
            let floor = DMatrix::identity(alike, alike) * (AT_REST * inner.trace() / alike as f64);
            solve(&(inner + floor), &sb.transpose()).transpose()
        }
    };
    let left = covariance - &g * (b.transpose() * covariance);
    let (left_energies, directions) = sorted_eigen((&left + left.transpose()) * 0.5);
    let reference = energies[FULL_SIZE.min(z_dim) - 1].max(f64::MIN_POSITIVE);
    let (mut encode, mut decode) = (DMatrix::zeros(z_dim, VALUES), DMatrix::zeros(VALUES, z_dim));
    for channel in 0..z_dim {
        let (to, from) = match channel.checked_sub(alike) {
            None => (b.column(channel).into_owned(), g.column(channel).into_owned()),
            Some(at) => {
                let energy = left_energies[at].max(f64::MIN_POSITIVE);
                let size = (energy / reference).powf(0.25).min(1.0) / energy.sqrt();
                let direction = directions.column(at);
                // (I - B Gᵀ) d: what is left of x, along d.
                ((direction - &b * (g.transpose() * direction)) * size, direction / size)
            }
        };
        encode.set_row(channel, &to.transpose());
        decode.set_column(channel, &from);
    }
    let mut offset = DVector::zeros(z_dim);
    offset.rows_mut(0, alike).copy_from(other_mean);
    let singles = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<_>>();
    Code {
        encode_bias: singles((&offset - &encode * mean).as_slice()),
        decode_bias: singles((mean - &decode * offset).as_slice()),
        // nalgebra's order is by column.
        encode: singles(encode.transpose().as_slice()),
        decode: singles(decode.transpose().as_slice()),
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::dataset::{BYTES_PER_PIXEL, StoreWriter};

    /// Clips of one latent frame of one block: a grey level, and a third as much difference between left and right.
    fn clips(folder: &std::path::Path) -> Store {
        let mut writer = StoreWriter::open(folder).unwrap();
        for (level, difference) in [(30, 10), (30, -10), (-30, 10), (-30, -10)] {
            let pixel = |x: usize| [(127 + level + if x < 4 { difference } else { -difference }) as u8; 3];
            let bytes: Vec<u8> = (0..64).flat_map(|i| pixel(i % 8)).collect();
            writer.append([1, 8, 8], vec![], &bytes, None).unwrap();
        }
        Store::open(folder, BYTES_PER_PIXEL, "").unwrap()
    }

    fn config(z_dim: usize) -> AutoencoderKinoraConfig {
        AutoencoderKinoraConfig {
            z_dim,
            width: 8,
            num_res_blocks: 1,
            pixel_width: 4,
            latents_mean: vec![0.0; z_dim],
            latents_std: vec![1.0; z_dim],
        }
    }

    fn model(code: &Code, z_dim: usize) -> AutoencoderKinora {
        AutoencoderKinora::new(&config(z_dim), &Device::flex()).unwrap().init_weights(code, 0)
    }

    fn latents(model: &AutoencoderKinora, clips: &Store, index: usize) -> Vec<f32> {
        let item = &clips.items()[index];
        to_vec(model.encode(to_tensor(&[clips.read(index).unwrap()], item.size, &Device::flex()))).unwrap()
    }

    #[test]
    fn clips_of_two_directions_are_told_by_two_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let clips = clips(folder.path());
        let model = model(&measure(&clips, 2, None, &Device::flex()).unwrap(), 2);
        for index in 0..4 {
            let [level, difference] = latents(&model, &clips, index)[..] else { panic!("two channels") };
            // The second component is the reference, and of full size; the first is no larger.
            assert!((level.abs() - 1.0).abs() < 1e-2, "{level}");
            assert!((difference.abs() - 1.0).abs() < 1e-2, "{difference}");
            let item = &clips.items()[index];
            let video = to_tensor(&[clips.read(index).unwrap()], item.size, &Device::flex());
            let error = (model.decode(model.encode(video.clone())) - video).abs().max();
            assert!(error.into_scalar::<f32>() < 1e-3);
        }
        let level = |index| latents(&model, &clips, index)[0];
        assert!(level(0) * level(2) < 0.0 && level(0) * level(1) > 0.0);
    }

    #[test]
    fn a_code_like_another_begins_with_its_channels() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = StoreWriter::open(folder.path()).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..6 {
            let bytes: Vec<u8> = (0..5 * 64 * 64 * 3).map(|_| rng.random()).collect();
            writer.append([5, 64, 64], vec![], &bytes, None).unwrap();
        }
        let clips = Store::open(folder.path(), BYTES_PER_PIXEL, "").unwrap();
        let device = Device::flex();
        let mut small = measure(&clips, 3, None, &device).unwrap();
        // Mixed, turned round and shifted, it is still the same space.
        small.encode[..VALUES].iter_mut().for_each(|value| *value *= -1.0);
        small.encode_bias = vec![0.5, -0.25, 0.0];
        let small = model(&small, 3);
        let code = measure(&clips, 8, Some(&Autoencoder::Kinora(Box::new(small.clone()))), &device).unwrap();
        let large = model(&code, 8);
        let plain = model(&measure(&clips, 8, None, &device).unwrap(), 8);
        let video = to_tensor(&[clips.read(0).unwrap()], [5, 64, 64], &device);
        let [own, its] = [&small, &large].map(|model| model.encode(video.clone()));
        let unlike = (own - its.narrow(1, 0, 3)).abs().max().into_scalar::<f32>();
        assert!(unlike < 2e-2, "{unlike}");
        // And all together tell as much as the components themselves.
        let error = |model: &AutoencoderKinora| {
            (model.decode(model.encode(video.clone())) - video.clone()).square().mean().into_scalar::<f32>()
        };
        assert!((error(&large) / error(&plain) - 1.0).abs() < 0.02, "{} {}", error(&large), error(&plain));
    }

    #[test]
    fn what_cannot_be_alike_is_refused() {
        let message = check_like(&AutoencoderConfig::Kinora(config(9)), 8).unwrap_err().to_string();
        assert!(message.contains("--like") && message.contains("9 channels"), "{message}");
        let wan = models::wan::AutoencoderKlWanConfig { scale_factor_spatial: 16, ..Default::default() };
        assert!(check_like(&AutoencoderConfig::Wan(wan), 48).is_err());
    }
}
