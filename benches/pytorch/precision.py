"""The number formats that PyTorch is asked for."""

import contextlib

import torch

DTYPES = {
    "f32": torch.float32,
    "bf16": torch.bfloat16,
    "autocast": torch.float32,  # of the weights; products are bf16 inside `products`
}


def products(precision: str) -> contextlib.AbstractContextManager:
    """The context in which a model runs."""
    if precision == "autocast":
        return torch.autocast("cpu", torch.bfloat16)
    return contextlib.nullcontext()


@contextlib.contextmanager
def new_weights(precision: str):
    """The context in which a model is built."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(DTYPES[precision])
    try:
        yield
    finally:
        torch.set_default_dtype(default)
