"""Holds the embedded model against diffusers' own WanPipeline: same noise, same frames?

Draws noise, lets kinora generate from it in f32, and makes the same clip in PyTorch: latents with diffusers, and frames with
the decoder of `AutoencoderKinora`. That one, the preconditioning of `KinoraTransformer3DModel` and what its blocks are told of
the frames beside are not in diffusers, and are written down here once more. Nothing is planned: the denoiser is shown no tracks. Prints the peak signal-to-noise ratio between both clips (frames from 0 to 1, so 45 dB is an error of 0.0056).

    pip install torch diffusers==0.42.1 transformers accelerate ftfy safetensors
    cargo build --release
    python crates/engine/goldens/kinora_tiny.py target/release/kinora weights/kinora-tiny
"""

import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, UMT5EncoderModel

PROMPT = "a red ball bounces on the grass"
FRAMES = 17
STEPS, GUIDANCE, SEED = 20, 4.0, 7
SIDE = 8  # pixels of a block, as the code sees it
LATENTS = 16  # rows and columns


def main(kinora: str, model: str) -> None:
    part = Path(model).joinpath
    vae = json.loads(part("vae", "config.json").read_text())
    block = vae["scale_factor_temporal"]
    shape = (vae["z_dim"], (FRAMES - 1) // block + 1, LATENTS, LATENTS)
    size = LATENTS * SIDE * vae.get("upscale", 1)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(SEED))

    with tempfile.TemporaryDirectory() as folder:
        noise_file, frames_file = Path(folder, "noise.safetensors"), Path(folder, "frames.safetensors")
        unplanned = shutil.copytree(model, Path(folder, "model"))
        index = json.loads((unplanned / "model_index.json").read_text())
        (unplanned / "model_index.json").write_text(json.dumps({**index, "planner": None}))
        save_file({"noise": noise}, noise_file)
        command = [kinora, "generate", PROMPT, "--model", unplanned, "--noise", noise_file]
        command += ["--size", f"{size}x{size}", "--num-frames", FRAMES, "--steps", STEPS]
        command += ["--guidance-scale", GUIDANCE, "--precision", "f32", "--as-written", "--output", frames_file]
        subprocess.run([str(word) for word in command], check=True)
        ours = load_file(frames_file)["frames"]

    # Without an autoencoder it takes factors of 4 and 8, of which the second is this one's.
    pipeline = WanPipeline(
        tokenizer=AutoTokenizer.from_pretrained(part("tokenizer")),
        text_encoder=UMT5EncoderModel.from_pretrained(part("text_encoder"), torch_dtype=torch.float32),
        vae=None,
        scheduler=UniPCMultistepScheduler.from_pretrained(part("scheduler")),
        transformer=transformer(part("transformer")),
        expand_timesteps=True,
    )
    pipeline.vae_scale_factor_temporal = block
    pipeline.set_progress_bar_config(disable=True)
    latents = pipeline(
        PROMPT,
        negative_prompt="",
        height=LATENTS * SIDE,
        width=LATENTS * SIDE,
        num_frames=FRAMES,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        latents=noise[None],
        max_sequence_length=pipeline.tokenizer.model_max_length,
        output_type="latent",
    ).frames
    theirs = steady(decode(part("vae"), latents))

    assert ours.shape == theirs.shape, f"{tuple(ours.shape)} and {tuple(theirs.shape)}"
    error = (ours - theirs).square().mean().item()
    print(f"PSNR {-10 * torch.log10(torch.tensor(error)).item():.1f} dB, worst {(ours - theirs).abs().max():.2e}")


