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
    setting,
};

/// Clips that the components are measured on, evenly spaced.
const MEASURED_CLIPS: usize = 256;
/// Components of full size, as many as there are colours. Later ones shrink with the fourth root of their energy:
/// fine detail then stays below the noise until the coarse picture is there.
const FULL_SIZE: usize = 3;
/// What keeps a fit at rest where the pictures say nothing, as a share of a value's mean energy.
const AT_REST: f64 = 1e-6;

/// An autoencoder whose latents the first channels are to be.
pub struct Like {
    vae: Autoencoder,
    config: AutoencoderConfig,
    channels: Vec<usize>,
}

impl Like {
    /// All of its channels, or the `chosen` ones if there are any.
    ///
    /// # Errors
    /// Channels that it does not have.
    pub fn new(vae: Autoencoder, chosen: &[usize]) -> Result<Self> {
        // Codes are alike of the pictures that they see.
        let vae = vae.without_upsampler().unwrap_or(vae);
        let config = vae.config();
        let z_dim = config.z_dim();
        let channels = if chosen.is_empty() { (0..z_dim).collect() } else { chosen.to_vec() };
        setting::channels("--like-channels", &channels, z_dim)?;
        Ok(Self { vae, config, channels })
    }

    fn check(&self, config: &AutoencoderKinoraConfig) -> Result<()> {
        let ([_, down, across], [_, own_down, own_across]) =
            (self.config.scale_factors(), config.code_block());
        let count = self.channels.len();
        if count <= config.z_dim && [down, across] == [own_down, own_across] {
            return Ok(());
        }
        let expected = format!(
            "an autoencoder of at most --z-dim {} channels, and of blocks of {own_down} x {own_across} pixels",
            config.z_dim
        );
        let found = format!("{count} channels, {down} x {across} pixels");
        Err(TrainError::Setting { flag: "--like", expected, found })
    }

    /// Of a clip, what its latents can be compared on: the whole, or the first and the last frame as stills if its blocks
    /// are not as long as these.
    fn comparable(&self, video: Tensor<5>, block: [usize; 3]) -> Vec<Tensor<5>> {
        if self.config.scale_factors() == block {
            return vec![video];
        }
        let frames = video.dims()[2];
        [0, frames - 1].map(|frame| video.clone().narrow(2, frame, 1)).into()
    }

    /// Its latents, `[blocks, channels]`.
    fn latents(&self, video: Tensor<5>) -> Tensor<2> {
        let latents = self.config.normalize(self.vae.encode(video));
        let latents: Tensor<2> = latents.permute([0, 2, 3, 4, 1]).flatten(0, 3);
        Tensor::cat(self.channels.iter().map(|&channel| latents.clone().narrow(1, channel, 1)).collect(), 1)
    }
}

/// Means and products of values side by side.
struct Moments {
    count: f64,
    sum: DVector<f64>,
    products: DMatrix<f64>,
}

impl Moments {
    fn of(values: usize) -> Self {
        Self { count: 0.0, sum: DVector::zeros(values), products: DMatrix::zeros(values, values) }
    }

    /// `x` is `[samples, values]`.
    fn add(&mut self, x: Tensor<2>) -> Result<()> {
        let host = |values: Tensor<2>| Ok(to_vec(values)?.into_iter().map(f64::from).collect::<Vec<_>>());
        let [samples, values] = x.dims();
        self.count += samples as f64;
        self.sum += DVector::from_vec(host(x.clone().sum_dim(0))?);
        self.products += DMatrix::from_vec(values, values, host(x.clone().transpose().matmul(x))?);
        Ok(())
    }

    fn mean_and_covariance(self) -> (DVector<f64>, DMatrix<f64>) {
        let mean = self.sum / self.count;
        (mean.clone(), self.products / self.count - &mean * mean.transpose())
    }
}

/// Latents of another autoencoder, as far as a linear code of blocks `x` can tell them: `offset + Bᵀ (x - mean)`.
struct Alike {
    /// `[values, channels]`
    b: DMatrix<f64>,
    /// `[channels]`
    offset: DVector<f64>,
}

