"""Runs a side in Python of the comparison: requests on standard input, answers on standard output.

    {"prepare": {"subject": "linear", "precision": "bf16", ...}}  ->  {"ready": true, "flop": 3623878656}
    {"run": 0.5}  ->  {"seconds": [0.0101, 0.0099, ...], "peak_bytes": 803401728}

One JSON object a line; `worker.rs` speaks the same and says more about it.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

import torch

RESET_PEAK = "5"  # man 5 proc: /proc/[pid]/clear_refs


def main() -> None:
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.manual_seed(0)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries tell there what they do
    work = None
    for line in sys.stdin:
        match json.loads(line):
            case {"prepare": case}:
                work = None
                work, flop = importlib.import_module(case["subject"]).prepare(case)
                # Code may be compiled anew for what a first run has left, such as gradients.
                for _ in range((3 if case.get("compiled") else 1) if case["warm_up"] else 0):
                    work()
                answer = {"ready": True, "flop": flop}
            case {"run": seconds}:
                Path("/proc/self/clear_refs").write_text(RESET_PEAK)
                answer = {"seconds": repeat(work, seconds), "peak_bytes": peak_bytes()}
        print(json.dumps(answer), file=answers, flush=True)


def repeat(work, at_least: float) -> list[float]:
    seconds = []
    while sum(seconds) < at_least or not seconds:
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def peak_bytes() -> int:
    """The most memory that the process has held at once."""
    status = Path("/proc/self/status").read_text()
    kibibytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kibibytes) * 1024


if __name__ == "__main__":
    main()
