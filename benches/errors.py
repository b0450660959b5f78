"""How far a side's output is from that of PyTorch in f32."""

import math
from array import array
from pathlib import Path


def relative(output: Path, reference: Path) -> float:
    """The root mean square of the difference, as a share of that of the reference."""
    found, expected = floats(output), floats(reference)
    difference = math.fsum((a - b) ** 2 for a, b in zip(found, expected, strict=True))
    return math.sqrt(difference / math.fsum(b * b for b in expected))


def floats(path: Path) -> array:
    """The 32-bit numbers of a file, as the machine has them."""
    values = array("f")
    values.frombytes(path.read_bytes())
    return values
