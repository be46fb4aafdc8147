# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold what was measured, ours beside the peer's, and lay it out as a table."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Optional

_HEAD = ("what", "ours", "peer", "which is", "ratio", "aim", "n")


def duration(seconds: float) -> str:
    """Return seconds in words."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.5 else f"{seconds:.2f} s"


@dataclass(frozen=True)
class Figure:
    """Median seconds of the same thing, done by us and by the peer; ``runs`` of each. No aim: it is told for knowledge.

    ``shown`` writes them where they are no seconds; ``most`` is an aim for ours by itself.
    """

    what: str
    ours: float
    peer: str
    peers: float
    runs: int
    aim: Optional[float] = None
    shown: Callable[[float], str] = duration
    most: Optional[float] = None

    @property
    def ratio(self) -> float:
        """Return how much longer we take than the peer."""
        return self.ours / self.peers

    def cells(self) -> tuple[str, ...]:
        """Return the figure in words, cell by cell of the table."""
        aim = f"<= {self.aim}" if self.aim else f"<= {self.shown(self.most)}" if self.most else ""
        times = self.shown(self.ours), self.shown(self.peers)
        return self.what, *times, self.peer, f"{self.ratio:.2f}", aim, str(self.runs)


def size(amount: float) -> str:
    """Return bytes in words."""
    return f"{amount / 1000:.1f} kB"


def seconds_of(act: Callable[[], object]) -> float:
    """Return how long it took."""
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def medians(samples: Iterable[Sequence[float]]) -> tuple[float, ...]:
    """Return the median of each column; a sample is what one round measured."""
    return tuple(statistics.median(column) for column in zip(*samples))


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table; Markdown reads it too."""
    rows = [_HEAD, *(figure.cells() for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
