#!/usr/bin/env python3
"""Runs the same work through Kinora and its peers, in turns, and prints how they compare.

    python -m venv target/pytorch
    target/pytorch/bin/pip install -r benches/requirements.txt
    target/pytorch/bin/python benches/compare.py linear attention

Each side is a process that lives through a subject, so that start-up does not count, and all take
turns (A B A B ..), so that a machine that slows down slows all. A ratio is the median of the
rounds' ratios. What is compared, and against which bar, is in `cases.py`.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import errors
import programs
import report
import sides
from cases import CASES, Case
from generate import generate
from generate_wan import generate_wan
from others import Others


def main() -> None:
    args = arguments()
    cases = [case for case in CASES if matches(case.label, args.subjects)]
    processes = whole_processes(args)
    if not cases and not processes:
        names = "\n".join(case.label for case in CASES)
        sys.exit(f"no case contains any of {args.subjects}; the cases are\n{names}")
    built = programs.find() if args.no_build else programs.build()
    if args.build_only:
        return

    environment = os.environ | {name: str(args.threads) for name in programs.THREADS}
    environment.pop("OPENBLAS_CORETYPE", None)  # would choose the kernels of another processor
    machine = report.Machine(report.processor(), args.threads)
    sections = {}
    for subject in dict.fromkeys(case.subject for case in cases):
        chosen, others = [case for case in cases if case.subject == subject], Others()
        machine.measure(built["kernels"], environment)
        rows = measure_subject(chosen, built, environment, machine, others, args)
        sections[subject] = show(machine, rows, others)
    for section, process in processes.items():
        others = Others()
        machine.measure(built["kernels"], environment)
        sections[section] = show(machine, process(built, environment, others, args), others)
    if args.write:
        whole = {subject for subject in sections if all(c in cases for c in CASES if c.subject == subject)}
        report.write(args.write, {"machine": machine.markdown()} | {name: sections[name] for name in whole})


def whole_processes(args: argparse.Namespace) -> dict:
    """Sections in which all of `kinora generate` is measured."""
    processes = {}
    if matches("generate: kinora-tiny", args.subjects):
        processes["generate"] = generate
    if matches("generate: Wan 1.3B", args.subjects) and args.wan:
        processes["generate_wan"] = generate_wan
    return processes


def show(machine: report.Machine, rows: Iterator[report.Row], others: Others) -> str:
    """Prints the rows as they come, and returns the section."""
    print(f"\n{machine.markdown()}\n")
    lines = []
    for line in chain(report.HEADER, map(report.line, rows)):
        print(line, flush=True)
        lines.append(line)
    print(f"\n{others.markdown()}")
    return "\n".join([*lines, "", others.markdown()])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flag = parser.add_argument
    flag("subjects", nargs="*", help="parts of the names of cases, such as vae or 'Wan 5B'; all by default")
    flag("--python", default=sys.executable, help="a Python that has benches/requirements.txt")
    flag("--threads", type=int, default=2, help="of each side [2]")
    flag("--rounds", type=int, default=5, help="turns of each side at most [5]")
    flag("--seconds", type=float, default=0.5, help="the least length of a turn [0.5]")
    flag("--quick", action="store_true", help="2 rounds of 0.1 seconds")
    flag("--toy", action="store_true", help="tiny sizes: only to see that both sides run")
    flag("--no-build", action="store_true", help="use the programs of the last build")
    flag("--build-only", action="store_true", help="build, and measure nothing")
    flag("--wan", type=Path, metavar="FOLDER", help="Wan 2.1 1.3B, or what the example `random_model` makes, for 'generate: Wan'")
    flag("--sd-cpp", type=Path, metavar="PROGRAM", help="sd-cli of stable-diffusion.cpp, for the same")
    flag("--sd-cpp-models", type=Path, nargs="+", metavar="FOLDER", help="what stable_diffusion_cpp.py has made for it")
    flag("--write", type=Path, metavar="FILE", help="put the tables between the markers of a Markdown file")
    args = parser.parse_args()
    if args.quick or args.toy:
        args.rounds, args.seconds = 2, 0.1
    if args.toy and args.write:
        parser.error("--toy measures nothing worth writing")
    if bool(args.sd_cpp) != bool(args.sd_cpp_models):
        parser.error("--sd-cpp and --sd-cpp-models go together")
    return args


def matches(label: str, parts: list[str]) -> bool:
    return not parts or any(part in label for part in parts)


def measure_subject(
    cases: list[Case],
    built: dict,
    environment: dict,
    machine: report.Machine,
    others: Others,
    args: argparse.Namespace,
) -> Iterator[report.Row]:
    with ExitStack() as stack:
        workers = {}
        for case in cases:
            if case.memory_bar:  # what an earlier case has left behind would count
                stack.pop_all().close()
                workers.clear()
            for side in case.sides:
                if side not in workers:
                    worker = sides.start(side, case.subject, built, environment, args.python)
                    workers[side] = stack.enter_context(worker)
            chosen = {side: workers[side] for side in case.sides}
            with tempfile.TemporaryDirectory() as folder:
                size = case.request | (case.toy if args.toy else {})
                given = Path(folder) if case.given else None
                if given:
                    sides.give(size, given, environment, args.python)
                yield from measure(case, size, given, chosen, machine, others, args)


def measure(
    case: Case,
    size: dict,
    given: Path | None,
    workers: dict,
    machine: report.Machine,
    others: Others,
    args: argparse.Namespace,
) -> Iterator[report.Row]:
    """The rows of one case: one for each peer and each precision that Kinora has."""
    flop, ready, off = None, {}, {}
    for side, worker in workers.items():
        answer = worker.ask({"prepare": sides.request(side, case, size, given)})
        flop = answer.get("flop") or flop
        if answer["ready"]:
            ready[side] = worker
            if given:
                off[side] = errors.relative(sides.output(side, given), given / sides.REFERENCE)

    rounds = {side: [] for side in ready}
    peaks = dict.fromkeys(ready, 0)
    for _ in range(min(args.rounds, case.rounds)):
        for side, worker in ready.items():
            time.sleep(0.02)  # the other sides' threads stop waiting for work
            answer = others.during(lambda: worker.ask({"run": args.seconds}), worker.ticks)
            rounds[side].append(statistics.median(answer["seconds"]))
            peaks[side] = max(peaks[side], answer["peak_bytes"])

    medians = {side: statistics.median(seconds) for side, seconds in rounds.items()}
    cell = {side: report.cell(*side, seconds, off.get(side)) for side, seconds in medians.items()}
    for peer in case.peers:
        theirs = min(peer.ways, key=medians.get)
        for precision, bar in peer.bars.items():
            ours = ("Kinora", precision)
            if ours not in ready:
                yield report.unserved(case, precision, bar)
                continue
            ratios = [slow / fast for slow, fast in zip(rounds[theirs], rounds[ours], strict=True)]
            share = machine.share(flop / medians[ours], precision)
            yield report.speed(case.name, cell[theirs], cell[ours], ratios, bar, share)
            if case.memory_bar and peer is case.peers[0]:
                yield report.memory(case, theirs, ours, (peaks[theirs], peaks[ours]))


if __name__ == "__main__":
    main()
