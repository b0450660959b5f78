"""A whole clip of Wan 2.1 1.3B, from the start of a process to the finished file, in Kinora and in others."""

import json
import statistics
import subprocess
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import report
from cases import Peer
from others import Others, ended_children_ticks
from sides import PYTHON_SIDE

CLIP = {"width": 480, "height": 320, "num_frames": 17, "steps": 4}
TOY = {"width": 64, "height": 64, "num_frames": 5, "steps": 1}

# Kinora keeps what it has made of a prompt, so that no two of its runs have the same.
COLOURS = ["red", "blue", "green", "white", "black", "yellow", "orange", "purple", "brown"]


@dataclass(frozen=True)
class Maker:
    """A program that makes a clip."""

    command: Callable[[dict, Path], list]  # what starts it, for a request and a folder for the file
    files: list[Path]  # what it reads, in the page cache when it starts


def generate_wan(built: dict, environment: dict, others: Others, args: Namespace) -> Iterator[report.Row]:
    clip = TOY if args.toy else CLIP
    makers = {("Kinora", precision): kinora(built["kinora"], args.wan, precision) for precision in ("bf16", "int8")}
    makers["diffusers", "bf16"] = diffusers(args.python, args.wan)
    peers = [Peer((("diffusers", "bf16"),), {"bf16": 2.0, "int8": 2.0})]
    if args.sd_cpp:
        quantised = {("stable-diffusion.cpp", folder.name): folder for folder in args.sd_cpp_models}
        makers |= {way: stable_diffusion_cpp(args.sd_cpp, folder, args.threads) for way, folder in quantised.items()}
        peers.append(Peer(tuple(quantised), {"bf16": 3.0, "int8": 3.0}))

    seconds = {side: [] for side in makers}
    with tempfile.TemporaryDirectory() as cache:
        environment = environment | {"KINORA_CACHE": cache}
        warm = {"prompt": "a ball", "width": 64, "height": 64, "num_frames": 1, "steps": 1}
        # It keeps the hashes of weights, too, which are computed when a model is used for the first time.
        run(makers["Kinora", "bf16"], warm, environment)
        for colour in COLOURS[: args.rounds]:
            for side, maker in makers.items():
                for path in maker.files:
                    read(path)
                thing = "car" if side == ("Kinora", "int8") else "ball"
                request = clip | {"prompt": f"a {colour} {thing} on the grass"}
                seconds[side].append(others.during(lambda: run(maker, request, environment), ended_children_ticks))

    medians = {side: statistics.median(times) for side, times in seconds.items()}
    name = f"{clip['num_frames']} frames of {clip['width']}×{clip['height']}, {clip['steps']} steps"
    for peer in peers:
        theirs = min(peer.ways, key=medians.get)
        for precision, bar in peer.bars.items():
            ours = ("Kinora", precision)
            ratios = [slow / fast for slow, fast in zip(seconds[theirs], seconds[ours], strict=True)]
            cells = [report.cell(*side, medians[side]) for side in (theirs, ours)]
            yield report.speed(name, *cells, ratios, bar, share="")


def run(maker: Maker, request: dict, environment: dict) -> float:
    """Seconds from the start of the program to its end, with the clip in a file."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(
            maker.command(request, Path(folder)),
            env=environment,
            input=json.dumps(request),
            text=True,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        seconds = time.perf_counter() - start
        assert any(Path(folder).iterdir()), "a clip"
    return seconds


def read(path: Path) -> None:
    """Makes the system keep a file in memory, if there is room."""
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


def weights(model: Path) -> list[Path]:
    return sorted(model.glob("*/*.safetensors"))


def kinora(program: Path, model: Path, precision: str) -> Maker:
    def command(request: dict, folder: Path) -> list:
        words = [program, "generate", request["prompt"], "--model", model, "--precision", precision]
        words += ["--size", f"{request['width']}x{request['height']}", "--num-frames", str(request["num_frames"])]
        words += ["--steps", str(request["steps"]), "--guidance-scale", "1", "--output", folder / "clip.mp4"]
        return words

    return Maker(command, weights(model))


def diffusers(python: str, model: Path) -> Maker:
    def command(_: dict, folder: Path) -> list:
        return [python, PYTHON_SIDE / "generate.py", model, folder / "clip.mp4"]

    return Maker(command, weights(model))


def stable_diffusion_cpp(program: Path, model: Path, threads: int) -> Maker:
    """With what `stable_diffusion_cpp.py` has put into a folder."""
    denoiser, text_encoder, vae = model / "denoiser.gguf", model / "text_encoder.gguf", model / "vae.safetensors"

    def command(request: dict, folder: Path) -> list:
        words = [program, "--mode", "vid_gen", "--prompt", request["prompt"], "--threads", str(threads)]
        words += ["--diffusion-model", denoiser, "--t5xxl", text_encoder, "--vae", vae, "--mmap", "--diffusion-fa"]
        words += ["--width", str(request["width"]), "--height", str(request["height"])]
        words += ["--video-frames", str(request["num_frames"]), "--steps", str(request["steps"])]
        words += ["--cfg-scale", "1", "--flow-shift", "3", "--sampling-method", "euler"]
        return [*words, "--output", folder / "clip.avi"]

    return Maker(command, [denoiser, text_encoder, vae])
