"""Outputs of `WanTransformer3DModel` for two random configurations: python transformer.py"""

import torch
from diffusers import WanTransformer3DModel
from golden import randomize, weights, write

CONFIGS = {
    "transformer_a": dict(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4,
        text_dim=20, freq_dim=32, ffn_dim=40, num_layers=2, cross_attn_norm=True, rope_max_seq_len=64,
    ),
    "transformer_b": dict(
        patch_size=(2, 1, 3), num_attention_heads=3, attention_head_dim=16, in_channels=6, out_channels=5,
        text_dim=14, freq_dim=18, ffn_dim=52, num_layers=3, cross_attn_norm=False, eps=1e-4, rope_max_seq_len=32,
    ),
}
SIZES = {"transformer_a": (3, 4, 6), "transformer_b": (4, 5, 6)}


def block_outputs(model, call):
    """What the second block was given and what it made of it."""
    seen = {}

    def hook(block, args, output):
        x, context, modulation, _rope = args
        seen.update(x=x, context=context, modulation=modulation, output=output)

    handle = model.blocks[1].register_forward_hook(hook)
    sample = call()
    handle.remove()
    return sample, seen


@torch.no_grad()
def main():
    for seed, (name, config) in enumerate(CONFIGS.items()):
        model = randomize(WanTransformer3DModel(**config), seed)
        generator = torch.Generator().manual_seed(100 + seed)
        frames, height, width = SIZES[name]
        pt, ph, pw = config["patch_size"]
        grid_frames = frames // pt
        tokens_in_frame = (height // ph) * (width // pw)
        latents = torch.randn(2, config["in_channels"], frames, height, width, generator=generator)
        context = torch.randn(2, 7, config["text_dim"], generator=generator)
        uniform = lambda *shape: 1000 * torch.rand(*shape, generator=generator)
        by_frame = uniform(2, grid_frames)
        timesteps = {
            "clip": uniform(2),
            "frame": by_frame.repeat_interleave(tokens_in_frame, dim=1),
            "token": uniform(2, grid_frames * tokens_in_frame),
        }
        timesteps["frame"][:, :tokens_in_frame] = 0  # a known first frame
        tensors = weights(model.state_dict()) | {"latents": latents, "context": context}
        for kind, timestep in timesteps.items():
            sample, block = block_outputs(model, lambda: model(latents, timestep, context).sample)
            tensors[f"timestep.{kind}"] = timestep
            tensors[f"velocity.{kind}"] = sample
            tensors |= {f"block.{kind}.{key}": value for key, value in block.items()}
        write(name, tensors, config=dict(model.config))


main()
