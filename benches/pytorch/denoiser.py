"""One forward pass of diffusers' `WanTransformer3DModel` with random weights."""

import torch
from diffusers import WanTransformer3DModel
from precision import DTYPES, new_weights, products


def prepare(case: dict):
    model = build(case["config"], case["precision"]).eval().requires_grad_(False)
    latents, timestep, context = inputs(case, DTYPES[case["precision"]])

    @torch.inference_mode()
    def forward():
        with products(case["precision"]):
            model(latents, timestep, context, return_dict=False)

    return forward, flop(model.config, latents, context)


def build(config: dict, precision: str) -> WanTransformer3DModel:
    """A model with the formats that `from_pretrained(torch_dtype=...)` gives it: few stay f32."""
    with new_weights(precision):
        model = WanTransformer3DModel(**config)
    for name, parameter in model.named_parameters():
        if set(name.split(".")) & set(model._keep_in_fp32_modules):
            parameter.data = parameter.data.float()
    return model


def inputs(case: dict, dtype: torch.dtype):
    """Latents, a timestep for each clip, and text."""
    batch, config = case["batch"], case["config"]
    latents = torch.randn(batch, config["in_channels"], *case["latents"], dtype=dtype)
    context = torch.randn(batch, case["text_tokens"], config["text_dim"], dtype=dtype)
    return latents, torch.full((batch,), 500.0), context


def flop(config, latents: torch.Tensor, context: torch.Tensor) -> int:
    """Of all matrix products of a forward pass."""
    batch, text, text_dim = context.shape
    dim, ffn = config.num_attention_heads * config.attention_head_dim, config.ffn_dim
    patch = torch.Size(config.patch_size).numel()
    tokens = latents[0, 0].numel() // patch
    self_attention = 4 * tokens * dim**2 + 2 * tokens**2 * dim
    cross_attention = 2 * (tokens + text) * dim**2 + 2 * tokens * text * dim
    block = self_attention + cross_attention + 2 * tokens * dim * ffn
    text_embedder = text * (text_dim + dim) * dim
    time_embedder = (config.freq_dim + dim + 6 * dim) * dim
    patches = tokens * (config.in_channels + config.out_channels) * patch * dim
    return 2 * batch * (config.num_layers * block + text_embedder + time_embedder + patches)
