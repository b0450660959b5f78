//! `kinora train compact`: an autoencoder's latents in fewer channels, each of which counts.
//!
//! Nothing in the loss of an autoencoder asks its channels to differ or to be of like size. One that
//! trained briefly keeps nearly all it knows in a few directions, repeated across all channels, and
//! a denoiser then spends its capacity on the repetition. The first and the last layers around the
//! latents are linear, so the latents can be expressed in their principal components, and the least
//! of them left out, without any training.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use clap::Args;
use models::{
    ModelConfig,
    wan::{AutoencoderKlWan, AutoencoderKlWanConfig},
    weights::{Precision, save_folder},
};
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use crate::{
    dataset::Subset,
    error::{Result, TrainError},
    files,
    latents::{LatentStore, Moments, check_source, read_vae},
    linear_algebra::sorted_eigen,
    parameters,
};

/// Which autoencoder, on which latents, to how many channels.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompactArgs {
    /// Folder of the autoencoder
    #[arg(long)]
    pub vae: PathBuf,
    /// Folder of latents that it made with `kinora train latents`
    #[arg(long)]
    pub latents: PathBuf,
    /// Channels to keep
    #[arg(long)]
    pub channels: usize,
    /// Folder of the new autoencoder; encode anew with it
    #[arg(long)]
    pub output: PathBuf,
}

/// Writes the autoencoder in `--vae` with `--channels` latent channels, uncorrelated and of variance
/// 1 over the clips, and returns what share of the latents' energy, as the decoder takes it up, the
/// channels that were left out had.
///
/// # Errors
/// A missing autoencoder, latents of another one, more channels than it has, or an output folder
/// that cannot be written.
pub fn compact(args: &CompactArgs) -> Result<f64> {
    let config = AutoencoderKlWanConfig::load(&args.vae).map_err(TrainError::part("the autoencoder"))?;
    if !(1..=config.z_dim).contains(&args.channels) {
        return Err(TrainError::Setting {
            flag: "--channels",
            expected: format!("1 to {}, the channels of {}", config.z_dim, args.vae.display()),
            found: args.channels.to_string(),
        });
    }
    if args.output == args.vae {
        return Err(TrainError::Setting {
            flag: "--output",
            expected: "another folder than --vae".into(),
            found: args.output.display().to_string(),
        });
    }
    check_source(&args.latents, &args.vae, config.z_dim)?;
    let device = Device::flex();
    let vae = Weights::of(&read_vae(&args.vae, &config, &device)?)?;
    let moments = Moments::measure(&LatentStore::open(&args.latents, Subset::Clips)?)?;
    let basis = Basis::principal(&moments, &vae, args.channels)?;

    let config = AutoencoderKlWanConfig {
        z_dim: args.channels,
        latents_mean: basis.mean.iter().copied().collect(),
        latents_std: vec![1.0; args.channels],
        ..config
    };
    save(&vae.in_basis(&basis), &config, &device, &args.output)?;
    log::info!(
        "{} of {} channels in {}: the others had {:.1e} of the latents' energy",
        args.channels,
        moments.mean.len(),
        args.output.display(),
        basis.left_out
    );
    Ok(basis.left_out)
}

fn save(weights: &Weights, config: &AutoencoderKlWanConfig, device: &Device, output: &Path) -> Result<()> {
    let model = AutoencoderKlWan::new(config, device).map_err(TrainError::part("the new autoencoder"))?;
    let values: Vec<f32> =
        parameters::entries(&model).iter().flat_map(|entry| weights.values[&entry.name].clone()).collect();
    let model = parameters::scatter(model, &values);
    files::write_folder(output, |folder| {
        save_folder(&model, config, folder, Precision::F32, &HashMap::new())
            .map_err(TrainError::part("writing the new autoencoder"))
    })
}

