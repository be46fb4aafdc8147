# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a request to ``slipway connect``: the keys of each verb, and the types of their values (pure).

The request comes over a byte stream and may contain anything. A request that passes has the types that the verbs rely on; the
things that it names need not exist.
"""

from __future__ import annotations

import re

from ...errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:  # the agent reads a request for each command of a play: importing typing takes 7 ms
    from collections.abc import Callable, Mapping
    from typing import Any

#: The largest size and offset of a file (off_t).
_MOST_BYTES = 2**63 - 1
_MOST_MODE = 0o7777


class MalformedRequest(EngineError):
    """The request lacks a key, or a value has the wrong type; ``key`` names it."""

    code = "malformed_request"


def check(request: Mapping[str, Any]) -> None:
    """Check all keys of a request; unknown ones are ignored. Raises MalformedRequest for the first missing or invalid one."""
    keys = _VERBS.get(str(request.get("verb")))
    if keys is None:
        raise _malformed("verb", f"is not one of {', '.join(_VERBS)}")
    for key, (fits, form) in {**_ALL, **keys}.items():
        if not fits(request.get(key)):
            raise _malformed(key, f"is not {form}")


def check_mark(request: Mapping[str, Any]) -> str:
    """Return the mark, which must be printable text on one line. Raises ValueError."""
    mark = request.get("mark")
    if not isinstance(mark, str) or not mark.isascii() or not mark.isprintable() or not mark:
        raise ValueError("the request has no mark")
    return mark


def _malformed(key: str, why: str) -> MalformedRequest:
    return MalformedRequest(
        f"the request's {key} {why}",
        remedy="Install the same version of slipway.oci on the controller and on the host",
        key=key,
    )


def _is_text(value: Any) -> bool:
    """Return whether a value is text that the kernel accepts; bytes that are not UTF-8 are as in os.fsdecode()."""
    return isinstance(value, str) and "\0" not in value and _encodes(value, "surrogateescape")


def _is_name(value: Any) -> bool:
    """Return whether a value can be the name of a container: text in the database is UTF-8."""
    return _is_text(value) and _encodes(value, "strict")


def _encodes(text: str, errors: str) -> bool:
    try:
        return text.encode("utf-8", errors) is not None
    except UnicodeEncodeError:
        return False


def _is_number(value: Any, most: int = _MOST_BYTES) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _is_argv(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_text, value))


def _is_environment(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _is_text(name) and name and "=" not in name and _is_text(text) for name, text in value.items()
    )


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _is_segment(value: Any) -> bool:
    return _is_pair(value) and bool(value[0] + value[1] <= _MOST_BYTES)


def _is_segments(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_segment, value))


def _is_pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and re.compile(value.encode()) is not None
    except (re.error, ValueError, OverflowError, RecursionError):
        return False


def _is_talk(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("prompts"), list)
        and all(map(_is_pattern, value["prompts"]))
        and _is_text(value.get("password"))
        and _is_text(value.get("success"))
        and bool(value["success"])
        and _encodes(value["password"] + value["success"], "strict")
    )


def _or_none(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


_TEXT = (_is_text, "text without a NUL character")
_NUMBER = (_is_number, "a number of bytes")
_FILE = (_or_none(_is_pair), "a pair of device and inode")
#: By key: the test of a value, and its description for errors.
_ALL = {
    "name": (_is_name, "a container's name"),
    "user": (_or_none(_is_text), "a user's name or number"),
    "run_root": (_or_none(_is_text), "a path"),
}
_VERBS: Mapping[str, Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "exec": {
        "argv": (_is_argv, "a list of one or more strings"),
        "env": (_or_none(_is_environment), "a mapping of names to strings"),
        "workdir": (_or_none(_is_text), "a path"),
        "become": (_or_none(_is_talk), "a mapping of prompts, password and success"),
    },
    "put": {
        "path": _TEXT,
        "mode": (lambda value: _is_number(value, _MOST_MODE), "a file's mode"),
        "size": _NUMBER,
        "segments": (_is_segments, "a list of pairs of offset and length"),
        "file": _FILE,
    },
    "fetch": {"path": _TEXT, "offset": _NUMBER, "most": _NUMBER, "file": _FILE},
}
