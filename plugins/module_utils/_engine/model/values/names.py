# SPDX-License-Identifier: GPL-3.0-or-later
"""Make and check the names and ids of containers and volumes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from ...errors import InvalidOption

#: Podman's rule for names; it also keeps a name from being a path, an option or hidden.
_FULL_ID = re.compile("[0-9a-f]{64}")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_ID = re.compile(r"[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9a-f]{1,64}")
#: As many digits of an id are shown, by podman and here.
SHORT_ID = 12
#: The longest file name of Linux (NAME_MAX, limits.h): volume names are directory names.
_LONGEST = 255


def is_name(text: str) -> bool:
    """Return whether a container or a volume may be called so."""
    return _NAME.fullmatch(text) is not None and len(text) <= _LONGEST


def check_name(option: str, value: object) -> str:
    """Return the name, or raise InvalidOption saying what a name may hold."""
    text = str(value)
    if not is_name(text):
        raise InvalidOption(
            option,
            value,
            "is no valid name",
            remedy="Begin with a letter or digit; then letters, digits, _ . - may follow",
        )
    return text


def is_full_id(text: object) -> bool:
    """Return whether it is the whole id of a container, a layer or an image (without ``sha256:``)."""
    return isinstance(text, str) and bool(_FULL_ID.fullmatch(text))


def new_id() -> str:
    """Return 64 random hexadecimal digits."""
    return os.urandom(32).hex()


def is_id(text: str) -> bool:
    """Return whether the text is a full id."""
    return _ID.fullmatch(text) is not None


def is_whole_id(text: str) -> bool:
    """Return whether the text is an id as a whole: its 64 digits, or the 12 by which it is shown."""
    return len(text) in (SHORT_ID, 64) and is_beginning(text)


def is_beginning(text: str) -> bool:
    """Return whether an id may begin so."""
    return _DIGITS.fullmatch(text) is not None


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three known names that look like ``name``, best first, for an error's text."""
    import difflib  # only an error needs it

    return tuple(difflib.get_close_matches(name, list(known), n=3, cutoff=0.5))


def alike(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three known names that may have been meant: those near, and those that the text is a part of."""
    names = tuple(known)
    parts = (name for name in names if text and text in name)
    return tuple(dict.fromkeys((*near(text, names), *parts)))[:3]
