# SPDX-License-Identifier: GPL-3.0-or-later
"""Format stored values for people: bytes as ``64m``, nanoseconds as ``30s``, signal 15 as ``TERM``; pure."""

from __future__ import annotations

import signal
from decimal import Decimal
from typing import Any

_BYTES = (("t", 1 << 40), ("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10))
_TIMES = (("h", 3600 * 10**9), ("m", 60 * 10**9), ("s", 10**9), ("ms", 10**6), ("us", 10**3), ("ns", 1))


def size(value: Any) -> Any:
    """Return bytes in the largest unit that divides them."""
    found = next((f"{value // unit}{name}" for name, unit in _BYTES if value > 0 and value % unit == 0), None)
    return found or value


def span(value: Any) -> str:
    """Return nanoseconds in Go's notation, without parts that are 0."""
    text = ""
    for name, unit in _TIMES:
        count, value = divmod(value, unit)
        text += f"{count}{name}" if count else ""
    return text or "0"


def cpus(value: Any) -> str:
    """Return billionths of a processor as a number of processors."""
    return f"{Decimal(value).scaleb(-9).normalize():f}"


def signal_name(value: Any) -> Any:
    """Return a signal's name without SIG."""
    try:
        return signal.Signals(value).name[len("SIG") :]
    except ValueError:  # real-time signals other than the first and the last have no name
        return value


def pair(value: Any) -> str:
    """Return the two parts of a limit, or of a device, joined by a colon."""
    return ":".join(str(part) for part in value)


def mount(value: Any) -> str:
    """Return kind, source and options of a mount, as in ``bind /srv:ro``."""
    where = f"{value['kind']} {value['source']}".rstrip()
    return ":".join([where, *([",".join(value["options"])] if value["options"] else [])])


def source(value: Any) -> Any:
    """Return an item of ``volumes_from``: a container, or a mount taken from one."""
    return mount(value) if isinstance(value, dict) else value
