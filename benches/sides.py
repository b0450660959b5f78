"""The sides of a comparison: the program of each, and what it is asked to prepare."""

import json
import subprocess
import sys
from pathlib import Path

import programs
from cases import Case
from worker import Worker

PYTHON_SIDE = Path(__file__).parent / "pytorch"
REFERENCE = "reference.f32"


def start(side: tuple, subject: str, built: dict, environment: dict, python: str) -> Worker:
    program, _ = side
    if program == "Kinora":
        return Worker([built[programs.SERVED_BY[subject]], "--serve"], environment)
    return Worker([python, PYTHON_SIDE / "worker.py"], environment)


def request(side: tuple, case: Case, size: dict, given: Path | None) -> dict:
    """What `side` is asked for `case`, whose sizes are `size` and whose weights lie in `given`."""
    program, precision = side
    wanted = {"subject": case.subject, "precision": precision, "warm_up": case.warm_up}
    if program == "torch.compile":
        wanted["compiled"] = True
    if program == "OpenVINO":
        wanted["subject"] += "_openvino"
    if given:
        wanted |= {"given": str(given), "output": str(output(side, given))}
    return size | wanted


def give(size: dict, folder: Path, environment: dict, python: str) -> None:
    """Puts weights, inputs and what comes of them in f32 into `folder`, for all sides."""
    made = subprocess.run(
        [python, PYTHON_SIDE / "given.py", folder], input=json.dumps(size), env=environment, text=True
    )
    if made.returncode:
        sys.exit("no weights could be made")


def output(side: tuple, given: Path) -> Path:
    """Where a side puts what it has computed."""
    return given / ("-".join(side) + ".f32")
