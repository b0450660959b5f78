"""A 3-D convolution in the faster of both memory formats, with bias.

As in Wan's autoencoder, zeros surround each frame and earlier frames stand in front of the clip, so
that `size`, the size of the output, needs a few more frames of input.
"""

import time

import torch
from precision import DTYPES


def prepare(case: dict):
    inputs, outputs, kernel = case["inputs"], case["outputs"], case["kernel"]
    frames, height, width = case["size"]
    dtype = DTYPES[case["precision"]]
    padding = [0, kernel[1] // 2, kernel[2] // 2]
    layer = torch.nn.Conv3d(inputs, outputs, kernel, padding=padding, dtype=dtype)
    x = torch.randn(1, inputs, frames + kernel[0] - 1, height, width, dtype=dtype)
    flop = 2 * inputs * outputs * frames * height * width * torch.Size(kernel).numel()

    formats = [torch.contiguous_format, torch.channels_last_3d]
    return min((in_format(layer, x, memory_format) for memory_format in formats), key=seconds), flop


def in_format(layer: torch.nn.Conv3d, x: torch.Tensor, memory_format: torch.memory_format):
    x = x.to(memory_format=memory_format)

    @torch.inference_mode()
    def convolution():
        layer.to(memory_format=memory_format)  # nothing is copied from the second time on
        layer(x)

    return convolution


def seconds(work) -> float:
    """The second of two runs."""
    for _ in range(2):
        start = time.perf_counter()
        work()
    return time.perf_counter() - start
