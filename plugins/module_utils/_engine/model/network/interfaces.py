# SPDX-License-Identifier: GPL-3.0-or-later
"""Check and derive the names of network interfaces (pure)."""

from __future__ import annotations

import re

from ...errors import InvalidOption

#: What dev_valid_name() in the kernel's net/core/dev.c permits, without characters that are special to tools (@, %, quotes).
_NAME = re.compile(r"[a-zA-Z0-9_+-][a-zA-Z0-9_.+-]*", re.ASCII)
#: Maximum length: IFNAMSIZ in linux/if.h, without the terminating zero byte.
_LONGEST = 15
#: The host's end of a container's interface, with digits of both IDs.
_HOST_END = re.compile(r"sw[0-9a-f]{13}", re.ASCII)
_HOST_END_DIGITS = 13
#: Prefix of the bridges that the engine creates. Digits of the ID follow.
_PREFIX = "sw-"
_DIGITS = 8


def is_interface(text: str) -> bool:
    """Return whether the text is a valid name of an interface."""
    return _NAME.fullmatch(text) is not None and len(text) <= _LONGEST


def check_interface(option: str, value: object) -> str:
    """Return the name of an interface. Raises InvalidOption if it is invalid."""
    text = str(value)
    if not is_interface(text):
        raise InvalidOption(
            option,
            value,
            "is not a valid interface name",
            remedy=f"Write at most {_LONGEST} characters: letters, digits, _ + - and, except as the first, .",
        )
    return text


def derived(network_id: str, digits: int = _DIGITS) -> str:
    """Return the name of a network's interface on the host, with as many digits of its ID as make it unique."""
    return _PREFIX + network_id[: min(digits, _LONGEST - len(_PREFIX))]


def host_end(container_id: str, network_id: str) -> str:
    """Return the name of the host's end of a container's interface; it derives from both IDs, so that it can be found again."""
    both = int(container_id[:_HOST_END_DIGITS], 16) ^ int(network_id[:_HOST_END_DIGITS], 16)
    return f"sw{both:0{_HOST_END_DIGITS}x}"


def is_host_end(name: str) -> bool:
    """Return whether the name is one that ``host_end`` returns."""
    return _HOST_END.fullmatch(name) is not None
