# SPDX-License-Identifier: GPL-3.0-or-later
"""Check and derive the names of network interfaces (pure)."""

from __future__ import annotations

import re

from ...errors import InvalidOption

#: What dev_valid_name() of the kernel's net/core/dev.c permits, less what other tools have a meaning for (``@``, ``%``, quotes).
_NAME = re.compile(r"[a-zA-Z0-9_+-][a-zA-Z0-9_.+-]*", re.ASCII)
#: Characters: IFNAMSIZ of linux/if.h, less the zero byte.
_LONGEST = 15
#: All that the engine makes begins so. Digits of the id fill the rest.
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
