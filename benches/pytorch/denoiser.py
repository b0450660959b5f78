"""One forward pass of diffusers' `WanTransformer3DModel`, with random weights or those that all sides share."""

from pathlib import Path

import numpy as np
import torch
from compiled import compiled
from diffusers import WanTransformer3DModel
from precision import DTYPES, new_weights, products


def prepare(case: dict):
    model = build(case).eval().requires_grad_(False)
    run = compiled(model) if case.get("compiled") else model
    latents, timestep, context = inputs(case)

    @torch.no_grad()
    def forward():
        with products(case["precision"]):
            return run(latents, timestep, context, return_dict=False)[0]

    if "output" in case:
        save(forward(), case["output"])
    # Kinora has read the text before.
    return forward, flop(model.config, latents, context) - flop_of_text(model.config, context)


def build(case: dict) -> WanTransformer3DModel:
    """A model with the formats that `from_pretrained(torch_dtype=...)` gives it: few stay f32."""
    if "given" in case:
        return WanTransformer3DModel.from_pretrained(case["given"], torch_dtype=DTYPES[case["precision"]])
    with new_weights(case["precision"]):
        model = WanTransformer3DModel(**case["config"])
    for name, parameter in model.named_parameters():
        if set(name.split(".")) & set(model._keep_in_fp32_modules):
            parameter.data = parameter.data.float()
    return model


def inputs(case: dict):
    """Latents, a timestep for each clip, and text."""
    batch, config, dtype = case["batch"], case["config"], DTYPES[case["precision"]]
    latents = batch, config["in_channels"], *case["latents"]
    context = batch, case["text_tokens"], config["text_dim"]
    if "given" in case:
        folder = Path(case["given"])
        latents, context = load(folder / "latents.f32", latents), load(folder / "context.f32", context)
    else:
        latents, context = torch.randn(latents), torch.randn(context)
    return latents.to(dtype), torch.full((batch,), 500.0), context.to(dtype)


def load(path: Path, shape: tuple) -> torch.Tensor:
    return torch.from_numpy(np.fromfile(path, np.float32)).reshape(shape)


def save(tensor: torch.Tensor, path: Path | str) -> None:
    tensor.detach().float().numpy().tofile(path)


def flop(config, latents: torch.Tensor, context: torch.Tensor) -> int:
    """Of all matrix products of a forward pass."""
    batch, text, _ = context.shape
    dim, ffn = config.num_attention_heads * config.attention_head_dim, config.ffn_dim
    patch = torch.Size(config.patch_size).numel()
    tokens = latents[0, 0].numel() // patch
    self_attention = 4 * tokens * dim**2 + 2 * tokens**2 * dim
    cross_attention = 2 * tokens * dim**2 + 2 * tokens * text * dim
    block = self_attention + cross_attention + 2 * tokens * dim * ffn
    time_embedder = (config.freq_dim + dim + 6 * dim) * dim
    patches = tokens * (config.in_channels + config.out_channels) * patch * dim
    of_latents = 2 * batch * (config.num_layers * block + time_embedder + patches)
    return of_latents + flop_of_text(config, context)


def flop_of_text(config, context: torch.Tensor) -> int:
    """Of these, what depends on the text alone: its embedder, and keys and values of the cross-attentions."""
    batch, text, text_dim = context.shape
    dim = config.num_attention_heads * config.attention_head_dim
    return 2 * batch * text * ((text_dim + dim) * dim + config.num_layers * 2 * dim**2)
