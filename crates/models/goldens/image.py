"""A run of `WanImageToVideoPipeline` with the weights of pipeline_22: python image.py, behind pipeline.py"""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanImageToVideoPipeline, WanTransformer3DModel
from golden import Numbers, write
from safetensors import safe_open
from transformers import UMT5Config, UMT5EncoderModel

WEIGHTS = Path(__file__).parent / "pipeline_22.safetensors"


@torch.no_grad()
def main():
    with safe_open(WEIGHTS, "pt") as file:
        recorded = {name: file.get_tensor(name) for name in file.keys()}
        told = {key: json.loads(value) for key, value in file.metadata().items() if key != "made_with"}
    plain = lambda config: {key: value for key, value in config.items() if not key.startswith("_")}
    parts = dict(
        text_encoder=UMT5EncoderModel(UMT5Config(**told["text_encoder"])),
        transformer=WanTransformer3DModel(**plain(told["transformer"])),
        vae=AutoencoderKLWan(**plain(told["vae"])),
    )
    for part, module in parts.items():
        state = {key.removeprefix(f"{part}."): value for key, value in recorded.items() if key.startswith(f"{part}.")}
        missing, unexpected = module.load_state_dict(state, strict=False)
        assert not unexpected and set(missing) <= {"encoder.embed_tokens.weight"}, (missing, unexpected)
        module.eval()
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=told["flow_shift"],
    )
    pipeline = WanImageToVideoPipeline(tokenizer=Numbers(), scheduler=scheduler, expand_timesteps=True, **parts)
    pipeline.set_progress_bar_config(disable=True)
    frames, height, width, _ = recorded["frames"].shape
    image = torch.randint(0, 256, (height, width, 3), generator=torch.Generator().manual_seed(7), dtype=torch.uint8)
    words = lambda ids: " ".join(map(str, ids))
    call = lambda output_type: pipeline(
        image=image.permute(2, 0, 1)[None].float() / 255,
        prompt=words(told["prompt"]),
        negative_prompt=words(told["negative_prompt"]),
        num_frames=frames,
        height=height,
        width=width,
        num_inference_steps=told["steps"],
        guidance_scale=told["guidance_scale"],
        max_sequence_length=told["text_tokens"],
        latents=recorded["noise"].clone(),
        output_type=output_type,
    ).frames
    tensors = {"image": image.float(), "latents": call("latent"), "frames": torch.as_tensor(call("np"))[0]}
    write("pipeline_22_image", tensors)


main()
