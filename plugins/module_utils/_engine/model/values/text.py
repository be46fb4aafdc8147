# SPDX-License-Identifier: GPL-3.0-or-later
"""Check text that becomes an argument, a path or a row of the database."""

from __future__ import annotations

import posixpath

from ...errors import InvalidOption


def plain_text(option: str, value: object) -> str:
    """Return a string or number as text. Raises InvalidOption for None, for collections, and for invalid characters.

    NUL ends a string for the kernel, and half of a surrogate pair cannot be stored in UTF-8.
    """
    if value is None or isinstance(value, (dict, list, tuple)):
        raise InvalidOption(option, value, "is not a string", remedy="Quote the value; '' is an empty string")
    text = str(value)
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidOption(
            option, value, "has invalid characters", remedy="Leave out NUL, and write it in UTF-8"
        )
    return text


def decimal(text: str, *, most: int = 2**31 - 1) -> int | None:
    """Parse a number in ASCII digits; None for anything else, and for more than ``most``.

    int() also accepts signs, blanks, underscores and digits of other scripts, and raises ValueError for more than 4,300 digits.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)):
        return None
    number = int(text)
    return number if number <= most else None


_LONGEST_NAME, _LONGEST_PATH = 255, 4096
TOO_LONG = "is too long: Linux takes names of 255 bytes, and paths of 4095"


def normal_path(path: str) -> str:
    """Return the normal form of an absolute path; on Linux, two leading slashes have no special meaning."""
    return "/" + posixpath.normpath(path).lstrip("/")


def absolute_path(option: str, value: object) -> str:
    """Return the normal form of an absolute path. Raises InvalidOption."""
    text = plain_text(option, value)
    if not text.startswith("/"):
        raise InvalidOption(option, value, "is not an absolute path", remedy="Begin it with /")
    path = normal_path(text)
    if is_too_long(path):
        raise InvalidOption(option, value, TOO_LONG)
    return path


def is_too_long(path: str) -> bool:
    """Return whether a path exceeds the limits of Linux: NAME_MAX, and PATH_MAX with the terminating NUL."""
    names = path.encode("utf-8", "surrogateescape").split(b"/")
    return max(map(len, names)) > _LONGEST_NAME or sum(map(len, names)) + len(names) > _LONGEST_PATH
