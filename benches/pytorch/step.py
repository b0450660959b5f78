"""A training step of the denoiser: the loss, its gradients and AdamW, with f32 master weights."""

import torch
from compiled import compiled
from denoiser import build, flop, inputs
from precision import products


def prepare(case: dict):
    model = build(case).train()
    run = compiled(model) if case.get("compiled") else model
    latents, timestep, context = inputs(case)
    velocity = torch.randn_like(latents)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step():
        with products(case["precision"]):
            predicted = run(latents, timestep, context, return_dict=False)[0]
            loss = (predicted.float() - velocity).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step, 3 * flop(model.config, latents, context)
