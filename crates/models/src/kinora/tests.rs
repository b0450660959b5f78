use std::path::Path;

use burn::tensor::{Device, Distribution, FloatDType, Tensor};
use nn::Packing;

use super::*;

fn config() -> AutoencoderKinoraConfig {
    AutoencoderKinoraConfig {
        z_dim: 5,
        scale_factor_temporal: 4,
        width: 16,
        num_res_blocks: 2,
        pixel_width: 8,
        upscale: 1,
        upsampler_widths: [8, 12],
        upsampler_blocks: 1,
        latents_mean: vec![0.5; 5],
        latents_std: vec![2.0; 5],
    }
}

/// A code that keeps the first values of a block, and says 0 for the others.
fn code(config: &AutoencoderKinoraConfig) -> Code {
    let (z, values) = (config.z_dim, config.block_values());
    let diagonal = |rows: usize, columns: usize| {
        (0..rows * columns).map(|i| f32::from(i / columns == i % columns)).collect::<Vec<f32>>()
    };
    Code {
        encode: diagonal(z, values),
        encode_bias: vec![0.25; z],
        decode: diagonal(values, z),
        decode_bias: (0..values).map(|value| if value < z { -0.25 } else { 0.0 }).collect(),
    }
}

fn model() -> AutoencoderKinora {
    let config = config();
    AutoencoderKinora::new(&config, &Device::flex()).unwrap().init_weights(&code(&config), 3)
}

/// The same with every parameter drawn, so that the network adds something.
fn lively() -> AutoencoderKinora {
    let config = config();
    let model = AutoencoderKinora::new(&config, &Device::flex()).unwrap();
    init::fill(model, 4, |key, _| match key.ends_with("gamma") {
        true => Start::Constant(1.0),
        false => Start::Normal(0.1),
    })
}

fn random(dims: [usize; 5]) -> Tensor<5> {
    Tensor::random(dims, Distribution::Uniform(-1.0, 1.0), &Device::flex())
}

fn most_unlike(a: Tensor<5>, b: Tensor<5>) -> f32 {
    (a - b).abs().max().into_scalar()
}

#[test]
fn a_new_one_gives_back_what_its_code_keeps() {
    let model = model();
    let video = random([1, 3, 9, 16, 24]);
    let latents = model.encode(video.clone());
    assert_eq!(latents.dims(), [1, 5, 3, 2, 3]);
    let rebuilt = model.decode(latents);
    assert_eq!(rebuilt.dims(), video.dims());
    // The first five values of a block: of red, the first frame's first row.
    let part = |video: Tensor<5>| video.slice([0..1, 0..1, 5..6, 8..9, 8..13]);
    assert!(most_unlike(part(rebuilt.clone()), part(video)) < 1e-5);
    assert!(rebuilt.slice([0..1, 1..3]).abs().max().into_scalar::<f32>() < 1e-6);
}

#[test]
fn pinned_pixels_are_shown() {
    // A code that keeps all of a block.
    let config = AutoencoderKinoraConfig {
        scale_factor_temporal: 2,
        z_dim: 384,
        latents_mean: vec![0.0; 384],
        latents_std: vec![1.0; 384],
        ..config()
    };
    let model = AutoencoderKinora::new(&config, &Device::flex()).unwrap().init_weights(&code(&config), 3);
    let [drawn, video] = [(); 2].map(|()| random([1, 3, 5, 8, 16]));
    let mask = Tensor::<5>::zeros([1, 3, 5, 8, 16], &Device::flex());
    let mask =
        mask.slice_assign([0..1, 0..3, 3..4, 0..8, 0..16], Tensor::ones([1, 3, 1, 8, 16], &Device::flex()));
    let pinned = model.decode(model.pin(model.encode(drawn.clone()), video.clone(), mask.clone()));
    let expected = drawn * (mask.clone().neg() + 1.0) + video * mask;
    assert!(most_unlike(pinned, expected) < 1e-4);
}

#[test]
fn a_stream_decodes_as_the_whole() {
    let model = lively();
    let latents = random([1, 5, 4, 2, 3]);
    let whole = model.decode(latents.clone());
    assert_eq!(whole.dims(), [1, 3, 13, 16, 24]);
    let mut stream = model.decoder_stream();
    let pieces = (0..4).map(|frame| stream.decode(latents.clone().narrow(2, frame, 1))).collect();
    assert!(most_unlike(whole.clone(), Tensor::cat(pieces, 2)) < 1e-5);
    // What comes later changes nothing before.
    let other = Tensor::cat(vec![latents.narrow(2, 0, 3), random([1, 5, 1, 2, 3])], 2);
    assert!(most_unlike(whole.narrow(2, 0, 9), model.decode(other).narrow(2, 0, 9)) < 1e-6);
}

#[test]
fn packed_weights_decode_nearly_the_same() {
    let model = lively();
    let latents = random([1, 5, 3, 2, 3]);
    let whole = model.decode(latents.clone());
    for (packing, tolerance) in [(Packing::Bf16, 0.02), (Packing::Int8, 0.06)] {
        let mut packed = model.clone().without_encoder();
        nn::Pack::pack(&mut packed, packing);
        let mut stream = packed.decoder_stream();
        let pieces = (0..3).map(|frame| stream.decode(latents.clone().narrow(2, frame, 1))).collect();
        let error = most_unlike(whole.clone(), Tensor::cat(pieces, 2))
            / whole.clone().abs().max().into_scalar::<f32>();
        assert!(error < tolerance, "{packing:?}: {error}");
    }
}

