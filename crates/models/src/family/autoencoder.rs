//! Autoencoders of any family.

use std::path::Path;

use burn::tensor::{Device, FloatDType, Tensor};
use nn::{Pack, Packing};

use super::{PartConfig, checked, filled};
use crate::{
    ModelConfig, Result,
    config::{class_named, config_text},
    kinora::{self, AutoencoderKinora, AutoencoderKinoraConfig},
    wan::{self, AutoencoderKlWan, AutoencoderKlWanConfig},
    weights::{Checkpoint, Naming, Precision, Source, Weights, save_folder},
};

/// What an autoencoder is, as its `config.json` says.
#[derive(Clone, Debug, PartialEq)]
pub enum AutoencoderConfig {
    /// Wan's.
    Wan(AutoencoderKlWanConfig),
    /// kinora-tiny's.
    Kinora(AutoencoderKinoraConfig),
}

/// An autoencoder with its weights.
#[derive(Debug)]
pub enum Autoencoder {
    /// Wan's.
    Wan(Box<AutoencoderKlWan>),
    /// kinora-tiny's.
    Kinora(Box<AutoencoderKinora>),
}

/// Decodes latent frame after latent frame, in memory that does not grow with the clip.
#[derive(Debug)]
pub enum DecoderStream<'a> {
    /// Wan's.
    Wan(wan::DecoderStream<'a>),
    /// kinora-tiny's.
    Kinora(Box<kinora::DecoderStream<'a>>),
}

/// Encodes the frames of latent frame after latent frame, in memory that does not grow with the clip.
#[derive(Debug)]
pub enum EncoderStream<'a> {
    /// Wan's.
    Wan(wan::EncoderStream<'a>),
    /// kinora-tiny's, each of whose latent frames is a code of its own frames alone; whether there was one before.
    Kinora(&'a AutoencoderKinora, bool),
}

impl AutoencoderConfig {
    /// Reads and checks the text of a `config.json`; `path` is what errors call it.
    ///
    /// # Errors
    /// Text that is no configuration, or that of a class that is not served.
    pub fn from_json(path: &Path, text: &[u8]) -> Result<Self> {
        match class_named::<AutoencoderKlWanConfig>(path, text)?.as_deref() {
            Some(AutoencoderKinoraConfig::CLASS) => {
                AutoencoderKinoraConfig::from_json(path, text).map(Self::Kinora)
            }
            _ => AutoencoderKlWanConfig::from_json(path, text).map(Self::Wan),
        }
    }

    /// Reads and checks `folder/config.json`.
    ///
    /// # Errors
    /// A file that is missing, and those of [`from_json`](Self::from_json).
    pub fn load(folder: &Path) -> Result<Self> {
        let (path, text) = config_text(folder)?;
        Self::from_json(&path, &text)
    }

    /// Writes `folder/config.json`; the folder must exist.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, folder: &Path) -> Result<()> {
        match self {
            Self::Wan(config) => config.save(folder),
            Self::Kinora(config) => config.save(folder),
        }
    }

    /// The library and the class that a pipeline's `model_index.json` names.
    pub fn class_in_index(&self) -> [&'static str; 2] {
        match self {
            Self::Wan(_) => ["diffusers", AutoencoderKlWanConfig::CLASS],
            Self::Kinora(_) => ["kinora", AutoencoderKinoraConfig::CLASS],
        }
    }

    /// Channels of the latents.
    pub fn z_dim(&self) -> usize {
        match self {
            Self::Wan(config) => config.z_dim,
            Self::Kinora(config) => config.z_dim,
        }
    }

    /// Mean and standard deviation of each latent channel.
    pub fn statistics(&self) -> [&[f64]; 2] {
        match self {
            Self::Wan(config) => config.statistics(),
            Self::Kinora(config) => config.statistics(),
        }
    }

    /// The same with another mean and standard deviation of each latent channel.
    pub fn with_statistics(mut self, mean: Vec<f64>, std: Vec<f64>) -> Self {
        match &mut self {
            Self::Wan(config) => (config.latents_mean, config.latents_std) = (mean, std),
            Self::Kinora(config) => (config.latents_mean, config.latents_std) = (mean, std),
        }
        self
    }

    /// Frames, rows and columns of pixels that make one latent.
    pub fn scale_factors(&self) -> [usize; 3] {
        match self {
            Self::Wan(config) => {
                [config.scale_factor_temporal, config.scale_factor_spatial, config.scale_factor_spatial]
            }
            Self::Kinora(config) => config.scale_factors(),
        }
    }

    /// How many times as wide and as high as what its code sees its pictures are.
    pub fn upscale(&self) -> usize {
        match self {
            Self::Wan(_) => 1,
            Self::Kinora(config) => config.upscale,
        }
    }

    /// The same for pictures as small as its code sees them.
    pub fn without_upsampler(&self) -> Self {
        match self {
            Self::Wan(_) => self.clone(),
            Self::Kinora(config) => Self::Kinora(config.without_upsampler()),
        }
    }

    /// About which share of the parameters is the decoder's.
    pub fn decoder_share(&self) -> f64 {
        match self {
            Self::Wan(config) => config.decoder_share(),
            Self::Kinora(config) => config.decoder_share(),
        }
    }

    /// Latent `[frames, height, width]` of a clip of `[frames, height, width]`.
    ///
    /// # Errors
    /// A clip that is not a whole number of latents.
    pub fn latent_size(&self, video: [usize; 3]) -> Result<[usize; 3]> {
        match self {
            Self::Wan(config) => config.latent_size(video),
            Self::Kinora(config) => config.latent_size(video),
        }
    }

    /// Video `[frames, height, width]` of latents of `[frames, height, width]`.
    pub fn video_size(&self, latents: [usize; 3]) -> [usize; 3] {
        match self {
            Self::Wan(config) => config.video_size(latents),
            Self::Kinora(config) => config.video_size(latents),
        }
    }

    /// Latents as the denoiser sees them: `(latents - mean) / std` by channel.
    pub fn normalize(&self, latents: Tensor<5>) -> Tensor<5> {
        match self {
            Self::Wan(config) => config.normalize(latents),
            Self::Kinora(config) => config.normalize(latents),
        }
    }

    /// The autoencoder in a folder, whole.
    ///
    /// # Errors
    /// Weights that are missing or of another configuration.
    pub fn load_weights(&self, folder: &Path, device: &Device) -> Result<Autoencoder> {
        self.load_whole(Source::open(folder, Self::NAMING, None)?, None, device)
    }

    /// The autoencoder without its encoder, whose weights are read to be checked alone: for what only decodes.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn load_decoder(
        &self,
        source: Source<'_>,
        packing: Option<Packing>,
        device: &Device,
    ) -> Result<Autoencoder> {
        match self {
            Self::Wan(config) => {
                let whole = AutoencoderKlWan::new(config, device)?;
                decoder_of(whole, AutoencoderKlWan::without_encoder, source, packing).map(Autoencoder::Wan)
            }
            Self::Kinora(config) => {
                let whole = AutoencoderKinora::new(config, device)?;
                decoder_of(whole, AutoencoderKinora::without_encoder, source, packing)
                    .map(Autoencoder::Kinora)
            }
        }
    }

    /// The autoencoder with its encoder, packed as it is read if that is asked for.
    ///
    /// # Errors
    /// Weights that cannot be read.
    pub fn load_whole(
        &self,
        source: Source<'_>,
        packing: Option<Packing>,
        device: &Device,
    ) -> Result<Autoencoder> {
        match self {
            Self::Wan(config) => {
                let empty = AutoencoderKlWan::new(config, device)?;
                filled(empty, source, packing).map(Box::new).map(Autoencoder::Wan)
            }
            Self::Kinora(config) => {
                let empty = AutoencoderKinora::new(config, device)?;
                filled(empty, source, packing).map(Box::new).map(Autoencoder::Kinora)
            }
        }
    }

    /// A decoder of zeros, packed if that is asked for: to measure how long it takes.
    ///
    /// # Errors
    /// A configuration that cannot be.
    pub fn zero_decoder(&self, packing: Option<Packing>, device: &Device) -> Result<Autoencoder> {
        let mut vae = match self {
            Self::Wan(config) => {
                Autoencoder::Wan(Box::new(AutoencoderKlWan::new(config, device)?.without_encoder()))
            }
            Self::Kinora(config) => {
                Autoencoder::Kinora(Box::new(AutoencoderKinora::new(config, device)?.without_encoder()))
            }
        };
        packing.into_iter().for_each(|packing| match &mut vae {
            Autoencoder::Wan(vae) => vae.pack(packing),
            Autoencoder::Kinora(vae) => vae.pack(packing),
        });
        Ok(vae)
    }

    /// About how many bytes a [`DecoderStream`] needs besides the weights, for a video of any length of `[height,
    /// width]` pixels.
    pub fn decoder_stream_bytes(&self, size: [usize; 2], kept: FloatDType) -> usize {
        match self {
            Self::Wan(config) => config.decoder_stream_bytes(size, kept),
            Self::Kinora(config) => config.decoder_stream_bytes(size, kept),
        }
    }
}

