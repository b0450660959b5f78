"""Decoding of one clip by diffusers' `AutoencoderKLWan` with random weights."""

import torch
from diffusers import AutoencoderKLWan
from precision import new_weights
from torch.utils.flop_counter import FlopCounterMode


def prepare(case: dict):
    model = build(case).eval().requires_grad_(False)
    latents = torch.randn(latents_shape(model, case), dtype=model.dtype)
    return torch.inference_mode()(lambda: model.decode(latents, return_dict=False)), flop(case)


def build(case: dict) -> AutoencoderKLWan:
    with new_weights(case["precision"]):
        return AutoencoderKLWan(**case["config"])


def latents_shape(model: AutoencoderKLWan, case: dict):
    return (1, model.config.z_dim, *case["latents"])


@torch.inference_mode()
def flop(case: dict) -> int:
    """Counted by PyTorch, on tensors without memory."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        model = build(case)
        model.decode(torch.empty(latents_shape(model, case), dtype=model.dtype))
    return counter.get_total_flops()
