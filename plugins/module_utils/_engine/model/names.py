# SPDX-License-Identifier: GPL-3.0-or-later
"""Make and check the names and ids of containers and volumes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from ..errors import InvalidOption

#: Podman's rule for names; it also keeps a name from being a path, an option or hidden.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_ID = re.compile(r"[0-9a-f]{64}")
#: The longest file name of Linux (NAME_MAX, limits.h): volume names are directory names.
_LONGEST = 255


def check_name(option: str, value: object) -> str:
    """Return the name, or raise InvalidOption saying what a name may hold."""
    text = str(value)
    if not _NAME.fullmatch(text) or len(text) > _LONGEST:
        raise InvalidOption(
            option,
            value,
            "is no valid name",
            remedy="Begin with a letter or digit; then letters, digits, _ . - may follow",
        )
    return text


def new_id() -> str:
    """Return 64 random hexadecimal digits."""
    return os.urandom(32).hex()


def is_id(text: str) -> bool:
    """Tell whether the text is a full id."""
    return _ID.fullmatch(text) is not None


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three known names that look like ``name``, best first, for an error's text."""
    import difflib  # only an error needs it

    return tuple(difflib.get_close_matches(name, list(known), n=3, cutoff=0.5))