def transformer(folder: Path) -> WanTransformer3DModel:
    """Wan's class, whose answers and gates add to what the variance of each channel tells of the velocity if it has `data_std`."""
    config = json.loads((folder / "config.json").read_text())
    stds = config.get("data_std", [])
    answers = config["out_channels"] * (2 if stds else 1)
    shown = config.get("shown_channels", 0)
    model = WanTransformer3DModel.from_pretrained(folder, out_channels=answers, torch_dtype=torch.float32)
    is_preconditioned = torch.tensor([std is not None for std in stds]).reshape(1, -1, 1, 1, 1)
    std = torch.tensor([std or 1.0 for std in stds]).reshape(1, -1, 1, 1, 1)
    says = model.forward
    weights = load_file(folder / "diffusion_pytorch_model.safetensors")
    normed = []  # what goes into the output layer
    if config.get("detail_channels"):
        model.proj_out.register_forward_pre_hook(lambda _, args: normed.append(args[0]))

    def forward(hidden_states: torch.Tensor, timestep: torch.Tensor, **rest):
        nothing = torch.zeros_like(hidden_states[:, :1]).expand(-1, shown, -1, -1, -1)
        seen = torch.cat([hidden_states, nothing], dim=1)
        (output,) = says(hidden_states=seen, timestep=timestep, **{**rest, "return_dict": False})
        if normed:
            output = output + details(weights, seen, normed.pop())
        t = timestep.flatten()[0] / 1000  # no frame is known: all have one timestep
        d = (1 - t) ** 2 * std**2 + t**2
        answer, gate = output.chunk(2, dim=1)
        guess = (t - (1 - t) * std**2) / d * hidden_states
        guess = guess + std / d.sqrt() * (answer + gate * hidden_states / (t**2 + std**2 / 16).sqrt())
        return (torch.where(is_preconditioned, guess, answer),)

    if stds:
        model.forward = forward
    if config.get("neighbours"):
        for index, block in enumerate(model.blocks):
            name = f"blocks.{index}.neighbours."
            before, behind = (weights[f"{name}{side}.weight"].float() for side in ("before", "behind"))
            block.register_forward_pre_hook(tell_of_neighbours(before, behind, config["eps"]))
    return model


