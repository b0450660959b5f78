#!/usr/bin/env python3
"""How the embedded model does in other shapes and sizes, by the judge: a table of the claims that hold, and of their share of what
holds at the model's own size.

    python3 benches/shapes.py --first 12 [--kinora target/release/kinora] [--sizes 192x192,128x128]

Prompts are of `seen`, where choices are made. A clip takes some seconds, and each size has `--first` of them.
"""

import argparse
import json
import subprocess
import tempfile

OWN = "256x256"
# Five shapes of about 0.25, 0.55 and 1 times the pixels of the model's own.
SIZES = [
    "128x128", "192x192", OWN,
    "144x112", "224x160", "288x224",
    "112x144", "160x224", "224x288",
    "176x96", "256x128", "352x192",
    "96x176", "128x256", "192x352",
]  # fmt: skip
CLAIMS = ["thing", "colour", "event", "camera", "all of the prompt"]


def judged(kinora, size, first):
    """The rows of a report, by what they are about, and the sharpness over that of real clips of the size."""
    with tempfile.TemporaryDirectory() as folder:
        command = [kinora, "judge", "--prompts", "seen", "--first", str(first), "--size", size, "--num-frames", "17"]
        answer = subprocess.run(
            [*command, "--report", folder, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
        )
    summary = json.loads(answer.stdout)
    sharpness = summary["sharpness"]["made"] / summary["sharpness"]["real"]
    return {row["what"]: row["made"] for row in summary["rows"]}, sharpness


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kinora", default="target/release/kinora", help="the program")
    options.add_argument("--first", type=int, default=12, help="prompts of each size")
    options.add_argument("--sizes", default=",".join(SIZES), help="with commas between")
    args = options.parse_args()
    print("| size | " + " | ".join(CLAIMS) + " | sharpness | things and colours, of those at " + OWN + " |")
    print("|---" * (len(CLAIMS) + 3) + "|")
    sizes = args.sizes.split(",")
    own = None
    for size in [OWN, *[size for size in sizes if size != OWN]]:
        rows, sharpness = judged(args.kinora, size, args.first)
        share = sum(rows[what]["share"] for what in ("thing", "colour")) / 2
        own = own or share
        cells = [f"{rows[what]['right']} of {rows[what]['all']}" for what in CLAIMS]
        print(f"| {size} | {' | '.join(cells)} | {sharpness:.2f} | {share / own:.2f} |", flush=True)


if __name__ == "__main__":
    main()
