# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the numbers of users and groups from their names.

What is written in digits alone is an id, also where an account has digits for a name: a container that asks for user 1000
must not become root because its image has named root so. Source: runc's user.GetExecUser, which podman and docker use.
"""

from __future__ import annotations

from ...errors import InvalidOption

#: As podman and runc have it (``maxID`` in moby/sys/user).
GREATEST_ID = 2**31 - 1
#: What a file may belong to: the kernel keeps 2^32-1 for "no change" (chown(2)).
GREATEST_OWNER = 2**32 - 2
#: More digits are no id, and Python takes its time to read thousands.
_MOST_DIGITS = 30


def is_number(word: str) -> bool:
    """Return whether it is written as an id."""
    return word.isascii() and word.isdigit()


def number(word: str, *, greatest: int = GREATEST_ID) -> int | None:
    """Return the id that is written; None when it is none, or too large for one."""
    value = int(word) if is_number(word) and len(word) <= _MOST_DIGITS else None
    return value if value is not None and value <= greatest else None


def asked_number(option: str, whole: object, word: str, *, greatest: int = GREATEST_ID) -> int | None:
    """Return the id of a user's word, None for a name; raises InvalidOption for a number that is no id."""
    found = number(word, greatest=greatest)
    if found is None and is_number(word):
        raise InvalidOption(
            option, whole, "has a number too large for an id", remedy=f"Write one from 0 to {greatest}"
        )
    return found
