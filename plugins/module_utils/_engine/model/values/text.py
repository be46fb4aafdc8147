# SPDX-License-Identifier: GPL-3.0-or-later
"""Check text that becomes an argument, a path or a row of the database."""

from __future__ import annotations

import posixpath

from ...errors import InvalidOption


def plain_text(option: str, value: object) -> str:
    """Return a text or number as text; nothing and collections are none.

    NUL ends a string for the kernel, and half a surrogate pair has no UTF-8 form to store.
    """
    if value is None or isinstance(value, (dict, list, tuple)):
        raise InvalidOption(option, value, "is no text", remedy="Quote the value; '' is an empty text")
    text = str(value)
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidOption(
            option, value, "holds what no text may", remedy="Leave out NUL, and write it in UTF-8"
        )
    return text


def decimal(text: str, *, most: int = 2**31 - 1) -> int | None:
    """Return a number written in ASCII digits, None for anything else and for more than ``most``.

    int() takes signs, blanks, underscores and the digits of other scripts, and raises ValueError above 4,300 digits.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)):
        return None
    number = int(text)
    return number if number <= most else None


_LONGEST_NAME, _LONGEST_PATH = 255, 4096
TOO_LONG = "is too long: Linux takes names of 255 bytes, and paths of 4095"


def normal_path(path: str) -> str:
    """Return the one spelling of an absolute path; POSIX lets two leading slashes mean something else, Linux doesn't."""
    return "/" + posixpath.normpath(path).lstrip("/")


def absolute_path(option: str, value: object) -> str:
    """Return the normal form of an absolute path."""
    text = plain_text(option, value)
    if not text.startswith("/"):
        raise InvalidOption(option, value, "is no absolute path", remedy="Begin it with /")
    path = normal_path(text)
    if is_too_long(path):
        raise InvalidOption(option, value, TOO_LONG)
    return path


def is_too_long(path: str) -> bool:
    """Return whether Linux takes no such path: NAME_MAX, PATH_MAX with its NUL."""
    names = path.encode("utf-8", "surrogateescape").split(b"/")
    return max(map(len, names)) > _LONGEST_NAME or sum(map(len, names)) + len(names) > _LONGEST_PATH
