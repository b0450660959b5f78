//! Whether a model is as large as its weights: a configuration that asks for more is refused before memory is.

use models::{
    umt5::Umt5Config,
    wan::{AutoencoderKlWanConfig, WanTransformer3dConfig},
};

use super::{ModelFiles, ModelInfo};
use crate::{Error, Result};

/// Bytes of the shortest numbers that weights are read from.
const SHORTEST: f64 = 2.0;

/// Fails if the configuration of a part asks for more parameters than its weights files have room for.
pub(crate) fn check_sizes(files: &ModelFiles, info: &ModelInfo) -> Result<()> {
    for (part, parameters) in [
        ("text_encoder", text_encoder(&info.text_encoder)),
        ("transformer", transformer(&info.transformer)),
        ("vae", vae(&info.vae)),
    ] {
        let (path, bytes) = files.weights(part)?;
        let room = bytes as f64 / SHORTEST;
        if parameters > room {
            let config = files.path(&format!("{part}/config.json"));
            return Err(Error::Malformed {
                path,
                what: "the size of the weights".into(),
                expected: format!("at least {parameters:.0} parameters, which {} asks for", config.display()),
                found: format!(
                    "{bytes} bytes, room for {room:.0}; the file is incomplete, or belongs to another configuration"
                ),
            });
        }
    }
    Ok(())
}

/// The parameters of the large matrices. A few biases, norms and tables come on top.
fn text_encoder(config: &Umt5Config) -> f64 {
    let Umt5Config { vocab_size, d_model, d_kv, d_ff, num_layers, num_heads, .. } = config;
    let [vocabulary, dim, head, hidden, layers, heads] =
        [vocab_size, d_model, d_kv, d_ff, num_layers, num_heads].map(|&size| size as f64);
    vocabulary * dim + layers * (4.0 * dim * heads * head + 3.0 * dim * hidden)
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
/// middle.
fn vae(config: &AutoencoderKlWanConfig) -> f64 {
    let blocks = config.num_res_blocks as f64;
    let of_half = |base: usize, convolutions: f64| {
        let convolution = |&mult: &usize| 27.0 * (base as f64 * mult as f64).powi(2);
        let scales = config.dim_mult.iter().map(convolution).sum::<f64>();
        convolutions * scales + 4.0 * config.dim_mult.last().map_or(0.0, convolution)
    };
    of_half(config.base_dim, 2.0 * blocks - 1.0)
        + of_half(config.decoder_base_dim.unwrap_or(config.base_dim), 2.0 * blocks + 1.0)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use models::{
        umt5::Umt5Encoder,
        wan::{AutoencoderKlWan, WanTransformer3d},
        weights::{Checkpoint, parameters},
    };

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
        let forge: [(&str, Forge); 6] = [
            ("transformer", |info| info.transformer.num_layers = 1 << 20),
            ("transformer", |info| info.transformer.ffn_dim = 1 << 20),
            ("transformer", |info| info.transformer.attention_head_dim = 1 << 40),
            ("text_encoder", |info| info.text_encoder.vocab_size = 1 << 20),
            ("text_encoder", |info| info.text_encoder.num_layers = 1 << 20),
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
