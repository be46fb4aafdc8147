# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse options that tune a container's process and cgroup.

Sources: podman-run(1); proc_pid_oom_score_adj(5); cgroup-v1/devices, cgroup-v1/memory; cgroup-v2.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from ...errors import InvalidOption
from ..values.quantities import integer
from ..values.text import plain_text

_UMASK = re.compile(r"[0-7]{1,4}", re.ASCII)
_RULE = re.compile(r"([acb])(?:\s+(\d{1,7}|\*):(\d{1,7}|\*))?\s+([rwm]{1,3})", re.ASCII)
_CGROUP_FILE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+", re.ASCII)
#: A path below zoneinfo, as in Europe/Berlin.
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
LOCAL = "local"


class DeviceRule(NamedTuple):
    """A device rule of a cgroup: ``type`` is a, b or c; ``major`` and ``minor`` None for all; ``access`` of r, w, m."""

    type: str
    major: Optional[int]
    minor: Optional[int]
    access: str


def umask(option: str, value: object) -> str:
    """Parse a umask into four octal digits."""
    text = plain_text(option, value)
    if not _UMASK.fullmatch(text) or int(text, 8) > 0o777:
        raise InvalidOption(
            option, value, "is not a umask", remedy="Write octal digits in quotes, as in '0027'"
        )
    return format(int(text, 8), "04o")


def oom_score_adj(option: str, value: object) -> int:
    """Parse an OOM score adjustment, -1000 (never killed) to 1000 (killed first)."""
    return _within(option, value, -1000, 1000)


def swappiness(option: str, value: object) -> int | None:
    """Parse a swappiness, 0 to 100; -1 is unset, as in podman."""
    return None if str(value).strip() == "-1" else _within(option, value, 0, 100)


def blkio_weight(option: str, value: object) -> int:
    """Parse a block I/O weight, 10 to 1000; 0 is the kernel's default."""
    return 0 if str(value).strip() == "0" else _within(option, value, 10, 1000)


def _within(option: str, value: object, least: int, most: int) -> int:
    number = integer(option, value)
    if not least <= number <= most:
        raise InvalidOption(option, value, "is out of range", remedy=f"Write a number from {least} to {most}")
    return number


def device_rule(option: str, value: object) -> str:
    """Parse a device rule into canonical form: ``c 42:* rmw`` becomes ``c 42:* rwm``; type ``a`` has no numbers."""
    match = _RULE.fullmatch(plain_text(option, value).strip())
    if match is None or ((match[1] == "a") != (match[2] is None) and (match[2], match[3]) != ("*", "*")):
        raise InvalidOption(
            option, value, "is not a device rule", remedy="Write TYPE MAJOR:MINOR ACCESS, as in c 42:* rwm"
        )
    access = "".join(sorted({*match[4]}, key="rwm".index))
    return f"a {access}" if match[1] == "a" else f"{match[1]} {match[2]}:{match[3]} {access}"


def decode_rule(text: str) -> DeviceRule:
    """Return the parts of a rule in canonical form."""
    words = text.split()
    if len(words) == 2:
        return DeviceRule(words[0], None, None, words[1])
    major, minor = (None if word == "*" else int(word) for word in words[1].split(":"))
    return DeviceRule(words[0], major, minor, words[2])


def cgroup_conf(option: str, value: object) -> dict[str, str]:
    """Parse a mapping of cgroup v2 files to the values to write."""
    if not isinstance(value, dict):
        raise InvalidOption(
            option, value, "is not a mapping", remedy="Write it as in {memory.high: 1073741824}"
        )
    for name in value:
        if not _CGROUP_FILE.fullmatch(str(name)):
            raise InvalidOption(option, name, "is not a cgroup file", remedy="Write it as in memory.high")
    return {str(name): plain_text(f"{option}.{name}", text) for name, text in value.items()}


def timezone(option: str, value: object) -> str:
    """Parse ``local`` or a name, as in ``Europe/Berlin``; whether the host has it is not checked here."""
    text = plain_text(option, value)
    if text and not _ZONE.fullmatch(text):
        raise InvalidOption(
            option, value, "is not a time zone", remedy="Write local, or a name as in Europe/Berlin"
        )
    return text