#[test]
fn latents_are_normalised_and_back() {
    let config = config();
    let latents = random([2, 5, 1, 2, 2]);
    let normal = config.normalize(latents.clone());
    assert!(most_unlike(normal.clone() * 2.0 + 0.5, latents.clone()) < 1e-6);
    assert!(most_unlike(config.denormalize(normal), latents) < 1e-6);
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let config = AutoencoderKinoraConfig::default();
    assert_eq!(config.latent_size([17, 128, 64]).unwrap(), [9, 16, 8]);
    assert_eq!(config.video_size([9, 16, 8]), [17, 128, 64]);
    for size in [[16, 128, 128], [0, 8, 8], [1, 12, 8], [1, 8, 0]] {
        let message = config.latent_size(size).unwrap_err().to_string();
        assert!(message.contains("1 + 2 k frames"), "{message}");
    }
    for (json, field) in [
        (r#"{"z_dim": 0}"#, "z_dim"),
        (r#"{"z_dim": 385, "latents_mean": [], "latents_std": []}"#, "z_dim"),
        (r#"{"scale_factor_temporal": 0}"#, "scale_factor_temporal"),
        (r#"{"scale_factor_temporal": 17}"#, "scale_factor_temporal"),
        (r#"{"width": 0}"#, "width"),
        (r#"{"num_res_blocks": 18446744073709551615}"#, "num_res_blocks"),
        (r#"{"z_dim": 2, "latents_mean": [0], "latents_std": [1, 1]}"#, "latents_mean"),
        (r#"{"z_dim": 1, "latents_mean": [0], "latents_std": [0]}"#, "latents_std"),
        (r#"{"z_dim": 1, "latents_mean": [1e39], "latents_std": [1]}"#, "latents_mean"),
    ] {
        let refused = AutoencoderKinoraConfig::from_json(Path::new("config.json"), json.as_bytes());
        let message = refused.map(|_| ()).expect_err(json).to_string();
        assert!(message.contains(field), "{message}");
    }
    let other = AutoencoderKinoraConfig::from_json(Path::new("c"), br#"{"_class_name": "AutoencoderKLWan"}"#);
    assert!(other.unwrap_err().to_string().contains("AutoencoderKLWan"));
    assert!(AutoencoderKinoraConfig::default().decoder_stream_bytes([128, 128], FloatDType::F32) > 1 << 20);
}

/// A video of which each pixel is drawn as a square of so many a side.
fn in_squares(video: Tensor<5>, side: usize) -> Tensor<5> {
    let [batch, colours, frames, height, width] = video.dims();
    video
        .reshape([batch * colours * frames * height, 1, width, 1])
        .expand([batch * colours * frames * height, side, width, side])
        .reshape([batch, colours, frames, height * side, width * side])
}

#[test]
fn a_decoder_that_draws_larger_begins_with_squares() {
    let (small, config) = (model(), AutoencoderKinoraConfig { upscale: 2, ..config() });
    let large = AutoencoderKinora::new(&config, &Device::flex()).unwrap().init_weights(&code(&config), 3);
    assert_eq!(config.latent_size([9, 32, 48]).unwrap(), [3, 2, 3]);
    assert_eq!(config.video_size([3, 2, 3]), [9, 32, 48]);
    config.latent_size([9, 16, 24]).unwrap_err();
    let video = random([1, 3, 9, 16, 24]);
    let latents = small.encode(video.clone());
    assert!(most_unlike(large.encode(in_squares(video, 2)), latents.clone()) < 1e-5);
    let drawn = large.decode(latents.clone());
    assert!(most_unlike(drawn, in_squares(small.decode(latents.clone()), 2)) < 1e-5);

    let plain = large.without_upsampler();
    assert_eq!(plain.config(), small.config());
    assert!(most_unlike(plain.decode(latents.clone()), small.decode(latents.clone())) < 1e-6);

    // What is pinned is what the means of its squares are.
    let (video, mask) = (random([1, 3, 9, 16, 24]), random([1, 3, 9, 16, 24]).greater_elem(0.0).float());
    let pinned = large.pin(latents.clone(), in_squares(video.clone(), 2), in_squares(mask.clone(), 2));
    assert!(most_unlike(pinned, small.pin(latents, video, mask)) < 1e-5);
}

#[test]
fn what_draws_larger_can_be_streamed() {
    let config = AutoencoderKinoraConfig { upscale: 2, ..config() };
    let model = init::fill(AutoencoderKinora::new(&config, &Device::flex()).unwrap(), 4, |key, _| {
        if key.ends_with("gamma") { Start::Constant(1.0) } else { Start::Normal(0.1) }
    });
    let latents = random([1, 5, 4, 2, 3]);
    let whole = model.decode(latents.clone());
    let mut stream = model.decoder_stream();
    let parts: Vec<_> = (0..4).map(|frame| stream.decode(latents.clone().narrow(2, frame, 1))).collect();
    assert!(most_unlike(Tensor::cat(parts, 2), whole) < 1e-4);
}
