"""Shared by the scripts of this folder: random weights, prompts of numbers, runs of pipelines, and a safetensors file with its versions."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import diffusers
import torch
import transformers
from diffusers import UniPCMultistepScheduler
from safetensors.torch import save_file


def randomize(module, seed):
    """Gives every parameter non-zero values: weights that keep the scale, gains about one."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        values = torch.randn(parameter.shape, generator=generator)
        kind = name.rsplit(".", 1)[-1]
        if kind == "scale_shift_table":
            values *= 0.4
        elif kind == "bias":
            values *= 0.1
        elif kind == "gamma" or "norm" in name:
            values = 1 + 0.2 * values
        elif parameter.ndim > 1 and "shared" not in name and "embed_tokens" not in name:
            values /= math.sqrt(parameter[0].numel())
        parameter.data.copy_(values)
    return module.eval()


class Numbers:
    """A tokenizer whose text is the ids themselves."""

    def __call__(self, prompts, max_length, **_options):
        ids = torch.zeros(len(prompts), max_length, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            numbers = torch.tensor([int(word) for word in prompt.split()])
            ids[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = 1
        return SimpleNamespace(input_ids=ids, attention_mask=mask)


def weights(state):
    """The tensors of a checkpoint, as a golden stores them."""
    return {f"model.{key}": value for key, value in state.items()}


def scheduler(flow_shift):
    return UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=flow_shift,
    )


def noise(pipeline, size, generator):
    """Of the latents of a video of `size`: frames, height and width."""
    frames, height, width = size
    space, time = pipeline.vae_scale_factor_spatial, pipeline.vae_scale_factor_temporal
    shape = (1, pipeline.vae.config.z_dim, 1 + (frames - 1) // time, height // space, width // space)
    return torch.randn(shape, generator=generator)


def run(pipeline, size, latents, told, **images):
    """Latents and frames that a pipeline makes of noise, as the metadata of a golden tells it to."""
    pipeline.set_progress_bar_config(disable=True)
    frames, height, width = size
    words = lambda ids: " ".join(map(str, ids))
    call = lambda output_type: pipeline(
        **images,
        prompt=words(told["prompt"]),
        negative_prompt=words(told["negative_prompt"]),
        num_frames=frames,
        height=height,
        width=width,
        num_inference_steps=told["steps"],
        guidance_scale=told["guidance_scale"],
        max_sequence_length=told["text_tokens"],
        latents=latents.clone(),
        output_type=output_type,
    ).frames
    return {"latents": call("latent"), "frames": torch.as_tensor(call("np"))[0]}


def of_part(part, state):
    """The tensors of a part's checkpoint, as the golden of a pipeline stores them; tied ones once."""
    return {f"{part}.{key}": value for key, value in state.items() if key != "encoder.embed_tokens.weight"}


def write(name, tensors, **metadata):
    path = Path(__file__).parent / f"{name}.safetensors"
    metadata = {key: json.dumps(value) for key, value in metadata.items()}
    metadata["made_with"] = (
        f"diffusers {diffusers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"
    )
    save_file({key: value.detach().contiguous().clone() for key, value in tensors.items()}, path, metadata)
    size = path.stat().st_size
    assert size < 1_000_000, (name, size)
    print(f"{path.name}: {size / 1000:.0f} kB, {len(tensors)} tensors")
