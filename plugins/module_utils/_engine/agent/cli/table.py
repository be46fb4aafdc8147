# SPDX-License-Identifier: GPL-3.0-or-later
"""Format tables, sizes and ages; pure."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...model.values.times import parse_rfc3339

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_SPANS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def render(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the table with its columns separated by two spaces, and no trailing blanks."""
    table = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table)
    return "".join(f"{line}\n" for line in lines)


def human_size(size: int) -> str:
    """Return ``4.2 MB`` (powers of 1000, as podman images prints)."""
    number, unit = float(size), 0
    while number >= 999.5 and unit < len(_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.3g} {_UNITS[unit]}"


def age(stamp: str | None) -> str:
    """Return ``3 hours ago`` for an RFC 3339 time; other text, which an image's builder wrote, unchanged."""
    try:
        then = parse_rfc3339(stamp or "")
    except ValueError:
        return stamp or "unknown"
    seconds = max(0, (time.time_ns() - then) // 10**9)
    for span, word in _SPANS:
        if seconds >= span:
            count = seconds // span
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "now"
