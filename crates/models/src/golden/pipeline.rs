//! Agreement of a whole run with diffusers' `WanPipeline`: text, guided sampling and decoding.

use burn::tensor::{Device, Tensor};
use diffusion::{Schedule, classifier_free_guidance, from_velocity, sample_unipc, unobserved};

use super::Golden;
use crate::{
    umt5::Umt5Encoder,
    wan::{AutoencoderKlWan, WanTransformer3d},
};

/// The context of a prompt, padded to the golden's number of text tokens.
fn context(golden: &Golden, encoder: &Umt5Encoder, prompt: &str) -> Tensor<3> {
    let ids = golden.metadata::<Vec<usize>>(prompt);
    encoder.context(&[ids], golden.metadata("text_tokens"), &Device::flex())
}

#[test]
fn a_whole_run_agrees_with_diffusers() {
    for golden in ["pipeline_21", "pipeline_22"].map(Golden::open) {
        let device = Device::flex();
        let encoder = Umt5Encoder::new(&golden.metadata("text_encoder"), &device).expect("valid");
        let encoder = golden.fill(encoder, "text_encoder.");
        let transformer = WanTransformer3d::new(&golden.metadata("transformer"), &device).expect("valid");
        let transformer = golden.fill(transformer, "transformer.");
        let vae = AutoencoderKlWan::new(&golden.metadata("vae"), &device).expect("valid");
        let vae = golden.fill(vae, "vae.");

        let noise = golden.tensor::<5>("noise");
        let [_, _, frames, height, width] = noise.dims();
        let grid = transformer.config().token_grid([frames, height, width]).expect("a valid size");
        let expand = golden.metadata::<bool>("expand_timesteps");
        let groups = if expand { grid.iter().product() } else { 1 };
        let denoise = classifier_free_guidance(
            |latents: Tensor<5>, step, context: &Tensor<3>| {
                let timestep = Tensor::full([1, groups], step.timestep as f32, &device);
                Ok::<_, diffusion::Error>(transformer.forward(latents, timestep, context.clone()))
            },
            context(&golden, &encoder, "prompt"),
            context(&golden, &encoder, "negative_prompt"),
            golden.metadata("guidance_scale"),
        );
        let schedule = Schedule::flow_unipc(golden.metadata("steps"), golden.metadata("flow_shift"))
            .expect("a schedule");
        let latents = sample_unipc(from_velocity(denoise), noise, &schedule, unobserved).expect("a run");
        golden.assert_close("latents", latents.clone());

        let video = vae.decode_clamped(vae.denormalize(latents)); // [1, 3, frames, height, width]
        let video = video.squeeze_dim::<4>(0).permute([1, 2, 3, 0]).div_scalar(2.0).add_scalar(0.5);
        golden.assert_close("frames", video);
    }
}
