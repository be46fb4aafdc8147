# SPDX-License-Identifier: GPL-3.0-or-later
"""Write stored values as a person writes them: ``64m`` for bytes, ``30s`` for nanoseconds, ``TERM`` for 15; pure."""

from __future__ import annotations

import signal
from decimal import Decimal
from typing import Any

_BYTES = (("t", 1 << 40), ("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10))
_TIMES = (("h", 3600 * 10**9), ("m", 60 * 10**9), ("s", 10**9), ("ms", 10**6), ("us", 10**3), ("ns", 1))


def size(value: Any) -> Any:
    """Return bytes in the largest unit that leaves no rest."""
    found = next((f"{value // unit}{name}" for name, unit in _BYTES if value > 0 and value % unit == 0), None)
    return found or value


def span(value: Any) -> str:
    """Return nanoseconds as Go writes them, without parts that are 0."""
    told = ""
    for name, unit in _TIMES:
        count, value = divmod(value, unit)
        told += f"{count}{name}" if count else ""
    return told or "0"


def cpus(value: Any) -> str:
    """Return billionths of a processor as a number of processors."""
    return f"{Decimal(value).scaleb(-9).normalize():f}"


def signal_name(value: Any) -> Any:
    """Return a signal's name without SIG."""
    try:
        return signal.Signals(value).name[len("SIG") :]
    except ValueError:  # a real-time signal between the first and the last has none
        return value


def pair(value: Any) -> str:
    """Return the two parts of a limit, or of a device, with a colon."""
    return ":".join(str(part) for part in value)


def mount(value: Any) -> str:
    """Return kind, source and options of a mount as in ``bind /srv:ro``."""
    where = f"{value['kind']} {value['source']}".rstrip()
    return ":".join([where, *([",".join(value["options"])] if value["options"] else [])])


def source(value: Any) -> Any:
    """Return whom volumes come from, or the mount that comes from there."""
    return mount(value) if isinstance(value, dict) else value
