# SPDX-License-Identifier: GPL-3.0-or-later
"""Create and check the names and IDs of containers and volumes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from ...errors import InvalidOption

_FULL_ID = re.compile("[0-9a-f]{64}")
#: Podman's rule for names, which also ensures that a name is neither a path, nor an option, nor a hidden file.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_ID = re.compile(r"[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9a-f]{1,64}")
#: Number of digits of an ID that are shown, here and by podman.
SHORT_ID = 12
#: The maximum length of a file name on Linux (NAME_MAX, limits.h): volume names are directory names.
_LONGEST = 255


def is_name(text: str) -> bool:
    """Return whether the text is a valid name of a container or a volume."""
    return _NAME.fullmatch(text) is not None and len(text) <= _LONGEST


def check_name(option: str, value: object) -> str:
    """Return the name. Raises InvalidOption if it is invalid."""
    text = str(value)
    if not is_name(text):
        raise InvalidOption(
            option,
            value,
            "is not a valid name",
            remedy="Begin with a letter or digit, followed by letters, digits, _ . -",
        )
    return text


def is_full_id(text: object) -> bool:
    """Return whether the value is the full ID of a container, a layer or an image (without ``sha256:``)."""
    return isinstance(text, str) and bool(_FULL_ID.fullmatch(text))


def new_id() -> str:
    """Return 64 random hexadecimal digits."""
    return os.urandom(32).hex()


def is_id(text: str) -> bool:
    """Return whether the text is a full ID."""
    return _ID.fullmatch(text) is not None


def is_whole_id(text: str) -> bool:
    """Return whether the text is an ID as shown to users: 64 digits, or the first 12."""
    return len(text) in (SHORT_ID, 64) and is_beginning(text)


def is_beginning(text: str) -> bool:
    """Return whether an ID can begin with the text."""
    return _DIGITS.fullmatch(text) is not None


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three known names that are similar to ``name``, best first, for error messages."""
    import difflib  # needed only for errors

    return tuple(difflib.get_close_matches(name, list(known), n=3, cutoff=0.5))


def alike(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return up to three known names that may have been meant: similar ones, and those that contain the text."""
    names = tuple(known)
    parts = (name for name in names if text and text in name)
    return tuple(dict.fromkeys((*near(text, names), *parts)))[:3]
