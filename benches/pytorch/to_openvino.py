"""The denoiser as a model of OpenVINO, for inputs of one size: python to_openvino.py FOLDER < request

In eight bits, weights and activations are quantised by NNCF. Beside `model.xml`, the folder gets the inputs.
"""

import json
import sys
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
import torch
from denoiser import build, inputs

# Inputs from which NNCF learns the ranges of the activations. They differ little, as all are random.
CALIBRATION_INPUTS = 2


@torch.no_grad()
def main() -> None:
    case, folder = json.load(sys.stdin), Path(sys.argv[1])
    precision, case = case["precision"], case | {"precision": "f32"}
    model = build(case).eval().requires_grad_(False)
    latents, timestep, context = inputs(case)
    sinusoids = model.condition_embedder.timesteps_proj(timestep)
    given = {"latents": latents, "sinusoids": sinusoids, "context": context}
    converted = ov.convert_model(Denoiser(model), example_input=tuple(given.values()))
    converted.reshape({index: list(tensor.shape) for index, tensor in enumerate(given.values())})
    if precision == "int8":
        converted = quantize(converted, given)
    ov.save_model(converted, folder / "model.xml", compress_to_fp16=False)
    for name, tensor in given.items():
        np.save(folder / f"{name}.npy", tensor.numpy())


class Sinusoids(torch.nn.Module):
    """Those of a timestep, computed before. In bf16 their angles would be off by a radian."""

    def forward(self, timestep):
        return self.given


class Denoiser(torch.nn.Module):
    """From tensors to a tensor, and from sinusoids in place of a timestep."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model, self.sinusoids = model, Sinusoids()
        model.condition_embedder.timesteps_proj = self.sinusoids

    def forward(self, latents, sinusoids, context):
        self.sinusoids.given = sinusoids
        timestep = torch.zeros(latents.shape[0])
        return self.model(latents, timestep, context, return_dict=False)[0]


def quantize(model: ov.Model, given: dict) -> ov.Model:
    """Weights and activations in eight bits, with NNCF's settings for transformers."""
    latents, sinusoids, context = given.values()
    samples = [
        [tensor.numpy() for tensor in (torch.randn_like(latents), sinusoids, torch.randn_like(context))]
        for _ in range(CALIBRATION_INPUTS)
    ]
    return nncf.quantize(
        model,
        nncf.Dataset(samples),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=CALIBRATION_INPUTS,
    )


if __name__ == "__main__":
    main()
