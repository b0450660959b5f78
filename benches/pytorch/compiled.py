"""What `torch.compile` makes of a model: C++ for its sizes, built when it first runs."""

import torch
from torch._inductor import config


def compiled(model: torch.nn.Module):
    # Weights of models that are not trained become constants, which oneDNN may pack once.
    config.freezing = not model.training
    return torch.compile(model, dynamic=False)
