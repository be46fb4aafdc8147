# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse ulimits and devices into canonical data.

Sources: podman-run(1) ``--ulimit`` and ``--device``; getrlimit(2).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ...errors import InvalidOption
from ..values.quantities import INT64_MAX
from ..values.text import plain_text

RLIMITS = frozenset(
    "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split()
)
UNLIMITED = -1
_NUMBER = re.compile(r"\d{1,19}", re.ASCII)


class Device(NamedTuple):
    """A host device in the container; ``permissions`` consist of r, w and m (cgroup-v1/devices)."""

    source: str
    destination: str
    permissions: str = "rwm"


def parse_ulimit(option: str, text: str) -> tuple[str, tuple[int, int]]:
    """Parse ``nofile=1024:2048``; a single number sets both limits; ``unlimited`` and -1 are -1."""
    name, equals, value = str(text).lower().partition("=")
    name = name.removeprefix("rlimit_")
    if not equals or name not in RLIMITS:
        raise InvalidOption(
            option, text, "is not a ulimit", remedy="Write NAME=SOFT[:HARD], as in nofile=1024:4096"
        )
    soft, colon, hard = value.partition(":")
    limits = _limit(option, text, soft), _limit(option, text, hard if colon else soft)
    if limits[1] != UNLIMITED and (limits[0] == UNLIMITED or limits[0] > limits[1]):
        raise InvalidOption(
            option,
            text,
            "has a soft limit above the hard limit",
            remedy="Write NAME=SOFT:HARD, the lower limit first",
        )
    return name, limits


def _limit(option: str, text: str, value: str) -> int:
    if value in ("unlimited", "-1"):
        return UNLIMITED
    if not _NUMBER.fullmatch(value) or int(value) > INT64_MAX:
        raise InvalidOption(
            option, text, f"has the invalid limit {value!r}", remedy="Write a number or unlimited"
        )
    return int(value)


def parse_device(option: str, text: str) -> Device:
    """Parse ``/dev/sdc[:/dev/xvdc][:rwm]``."""
    parts = plain_text(option, text).split(":")
    source, rest = parts[0], parts[1:]
    destination = rest.pop(0) if rest and rest[0].startswith("/") else source
    permissions = rest.pop(0) if rest else "rwm"
    if not source.startswith("/") or rest or not permissions or set(permissions) - set("rwm"):
        raise InvalidOption(
            option, text, "is not a device", remedy="Write HOST[:CONTAINER][:rwm], as in /dev/fuse:rw"
        )
    return Device(source, destination, "".join(sorted(set(permissions), key="rwm".index)))
