"""A linear layer: its forward pass, or forward and backward (the gradients by input, weight and bias).

Weights, inputs and gradients all have the precision's format, which is PyTorch's fastest way: no
copies from or to f32.
"""

import torch
from precision import DTYPES


def prepare(case: dict):
    rows, inputs, outputs = case["rows"], case["inputs"], case["outputs"]
    dtype = DTYPES[case["precision"]]
    layer = torch.nn.Linear(inputs, outputs, dtype=dtype)
    x = torch.randn(rows, inputs, dtype=dtype, requires_grad=case["backward"])
    flop = 2 * rows * inputs * outputs

    if not case["backward"]:
        return torch.inference_mode()(lambda: layer(x)), flop

    d_output = torch.ones(rows, outputs, dtype=dtype)

    def forward_and_backward():
        x.grad = layer.weight.grad = layer.bias.grad = None
        layer(x).backward(d_output)

    return forward_and_backward, 3 * flop
