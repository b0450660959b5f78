"""Runs of `WanImageToVideoPipeline`: python image.py, behind pipeline.py, whose weights of pipeline_22 the first one has"""

import json
from pathlib import Path

import torch
from clip import saved
from diffusers import AutoencoderKLWan, WanImageToVideoPipeline, WanTransformer3DModel
from golden import Numbers, noise, of_part, randomize, run, scheduler, write
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
    frames, height, width, _ = recorded["frames"].shape
    image = picture(7, height, width)
    as_input = image.permute(2, 0, 1)[None].float() / 255
    made = run(pipeline, (frames, height, width), recorded["noise"], told, image=as_input)
    write("pipeline_22_image", {"image": image.float(), **made})


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
    size = (FRAMES, SIDE, SIDE)
    latents = noise(pipeline, size, generator)
    images = {"image": picture(20 + seed, SIDE, SIDE)}
    if last:
        images["last_image"] = picture(40 + seed, SIDE, SIDE)
    told = dict(
        prompt=PROMPT,
        negative_prompt=NEGATIVE_PROMPT,
        text_tokens=TEXT_TOKENS,
        steps=STEPS,
        guidance_scale=GUIDANCE_SCALE,
        flow_shift=FLOW_SHIFT,
        expand_timesteps=False,
        boundary_ratio=boundary_ratio,
    )
    given = {key: Image.fromarray(image.numpy()) for key, image in images.items()}
    tensors = {key: image.float() for key, image in images.items()}
    tensors |= {"noise": latents, **run(pipeline, size, latents, told, **given)}
    for part, module in parts.items():
        tensors |= of_part(part, saved(module) if part == "image_encoder" else module.state_dict())
    in_words = lambda config: config.to_dict() if hasattr(config, "to_dict") else dict(config)
    configs = {part: in_words(module.config) for part, module in parts.items() if part != "transformer_2"}
    write(name, tensors, **configs, **told)


@torch.no_grad()
def main():
    by_timestep()
    for seed, (name, case) in enumerate(CASES.items()):
        beside_the_latents(seed, name, **case)


main()
