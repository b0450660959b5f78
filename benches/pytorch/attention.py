"""Self-attention, as `scaled_dot_product_attention` computes it on the CPU (flash attention)."""

import torch
from precision import DTYPES
from torch.nn.functional import scaled_dot_product_attention


def prepare(case: dict):
    tokens, heads, head_dim = case["tokens"], case["heads"], case["head_dim"]
    q, k, v = torch.randn(3, 1, heads, tokens, head_dim, dtype=DTYPES[case["precision"]])
    attention = torch.inference_mode()(lambda: scaled_dot_product_attention(q, k, v))
    return attention, 4 * heads * tokens**2 * head_dim
