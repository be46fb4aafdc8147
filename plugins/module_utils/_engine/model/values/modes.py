# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse the mode of a file as in Ansible's modules: octal, or ``preserve``."""

from __future__ import annotations

from typing import Optional

from ...errors import InvalidOption

PRESERVE = "preserve"
_GREATEST = 0o7777


def parse_mode(option: str, value: object, *, preserve: bool = False) -> Optional[int]:
    """Parse a mode into a number; None if it is unset, or ``preserve`` where that is allowed. Raises InvalidOption.

    A number is taken as it is, because YAML converts an unquoted ``0644`` to 420.
    """
    if value is None or (preserve and value == PRESERVE):
        return None
    number = _number(value)
    if number is None or not 0 <= number <= _GREATEST:
        words = f", or {PRESERVE}" if preserve else ""
        raise InvalidOption(option, value, "is not an octal mode", remedy=f"Write it as in '0644'{words}")
    return number


def _number(value: object) -> Optional[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value)
    digits = text.removeprefix("0o")
    return int(digits, 8) if digits and not {*digits} - {*"01234567"} else None
