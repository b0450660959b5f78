"""`kinora generate` as a whole process, against the length of the clip that it makes."""

import json
import statistics
import subprocess
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import report
from others import Others, ended_children_ticks

PROMPT = "a red ball bounces on the grass"


def generate(built: dict, environment: dict, others: Others, args: Namespace) -> Iterator[report.Row]:
    def run(command: list) -> str:
        return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout

    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "clip.mp4")
        command = [built["kinora"], "generate", PROMPT, "--json", "--output", clip]
        seconds = []
        for _ in range(args.rounds):
            start = time.perf_counter()
            others.during(lambda: run(command), ended_children_ticks)
            seconds.append(time.perf_counter() - start)
        command = [built["kinora"], "info", "--json", clip]
        info = json.loads(run(command))
    plays = info["num_frames"] / info["fps"]
    ratios = [plays / own for own in seconds]
    name = f"default settings: {info['num_frames']} frames of {info['width']}×{info['height']}"
    yield report.Row(
        name,
        theirs=f"plays {plays:.2f} s",
        ours=report.duration(statistics.median(seconds)),
        share="",
        ratio=report.spread(ratios),
        bar="> 1",
        met=report.verdict(statistics.median(ratios) > 1),
    )