/// Measures a code for `config` on `clips`. The first channels say what the latents of `like` say, as far as a linear code of
/// blocks can; the others are the principal components of what these leave out.
///
/// # Errors
/// Clips that cannot be read; an autoencoder `like` whose latents are of other blocks or have more channels.
pub fn measure(
    clips: &Store,
    config: &AutoencoderKinoraConfig,
    like: Option<&Like>,
    device: &Device,
) -> Result<Code> {
    like.map_or(Ok(()), |like| like.check(config))?;
    let (values, block) = (config.block_values(), config.code_block());
    let alike = like.map_or(0, |like| like.channels.len());
    let mut of_clips = Moments::of(values);
    let mut of_both = Moments::of(values + alike);
    let step = clips.items().len().div_ceil(MEASURED_CLIPS).max(1);
    for (index, item) in clips.items().iter().enumerate().step_by(step) {
        let video = config.as_coded(to_tensor(&[clips.read(index)?], item.size, device));
        of_clips.add(AutoencoderKinora::blocks(video.clone(), block))?;
        let Some(like) = like else { continue };
        for part in like.comparable(video, block) {
            let x = AutoencoderKinora::blocks(part.clone(), block);
            of_both.add(Tensor::cat(vec![x, like.latents(part)], 1))?;
        }
    }
    let (mean, covariance) = of_clips.mean_and_covariance();
    let alike = match alike {
        0 => Alike { b: DMatrix::zeros(values, 0), offset: DVector::zeros(0) },
        _ => fit(of_both, &mean),
    };
    Ok(code(&mean, &covariance, &alike, config.z_dim))
}

/// The least squares of latents that come behind the values of their blocks; `mean` is that of all blocks.
fn fit(of_both: Moments, mean: &DVector<f64>) -> Alike {
    let values = mean.len();
    let (both, covariance) = of_both.mean_and_covariance();
    let alike = both.len() - values;
    let of_values = covariance.view((0, 0), (values, values)).into_owned();
    let b = solve(&firm(of_values), &covariance.view((0, values), (values, alike)).into_owned());
    let offset = both.rows(values, alike) + b.transpose() * (mean - both.rows(0, values));
    Alike { b, offset }
}

/// The same with a little more on its diagonal.
fn firm(covariance: DMatrix<f64>) -> DMatrix<f64> {
    let size = covariance.nrows();
    let at_rest = AT_REST * covariance.trace() / size as f64;
    covariance + DMatrix::identity(size, size) * at_rest
}

/// What times `of` is `to`.
fn solve(of: &DMatrix<f64>, to: &DMatrix<f64>) -> DMatrix<f64> {
    let solved = of.clone().cholesky().map(|cholesky| cholesky.solve(to));
    solved.unwrap_or_else(|| DMatrix::zeros(of.nrows(), to.ncols()))
}

