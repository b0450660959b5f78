"""Runs of `WanImageToVideoPipeline`: python image.py, behind pipeline.py, whose weights of pipeline_22 the first one has"""

import json
from pathlib import Path

import torch
from clip import saved
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanImageToVideoPipeline, WanTransformer3DModel
from golden import Numbers, randomize, write
from PIL import Image
from safetensors import safe_open
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel, UMT5Config, UMT5EncoderModel

WEIGHTS = Path(__file__).parent / "pipeline_22.safetensors"

# What is shown beside the latents: with two experts (Wan 2.2 A14B), with an image encoder (Wan 2.1), and with one whose
# pictures are the first frame and the last (Wan 2.1 FLF2V).
CASES = {
    "pipeline_i2v_experts": dict(boundary_ratio=0.9),
    "pipeline_i2v_clip": dict(image_encoder=True),
    "pipeline_i2v_ends": dict(image_encoder=True, last=True),
}
VAE = dict(base_dim=4, z_dim=4, dim_mult=[1, 2, 2, 4], num_res_blocks=1, temperal_downsample=[False, True, True])
# The image encoder sees the picture as it is: how others are brought to its size is no part of the model.
FRAMES, SIDE = 9, 16
CLIP = dict(
    hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE, patch_size=8, hidden_act="gelu",
)
TEXT_TOKENS = 512
PROMPT, NEGATIVE_PROMPT = [5, 9, 3, 21, 1], [7, 1]
STEPS, GUIDANCE_SCALE, FLOW_SHIFT = 4, 4.0, 3.0

words = lambda ids: " ".join(map(str, ids))
as_input = lambda image: image.permute(2, 0, 1)[None].float() / 255


def scheduler(flow_shift):
    return UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=flow_shift,
    )


def picture(seed, height, width):
    return torch.randint(0, 256, (height, width, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def by_timestep():
    """Wan 2.2 TI2V: a timestep for each token."""
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
    pipeline = WanImageToVideoPipeline(
        tokenizer=Numbers(), scheduler=scheduler(told["flow_shift"]), expand_timesteps=True, **parts
    )
    pipeline.set_progress_bar_config(disable=True)
    frames, height, width, _ = recorded["frames"].shape
    image = picture(7, height, width)
    call = lambda output_type: pipeline(
        image=as_input(image),
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


def beside_the_latents(seed, name, boundary_ratio=None, image_encoder=False, last=False):
    generator = torch.Generator().manual_seed(600 + seed)
    z = VAE["z_dim"]
    vae = AutoencoderKLWan(
        **VAE,
        latents_mean=(0.3 * torch.randn(z, generator=generator)).tolist(),
        latents_std=(0.5 + torch.rand(z, generator=generator)).tolist(),
    )
    tokens = 1 + (CLIP["image_size"] // CLIP["patch_size"]) ** 2
    pictures = dict(image_dim=CLIP["hidden_size"], added_kv_proj_dim=24) if image_encoder else {}
    if last:
        pictures["pos_embed_seq_len"] = 2 * tokens
    denoiser = lambda: WanTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, in_channels=2 * z + vae.config.scale_factor_temporal, out_channels=z,
        text_dim=16, freq_dim=32, ffn_dim=40, num_layers=2, rope_max_seq_len=64, **pictures,
    )
    parts = dict(
        text_encoder=UMT5EncoderModel(UMT5Config(vocab_size=32, d_model=16, d_kv=4, d_ff=24, num_layers=2, num_heads=4)),
        transformer=denoiser(),
        vae=vae,
    )
    if boundary_ratio is not None:
        parts["transformer_2"] = denoiser()
    if image_encoder:
        parts["image_encoder"] = CLIPVisionModel(CLIPVisionConfig(**CLIP))
    for offset, part in enumerate(parts.values()):
        randomize(part, 100 + 10 * seed + offset)
    pipeline = WanImageToVideoPipeline(
        tokenizer=Numbers(),
        scheduler=scheduler(FLOW_SHIFT),
        boundary_ratio=boundary_ratio,
        image_processor=CLIPImageProcessor(do_resize=False, do_center_crop=False),
        **{"image_encoder": None, **parts},
    )
    pipeline.set_progress_bar_config(disable=True)
    space, time = pipeline.vae_scale_factor_spatial, pipeline.vae_scale_factor_temporal
    noise = torch.randn(1, z, 1 + (FRAMES - 1) // time, SIDE // space, SIDE // space, generator=generator)
    images = {"image": picture(20 + seed, SIDE, SIDE)}
    if last:
        images["last_image"] = picture(40 + seed, SIDE, SIDE)
    call = lambda output_type: pipeline(
        **{key: Image.fromarray(image.numpy()) for key, image in images.items()},
        prompt=words(PROMPT),
        negative_prompt=words(NEGATIVE_PROMPT),
        num_frames=FRAMES,
        height=SIDE,
        width=SIDE,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE_SCALE,
        max_sequence_length=TEXT_TOKENS,
        latents=noise.clone(),
        output_type=output_type,
    ).frames
    tensors = {key: image.float() for key, image in images.items()}
    tensors |= {"noise": noise, "latents": call("latent"), "frames": torch.as_tensor(call("np"))[0]}
    for part, module in parts.items():
        state = saved(module) if part == "image_encoder" else module.state_dict()
        tensors |= {f"{part}.{key}": value for key, value in state.items() if key != "encoder.embed_tokens.weight"}
    configs = {part: module.config.to_dict() if hasattr(module.config, "to_dict") else dict(module.config) for part, module in parts.items()}
    configs.pop("transformer_2", None)
    write(
        name,
        tensors,
        **configs,
        prompt=PROMPT,
        negative_prompt=NEGATIVE_PROMPT,
        text_tokens=TEXT_TOKENS,
        steps=STEPS,
        guidance_scale=GUIDANCE_SCALE,
        flow_shift=FLOW_SHIFT,
        expand_timesteps=False,
        boundary_ratio=boundary_ratio,
    )


@torch.no_grad()
def main():
    by_timestep()
    for seed, (name, case) in enumerate(CASES.items()):
        beside_the_latents(seed, name, **case)


main()