/// The half of an empty `whole` that decodes, with its weights. Those of the encoder are read too and dropped, since damage
/// to a file is told wherever it is.
fn decoder_of<M: Checkpoint + Pack>(
    whole: M,
    without_encoder: fn(M) -> M,
    source: Source<'_>,
    packing: Option<Packing>,
) -> Result<Box<M>> {
    let mut weights = Weights::of(&whole, source)?;
    weights.check("encoder")?;
    weights.fill_as(without_encoder(whole), "", packing).map(Box::new)
}

impl PartConfig for AutoencoderConfig {
    const NAMING: Naming = Naming::DIFFUSERS;

    fn large_parameters(&self) -> f64 {
        match self {
            Self::Wan(config) => config.large_parameters(),
            Self::Kinora(config) => config.large_parameters(),
        }
    }

    fn check_weights(&self, source: Source<'_>) -> Result<()> {
        match self {
            Self::Wan(config) => checked(&AutoencoderKlWan::new(config, &Device::flex())?, source),
            Self::Kinora(config) => checked(&AutoencoderKinora::new(config, &Device::flex())?, source),
        }
    }
}

impl Autoencoder {
    /// The configuration that it was built from.
    pub fn config(&self) -> AutoencoderConfig {
        match self {
            Self::Wan(vae) => AutoencoderConfig::Wan(vae.config().clone()),
            Self::Kinora(vae) => AutoencoderConfig::Kinora(vae.config().clone()),
        }
    }