def details(weights: dict, latents: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """What convolutions that tokens shift and scale say of each latent."""

    def conv(x: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = (weights[f"details.{name}.{part}"].float() for part in ("weight", "bias"))
        return F.conv3d(x, weight, bias, padding=[side // 2 for side in weight.shape[2:]])

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        gamma = weights[f"details.{name}.gamma"].float().reshape(1, -1, 1, 1, 1)
        return F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * gamma

    told = F.linear(tokens, *(weights[f"details.told.{part}"].float() for part in ("weight", "bias")))
    frames, height, width = latents.shape[2:]
    told = told.reshape(len(latents), frames, height // 2, width // 2, 2, 2, -1).permute(0, 6, 1, 2, 4, 3, 5)
    told = told.reshape(len(latents), -1, frames, height, width)
    y = conv(latents, "conv_in")
    for index, both in enumerate(told.split(2 * y.shape[1], dim=1)):
        shift, scale = both.chunk(2, dim=1)
        h = F.silu(norm(y, f"blocks.{index}.norm1") * (1 + scale) + shift)
        h = F.silu(norm(conv(h, f"blocks.{index}.conv1"), f"blocks.{index}.norm2"))
        y = y + conv(h, f"blocks.{index}.conv2")
    return conv(F.silu(norm(y, "norm_out")), "conv_out")


def tell_of_neighbours(before: torch.Tensor, behind: torch.Tensor, eps: float):
    """Adds to each token what two matrices make of the tokens at its place one frame before and one behind."""
    places = (LATENTS // 2) ** 2

    def hook(_, args: tuple) -> tuple:
        x, *rest = args
        normed = F.layer_norm(x, x.shape[-1:], eps=eps).unflatten(1, (-1, places))
        heard = F.pad(F.linear(normed[:, :-1], before), (0, 0, 0, 0, 1, 0))
        heard = heard + F.pad(F.linear(normed[:, 1:], behind), (0, 0, 0, 0, 0, 1))
        return (x + heard.flatten(1, 2), *rest)

    return hook


@torch.no_grad()
def decode(folder: Path, latents: torch.Tensor) -> torch.Tensor:
    """Frames `[frames, height, width, 3]` from 0 to 1 of latents `[1, channels, frames, height, width]`."""
    config = json.loads((folder / "config.json").read_text())
    mean, std = (torch.tensor(config[name]).reshape(1, -1, 1, 1, 1) for name in ("latents_mean", "latents_std"))
    weights = load_file(folder / "diffusion_pytorch_model.safetensors")
    weights = {name.removeprefix("decoder."): value.float() for name, value in weights.items()}
    latents = latents * std + mean

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.silu(F.normalize(x, dim=1) * math.sqrt(x.shape[1]) * weights[f"{name}.gamma"])

    def conv(x: torch.Tensor, name: str) -> torch.Tensor:
        kernel = weights[f"{name}.weight"]
        return F.conv2d(x, kernel, weights[f"{name}.bias"], padding=kernel.shape[-1] // 2)

    code = F.linear(latents.permute(0, 2, 3, 4, 1), weights["code.weight"], weights["code.bias"])
    past = weights["conv_in.weight"].shape[2] - 1
    x = F.conv3d(F.pad(latents, (1, 1, 1, 1, past, 0)), weights["conv_in.weight"], weights["conv_in.bias"])
    x = x[0].transpose(0, 1)  # latent frames, channels, height, width
    for block in range(config["num_res_blocks"]):
        h = conv(norm(x, f"blocks.{block}.norm1"), f"blocks.{block}.conv1")
        x = x + conv(norm(h, f"blocks.{block}.norm2"), f"blocks.{block}.conv2")
    blocks = code[0] + conv(norm(x, "norm_out"), "conv_out").permute(0, 2, 3, 1)

    frames, height, width, _ = blocks.shape
    block = config["scale_factor_temporal"]
    video = blocks.reshape(frames, height, width, 3, block, SIDE, SIDE).permute(0, 4, 3, 1, 5, 2, 6)
    video = video.reshape(block * frames, 3, SIDE * height, SIDE * width)
    video = torch.cat([video[:block].mean(0, keepdim=True), video[block:]])
    pixels = conv(F.silu(conv(F.pixel_unshuffle(video, 2), "pixels_in")), "pixels_out")
    video = video + F.pixel_shuffle(pixels, 2)
    upscale = config.get("upscale", 1)
    if upscale > 1:
        video = upsample(video, conv, block, config["upsampler_blocks"], upscale)
    return (video.permute(0, 2, 3, 1) / 2 + 0.5).clamp(0, 1)


def steady(frames: torch.Tensor) -> torch.Tensor:
    """Frames `[frames, height, width, 3]`, half of the one before where two differ by no more than grain (`crates/engine/src/steady.rs`)."""
    kept = [frames[0]]
    for frame in frames[1:]:
        change = F.pad((frame - kept[-1]).abs().amax(dim=-1)[None], (1, 1, 1, 1), mode="replicate")
        share = 0.5 / (1 + (F.max_pool2d(change, 3, stride=1)[0] / 0.02) ** 4)
        kept.append(frame + share[..., None] * (kept[-1] - frame))
    return torch.stack(kept)


def upsample(video: torch.Tensor, conv, block: int, num_blocks: int, upscale: int) -> torch.Tensor:
    """`[frames, 3, height, width]` drawn larger: each block of frames is seen with the one before."""
    video = torch.cat([video[:1].expand(block - 1, -1, -1, -1), video])  # the first frame stands still
    shown = video.reshape(-1, block * 3, *video.shape[2:])
    seen = torch.cat([torch.cat([shown[:1], shown[:-1]]), shown], dim=1)

    def layer(x: torch.Tensor, name: str) -> torch.Tensor:
        return conv(x, f"upsampler.{name}")

    near = F.silu(layer(F.silu(layer(seen, "conv_in")), "conv_near"))
    far = F.silu(layer(F.pixel_unshuffle(near, 2), "down"))
    for index in range(num_blocks):
        far = far + layer(F.silu(layer(far, f"blocks.{index}.conv1")), f"blocks.{index}.conv2")
    far = F.pixel_shuffle(layer(F.silu(far), "up"), 2)
    added = layer(F.silu(layer(torch.cat([near, far], dim=1), "conv_both")), "conv_out")
    drawn = F.interpolate(shown, scale_factor=upscale, mode="nearest") + F.pixel_shuffle(added, upscale)
    drawn = drawn.reshape(-1, 3, *drawn.shape[2:])
    return torch.cat([drawn[:block].mean(0, keepdim=True), drawn[block:]])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
