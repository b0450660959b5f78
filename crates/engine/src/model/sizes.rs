//! Whether a model is as large as its weights: a configuration that asks for more is refused before memory is.

use models::family::PartConfig;

use super::{ModelFiles, files::PartName};
use crate::{Error, Result};

/// How many numbers the weights of a part hold, from their headers.
///
/// # Errors
/// Weights that are missing, damaged, in a number format that is not read, or fewer than the part's configuration asks
/// for.
pub(super) fn num_values(files: &ModelFiles, part: PartName, config: &impl PartConfig) -> Result<u64> {
    let source = files.weights(part)?;
    let (found, parameters) = (source.num_values()?, config.large_parameters());
    if parameters <= found as f64 {
        return Ok(found);
    }
    let config = files.path(&part.config());
    Err(Error::Malformed {
        path: source.name().to_owned(),
        what: "the size of the weights".into(),
        expected: format!("at least {parameters:.0} parameters, which {} asks for", config.display()),
        found: format!("{found}; the weights are incomplete, or belong to another configuration"),
    })
}

#[cfg(test)]
mod tests {
    use models::{
        family::{AutoencoderConfig, DenoiserConfig, TextEncoderConfig},
        kinora::AutoencoderKinoraConfig,
        umt5::Umt5Config,
        wan::{AutoencoderKlWanConfig, WanTransformer3dConfig},
    };

    use super::*;
    use crate::ModelInfo;

    #[test]
    fn the_large_matrices_are_most_of_a_model() {
        let info = ModelInfo::read(&ModelFiles::Embedded).unwrap();
        let [expert] = &info.experts[..] else { panic!("one denoiser") };
        for (name, counted, total) in [
            ("text encoder", info.text_encoder.large_parameters(), info.num_values.text_encoder),
            ("transformer", expert.config.large_parameters(), expert.num_values),
            ("autoencoder", info.autoencoder.large_parameters(), info.num_values.autoencoder),
        ] {
            let share = counted / total as f64;
            assert!((0.5..=1.0).contains(&share), "{name}: {counted} of {total}");
        }
    }

    #[test]
    fn the_embedded_model_is_not_refused_and_one_that_asks_for_more_is() {
        let files = ModelFiles::Embedded;
        let info = ModelInfo::read(&files).unwrap();
        let DenoiserConfig::Wan(denoiser) = &info.experts[0].config;
        let TextEncoderConfig::Umt5(encoder) = &info.text_encoder;
        let refused = |part: PartName, found: Result<u64>| {
            let message = found.unwrap_err().to_string();
            assert!(message.contains(&part.config()), "{message}");
        };
        let forge: [fn(&mut WanTransformer3dConfig); 3] = [
            |config| config.num_layers = 1 << 20,
            |config| config.ffn_dim = 1 << 20,
            |config| config.attention_head_dim = 1 << 40,
        ];
        for forge in forge {
            let mut config = denoiser.clone();
            forge(&mut config);
            let part = PartName::Transformer;
            refused(part, num_values(&files, part, &DenoiserConfig::Wan(config)));
        }
        let forge: [fn(&mut Umt5Config); 3] = [
            |config| config.vocab_size = 1 << 20,
            |config| config.num_layers = 1 << 20,
            |config| config.relative_attention_num_buckets = 1 << 20,
        ];
        for forge in forge {
            let mut config = encoder.clone();
            forge(&mut config);
            let part = PartName::TextEncoder;
            refused(part, num_values(&files, part, &TextEncoderConfig::Umt5(config)));
        }
        let wan = AutoencoderKlWanConfig { base_dim: 1 << 20, ..Default::default() };
        let kinora = AutoencoderKinoraConfig { width: 1 << 20, ..Default::default() };
        for config in [AutoencoderConfig::Wan(wan), AutoencoderConfig::Kinora(kinora)] {
            refused(PartName::Vae, num_values(&files, PartName::Vae, &config));
        }
    }
}
