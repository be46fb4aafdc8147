# SPDX-License-Identifier: GPL-3.0-or-later
"""Format and parse points in time as RFC 3339 text.

Inside the engine, times are nanoseconds since the epoch; text is for results, logs and image configurations.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

#: The text that Go, and thus podman, writes for an unset time.
NEVER = "0001-01-01T00:00:00Z"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SECOND = 10**9
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)


def rfc3339(ns: int) -> str:
    """Return the time in UTC, always with nine fractional digits, so that texts sort like times."""
    seconds, rest = divmod(ns, _SECOND)
    moment = _EPOCH.replace(tzinfo=None) + timedelta(seconds=seconds)
    return f"{moment.isoformat()}.{rest:09d}Z"


def parse_rfc3339(text: str) -> int:
    """Parse RFC 3339 text with any offset into nanoseconds since the epoch. Raises ValueError."""
    match = _RFC3339.fullmatch(text.upper())
    if match is None:
        raise ValueError(f"{text!r} is not an RFC 3339 time")
    moment, fraction, offset = match.groups(default="")
    # A float of seconds would lose the last hundred nanoseconds.
    passed = datetime.fromisoformat(moment + offset.replace("Z", "+00:00")) - _EPOCH
    return passed // timedelta(seconds=1) * _SECOND + int(fraction.ljust(9, "0"))
