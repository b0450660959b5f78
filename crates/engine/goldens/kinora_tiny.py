"""Holds the embedded model against diffusers' own WanPipeline: same noise, same frames?

Draws noise, lets kinora generate from it in f32, lets diffusers generate from it, and prints the
peak signal-to-noise ratio between both clips (frames from 0 to 1, so 45 dB is an error of 0.0056).

    pip install torch diffusers==0.42.1 transformers accelerate ftfy safetensors
    cargo build --release
    python crates/engine/goldens/kinora_tiny.py target/release/kinora weights/kinora-tiny
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from diffusers import WanPipeline
from safetensors.torch import load_file, save_file

PROMPT = "a red ball bounces on the grass"
FRAMES, HEIGHT, WIDTH = 17, 128, 128
STEPS, GUIDANCE, SEED = 20, 4.0, 7


def main(kinora: str, model: str) -> None:
    pipeline = WanPipeline.from_pretrained(model, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    vae = pipeline.vae.config
    shape = (
        vae.z_dim,
        (FRAMES - 1) // vae.scale_factor_temporal + 1,
        HEIGHT // vae.scale_factor_spatial,
        WIDTH // vae.scale_factor_spatial,
    )
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(SEED))

    with tempfile.TemporaryDirectory() as folder:
        noise_file, frames_file = Path(folder, "noise.safetensors"), Path(folder, "frames.safetensors")
        save_file({"noise": noise}, noise_file)
        command = [kinora, "generate", PROMPT, "--model", model, "--noise", noise_file]
        command += ["--size", f"{WIDTH}x{HEIGHT}", "--num-frames", FRAMES, "--steps", STEPS]
        command += ["--guidance-scale", GUIDANCE, "--precision", "f32", "--as-written", "--output", frames_file]
        subprocess.run([str(word) for word in command], check=True)
        ours = load_file(frames_file)["frames"]

    theirs = pipeline(
        PROMPT,
        negative_prompt="",
        height=HEIGHT,
        width=WIDTH,
        num_frames=FRAMES,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        latents=noise[None],
        max_sequence_length=pipeline.tokenizer.model_max_length,
        output_type="pt",
    ).frames[0].permute(0, 2, 3, 1)

    assert ours.shape == theirs.shape, f"{tuple(ours.shape)} and {tuple(theirs.shape)}"
    error = (ours - theirs).square().mean().item()
    print(f"PSNR {-10 * torch.log10(torch.tensor(error)).item():.1f} dB, worst {(ours - theirs).abs().max():.2e}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
