"""How much of the machine other programs take while something is measured."""

import os
import resource
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")  # of a processor, a second


class Others:
    def __init__(self) -> None:
        self.ticks, self.room = 0, 0

    def during(self, work, own_ticks):
        """The result of `work`, to which `own_ticks` belong; the rest of the time belongs to others."""
        start, busy, own = time.monotonic(), machine_ticks(), own_ticks()
        result = work()
        self.ticks += (machine_ticks() - busy) - (own_ticks() - own)
        self.room += (time.monotonic() - start) * TICKS * os.cpu_count()
        return result

    def markdown(self) -> str:
        share = max(0, self.ticks) / max(1, self.room)
        return f"Other programs took {100 * share:.0f} % of the processors meanwhile."


def machine_ticks() -> int:
    """Ticks in which any processor worked (man 5 proc: /proc/stat)."""
    user, nice, system, _idle, _iowait, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return user + nice + system + irq + softirq


def process_ticks(pid: int) -> int:
    """Ticks in which a process worked (man 5 proc: /proc/[pid]/stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def ended_children_ticks() -> float:
    """Ticks in which processes worked that this one had started, and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * TICKS
