//! Agreement of the autoencoder with diffusers.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Distribution, FloatDType, Gradients, Tensor},
};
use nn::{Pack, Packing, Precision, with_precision};

use super::{
    AutoencoderKlWan, AutoencoderKlWanConfig, DecoderStream,
    blocks::{MidBlock, ResidualBlock},
    past::Past,
};
use crate::{
    ModelConfig,
    golden::{Golden, assert_round_trip},
    weights::parameters,
};

const GOLDENS: [&str; 4] = ["vae_21_a", "vae_21_b", "vae_22_a", "vae_22_b"];
const FRAMES: [usize; 4] = [1, 5, 9, 17];

/// How much the order of sums may change, relative to the largest value, in f32.
const ROUNDING: f32 = 1e-5;

fn model(golden: &Golden) -> AutoencoderKlWan {
    golden.fill(empty(golden), "model.")
}

fn empty(golden: &Golden) -> AutoencoderKlWan {
    AutoencoderKlWan::new(&golden.metadata("config"), &Device::flex()).expect("a valid configuration")
}

#[test]
fn blocks_agree_with_diffusers() {
    for golden in GOLDENS.map(Golden::open) {
        let mid_block = &model(&golden).encoder.expect("an encoder").mid_block;
        let x = golden.tensor("block.x");
        golden.assert_close(
            "block.resnet",
            mid_block.resnets[1].forward(x.clone(), &mut Past::of_whole_clip()),
        );
        golden.assert_close("block.attention", mid_block.attentions[0].forward(x));
    }
}

/// One pass over the clip is what diffusers gets chunk by chunk with its cache.
#[test]
fn encoding_agrees_with_diffusers() {
    for golden in GOLDENS.map(Golden::open) {
        let model = model(&golden);
        for frames in FRAMES {
            let posterior = model.encode(golden.tensor::<5>("video").narrow(2, 0, frames));
            golden.assert_close(&format!("mean.{frames}"), posterior.mean);
            golden.assert_close(&format!("logvar.{frames}"), posterior.logvar);
        }
    }
}

#[test]
fn decoding_agrees_with_diffusers() {
    for golden in GOLDENS.map(Golden::open) {
        let model = model(&golden);
        for frames in FRAMES {
            let latents = 1 + (frames - 1) / model.config().scale_factor_temporal;
            let decoded = model.decode(golden.tensor::<5>("latents").narrow(2, 0, latents));
            golden.assert_close(&format!("decoded.{frames}"), decoded);
        }
    }
}

#[test]
fn decoding_needs_no_encoder() {
    let golden = Golden::open(GOLDENS[0]);
    let model = model(&golden);
    let latents = golden.tensor::<5>("latents");
    let decoded = model.decode(latents.clone()).into_data();
    assert_eq!(model.without_encoder().decode(latents).into_data(), decoded);
}

/// The clip of a stream of latent frames.
fn streamed(mut stream: DecoderStream<'_>, latents: Tensor<5>) -> Tensor<5> {
    let frames = latents.split(1, 2).into_iter().map(|frame| stream.decode(frame));
    Tensor::cat(frames.collect(), 2)
}

/// The largest difference, relative to the largest value.
fn difference(found: Tensor<5>, expected: Tensor<5>) -> f32 {
    let largest = |x: Tensor<5>| x.abs().max().into_scalar::<f32>();
    largest(found - expected.clone()) / largest(expected)
}

#[test]
fn streamed_decoding_agrees_with_diffusers_and_with_one_pass() {
    for golden in GOLDENS.map(Golden::open) {
        let model = model(&golden);
        let latents = golden.tensor::<5>("latents");
        let whole = model.decode(latents.clone());
        let stream = model.decoder_stream(FloatDType::F32);
        for stream in [stream.clone(), stream.in_single_frames()] {
            let video = streamed(stream, latents.clone());
            golden.assert_close("decoded.17", video.clone());
            let error = difference(video, whole.clone());
            assert!(error < ROUNDING, "{error:e}");
        }
    }
}

/// A stream that keeps frames in bf16 differs by no more than bf16 products do.
#[test]
fn frames_that_are_kept_in_bf16_cost_no_more_than_products_in_bf16() {
    for golden in GOLDENS.map(Golden::open) {
        let model = model(&golden);
        let latents = golden.tensor::<5>("latents");
        let exact = model.decode(latents.clone());
        let [whole, streamed] = with_precision(Precision::Bf16, || {
            let stream = model.decoder_stream(FloatDType::BF16);
            [model.decode(latents.clone()), streamed(stream, latents.clone())]
        });
        let (by_products, by_both) = (difference(whole, exact.clone()), difference(streamed, exact));
        if by_products == 0.0 {
            return; // products are in f32 on this machine
        }
        assert!(by_both < 2.0 * by_products.max(2.0_f32.powi(-8)), "{by_products:e} {by_both:e}");
    }
}

