"""A clip from diffusers' `WanPipeline` in bf16: python generate.py MODEL OUTPUT < request

A whole process, as `kinora generate` is: from the imports to the finished file.
"""

import json
import os
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from diffusers.utils import export_to_video
from transformers import AutoTokenizer, UMT5EncoderModel


def main() -> None:
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    request, model, output = json.load(sys.stdin), Path(sys.argv[1]), sys.argv[2]
    pipeline = WanPipeline(
        tokenizer=AutoTokenizer.from_pretrained(model / "tokenizer"),
        text_encoder=UMT5EncoderModel.from_pretrained(model / "text_encoder", dtype=torch.bfloat16),
        transformer=WanTransformer3DModel.from_pretrained(model / "transformer", torch_dtype=torch.bfloat16),
        vae=AutoencoderKLWan.from_pretrained(model / "vae", torch_dtype=torch.bfloat16),
        scheduler=UniPCMultistepScheduler.from_pretrained(model / "scheduler"),
    )
    frames = pipeline(
        request["prompt"],
        width=request["width"],
        height=request["height"],
        num_frames=request["num_frames"],
        num_inference_steps=request["steps"],
        guidance_scale=1.0,
        generator=torch.Generator().manual_seed(0),
    ).frames[0]
    export_to_video(frames, output, fps=16)


if __name__ == "__main__":
    main()
