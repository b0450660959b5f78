"""Whole runs of `WanPipeline` with random weights and given noise: python pipeline.py"""

import torch
from diffusers import AutoencoderKLWan, WanPipeline, WanTransformer3DModel
from golden import Numbers, noise, of_part, randomize, run, scheduler, write
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
        sampler = scheduler(case["flow_shift"])
        pipeline = WanPipeline(
            tokenizer=Numbers(), scheduler=sampler, expand_timesteps=case["expand_timesteps"],
            boundary_ratio=boundary_ratio, **parts
        )
        latents = noise(pipeline, case["size"], generator)
        told = dict(
            prompt=PROMPT,
            negative_prompt=NEGATIVE_PROMPT,
            text_tokens=TEXT_TOKENS,
            steps=STEPS,
            guidance_scale=GUIDANCE_SCALE,
            flow_shift=case["flow_shift"],
            expand_timesteps=case["expand_timesteps"],
            boundary_ratio=boundary_ratio,
        )
        tensors = {"noise": latents, **run(pipeline, case["size"], latents, told)}
        tensors["timesteps"] = sampler.timesteps.float()
        tensors["sigmas"] = sampler.sigmas.float()
        for part, module in parts.items():
            tensors |= of_part(part, module.state_dict())
        write(
            name,
            tensors,
            transformer=dict(parts["transformer"].config),
            vae=dict(parts["vae"].config),
            text_encoder=parts["text_encoder"].config.to_dict(),
            **told,
        )


main()
