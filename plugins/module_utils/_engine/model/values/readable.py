# SPDX-License-Identifier: GPL-3.0-or-later
"""Write an option's stored value as a person writes it: ``64m`` for bytes, ``30s`` for nanoseconds, ``TERM`` for 15; pure."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
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


_SIZES = "memory memory_reservation memory_swap shm_size shm_size_systemd"
_SPANS = "healthcheck_interval healthcheck_timeout healthcheck_start_period health_startup_interval health_startup_timeout"
#: How the values of an option, or of each of its keys, are written.
_FORMS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_SIZES.split(), size),
    **dict.fromkeys(_SPANS.split(), span),
    "cpus": cpus,
    "stop_signal": signal_name,
    "ulimit": pair,
    "device": pair,
    "mounts": mount,
    "volumes_from": lambda value: mount(value) if isinstance(value, dict) else value,
}


def readable(option: str, value: Any) -> Any:
    """Return the value of ``option`` (``memory``, ``ulimit.nofile``) as a person writes it; None stays None."""
    form = _FORMS.get(option.partition(".")[0])
    return value if value is None or form is None else form(value)
