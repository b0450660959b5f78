"""The figures as Markdown."""

import platform
import re
import statistics
import subprocess
from dataclasses import astuple, dataclass, field
from pathlib import Path

from cases import Case


@dataclass
class Machine:
    """What the figures were measured on, and the most that its arithmetic units can do."""

    processor: str
    threads: int
    peaks: dict = field(default_factory=dict)  # precision -> operations a second, in registers only

    def measure(self, bench: Path, environment: dict) -> None:
        """Raises the peaks to what the kernels' benchmark sees now."""
        with subprocess.Popen([bench, "linear"], env=environment, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith("registers alone:"):
                    for name, rate in re.findall(r"(\w+) (\d+) G", line):
                        self.peaks[name] = max(self.peaks.get(name, 0), float(rate) * 1e9)
                    break
            process.kill()  # the peaks are all that is asked for

    def share(self, operations: float, precision: str) -> str:
        """A rate as a share of the peak."""
        return f"{100 * operations / self.peaks[precision]:.0f} %" if precision in self.peaks else ""

    def markdown(self) -> str:
        peaks = ", ".join(f"{name} {peak / 1e9:.0f}" for name, peak in self.peaks.items())
        peaks = f" The registers' peak, in G operations a second: {peaks}." if peaks else ""
        return f"{self.processor}, {self.threads} threads.{peaks}"


def processor() -> str:
    """Its name, which alone does not always tell its generation, and so its family."""
    facts = dict(re.findall(r"^(\w[\w ]*?)\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    name = facts.get("model name", platform.processor())
    return f"{name} (family {facts.get('cpu family')}, model {facts.get('model')})"


@dataclass
class Row:
    case: str
    theirs: str
    ours: str
    share: str
    ratio: str
    bar: str
    met: str


def cell(program: str, precision: str, seconds: float, error: float | None = None) -> str:
    """What a side did, under the heading of Kinora or of its peers."""
    name = precision if program == "Kinora" else f"{program} {precision}"
    off = "" if error is None else f", {100 * error:.2g} % off"
    return f"{name} {duration(seconds)}{off}"


def speed(case: str, theirs: str, ours: str, ratios: list[float], bar: float | None, share: str) -> Row:
    met = "" if bar is None else verdict(statistics.median(ratios) >= bar)
    return Row(case, theirs, ours, share, spread(ratios), "" if bar is None else f"≥ {bar}", met)


def unserved(case: Case, precision: str, bar: float | None) -> Row:
    bar = "" if bar is None else f"≥ {bar}"
    return Row(case.name, "", f"{precision} not served", "", "", bar, verdict(False) if bar else "")


def memory(case: Case, theirs: tuple, ours: tuple, peaks: tuple[int, int]) -> Row:
    ratio = peaks[0] / peaks[1]
    return Row(
        f"{case.name}, peak memory",
        f"{' '.join(theirs)} {peaks[0] / 1e9:.2f} GB",
        f"{ours[1]} {peaks[1] / 1e9:.2f} GB",
        "",
        f"{ratio:.2f}",
        f"≥ {case.memory_bar}",
        verdict(ratio >= case.memory_bar),
    )


def spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})"


def duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def verdict(met: bool) -> str:
    return "yes" if met else "**no**"


def line(row: Row) -> str:
    return "| " + " | ".join(astuple(row)) + " |"


HEADER = [
    line(Row("what", "peer", "Kinora", "of the peak", "ratio (least, most)", "bar", "met")),
    line(Row(*["---"] * 7)),
]


def write(path: Path, sections: dict[str, str]) -> None:
    """Replaces what stands between `<!-- name -->` and `<!-- /name -->`."""
    page = path.read_text()
    for name, text in sections.items():
        between = re.compile(rf"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", re.DOTALL)
        if not between.search(page):
            raise SystemExit(f"{path} has no <!-- {name} --> and <!-- /{name} --> around a section")
        page = between.sub(lambda _: text + "\n", page)
    path.write_text(page)
