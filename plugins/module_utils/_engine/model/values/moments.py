# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse a point in time: RFC 3339, a date, seconds since the epoch, or a duration before now."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from ...errors import InvalidOption
from .durations import duration
from .times import parse_rfc3339

_EPOCH_SECONDS = re.compile(r"(\d{1,11})(?:\.(\d{1,9}))?", re.ASCII)
_ZERO = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(option: str, value: object, *, now: int) -> int:
    """Parse a point in time into nanoseconds since the epoch. Raises InvalidOption.

    ``10m`` is ten minutes before ``now``; as in podman, a date or time without an offset is in the host's time zone.
    """
    text = str(value).strip()
    match = _EPOCH_SECONDS.fullmatch(text)
    if match:
        return int(match[1]) * 10**9 + int((match[2] or "").ljust(9, "0"))
    try:
        return parse_rfc3339(text)
    except ValueError:
        pass
    try:
        return (datetime.fromisoformat(text).astimezone() - _ZERO) // timedelta(microseconds=1) * 1000
    except (ValueError, OverflowError):
        pass
    try:
        return now - duration(option, text)
    except InvalidOption:
        raise InvalidOption(
            option,
            value,
            "is not a point in time",
            remedy="Write it as in 10m (ago), 2026-11-24T10:00:00Z, 2026-11-24 or seconds since 1970",
        ) from None