/// The new latents y of the decoder's input p = P x + b, x being the old latents.
struct Basis {
    /// y = `from_input` p.
    from_input: DMatrix<f64>,
    /// p = `to_input` y, but for what is left out.
    to_input: DMatrix<f64>,
    /// Mean of y.
    mean: DVector<f64>,
    /// Share of the energy left out.
    left_out: f64,
}

impl Basis {
    /// The principal components of p, whose sizes are measured by what the decoder's first layer
    /// makes of them. They are not centred: at its borders that layer pads p with zeros, so zero
    /// must stay zero. Then scaled and turned so that y is uncorrelated with variance 1.
    fn principal(moments: &Moments, vae: &Weights, channels: usize) -> Result<Self> {
        let (matrix, bias) = (vae.matrix("post_quant_conv.weight"), vae.vector("post_quant_conv.bias"));
        let shift = &matrix * &moments.mean * bias.transpose();
        let second = &matrix * &moments.second * matrix.transpose()
            + &shift
            + shift.transpose()
            + &bias * bias.transpose();
        let mean = &matrix * &moments.mean + &bias;

        // |W p|² = |L p|² with Lᵀ L = Wᵀ W, for the mean over W's taps.
        let mut metric = vae.input_metric();
        let floor = 1e-9 * metric.trace();
        metric += DMatrix::identity(metric.nrows(), metric.ncols()) * floor;
        let l = metric.cholesky().map(|lower| lower.l().transpose());
        let inverse = l.as_ref().and_then(|l| l.clone().try_inverse());
        let (l, l_inverse) = l.zip(inverse).ok_or_else(|| TrainError::Mismatch {
            path: "decoder.conv_in.weight".into(),
            what: "its values".into(),
            expected: "finite numbers that are not all 0".into(),
            found: "others".into(),
        })?;

        let (energies, directions) = sorted_eigen(&l * &second * l.transpose());
        let directions = directions.columns(0, channels).into_owned();
        let left_out = energies.rows(channels, energies.len() - channels).sum() / energies.sum();

        let project = directions.transpose() * &l;
        let centred = second - &mean * mean.transpose();
        let (variances, turn) = sorted_eigen(&project * centred * project.transpose());
        let floor = 1e-12 * variances[0];
        let sizes = variances.map(|variance| variance.max(floor).sqrt());
        let from_input = DMatrix::from_diagonal(&sizes.map(f64::recip)) * turn.transpose() * project;
        let to_input = l_inverse * directions * turn * DMatrix::from_diagonal(&sizes);
        Ok(Self { mean: &from_input * mean, from_input, to_input, left_out })
    }
}

/// The parameters of an autoencoder by their diffusers names.
struct Weights {
    values: HashMap<String, Vec<f32>>,
    shapes: HashMap<String, Vec<usize>>,
}

impl Weights {
    fn of(vae: &AutoencoderKlWan) -> Result<Self> {
        let flat = parameters::gather(vae)?;
        let (mut values, mut shapes, mut at) = (HashMap::new(), HashMap::new(), 0);
        for entry in parameters::entries(vae) {
            values.insert(entry.name.clone(), flat[at..at + entry.len()].to_vec());
            at += entry.len();
            shapes.insert(entry.name, entry.shape);
        }
        Ok(Self { values, shapes })
    }

    /// A kernel `[outputs, inputs, time, height, width]` as `[outputs, inputs * taps]`.
    fn matrix(&self, name: &str) -> DMatrix<f64> {
        let values: Vec<f64> = self.values[name].iter().map(|&value| f64::from(value)).collect();
        let outputs = self.shapes[name][0];
        DMatrix::from_row_slice(outputs, values.len() / outputs, &values)
    }

    fn vector(&self, name: &str) -> DVector<f64> {
        DVector::from_iterator(
            self.values[name].len(),
            self.values[name].iter().map(|&value| f64::from(value)),
        )
    }

