"""What is compared, at which shapes, and how many times as fast as its peers Kinora must be."""

from dataclasses import dataclass, field

# The configurations, as both sides read them; fields that are not named are the libraries' defaults.
WAN_1_3B = {"num_attention_heads": 12, "num_layers": 30, "ffn_dim": 8960, "in_channels": 16, "text_dim": 4096}
KINORA_TINY = {
    "num_attention_heads": 4,
    "attention_head_dim": 64,
    "num_layers": 8,
    "ffn_dim": 1024,
    "in_channels": 12,
    "out_channels": 12,
    "text_dim": 256,
}
WAN_21_VAE = {}
# Looking words up takes no time, so that a small vocabulary stands for the published 256,384 words.
UMT5_XXL = {"vocab_size": 4096, "d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64}


@dataclass(frozen=True)
class Peer:
    """Who Kinora is held against: the fastest of `ways` counts."""

    ways: tuple  # programs and their precisions
    bars: dict  # Kinora's precision -> the least ratio, None if there is no bar


@dataclass(frozen=True)
class Case:
    subject: str
    name: str
    request: dict  # what all sides are asked to prepare
    peers: tuple
    given: bool = False  # all sides have the same weights and inputs, and their errors are told
    memory_bar: float | None = None  # the least ratio of peak memory to the first peer; None: not compared
    warm_up: bool = True  # False: a run takes so long that starting up does not matter
    rounds: int = 99  # turns of each side at most: fewer where one takes minutes
    toy: dict = field(default_factory=dict)  # replaces parts of `request` in a rehearsal

    @property
    def label(self) -> str:
        return f"{self.subject}: {self.name}"

    @property
    def sides(self) -> list[tuple]:
        """Who takes turns, and in which precision."""
        ways = [way for peer in self.peers for way in peer.ways]
        own = [("Kinora", precision) for peer in self.peers for precision in peer.bars]
        return list(dict.fromkeys(ways + own))


def pytorch(bars: dict, *precisions: str) -> Peer:
    """PyTorch as its users run it, without compilation."""
    return Peer(tuple(("PyTorch", precision) for precision in precisions or ("bf16",)), bars)


def compiled(bars: dict, precision: str) -> Peer:
    return Peer((("torch.compile", precision),), bars)


def best_pytorch(bars: dict, precision: str) -> Peer:
    """PyTorch with compilation or without."""
    return Peer((("PyTorch", precision), ("torch.compile", precision)), bars)


def openvino(precision: str, bar: float) -> Peer:
    """OpenVINO against Kinora in the same precision."""
    return Peer((("OpenVINO", precision),), {precision: bar})


def linear(name: str, rows: int, inputs: int, outputs: int) -> list[Case]:
    size = {"rows": rows, "inputs": inputs, "outputs": outputs}
    name = f"{name}, {rows}×{inputs} → {outputs}"
    forward, both = size | {"backward": False}, size | {"backward": True}
    toy = {"rows": 32}
    return [
        Case("linear", name, forward, (pytorch({"bf16": 1.0, "int8": 1.7}),), toy=toy),
        Case("linear", f"{name}, forward and backward", both, (pytorch({"bf16": 1.0}),), toy=toy),
    ]


def attention(tokens: int, heads: int, head_dim: int) -> Case:
    request = {"tokens": tokens, "heads": heads, "head_dim": head_dim}
    name = f"{tokens} tokens, {heads} heads of {head_dim}"
    return Case("attention", name, request, (pytorch({"bf16": 2.0}),), toy={"tokens": 64})


def conv3d(name: str, inputs: int, outputs: int, size: list[int], kernel: list[int]) -> Case:
    request = {"inputs": inputs, "outputs": outputs, "size": size, "kernel": kernel}
    name = f"{name}, {inputs} → {outputs}, {by(kernel)} over {by(size)}"
    return Case("conv3d", name, request, (pytorch({"bf16": 1.0, "int8": 1.6}),), toy={"size": [2, 8, 8]})


def denoiser(name: str, config: dict, latents: list[int], text_tokens: int, *peers: Peer, **settings) -> Case:
    request = {"config": config, "batch": 1, "latents": latents, "text_tokens": text_tokens}
    name = f"{name}, {tokens(latents)} tokens, {text_tokens} of text"
    toy = {"config": KINORA_TINY | {"num_layers": 1}, "latents": [1, 8, 8], "text_tokens": 8}
    return Case("denoiser", name, request, peers, toy=toy, **settings)


def third_of_denoiser(latents: list[int], **settings) -> Case:
    """10 of the 30 layers, which are alike: a size at which other programs compile and calibrate within minutes."""
    config = WAN_1_3B | {"num_layers": 10}
    unbarred = {"bf16": None, "int8": None}
    peers = best_pytorch(unbarred, "bf16"), openvino("bf16", 1.3), openvino("int8", 1.3)
    return denoiser("10 layers of Wan 1.3B", config, latents, 512, *peers, given=True, **settings)


def umt5(name: str, config: dict, tokens: int, bar: float) -> Case:
    request = {"config": config, "tokens": tokens}
    toy = {"config": config | {"d_model": 64, "d_ff": 128, "num_heads": 2, "num_layers": 1}, "tokens": 8}
    return Case("umt5", f"{name}, {tokens} tokens", request, (pytorch({"bf16": bar}),), toy=toy)


def step(config: dict, batch: int, latents: list[int], text_tokens: int, bars: dict) -> Case:
    request = {"config": config, "batch": batch, "latents": latents, "text_tokens": text_tokens}
    name = f"kinora-tiny, {batch} clips of {tokens(latents)} tokens, {text_tokens} of text"
    toy = {"config": config | {"num_layers": 1}, "batch": 1, "latents": [1, 8, 8], "text_tokens": 8}
    return Case("step", name, request, (best_pytorch(bars, "autocast"),), toy=toy)


def vae(latents: list[int], **settings) -> Case:
    frames, height, width = latents
    name = f"Wan 2.1, {8 * width}×{8 * height}, {4 * frames - 3} frames"
    return Case(
        "vae",
        name,
        {"config": WAN_21_VAE, "latents": latents},
        (pytorch({"bf16": 1.6, "int8": 2.2}, "bf16", "f32"),),
        memory_bar=2.0,
        toy={"config": {"base_dim": 16}, "latents": [2, 4, 4]},
        **settings,
    )


def tokens(latents: list[int]) -> int:
    """A token is a square of 2 x 2 latents."""
    frames, height, width = latents
    return frames * (height // 2) * (width // 2)


def by(sizes: list[int]) -> str:
    return "×".join(map(str, sizes))


CASES = [
    *linear("kinora-tiny", 320, 256, 1024),
    *linear("kinora-tiny", 320, 1024, 256),
    *linear("kinora-tiny, 8 clips", 2560, 256, 1024),
    *linear("Wan 1.3B", 768, 1536, 1536),
    *linear("Wan 1.3B", 3510, 1536, 8960),
    *linear("Wan 1.3B", 3510, 8960, 1536),
    *linear("Wan 5B", 768, 3072, 3072),
    *linear("Wan 5B", 768, 3072, 14336),
    attention(1024, heads=4, head_dim=64),
    attention(4096, heads=4, head_dim=64),
    attention(8192, heads=4, head_dim=64),
    attention(1024, heads=12, head_dim=128),
    attention(4096, heads=12, head_dim=128),
    attention(8192, heads=12, head_dim=128),
    # The layers of the Wan 2.1 VAE that decode 256x256 pixels, from the latents to the pixels.
    conv3d("first", 16, 384, [3, 32, 32], [3, 3, 3]),
    conv3d("scale 1", 384, 384, [3, 32, 32], [3, 3, 3]),
    conv3d("time doubled", 384, 768, [3, 32, 32], [3, 1, 1]),
    conv3d("scale 2", 384, 384, [5, 64, 64], [3, 3, 3]),
    conv3d("scale 3", 192, 192, [9, 128, 128], [3, 3, 3]),
    conv3d("scale 4", 96, 96, [4, 256, 256], [3, 3, 3]),
    conv3d("last", 96, 3, [4, 256, 256], [3, 3, 3]),
    denoiser(
        "kinora-tiny",
        KINORA_TINY,
        [5, 16, 16],
        48,
        pytorch({"bf16": None, "int8": 3.0}, "autocast"),
        compiled({"bf16": None, "int8": None}, "autocast"),
    ),
    denoiser("Wan 1.3B", WAN_1_3B, [3, 32, 32], 512, pytorch({"bf16": None, "int8": 2.0})),
    denoiser("Wan 1.3B", WAN_1_3B, [9, 30, 52], 512, pytorch({"bf16": None, "int8": 2.0}), rounds=3),
    third_of_denoiser([3, 32, 32]),
    third_of_denoiser([9, 30, 52], rounds=3),
    umt5("UMT5-XXL, 4 of 24 layers", UMT5_XXL | {"num_layers": 4}, 512, 1.5),
    step(KINORA_TINY, 8, [5, 16, 16], 48, {"bf16": 2.0}),
    vae([3, 32, 32], rounds=3),
    vae([5, 60, 104], rounds=2, warm_up=False),
]