/// Packed convolutions read the kept frames where they lie.
#[test]
fn a_stream_with_packed_weights_is_one_pass() {
    for golden in GOLDENS.map(Golden::open) {
        let mut model = model(&golden).without_encoder();
        let latents = golden.tensor::<5>("latents");
        let exact = model.decode(latents.clone());
        model.pack(Packing::Bf16);
        let whole = with_precision(Precision::Bf16, || model.decode(latents.clone()));
        let by_products = difference(whole, exact.clone()).max(2.0_f32.powi(-8));
        for kept in [FloatDType::F32, FloatDType::BF16] {
            let stream = model.decoder_stream(kept);
            for stream in [stream.clone(), stream.in_single_frames()] {
                let video = with_precision(Precision::Bf16, || streamed(stream, latents.clone()));
                let error = difference(video, exact.clone());
                assert!(error < 2.0 * by_products, "{kept:?} {error:e} {by_products:e}");
            }
        }
    }
}

#[test]
fn a_stream_keeps_as_much_after_many_frames_as_after_three() {
    for golden in GOLDENS.map(Golden::open) {
        let model = model(&golden);
        let latents = golden.tensor::<5>("latents").split(1, 2);
        let mut stream = model.decoder_stream(FloatDType::F32).in_single_frames();
        let kept = latents.into_iter().map(|frame| {
            stream.decode(frame);
            stream.kept_values()
        });
        let kept = kept.collect::<Vec<_>>();
        assert!(kept[0] > 0 && kept[0] < kept[2], "{kept:?}");
        assert!(kept[2..].iter().all(|&values| values == kept[2]), "{kept:?}");

        let [_, _, _, height, width] = golden.tensor::<5>("video").dims();
        let share = model.config().kept_values([height, width]) / kept[2] as f64;
        assert!((0.8..1.2).contains(&share), "{share} of what is kept is told beforehand");
    }
}

#[test]
fn streamed_encoding_agrees_with_diffusers() {
    for golden in GOLDENS.map(Golden::open) {
        let model = model(&golden);
        let video = golden.tensor::<5>("video");
        let group = model.config().scale_factor_temporal;
        let mut stream = model.encoder_stream(FloatDType::F32);
        let mut means = vec![stream.encode(video.clone().narrow(2, 0, 1)).mean];
        for start in (1..FRAMES[3]).step_by(group) {
            means.push(stream.encode(video.clone().narrow(2, start, group)).mean);
        }
        let means = Tensor::cat(means, 2);
        golden.assert_close("mean.17", means.clone());
        let error = difference(means, model.encode(video.narrow(2, 0, FRAMES[3])).mean);
        assert!(error < ROUNDING, "{error:e}");
    }
}

#[test]
fn a_checkpoint_has_the_keys_of_diffusers() {
    for golden in GOLDENS.map(Golden::open) {
        assert_round_trip(&golden, &model(&golden), empty(&golden));
    }
}

#[test]
fn normalised_latents_come_back() {
    let golden = Golden::open("vae_22_a");
    let model = model(&golden);
    let latents = golden.tensor::<5>("latents");
    let normalised = model.normalize(latents.clone());
    assert!((normalised.clone() - latents).abs().max().into_scalar::<f32>() > 0.1);
    golden.assert_close("latents", model.denormalize(normalised));
}

/// Counts the parameters that have a gradient.
struct Trained {
    gradients: Gradients,
    count: usize,
}

impl ModuleVisitor for Trained {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.count += usize::from(param.val().grad(&self.gradients).is_some());
    }
}

#[test]
fn every_weight_of_both_layouts_is_trained_by_a_clip() {
    for golden in ["vae_21_a", "vae_22_a"].map(Golden::open) {
        let device = Device::flex().autodiff();
        let config = golden.metadata::<AutoencoderKlWanConfig>("config");
        let model = golden.fill(AutoencoderKlWan::new(&config, &device).expect("valid"), "model.");
        let video = Tensor::<5>::random([1, 3, 5, 16, 16], Distribution::Uniform(-1.0, 1.0), &device);
        let posterior = model.encode(video.clone());
        let decoded = model.decode(posterior.sample(posterior.mean.clone()));
        let loss = (decoded - video).powi_scalar(2).mean();
        let mut trained = Trained { gradients: loss.backward(), count: 0 };
        model.visit(&mut trained);
        assert_eq!(trained.count, parameters(&model).len());
    }
}

