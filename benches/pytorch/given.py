"""Weights and inputs that all sides share, and what comes of them in f32: python given.py FOLDER < request

The folder becomes that of a diffusers model, with `latents.f32`, `context.f32` and `reference.f32` beside
it: 32-bit numbers without a header.
"""

import json
import math
import os
import sys
from pathlib import Path

import torch
from denoiser import build, inputs, save


@torch.inference_mode()
def main() -> None:
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.manual_seed(0)
    case, folder = json.load(sys.stdin) | {"precision": "f32"}, Path(sys.argv[1])
    model = build(case).eval()
    randomize(model)
    model.save_pretrained(folder)
    latents, timestep, context = inputs(case)
    save(latents, folder / "latents.f32")
    save(context, folder / "context.f32")
    save(model(latents, timestep, context, return_dict=False)[0], folder / "reference.f32")


def randomize(model: torch.nn.Module) -> None:
    """Weights that keep the scale of what they multiply. First weights would let little through, and hide
    what is lost to rounding."""
    for name, parameter in model.named_parameters():
        values = torch.randn(parameter.shape)
        if name.endswith("scale_shift_table"):
            values *= 0.4
        elif name.endswith("bias"):
            values *= 0.1
        elif "norm" in name:
            values = 1 + 0.2 * values
        else:
            values /= math.sqrt(parameter[0].numel())
        parameter.copy_(values)


if __name__ == "__main__":
    main()