    /// The same, of the same weights, for pictures as small as its code sees them; none if it has no upsampler.
    pub fn without_upsampler(&self) -> Option<Self> {
        match self {
            Self::Kinora(vae) if vae.config().upscale > 1 => {
                Some(Self::Kinora(Box::new(vae.without_upsampler())))
            }
            _ => None,
        }
    }

    /// Latents of a clip `[batch, 3, frames, height, width]` within -1 and 1; of a still, if it has one frame. Wan's are the
    /// means.
    ///
    /// # Panics
    /// Without an encoder.
    pub fn encode(&self, video: Tensor<5>) -> Tensor<5> {
        match self {
            Self::Wan(vae) => vae.encode(video).mean,
            Self::Kinora(vae) => vae.encode(video),
        }
    }

    /// Latents, not normalised, of a clip that shows the pixels of `video` where `mask` is 1, both `[batch, 3, frames, height,
    /// width]`; none where it takes more than a product to tell which they are.
    ///
    /// # Panics
    /// Without an encoder.
    pub fn pin(&self, latents: Tensor<5>, video: Tensor<5>, mask: Tensor<5>) -> Option<Tensor<5>> {
        match self {
            Self::Wan(_) => None,
            Self::Kinora(vae) => Some(vae.pin(latents, video, mask)),
        }
    }

    /// Latents as the decoder sees them, from those that the denoiser sees.
    pub fn denormalize(&self, latents: Tensor<5>) -> Tensor<5> {
        match self {
            Self::Wan(vae) => vae.denormalize(latents),
            Self::Kinora(vae) => vae.config().denormalize(latents),
        }
    }

    /// Writes its folder, configuration and weights.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn save(&self, folder: &Path, precision: Precision) -> Result<()> {
        let nothing = std::collections::HashMap::new();
        match self {
            Self::Wan(vae) => save_folder(&**vae, vae.config(), folder, precision, &nothing),
            Self::Kinora(vae) => save_folder(&**vae, vae.config(), folder, precision, &nothing),
        }
    }

    /// An encoder whose memory does not grow with the clip; it keeps frames that it will look back at as `kept`.
    ///
    /// # Panics
    /// When it encodes, without an encoder.
    pub fn encoder_stream(&self, kept: FloatDType) -> EncoderStream<'_> {
        match self {
            Self::Wan(vae) => EncoderStream::Wan(vae.encoder_stream(kept)),
            Self::Kinora(vae) => EncoderStream::Kinora(vae, false),
        }
    }

    /// A decoder whose memory does not grow with the clip; it keeps frames that it will look back at as `kept`.
    pub fn decoder_stream(&self, kept: FloatDType) -> DecoderStream<'_> {
        match self {
            Self::Wan(vae) => DecoderStream::Wan(vae.decoder_stream(kept)),
            Self::Kinora(vae) => DecoderStream::Kinora(Box::new(vae.decoder_stream())),
        }
    }
}

impl EncoderStream<'_> {
    /// The latents `[batch, z_dim, 1, ..]` of the clip's next frames, `[batch, 3, frames, height, width]` within -1 and 1: one
    /// frame at the start, and then as many each time as time is shortened by. Wan's are the means.
    pub fn encode(&mut self, video: Tensor<5>) -> Tensor<5> {
        match self {
            Self::Wan(stream) => stream.encode(video).mean,
            Self::Kinora(vae, begun) => {
                if !std::mem::replace(begun, true) {
                    return vae.encode(video);
                }
                // Behind a first frame, which is another latent frame's.
                let first = video.clone().narrow(2, 0, 1);
                vae.encode(Tensor::cat(vec![first, video], 2)).narrow(2, 1, 1)
            }
        }
    }
}

impl DecoderStream<'_> {
    /// The frames of the clip's next latent frame, `[batch, z_dim, 1, height, width]`, not normalised: `[batch, 3,
    /// frames, ..]` about -1 to 1.
    pub fn decode(&mut self, latents: Tensor<5>) -> Tensor<5> {
        match self {
            Self::Wan(stream) => stream.decode(latents),
            Self::Kinora(stream) => stream.decode(latents),
        }
    }
}
