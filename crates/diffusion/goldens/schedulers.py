"""Writes goldens/schedulers.json: schedules and trajectories of diffusers' schedulers over toy models.

    pip install diffusers==0.42.1 torch numpy
    python crates/diffusion/goldens/schedulers.py

The toy models below are mirrored in tests/goldens.rs. They read the timestep, not sigma, so that a schedule
whose timesteps are wrong shows in the trajectory too. Everything is float32, as in diffusers' pipelines.
"""

import json
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    FlowMatchEulerDiscreteScheduler,
    UniPCMultistepScheduler,
)
from diffusers.schedulers import scheduling_ddpm

SHAPE = (1, 2, 1, 2)
START = torch.tensor([0.7, -1.3, 0.2, 1.9]).reshape(SHAPE)
LINEAR_BETAS = dict(beta_start=1e-4, beta_end=0.02, beta_schedule="linear", clip_sample=False)


def velocity(x, timestep):
    return 0.8 * (timestep / 1000) * x - 0.6 * torch.cos(2 * x)


def epsilon(x, timestep):
    return 0.9 * torch.tanh(x) + 0.2 * (timestep / 1000)


def noise(index):
    """A stand-in for the random draw of step `index`."""
    return torch.sin(torch.arange(4, dtype=torch.float32) + 3.0 * index + 1.0).reshape(SHAPE)


def floats(tensor):
    """The shortest decimals that read back as the same float32."""
    return [float(str(v)) for v in np.asarray(tensor, dtype=np.float32).flatten()]


def trajectory(scheduler, steps, model, extra=lambda index: {}):
    scheduler.set_timesteps(steps)
    x, states = START.clone(), []
    for index, t in enumerate(scheduler.timesteps):
        x = scheduler.step(model(x, t.to(torch.float32)), t, x, **extra(index)).prev_sample
        states.append(floats(x))
    return {
        "steps": steps,
        "timesteps": floats(scheduler.timesteps),
        "states": states,
        "config": json.loads(scheduler.to_json_string()),
    }


def flow_cases():
    for shift in (1.0, 3.0, 5.0, 8.0):
        for steps in (1, 2, 3, 5, 10, 50):
            euler = FlowMatchEulerDiscreteScheduler(shift=shift)
            unipc = UniPCMultistepScheduler(
                use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=shift
            )
            for scheduler in (euler, unipc):
                case = trajectory(scheduler, steps, velocity)
                yield case | {"sigmas": floats(scheduler.sigmas)}


def ddpm_cases():
    for variance_type in ("fixed_small", "fixed_large"):
        for steps in (5, 30):
            draws = iter(range(1000))
            # The scheduler draws its own noise: give it the stand-in instead.
            scheduling_ddpm.randn_tensor = lambda *args, **kwargs: noise(next(draws))
            yield trajectory(DDPMScheduler(**LINEAR_BETAS, variance_type=variance_type), steps, epsilon)


def ddim_cases():
    for eta in (0.0, 0.5, 1.0):
        for steps in (5, 30):
            extra = lambda index: dict(eta=eta, variance_noise=noise(index) if eta > 0 else None)  # noqa: E731
            yield trajectory(DDIMScheduler(**LINEAR_BETAS), steps, epsilon, extra) | {"eta": eta}


if __name__ == "__main__":
    alphas_cumprod = DDPMScheduler(**LINEAR_BETAS).alphas_cumprod
    goldens = {
        "made_with": {"diffusers": diffusers.__version__, "torch": torch.__version__},
        "start": floats(START),
        "alphas_cumprod": {str(t): float(alphas_cumprod[t]) for t in (0, 1, 10, 100, 500, 998, 999)},
        "flow": list(flow_cases()),
        "ddpm": list(ddpm_cases()),
        "ddim": list(ddim_cases()),
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(goldens, separators=(",", ":")).replace('{"steps"', '\n{"steps"') + "\n")
    print(path, path.stat().st_size, "bytes")
