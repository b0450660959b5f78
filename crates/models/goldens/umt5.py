"""Outputs of `UMT5EncoderModel` for two random configurations: python umt5.py"""

import tempfile
from pathlib import Path

import torch
from golden import randomize, weights, write
from safetensors.torch import load_file
from transformers import UMT5Config, UMT5EncoderModel

CONFIGS = {
    "umt5_a": dict(vocab_size=50, d_model=24, d_kv=8, d_ff=40, num_layers=2, num_heads=3),
    "umt5_b": dict(
        vocab_size=37, d_model=20, d_kv=6, d_ff=28, num_layers=3, num_heads=4, relative_attention_num_buckets=16,
        relative_attention_max_distance=40, layer_norm_epsilon=1e-4,
    ),
}
LENGTHS = {"umt5_a": (30, 17, 2), "umt5_b": (1, 70)}


@torch.no_grad()
def main():
    for seed, (name, config) in enumerate(CONFIGS.items()):
        model = randomize(UMT5EncoderModel(UMT5Config(**config)), seed)
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)  # so that the keys are those of a file, tied weights included
            state = load_file(Path(folder) / "model.safetensors")
        generator = torch.Generator().manual_seed(300 + seed)
        lengths = torch.tensor(LENGTHS[name])
        mask = (torch.arange(lengths.max())[None] < lengths[:, None]).long()
        ids = torch.randint(2, config["vocab_size"], mask.shape, generator=generator) * mask

        block = {}

        def hook(_module, args, output):
            block.update(x=args[0], output=output)

        handle = model.encoder.block[1].register_forward_hook(hook)
        features = model(ids, mask).last_hidden_state
        handle.remove()

        attention = model.encoder.block[0].layer[0].SelfAttention
        distances = torch.arange(-200, 201)
        tensors = weights(state) | {
            "ids": ids.int(),
            "mask": mask.float(),
            "features": features,
            "distances": distances.int(),
            "buckets": attention._relative_position_bucket(distances).int(),
        }
        tensors |= {f"block.{key}": value for key, value in block.items()}
        write(name, tensors, config=model.config.to_dict())


main()
