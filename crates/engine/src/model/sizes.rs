//! Whether a model is as large as its weights: a configuration that asks for more is refused before memory is.

use models::{
    umt5::{Umt5Config, Umt5Encoder},
    wan::{AutoencoderKlWan, AutoencoderKlWanConfig, WanTransformer3d, WanTransformer3dConfig},
    weights::{Checkpoint, Source},
};

use super::{ModelFiles, ModelInfo, TEXT_ENCODER, TRANSFORMER, VAE};
use crate::{Error, Result};

/// How many numbers the weights of each part hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WeightSizes {
    pub text_encoder: u64,
    pub transformer: u64,
    pub vae: u64,
}

impl WeightSizes {
    /// From the headers of the weights.
    ///
    /// # Errors
    /// Weights that are missing, damaged, or in a number format that is not read.
    pub fn read(files: &ModelFiles) -> Result<Self> {
        Ok(Self {
            text_encoder: files.weights::<Umt5Encoder>(TEXT_ENCODER)?.num_values()?,
            transformer: files.weights::<WanTransformer3d>(TRANSFORMER)?.num_values()?,
            vae: files.weights::<AutoencoderKlWan>(VAE)?.num_values()?,
        })
    }

    /// All parts.
    pub fn total(&self) -> u64 {
        self.text_encoder.saturating_add(self.transformer).saturating_add(self.vae)
    }
}

/// Fails if the configuration of a part asks for more parameters than its weights hold.
pub(crate) fn check_sizes(files: &ModelFiles, info: &ModelInfo) -> Result<()> {
    check_part::<Umt5Encoder>(files, TEXT_ENCODER, text_encoder(&info.text_encoder))?;
    check_part::<WanTransformer3d>(files, TRANSFORMER, transformer(&info.transformer))?;
    check_part::<AutoencoderKlWan>(files, VAE, vae(&info.vae))
}

fn check_part<M: Checkpoint>(files: &ModelFiles, part: &str, parameters: f64) -> Result<()> {
    let source: Source<'_> = files.weights::<M>(part)?;
    let found = source.num_values()?;
    if parameters <= found as f64 {
        return Ok(());
    }
    let config = files.path(&format!("{part}/config.json"));
    Err(Error::Malformed {
        path: source.name().to_owned(),
        what: "the size of the weights".into(),
        expected: format!("at least {parameters:.0} parameters, which {} asks for", config.display()),
        found: format!("{found}; the weights are incomplete, or belong to another configuration"),
    })
}

/// The parameters of the large matrices. A few biases, norms and tables come on top.
fn text_encoder(config: &Umt5Config) -> f64 {
    let Umt5Config { vocab_size, d_model, d_kv, d_ff, num_layers, num_heads, .. } = config;
    let [vocabulary, dim, head, hidden, layers, heads] =
        [vocab_size, d_model, d_kv, d_ff, num_layers, num_heads].map(|&size| size as f64);
    let buckets = config.relative_attention_num_buckets as f64;
    vocabulary * dim + layers * (4.0 * dim * heads * head + 3.0 * dim * hidden + buckets * heads)
}

/// As for [`text_encoder`]: patches, embedders, and in each layer two attentions and a feed-forward layer.
fn transformer(config: &WanTransformer3dConfig) -> f64 {
    let WanTransformer3dConfig { in_channels, out_channels, text_dim, freq_dim, ffn_dim, num_layers, .. } =
        config;
    let [inputs, outputs, text, frequencies, hidden, layers] =
        [in_channels, out_channels, text_dim, freq_dim, ffn_dim, num_layers].map(|&size| size as f64);
    let dim = config.num_attention_heads as f64 * config.attention_head_dim as f64;
    let patch = config.patch_size.iter().map(|&side| side as f64).product::<f64>();
    dim * (patch * (inputs + outputs) + text + frequencies + 8.0 * dim)
        + layers * dim * (8.0 * dim + 2.0 * hidden)
}

/// As for [`text_encoder`]: the 3x3x3 convolutions whose inputs and outputs are of one scale, four of them in the
/// middle, and what joins encoder and decoder to the latents.
fn vae(config: &AutoencoderKlWanConfig) -> f64 {
    let blocks = config.num_res_blocks as f64;
    let of_half = |base: usize, convolutions: f64| {
        let convolution = |&mult: &usize| 27.0 * (base as f64 * mult as f64).powi(2);
        let scales = config.dim_mult.iter().map(convolution).sum::<f64>();
        convolutions * scales + 4.0 * config.dim_mult.last().map_or(0.0, convolution)
    };
    let latents = 5.0 * (config.z_dim as f64).powi(2);
    latents
        + of_half(config.base_dim, 2.0 * blocks - 1.0)
        + of_half(config.decoder_base_dim.unwrap_or(config.base_dim), 2.0 * blocks + 1.0)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use models::weights::parameters;

    use super::*;

    fn total<M: Checkpoint>(model: &M) -> f64 {
        parameters(model).iter().map(|parameter| parameter.shape.iter().product::<usize>() as f64).sum()
    }

    #[test]
    fn the_large_matrices_are_most_of_a_model() {
        let info = ModelInfo::read(&ModelFiles::Embedded).unwrap();
        let device = Device::flex();
        let text = Umt5Encoder::new(&info.text_encoder, &device).unwrap();
        let denoiser = WanTransformer3d::new(&info.transformer, &device).unwrap();
        let autoencoder = AutoencoderKlWan::new(&info.vae, &device).unwrap();
        for (name, counted, total) in [
            ("text encoder", text_encoder(&info.text_encoder), total(&text)),
            ("transformer", transformer(&info.transformer), total(&denoiser)),
            ("autoencoder", vae(&info.vae), total(&autoencoder)),
        ] {
            println!("{name} {:.3}", counted / total);
            assert!((0.5..=1.0).contains(&(counted / total)), "{name}: {counted} of {total}");
        }
    }

    #[test]
    fn the_embedded_model_is_not_refused_and_one_that_asks_for_more_is() {
        let files = ModelFiles::Embedded;
        let info = ModelInfo::read(&files).unwrap();
        check_sizes(&files, &info).unwrap();
        type Forge = fn(&mut ModelInfo);
        let forge: [(&str, Forge); 7] = [
            ("transformer", |info| info.transformer.num_layers = 1 << 20),
            ("transformer", |info| info.transformer.ffn_dim = 1 << 20),
            ("transformer", |info| info.transformer.attention_head_dim = 1 << 40),
            ("text_encoder", |info| info.text_encoder.vocab_size = 1 << 20),
            ("text_encoder", |info| info.text_encoder.num_layers = 1 << 20),
            ("text_encoder", |info| info.text_encoder.relative_attention_num_buckets = 1 << 20),
            ("vae", |info| info.vae.base_dim = 1 << 20),
        ];
        for (part, forge) in forge {
            let mut forged = info.clone();
            forge(&mut forged);
            let message = check_sizes(&files, &forged).unwrap_err().to_string();
            assert!(message.contains(&format!("{part}/config.json")), "{message}");
        }
    }
}
