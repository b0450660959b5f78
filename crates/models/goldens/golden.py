"""Shared by the scripts of this folder: random weights, prompts of numbers, and a safetensors file with its versions."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import diffusers
import torch
import transformers
from safetensors.torch import save_file


def randomize(module, seed):
    """Gives every parameter non-zero values: weights that keep the scale, gains about one."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        values = torch.randn(parameter.shape, generator=generator)
        kind = name.rsplit(".", 1)[-1]
        if kind == "scale_shift_table":
            values *= 0.4
        elif kind == "bias":
            values *= 0.1
        elif kind == "gamma" or "norm" in name:
            values = 1 + 0.2 * values
        elif parameter.ndim > 1 and "shared" not in name and "embed_tokens" not in name:
            values /= math.sqrt(parameter[0].numel())
        parameter.data.copy_(values)
    return module.eval()


class Numbers:
    """A tokenizer whose text is the ids themselves."""

    def __call__(self, prompts, max_length, **_options):
        ids = torch.zeros(len(prompts), max_length, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            numbers = torch.tensor([int(word) for word in prompt.split()])
            ids[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = 1
        return SimpleNamespace(input_ids=ids, attention_mask=mask)


def weights(state):
    """The tensors of a checkpoint, as a golden stores them."""
    return {f"model.{key}": value for key, value in state.items()}


def write(name, tensors, **metadata):
    path = Path(__file__).parent / f"{name}.safetensors"
    metadata = {key: json.dumps(value) for key, value in metadata.items()}
    metadata["made_with"] = (
        f"diffusers {diffusers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"
    )
    save_file({key: value.detach().contiguous().clone() for key, value in tensors.items()}, path, metadata)
    size = path.stat().st_size
    assert size < 1_000_000, (name, size)
    print(f"{path.name}: {size / 1000:.0f} kB, {len(tensors)} tensors")