/// PyTorch's default bounds, and attentions that add a constant.
#[test]
fn first_weights_follow_the_recipe() {
    let model = empty(&Golden::open("vae_22_a")).init_weights(1);
    let conv = &model.post_quant_conv; // 5 inputs
    let bound = 5.0_f32.sqrt().recip();
    for largest in [conv.weight.dense().abs().max(), conv.bias.val().abs().max()] {
        let largest = largest.into_scalar::<f32>() / bound;
        assert!((0.5..=1.0).contains(&largest), "{largest}");
    }
    let attention = &model.encoder.as_ref().expect("an encoder").mid_block.attentions[0];
    let pixel = Tensor::<5>::random([1, 8, 1, 1, 1], Distribution::Default, &Device::flex());
    let image = pixel.expand([1, 8, 1, 3, 3]);
    let other = Tensor::<5>::random([1, 8, 1, 3, 3], Distribution::Default, &Device::flex());
    let added = |x: Tensor<5>| attention.forward(x.clone()) - x;
    let difference = (added(image) - added(other)).abs().max().into_scalar::<f32>();
    assert!(difference < 1e-6, "what attention adds does not depend on its input: {difference}");
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let config = AutoencoderKlWanConfig::default();
    assert_eq!(config.latent_size([17, 64, 96]).expect("fits"), [5, 8, 12]);
    assert_eq!(config.video_size([5, 8, 12]), [17, 64, 96]);
    for size in [[16, 64, 96], [0, 64, 96], [17, 60, 96], [17, 64, 0]] {
        assert!(config.latent_size(size).is_err(), "{size:?}");
    }
}

#[test]
fn configurations_that_cannot_work_are_refused() {
    let tiny = AutoencoderKlWanConfig {
        dim_mult: vec![1, 2, 2],
        temperal_downsample: vec![true, true],
        is_residual: true,
        in_channels: 12,
        out_channels: 12,
        patch_size: Some(2),
        ..Default::default()
    };
    assert!(tiny.check().is_ok());
    let refused = [
        ("dim_mult", AutoencoderKlWanConfig { dim_mult: vec![1, 2, 4], ..tiny.clone() }),
        ("dim_mult", AutoencoderKlWanConfig { dim_mult: vec![], ..tiny.clone() }),
        ("in_channels", AutoencoderKlWanConfig { in_channels: 3, ..tiny.clone() }),
        ("attn_scales", AutoencoderKlWanConfig { attn_scales: vec![1.0], ..tiny.clone() }),
        ("temperal_downsample", AutoencoderKlWanConfig { temperal_downsample: vec![true], ..tiny.clone() }),
        (
            "scale_factor_spatial",
            AutoencoderKlWanConfig { patch_size: None, in_channels: 3, out_channels: 3, ..tiny.clone() },
        ),
        ("latents_std", AutoencoderKlWanConfig { latents_std: vec![1.0], ..tiny }),
    ];
    for (field, config) in refused {
        let message = config.check().expect_err(field).to_string();
        assert!(message.contains(&format!("`{field}`")), "{message}");
    }
}

/// Root mean square of the difference, relative to that of what is expected.
fn relative_error(found: Tensor<5>, expected: Tensor<5>) -> f32 {
    let power = |x: Tensor<5>| x.square().mean().into_scalar::<f32>();
    (power(found - expected.clone()) / power(expected)).sqrt()
}

#[test]
fn blocks_in_bf16_are_within_half_a_percent() {
    let device = Device::flex();
    let config = AutoencoderKlWanConfig { base_dim: 32, ..AutoencoderKlWanConfig::default() };
    let vae = AutoencoderKlWan::new(&config, &device).expect("a valid configuration").init_weights(3);
    let x = Tensor::<5>::random([1, 128, 3, 20, 24], Distribution::Normal(0.0, 1.0), &device);
    let MidBlock { mut resnets, attentions } = vae.encoder.expect("an encoder").mid_block;
    let resnet = |block: &ResidualBlock| block.forward(x.clone(), &mut Past::of_whole_clip());
    let (exact, exact_attention) = (resnet(&resnets[0]), attentions[0].forward(x.clone()));

    let error = relative_error(with_precision(Precision::Bf16, || resnet(&resnets[0])), exact.clone());
    assert!(error <= 5e-3, "residual block: {error}");
    resnets[0].pack(Packing::Bf16);
    let error = relative_error(resnet(&resnets[0]), exact);
    assert!(error <= 5e-3, "packed residual block: {error}");
    let rounded = with_precision(Precision::Bf16, || attentions[0].forward(x.clone()));
    let error = relative_error(rounded, exact_attention);
    assert!(error <= 5e-3, "attention block: {error}");
}
