"""The denoiser in OpenVINO: in bf16, or in eight bits (weights and activations, quantised by NNCF).

In eight bits, what is not quantised runs in bf16: that is faster than f32.
"""

import os

import nncf
import openvino as ov
import torch
from denoiser import build, flop, inputs, save

# Inputs from which NNCF learns the ranges of the activations. They differ little, as all are random.
CALIBRATION_INPUTS = 2


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


def prepare(case: dict):
    precision, case = case["precision"], case | {"precision": "f32"}
    model = build(case).eval().requires_grad_(False)
    latents, timestep, context = inputs(case)
    given = latents, model.condition_embedder.timesteps_proj(timestep), context
    converted = convert(model, given)
    if precision == "int8":
        converted = quantize(converted, given)
    work = compiled(converted).create_infer_request()
    for index, tensor in enumerate(given):
        work.set_input_tensor(index, ov.Tensor(tensor.numpy()))
    if "output" in case:
        work.infer()
        save(torch.from_numpy(work.get_output_tensor().data), case["output"])
    return work.infer, flop(model.config, latents, context)


def convert(model: torch.nn.Module, given: tuple) -> ov.Model:
    """The model, for inputs of these sizes alone."""
    with torch.no_grad():
        converted = ov.convert_model(Denoiser(model), example_input=given)
    converted.reshape({index: list(tensor.shape) for index, tensor in enumerate(given)})
    return converted


def quantize(model: ov.Model, given: tuple) -> ov.Model:
    latents, sinusoids, context = given
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


def compiled(model: ov.Model) -> ov.CompiledModel:
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": int(os.environ["OMP_NUM_THREADS"]),
        "INFERENCE_PRECISION_HINT": "bf16",
    }
    return ov.Core().compile_model(model, "CPU", settings)
