"""Outputs of `AutoencoderKLWan` for two configurations of each layout: python vae.py"""

from unittest.mock import patch

import torch
from diffusers import AutoencoderKLWan
from golden import randomize, weights, write

CONFIGS = {
    "vae_21_a": dict(base_dim=4, z_dim=3, dim_mult=[1, 2, 2, 4], num_res_blocks=1, temperal_downsample=[False, True, True]),
    "vae_21_b": dict(
        base_dim=6, decoder_base_dim=4, z_dim=4, dim_mult=[1, 2], num_res_blocks=2, temperal_downsample=[True],
        scale_factor_spatial=2, scale_factor_temporal=2,
    ),
    "vae_22_a": dict(
        base_dim=4, decoder_base_dim=6, z_dim=5, dim_mult=[1, 2, 2], num_res_blocks=1, temperal_downsample=[True, True],
        is_residual=True, in_channels=12, out_channels=12, patch_size=2, scale_factor_spatial=8,
    ),
    "vae_22_b": dict(
        base_dim=4, z_dim=4, dim_mult=[1, 2, 2, 2], num_res_blocks=2, temperal_downsample=[False, True, True],
        is_residual=True, in_channels=12, out_channels=12, patch_size=2, scale_factor_spatial=16,
    ),
}
SIZES = {"vae_21_a": (16, 24), "vae_21_b": (6, 10), "vae_22_a": (16, 24), "vae_22_b": (16, 32)}


@torch.no_grad()
def main():
    for seed, (name, config) in enumerate(CONFIGS.items()):
        generator = torch.Generator().manual_seed(200 + seed)
        z = config["z_dim"]
        statistics = dict(
            latents_mean=torch.randn(z, generator=generator).tolist(),
            latents_std=(0.5 + torch.rand(z, generator=generator)).tolist(),
        )
        model = randomize(AutoencoderKLWan(**config, **statistics), seed)
        height, width = SIZES[name]
        space, time = model.config.scale_factor_spatial, model.config.scale_factor_temporal
        video = 2 * torch.rand(1, 3, 17, height, width, generator=generator) - 1
        latents = torch.randn(1, z, 1 + 16 // time, height // space, width // space, generator=generator)
        tensors = weights(model.state_dict()) | {"video": video, "latents": latents}
        for frames in (1, 5, 9, 17):
            posterior = model.encode(video[:, :, :frames]).latent_dist
            tensors[f"mean.{frames}"] = posterior.mean
            tensors[f"logvar.{frames}"] = posterior.logvar
            # Without the final clamp, which would hide errors beyond -1 and 1.
            with patch("torch.clamp", lambda x, **_: x):
                tensors[f"decoded.{frames}"] = model.decode(latents[:, :, : 1 + (frames - 1) // time]).sample

        dim = model.encoder.mid_block.dim
        x = torch.randn(2, dim, 4, 5, 3, generator=generator)
        tensors["block.x"] = x
        tensors["block.resnet"] = model.encoder.mid_block.resnets[1](x)
        tensors["block.attention"] = model.encoder.mid_block.attentions[0](x)
        write(name, tensors, config=dict(model.config))


main()
