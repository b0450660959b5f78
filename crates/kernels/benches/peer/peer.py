"""PyTorch's side of the paired measurements: reads an operation a line, answers with the least
seconds of one run. Started by the benchmarks; see mod.rs."""

import sys
import time

import torch
import torch.nn.functional as F

BF16 = torch.bfloat16


def attention(batch, queries, keys, heads, head_dim):
    # As a transformer block has them: [batch, tokens, heads, head_dim], seen transposed.
    q, k, v = (torch.randn(batch, n, heads, head_dim, dtype=BF16).transpose(1, 2) for n in (queries, keys, keys))
    return lambda: F.scaled_dot_product_attention(q, k, v)


def attention_backward(batch, queries, keys, heads, head_dim):
    q, k, v = (
        torch.randn(batch, n, heads, head_dim, dtype=BF16, requires_grad=True) for n in (queries, keys, keys)
    )
    with torch.enable_grad():
        out = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v)))
    grad = torch.randn_like(out)
    return lambda: torch.autograd.grad(out, (q, k, v), grad, retain_graph=True)


def conv3d(inputs, outputs, frames, height, width, kt, kh, kw, stride):
    """Causal in time as in Wan's VAE: the frames are padded beforehand, which is not measured.
    Purely spatial kernels run as 2-D convolutions over the frames, as they do there."""
    if (kt, kh) == (1, 3):
        x = torch.randn(frames, inputs, height, width, dtype=BF16)
        weight = torch.randn(outputs, inputs, kh, kw, dtype=BF16)
        if stride == 2:
            x = F.pad(x, (0, 1, 0, 1))
        return lambda: F.conv2d(x, weight, None, stride, 0 if stride == 2 else kh // 2)
    x = torch.randn(1, inputs, frames + kt - 1, height, width, dtype=BF16)
    weight = torch.randn(outputs, inputs, kt, kh, kw, dtype=BF16)
    return lambda: F.conv3d(x, weight, None, 1, (0, kh // 2, kw // 2))


def least(run, seconds):
    run()
    begin, best = time.perf_counter(), float("inf")
    while time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


torch.set_num_threads(int(sys.argv[1]))
torch.set_grad_enabled(False)
operations = {}
for line in sys.stdin:
    seconds, name, *sizes = line.split()
    if line not in operations:
        operations = {line: globals()[name](*map(int, sizes))}
    print(least(operations[line], float(seconds)), flush=True)
