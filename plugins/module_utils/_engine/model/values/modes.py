# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the mode of a file as Ansible's modules take it: octal, or ``preserve``."""

from __future__ import annotations

from typing import Optional

from ...errors import InvalidOption

PRESERVE = "preserve"
_GREATEST = 0o7777


def parse_mode(option: str, value: object, *, preserve: bool = False) -> Optional[int]:
    """Return the mode as a number; None when nothing is said, or ``preserve`` where that means something.

    A number is what YAML makes of an octal one: ``0644`` without quotes arrives as 420.
    """
    if value is None or (preserve and value == PRESERVE):
        return None
    number = _number(value)
    if number is None or not 0 <= number <= _GREATEST:
        words = f", or {PRESERVE}" if preserve else ""
        raise InvalidOption(option, value, "is no octal mode", remedy=f"Write it as in '0644'{words}")
    return number


def _number(value: object) -> Optional[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = str(value)
    digits = text.removeprefix("0o")
    return int(digits, 8) if digits and not {*digits} - {*"01234567"} else None
