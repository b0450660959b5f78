//! Whether a model is as large as its weights: a configuration that asks for more is refused before memory is.

use models::{
    umt5::Umt5Encoder,
    wan::{AutoencoderKlWan, WanTransformer3d},
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
}

/// Fails if the configuration of a part asks for more parameters than its weights hold.
pub(crate) fn check_sizes(files: &ModelFiles, info: &ModelInfo) -> Result<()> {
    check_part::<Umt5Encoder>(files, TEXT_ENCODER, info.text_encoder.large_parameters())?;
    check_part::<WanTransformer3d>(files, TRANSFORMER, info.transformer.large_parameters())?;
    check_part::<AutoencoderKlWan>(files, VAE, info.vae.large_parameters())
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
            ("text encoder", info.text_encoder.large_parameters(), total(&text)),
            ("transformer", info.transformer.large_parameters(), total(&denoiser)),
            ("autoencoder", info.vae.large_parameters(), total(&autoencoder)),
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
