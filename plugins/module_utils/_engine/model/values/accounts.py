# SPDX-License-Identifier: GPL-3.0-or-later
"""Distinguish the IDs of users and groups from their names.

A word of digits is always an ID, even if an account has it as its name: a container with user 1000 must not run as root because
its image has a root account of that name. Source: runc's user.GetExecUser, which podman and docker use.
"""

from __future__ import annotations

from ...errors import InvalidOption

#: The largest ID in podman and runc (``maxID`` in moby/sys/user).
GREATEST_ID = 2**31 - 1
#: The largest owner of a file: 2^32-1 means "no change" for chown(2).
GREATEST_OWNER = 2**32 - 2
#: A longer number is not an ID, and Python is slow to convert thousands of digits.
_MOST_DIGITS = 30


def is_number(word: str) -> bool:
    """Return whether a word is written as an ID."""
    return word.isascii() and word.isdigit()


def number(word: str, *, greatest: int = GREATEST_ID) -> int | None:
    """Return a word's ID; None if it is not a number, or too large."""
    value = int(word) if is_number(word) and len(word) <= _MOST_DIGITS else None
    return value if value is not None and value <= greatest else None


def asked_number(option: str, whole: object, word: str, *, greatest: int = GREATEST_ID) -> int | None:
    """Return the ID in an option, None for a name. Raises InvalidOption for a number that is too large."""
    found = number(word, greatest=greatest)
    if found is None and is_number(word):
        raise InvalidOption(
            option, whole, "has a number too large for an ID", remedy=f"Write an ID from 0 to {greatest}"
        )
    return found
