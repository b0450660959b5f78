#!/usr/bin/env python3
"""Makes of a diffusers folder of Wan 2.1 what stable-diffusion.cpp reads:

    benches/stable_diffusion_cpp.py SD_CLI MODEL FOLDER [--type q8_0] [--denoiser-type bf16]

It reads the text encoder and the autoencoder under their names in transformers and diffusers, but the
denoiser only under the names of its first publication.
"""

import argparse
import json
import shutil
import struct
import subprocess
from pathlib import Path

# In diffusers, and as published; the first that is found in a name counts, then the next one.
NAMES = [
    ("condition_embedder.text_embedder.linear_1.", "text_embedding.0."),
    ("condition_embedder.text_embedder.linear_2.", "text_embedding.2."),
    ("condition_embedder.time_embedder.linear_1.", "time_embedding.0."),
    ("condition_embedder.time_embedder.linear_2.", "time_embedding.2."),
    ("condition_embedder.time_proj.", "time_projection.1."),
    (".attn1.", ".self_attn."),
    (".attn2.", ".cross_attn."),
    (".to_q.", ".q."),
    (".to_k.", ".k."),
    (".to_v.", ".v."),
    (".to_out.0.", ".o."),
    (".ffn.net.0.proj.", ".ffn.0."),
    (".ffn.net.2.", ".ffn.2."),
    (".norm2.", ".norm3."),
    (".scale_shift_table", ".modulation"),
    ("proj_out.", "head.head."),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sd_cli", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--type", default="q8_0", help="what the weights are quantised to [q8_0]")
    parser.add_argument("--denoiser-type", help="what the denoiser's are turned into; the same if left out")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)

    renamed = args.folder / "denoiser.safetensors"
    rename(args.model / "transformer/diffusion_pytorch_model.safetensors", renamed)
    convert(args.sd_cli, renamed, args.folder / "denoiser.gguf", args.denoiser_type or args.type)
    renamed.unlink()
    text_encoder = args.model / "text_encoder"
    shards = text_encoder / "model.safetensors.index.json"
    weights = shards if shards.exists() else text_encoder / "model.safetensors"
    convert(args.sd_cli, weights, args.folder / "text_encoder.gguf", args.type)
    autoencoder = args.folder / "vae.safetensors"
    autoencoder.unlink(missing_ok=True)
    autoencoder.symlink_to((args.model / "vae/diffusion_pytorch_model.safetensors").resolve())


def published_name(name: str) -> str:
    if name == "scale_shift_table":
        return "head.modulation"
    for ours, theirs in NAMES:
        name = name.replace(ours, theirs)
    return name


def rename(source: Path, target: Path) -> None:
    """Copies a safetensors file with other names in its header."""
    with source.open("rb") as read, target.open("wb") as write:
        (length,) = struct.unpack("<Q", read.read(8))
        header = {published_name(name): tensor for name, tensor in json.loads(read.read(length)).items()}
        header = json.dumps(header).encode()
        header += b" " * (-len(header) % 8)
        write.write(struct.pack("<Q", len(header)) + header)
        shutil.copyfileobj(read, write, 1 << 24)


def convert(sd_cli: Path, source: Path, target: Path, to: str) -> None:
    subprocess.run([sd_cli, "-M", "convert", "-m", source, "-o", target, "--type", to], check=True)


if __name__ == "__main__":
    main()