    /// `Σ Wᵀ W` over the taps of the decoder's first layer, `[inputs, inputs]`.
    fn input_metric(&self) -> DMatrix<f64> {
        let inputs = self.shapes["decoder.conv_in.weight"][1];
        let kernel = self.matrix("decoder.conv_in.weight");
        let taps = kernel.ncols() / inputs;
        DMatrix::from_fn(inputs, inputs, |i, j| {
            (0..taps).map(|tap| kernel.column(i * taps + tap).dot(&kernel.column(j * taps + tap))).sum()
        })
    }

    /// The same functions with latents in `basis`: the layers that are linear in them take the
    /// change up, and those between become the identity.
    fn in_basis(&self, basis: &Basis) -> Self {
        let channels = basis.mean.len();
        let mut new = Self { values: self.values.clone(), shapes: self.shapes.clone() };

        // The encoder: y = T (P x + b), x and its log-variance being rows of quant_conv of conv_out.
        let old = self.shapes["post_quant_conv.weight"][0];
        let moments = self.matrix("quant_conv.weight");
        let moments_bias = self.vector("quant_conv.bias");
        let change = &basis.from_input * self.matrix("post_quant_conv.weight");
        // Variances add up with the squares of the change: here at the mean log-variance, and with
        // the mean dependence of the log-variances on the picture.
        let squares = change.map(|value| value * value);
        let shares = DMatrix::from_fn(channels, old, |i, j| squares[(i, j)] / squares.row(i).sum());
        let kernel = self.matrix("encoder.conv_out.weight");
        let kernel_bias = self.vector("encoder.conv_out.bias");
        let out = &moments * kernel;
        let out_bias = &moments * kernel_bias + moments_bias;
        let (mean, logvar) = (out.rows(0, old), out.rows(old, old));
        let (mean_bias, logvar_bias) = (out_bias.rows(0, old), out_bias.rows(old, old));
        let bias = &basis.from_input * self.vector("post_quant_conv.bias") + &change * mean_bias;
        let logvar_bias = (squares * logvar_bias.map(f64::exp)).map(f64::ln);
        new.set("encoder.conv_out.weight", &stack(&(&change * mean), &(&shares * logvar)));
        new.set("encoder.conv_out.bias", &stack_vectors(&bias, &logvar_bias));
        new.set("quant_conv.weight", &DMatrix::identity(2 * channels, 2 * channels));
        new.set("quant_conv.bias", &DMatrix::zeros(2 * channels, 1));

        // The decoder: conv_in(p) = conv_in(to_input y).
        new.set("post_quant_conv.weight", &DMatrix::identity(channels, channels));
        new.set("post_quant_conv.bias", &DMatrix::zeros(channels, 1));
        let kernel = self.matrix("decoder.conv_in.weight");
        let taps = kernel.ncols() / old;
        let kernel = DMatrix::from_fn(kernel.nrows(), channels * taps, |output, column| {
            let (channel, tap) = (column / taps, column % taps);
            (0..old).map(|i| kernel[(output, i * taps + tap)] * basis.to_input[(i, channel)]).sum()
        });
        new.set("decoder.conv_in.weight", &kernel);
        new
    }

    fn set(&mut self, name: &str, matrix: &DMatrix<f64>) {
        // nalgebra is column-major, kernels are row-major.
        self.values.insert(name.into(), matrix.transpose().iter().map(|&value| value as f32).collect());
    }
}

fn stack(above: &DMatrix<f64>, below: &DMatrix<f64>) -> DMatrix<f64> {
    let split = above.nrows();
    DMatrix::from_fn(split + below.nrows(), above.ncols(), |row, column| match row < split {
        true => above[(row, column)],
        false => below[(row - split, column)],
    })
}

fn stack_vectors(above: &DVector<f64>, below: &DVector<f64>) -> DMatrix<f64> {
    DMatrix::from_iterator(above.len() + below.len(), 1, above.iter().chain(below.iter()).copied())
}

#[cfg(test)]
mod tests;
