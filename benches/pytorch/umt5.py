"""One prompt through transformers' `UMT5EncoderModel` with random weights."""

import torch
from precision import new_weights
from transformers import UMT5Config, UMT5EncoderModel


def prepare(case: dict):
    config = UMT5Config(**case["config"])
    with new_weights(case["precision"]):
        model = UMT5EncoderModel(config).eval().requires_grad_(False)
    ids = torch.randint(config.vocab_size, (1, case["tokens"]))
    mask = torch.ones_like(ids)
    return torch.inference_mode()(lambda: model(ids, mask)), flop(config, case["tokens"])


def flop(config: UMT5Config, tokens: int) -> int:
    """Of all matrix products."""
    inner = config.num_heads * config.d_kv
    attention = 4 * tokens * config.d_model * inner + 2 * tokens**2 * inner
    return 2 * config.num_layers * (attention + 3 * tokens * config.d_model * config.d_ff)
