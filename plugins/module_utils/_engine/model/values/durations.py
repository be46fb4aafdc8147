# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse durations in the notation of Go, and thus podman: ``30s``, ``1m30s``, ``1.5h``, ``500ms``."""

from __future__ import annotations

import re
from decimal import Decimal

from ...errors import InvalidOption

SECOND = 10**9
#: Nanoseconds of each unit (Go, time.ParseDuration).
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
#: A year; a longer duration is assumed to be a mistake.
_LONGEST = 366 * 24 * 3600 * SECOND


def duration(option: str, value: object) -> int:
    """Parse a duration into nanoseconds, 0 or more. Raises InvalidOption."""
    text = str(value).strip()
    if text == "0":
        return 0
    if isinstance(value, bool) or not _WHOLE.fullmatch(text):
        raise InvalidOption(
            option, value, "is not a duration", remedy="Write it with a unit, as in 30s or 1m30s"
        )
    total = sum(Decimal(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if total > _LONGEST:
        raise InvalidOption(option, value, "is longer than a year", remedy="Write a shorter duration")
    return int(total)


def positive(option: str, value: object) -> int:
    """Parse a duration into nanoseconds, more than 0. Raises InvalidOption."""
    span = duration(option, value)
    if span <= 0:
        raise InvalidOption(option, value, "is not positive", remedy="Write more than 0, as in 30s")
    return span
