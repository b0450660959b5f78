"""Kinora's side, built by cargo."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BENCHES = ["kernels", "layers", "denoiser", "umt5", "vae", "step"]
SERVED_BY = {subject: "layers" for subject in ("linear", "attention", "conv3d")}
SERVED_BY |= {subject: subject for subject in ("denoiser", "umt5", "vae", "step")}

# What both sides read their number of threads from.
THREADS = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "KINORA_THREADS"]


def build() -> dict[str, Path]:
    """Builds the programs, keeps copies for later runs without a build, and says where those are."""
    command = ["cargo", "build", "--release", "--workspace", "--message-format=json-render-diagnostics"]
    command += ["--bin", "kinora"]
    for bench in BENCHES:
        command += ["--bench", bench]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if built.returncode:
        sys.exit("the build failed")
    folder().mkdir(exist_ok=True)
    for message in map(json.loads, built.stdout.splitlines()):
        if message.get("executable") and message["target"]["name"] in [*BENCHES, "kinora"]:
            shutil.copy2(message["executable"], folder() / message["target"]["name"])
    return find()


def find() -> dict[str, Path]:
    programs = {name: folder() / name for name in [*BENCHES, "kinora"]}
    missing = [name for name, path in programs.items() if not path.exists()]
    if missing:
        sys.exit(f"{', '.join(missing)}: not in {folder()}; run once without --no-build")
    return programs


def folder() -> Path:
    command = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    metadata = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    return Path(json.loads(metadata)["target_directory"]) / "compare"
