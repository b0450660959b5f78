"""A training step of the denoiser: the loss, its gradients and AdamW, with f32 master weights."""

import torch
from denoiser import build, flop, inputs
from precision import DTYPES, products


def prepare(case: dict):
    model = build(case["config"], case["precision"]).train()
    latents, timestep, context = inputs(case, DTYPES[case["precision"]])
    velocity = torch.randn_like(latents)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step():
        with products(case["precision"]):
            predicted = model(latents, timestep, context, return_dict=False)[0]
            loss = (predicted.float() - velocity).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step, 3 * flop(model.config, latents, context)
