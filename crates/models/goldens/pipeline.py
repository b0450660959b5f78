"""Whole runs of `WanPipeline` with random weights and given noise: python pipeline.py"""

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from golden import Numbers, randomize, write
from transformers import UMT5Config, UMT5EncoderModel

TEXT_TOKENS = 12
PROMPT = [5, 9, 3, 21, 1]
NEGATIVE_PROMPT = [7, 1]

CASES = {
    # Wan 2.1: one timestep for the clip.
    "pipeline_21": dict(
        expand_timesteps=False,
        vae=dict(base_dim=4, z_dim=4, dim_mult=[1, 2, 2, 4], num_res_blocks=1, temperal_downsample=[False, True, True]),
        flow_shift=3.0,
        size=(9, 16, 32),
    ),
    # Wan 2.2: a timestep for each token.
    "pipeline_22": dict(
        expand_timesteps=True,
        vae=dict(
            base_dim=4, z_dim=6, dim_mult=[1, 4, 4], num_res_blocks=1, temperal_downsample=[True, True],
            is_residual=True, in_channels=12, out_channels=12, patch_size=2,
        ),
        flow_shift=5.0,
        size=(5, 32, 16),
    ),
    # Wan 2.2 A14B: a second denoiser below a share of the noise.
    "pipeline_22_experts": dict(
        expand_timesteps=False,
        boundary_ratio=0.9,
        vae=dict(base_dim=4, z_dim=4, dim_mult=[1, 2, 2, 4], num_res_blocks=1, temperal_downsample=[False, True, True]),
        flow_shift=3.0,
        size=(5, 16, 16),
    ),
}
STEPS = 5
GUIDANCE_SCALE = 4.0


@torch.no_grad()
def main():
    for seed, (name, case) in enumerate(CASES.items()):
        generator = torch.Generator().manual_seed(400 + seed)
        z = case["vae"]["z_dim"]
        statistics = dict(
            latents_mean=(0.3 * torch.randn(z, generator=generator)).tolist(),
            latents_std=(0.5 + torch.rand(z, generator=generator)).tolist(),
        )
        denoiser = lambda: WanTransformer3DModel(
            num_attention_heads=2, attention_head_dim=12, in_channels=z, out_channels=z, text_dim=16, freq_dim=32,
            ffn_dim=40, num_layers=2, rope_max_seq_len=64,
        )
        parts = dict(
            text_encoder=UMT5EncoderModel(UMT5Config(vocab_size=32, d_model=16, d_kv=4, d_ff=24, num_layers=2, num_heads=4)),
            transformer=denoiser(),
            vae=AutoencoderKLWan(**case["vae"], **statistics),
        )
        boundary_ratio = case.get("boundary_ratio")
        if boundary_ratio is not None:
            parts["transformer_2"] = denoiser()
        for offset, part in enumerate(parts.values()):
            randomize(part, 10 * seed + offset)
        scheduler = UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=case["flow_shift"],
        )
        pipeline = WanPipeline(
            tokenizer=Numbers(), scheduler=scheduler, expand_timesteps=case["expand_timesteps"],
            boundary_ratio=boundary_ratio, **parts
        )
        pipeline.set_progress_bar_config(disable=True)
        frames, height, width = case["size"]
        space, time = pipeline.vae_scale_factor_spatial, pipeline.vae_scale_factor_temporal
        noise = torch.randn(1, z, 1 + (frames - 1) // time, height // space, width // space, generator=generator)
        call = lambda output_type: pipeline(
            prompt=" ".join(map(str, PROMPT)),
            negative_prompt=" ".join(map(str, NEGATIVE_PROMPT)),
            num_frames=frames,
            height=height,
            width=width,
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE_SCALE,
            max_sequence_length=TEXT_TOKENS,
            latents=noise.clone(),
            output_type=output_type,
        ).frames
        tensors = {"noise": noise, "latents": call("latent"), "frames": torch.as_tensor(call("np"))[0]}
        tensors["timesteps"] = scheduler.timesteps.float()
        tensors["sigmas"] = scheduler.sigmas.float()
        for part, module in parts.items():
            state = {key: value for key, value in module.state_dict().items() if key != "encoder.embed_tokens.weight"}
            tensors |= {f"{part}.{key}": value for key, value in state.items()}
        write(
            name,
            tensors,
            transformer=dict(parts["transformer"].config),
            vae=dict(parts["vae"].config),
            text_encoder=parts["text_encoder"].config.to_dict(),
            prompt=PROMPT,
            negative_prompt=NEGATIVE_PROMPT,
            text_tokens=TEXT_TOKENS,
            steps=STEPS,
            guidance_scale=GUIDANCE_SCALE,
            flow_shift=case["flow_shift"],
            expand_timesteps=case["expand_timesteps"],
            boundary_ratio=boundary_ratio,
        )


main()
