#!/usr/bin/env python3
"""Makes a diffusers folder of Wan 2.1 1.3B with random weights, of 14 GB:

    target/pytorch/bin/python benches/random_wan.py FOLDER

The sizes are the published ones, the weights bf16, but those of the autoencoder f32, as published. The
tokenizer is kinora-tiny's: which words a prompt has takes no more or less time.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from cases import UMT5_XXL, WAN_1_3B
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel

TOKENIZER = Path(__file__).parent.parent / "weights/kinora-tiny/tokenizer"
WORDS = 256_384


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--toy", action="store_true", help="tiny sizes: only to see that it works")
    args = parser.parse_args()
    torch.manual_seed(0)
    make(args.folder, args.toy)


def make(folder: Path, toy: bool) -> None:
    text = UMT5_XXL | {"vocab_size": WORDS}
    denoiser, autoencoder = WAN_1_3B, {}
    if toy:
        text |= {"vocab_size": 4096, "d_model": 64, "d_ff": 128, "num_layers": 1, "num_heads": 1}
        denoiser = denoiser | {"num_layers": 1, "num_attention_heads": 1, "ffn_dim": 256, "text_dim": 64}
        autoencoder = {"base_dim": 16}

    # One after the other: none but the one at hand is in memory.
    AutoencoderKLWan(**autoencoder).save_pretrained(folder / "vae")
    torch.set_default_dtype(torch.bfloat16)
    WanTransformer3DModel(**denoiser).save_pretrained(folder / "transformer")
    UMT5EncoderModel(UMT5Config(**text)).save_pretrained(folder / "text_encoder", max_shard_size="5GB")
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=3.0
    )
    scheduler.save_pretrained(folder / "scheduler")
    shutil.copytree(TOKENIZER, folder / "tokenizer", dirs_exist_ok=True)
    settings = folder / "tokenizer/tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"model_max_length": 512}, indent=2))
    (folder / "model_index.json").write_text(json.dumps(INDEX, indent=2))


INDEX = {
    "_class_name": "WanPipeline",
    "expand_timesteps": False,
    "scheduler": ["diffusers", "UniPCMultistepScheduler"],
    "text_encoder": ["transformers", "UMT5EncoderModel"],
    "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
    "transformer": ["diffusers", "WanTransformer3DModel"],
    "transformer_2": [None, None],
    "vae": ["diffusers", "AutoencoderKLWan"],
}


if __name__ == "__main__":
    main()
