# SPDX-License-Identifier: GPL-3.0-or-later
"""Check and derive the names of network interfaces (pure)."""

from __future__ import annotations

import re

from ...errors import InvalidOption

#: What dev_valid_name() of the kernel's net/core/dev.c permits, less what other tools have a meaning for (``@``, ``%``, quotes).
_NAME = re.compile(r"[a-zA-Z0-9_+-][a-zA-Z0-9_.+-]*", re.ASCII)
#: Characters: IFNAMSIZ of linux/if.h, less the zero byte.
_LONGEST = 15
#: The host's end of a container's interface: digits of both ids.
_HOST_END = re.compile(r"sw[0-9a-f]{13}", re.ASCII)
_HOST_END_DIGITS = 13
#: The bridges that the engine makes begin so. Digits of the id fill the rest.
_PREFIX = "sw-"
_DIGITS = 8


def is_interface(text: str) -> bool:
    """Tell whether an interface may be called so."""
    return _NAME.fullmatch(text) is not None and len(text) <= _LONGEST


def check_interface(option: str, value: object) -> str:
    """Return the name, or raise InvalidOption saying what a name may hold."""
    text = str(value)
    if not is_interface(text):
        raise InvalidOption(
            option,
            value,
            "is no name of an interface",
            remedy=f"Write {_LONGEST} characters at most: letters, digits, _ + - and, not as the first, .",
        )
    return text


def derived(network_id: str, digits: int = _DIGITS) -> str:
    """Return the name of a network's interface on the host: as many digits of its id as are needed to be the only one."""
    return _PREFIX + network_id[: min(digits, _LONGEST - len(_PREFIX))]


def host_end(container_id: str, network_id: str) -> str:
    """Return the name of the host's end of a container's interface in a network: of both ids, so that it is found again."""
    both = int(container_id[:_HOST_END_DIGITS], 16) ^ int(network_id[:_HOST_END_DIGITS], 16)
    return f"sw{both:0{_HOST_END_DIGITS}x}"


def is_host_end(name: str) -> bool:
    """Tell whether the engine has given this name to the host's end of an interface."""
    return _HOST_END.fullmatch(name) is not None
