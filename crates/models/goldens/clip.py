"""Outputs of `CLIPVisionModel` for two random configurations: python clip.py"""

import tempfile
from pathlib import Path

import torch
from golden import randomize, weights, write
from safetensors.torch import load_file
from transformers import CLIPVisionConfig, CLIPVisionModel

CONFIGS = {
    "clip_a": dict(
        hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=3, image_size=16, patch_size=4,
        hidden_act="gelu",
    ),
    # Patches that leave some pixels over, and the quick activation.
    "clip_b": dict(
        hidden_size=20, intermediate_size=28, num_hidden_layers=2, num_attention_heads=2, image_size=14, patch_size=4,
        hidden_act="quick_gelu", layer_norm_eps=1e-4,
    ),
}


def saved(model):
    """The tensors of the model's file, whose keys are those of the published ones."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return load_file(Path(folder) / "model.safetensors")


@torch.no_grad()
def main():
    for seed, (name, config) in enumerate(CONFIGS.items()):
        model = randomize(CLIPVisionModel(CLIPVisionConfig(**config)), seed)
        side = config["image_size"]
        pictures = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(500 + seed))
        features = model(pictures, output_hidden_states=True).hidden_states[-2]
        tensors = weights(saved(model)) | {"pictures": pictures, "features": features}
        write(name, tensors, config=model.config.to_dict())


if __name__ == "__main__":
    main()