/// With `c = Bᵀ(x - mean)` for the channels that are like others, the best linear guess of `x - mean` is `G c`, where
/// `G = S B (Bᵀ S B)⁻¹`, and `S - G Bᵀ S` is the covariance of what is left.
fn code(mean: &DVector<f64>, covariance: &DMatrix<f64>, like: &Alike, z_dim: usize) -> Code {
    let Alike { b, offset } = like;
    let (values, alike) = (mean.len(), offset.len());
    let energies = sorted_eigen(covariance.clone()).0;
    let g = match alike {
        0 => DMatrix::zeros(values, 0),
        _ => {
            let sb = covariance * b;
            solve(&firm(b.transpose() * &sb), &sb.transpose()).transpose()
        }
    };
    let left = covariance - &g * (b.transpose() * covariance);
    let (left_energies, directions) = sorted_eigen((&left + left.transpose()) * 0.5);
    let reference = energies[FULL_SIZE.min(z_dim) - 1].max(f64::MIN_POSITIVE);
    let (mut encode, mut decode) = (DMatrix::zeros(z_dim, values), DMatrix::zeros(values, z_dim));
    for channel in 0..z_dim {
        let (to, from) = match channel.checked_sub(alike) {
            None => (b.column(channel).into_owned(), g.column(channel).into_owned()),
            Some(at) => {
                let energy = left_energies[at].max(f64::MIN_POSITIVE);
                let size = (energy / reference).powf(0.25).min(1.0) / energy.sqrt();
                let direction = directions.column(at);
                // (I - B Gᵀ) d: what is left of x, along d.
                ((direction - b * (g.transpose() * direction)) * size, direction / size)
            }
        };
        encode.set_row(channel, &to.transpose());
        decode.set_column(channel, &from);
    }
    let mut offsets = DVector::zeros(z_dim);
    offsets.rows_mut(0, alike).copy_from(offset);
    let singles = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<_>>();
    Code {
        encode_bias: singles((&offsets - &encode * mean).as_slice()),
        decode_bias: singles((mean - &decode * offsets).as_slice()),
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
            scale_factor_temporal: 4,
            width: 8,
            num_res_blocks: 1,
            pixel_width: 4,
            upscale: 1,
            upsampler_widths: [4, 4],
            upsampler_blocks: 1,
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
        let model = model(&measure(&clips, &config(2), None, &Device::flex()).unwrap(), 2);
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
        let mut small = measure(&clips, &config(3), None, &device).unwrap();
        // Mixed, turned round and shifted, it is still the same space.
        small.encode[..config(3).block_values()].iter_mut().for_each(|value| *value *= -1.0);
        small.encode_bias = vec![0.5, -0.25, 0.0];
        let small = model(&small, 3);
        let like =
            |channels: &[usize]| Like::new(Autoencoder::Kinora(Box::new(small.clone())), channels).unwrap();
        let large = model(&measure(&clips, &config(8), Some(&like(&[])), &device).unwrap(), 8);
        let plain = model(&measure(&clips, &config(8), None, &device).unwrap(), 8);
        let video = to_tensor(&[clips.read(0).unwrap()], [5, 64, 64], &device);
        let [own, its] = [&small, &large].map(|model| model.encode(video.clone()));
        let unlike = (own - its.narrow(1, 0, 3)).abs().max().into_scalar::<f32>();
        assert!(unlike < 2e-2, "{unlike}");
        // And all together tell as much as the components themselves.
        let error = |model: &AutoencoderKinora| {
            (model.decode(model.encode(video.clone())) - video.clone()).square().mean().into_scalar::<f32>()
        };
        assert!((error(&large) / error(&plain) - 1.0).abs() < 0.02, "{} {}", error(&large), error(&plain));

        // Of shorter blocks, stills are alike, in the channels that were chosen.
        let short = AutoencoderKinoraConfig { scale_factor_temporal: 2, ..config(8) };
        let code = measure(&clips, &short, Some(&like(&[2, 0])), &device).unwrap();
        let short = AutoencoderKinora::new(&short, &device).unwrap().init_weights(&code, 0);
        let still = video.narrow(2, 4, 1);
        let [own, its] = [&small, &short].map(|model| model.encode(still.clone()));
        let own = Tensor::cat([2, 0].map(|channel| own.clone().narrow(1, channel, 1)).into(), 1);
        let unlike = (own - its.narrow(1, 0, 2)).abs().max().into_scalar::<f32>();
        assert!(unlike < 2e-2, "{unlike}");
    }

    #[test]
    fn what_cannot_be_alike_is_refused() {
        let refused = |like: Like| like.check(&config(8)).unwrap_err().to_string();
        let values = config(9).block_values();
        let nothing = Code {
            encode: vec![0.0; 9 * values],
            encode_bias: vec![0.0; 9],
            decode: vec![0.0; values * 9],
            decode_bias: vec![0.0; values],
        };
        let large = || Autoencoder::Kinora(Box::new(model(&nothing, 9)));
        let message = refused(Like::new(large(), &[]).unwrap());
        assert!(message.contains("--like") && message.contains("9 channels"), "{message}");
        Like::new(large(), &[0, 8]).unwrap().check(&config(8)).unwrap();
        for channels in [&[9][..], &[1, 1]] {
            let message = Like::new(large(), channels).map(|_| ()).unwrap_err().to_string();
            assert!(message.contains("--like-channels"), "{message}");
        }
    }
}
