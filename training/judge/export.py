"""Rounds trained weights to bf16 and drops what the judge does not use.

    python export.py RECOGNISER.safetensors CLOSEUP.safetensors EVENTS.safetensors FOLDER
"""

import sys

import torch
from safetensors.torch import load_file, save_file

from network import PLACE

*files, folder = sys.argv[1:]
# The first recogniser was trained with a half that saw motion, and the close-up with a head for the camera's rates.
UNUSED = ("mix_", "motion", "moved", "camera")
KEPT = sum(PLACE.values()) - PLACE["camera"]
for file, name in zip(files, ("recogniser", "closeup", "events")):
    weights = {key: value for key, value in load_file(file).items() if not key.startswith(UNUSED)}
    for key in ("frame.out.weight", "frame.out.bias"):
        if key in weights:
            weights[key] = weights[key][:KEPT]
    weights = {key: value.to(torch.bfloat16).contiguous() for key, value in weights.items()}
    save_file(weights, f"{folder}/{name}.safetensors", metadata={"format": "pt"})
