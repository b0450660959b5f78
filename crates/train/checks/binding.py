"""Does a denoiser care whose colour is whose?

Takes stills of two things beside each other out of a training's latents, and asks the denoiser for its velocity with
the right caption, with its two colours exchanged, with its two kinds exchanged, and with two other colours: how much does the loss
rise? A bag of words does not notice an exchange; where an exchange costs as much as other colours, each thing has its own.

    pip install torch diffusers==0.42.1 transformers
    python crates/train/checks/binding.py LATENTS MODEL [STILLS]

LATENTS is a folder of `kinora train latents`, MODEL a pipeline such as `denoiser-run/model`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import WanTransformer3DModel
from transformers import AutoTokenizer, UMT5EncoderModel

COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "white", "black"]
KINDS = (
    "ball cube cone cylinder car house tree boat bird dog robot person plane".split()
)
TIMESTEPS = [0.7, 0.8, 0.9, 0.95, 0.98, 1.0]
MAX_LENGTH = 48
SIZE = [1, 16, 16]
SEED = 0


def exchanged(caption: str, words: list[str]) -> str | None:
    """The caption with the two of these words exchanged; none if there are not two."""
    found = caption.replace(",", " ,").split()
    places = [i for i, word in enumerate(found) if word in words]
    if len(places) != 2 or found[places[0]] == found[places[1]]:
        return None
    a, b = places
    found[a], found[b] = found[b], found[a]
    return " ".join(found)


def recoloured(caption: str, rng: np.random.Generator) -> str:
    """The caption with colours that it does not have."""
    found = caption.replace(",", " ,").split()
    free = list(rng.permutation([c for c in COLOURS if c not in found]))
    return " ".join(free.pop() if word in COLOURS else word for word in found)


def stills(folder: Path, count: int, channels: int):
    """Latents, and their longest English captions, of pictures of two things side by side."""
    with (
        (folder / "items.jsonl").open(encoding="utf-8") as items,
        (folder / "data.bin").open("rb") as data,
    ):
        for item in map(json.loads, items):
            caption = max(
                (c for c in item["captions"] if c.isascii()), key=len, default=""
            )
            beside = "left of" in caption or "right of" in caption
            if item["size"] != SIZE or not beside or count == 0:
                continue
            if exchanged(caption, COLOURS) is None or exchanged(caption, KINDS) is None:
                continue
            data.seek(item["offset"])
            latents = np.frombuffer(data.read(item["bytes"]), np.float16)
            yield (
                torch.tensor(latents.astype(np.float32)).reshape(channels, *SIZE),
                caption,
            )
            count -= 1


@torch.no_grad()
def main(latents: str, model: str, count: int = 96) -> None:
    vae = json.loads((Path(model) / "vae/config.json").read_text())
    mean, std = (
        torch.tensor(vae[name]).view(-1, 1, 1, 1)
        for name in ("latents_mean", "latents_std")
    )
    found = list(stills(Path(latents) / "stills", count, vae["z_dim"]))
    x = torch.stack([(still - mean) / std for still, _ in found])
    captions = [caption for _, caption in found]

    tokenizer = AutoTokenizer.from_pretrained(f"{model}/tokenizer")
    encoder = UMT5EncoderModel.from_pretrained(
        f"{model}/text_encoder", torch_dtype=torch.float32
    )
    transformer = WanTransformer3DModel.from_pretrained(
        f"{model}/transformer", torch_dtype=torch.float32
    )

    def context(prompts: list[str]) -> torch.Tensor:
        tokens = tokenizer(
            prompts,
            return_tensors="pt",
            padding="max_length",
            max_length=MAX_LENGTH,
            truncation=True,
        )
        features = encoder(**tokens).last_hidden_state
        return features * tokens.attention_mask.unsqueeze(-1)

    rng = np.random.default_rng(SEED)
    contexts = [
        context(captions),
        context([exchanged(c, COLOURS) for c in captions]),
        context([exchanged(c, KINDS) for c in captions]),
        context([recoloured(c, rng) for c in captions]),
    ]
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(SEED))
    print(f"{len(captions)} stills, such as: {captions[0]}")
    print("t      loss    colours exchanged  kinds exchanged  other colours")
    for t in TIMESTEPS:
        timestep = torch.full((len(x),), 1000 * t)
        losses = [
            (transformer((1 - t) * x + t * noise, timestep, c).sample - (noise - x))
            .square()
            .mean()
            for c in contexts
        ]
        own = losses[0]
        rises = "".join(f"{float(loss - own):+17.4f}" for loss in losses[1:])
        print(f"{t:4.2f}  {float(own):.4f}{rises}")


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
