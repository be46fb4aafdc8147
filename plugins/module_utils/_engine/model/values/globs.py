# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell by patterns which paths of a tree are left out; pure.

As rsync(1) has it: ``*`` and ``?`` stop at a slash, ``**`` does not; a pattern with a slash in it counts from the tree's
top, one without fits at any depth; what is below a directory that fits is left out with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ...errors import InvalidOption

Excluded = Callable[[str], bool]

_PIECES = re.compile(r"(\*\*/|\*\*|\*|\?|\[!?\]?[^]/]*\])")
_MEANINGS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def nothing(path: str) -> bool:  # noqa: ARG001  (whatever it is)
    """Leave out no path."""
    return False


def matcher(option: str, patterns: Sequence[str]) -> Excluded:
    """Return what tells whether a path, relative to the tree's top, is left out; raises InvalidOption."""
    if not patterns:
        return nothing
    found = [_compiled(option, pattern) for pattern in patterns]
    return lambda path: any(expression.match(path) for expression in found)


def _compiled(option: str, pattern: str) -> re.Pattern[str]:
    words = pattern.strip("/")
    if not words:
        raise InvalidOption(option, pattern, "is no pattern", remedy="Write a name, as in '*.tmp'")
    anywhere = "" if "/" in pattern.rstrip("/") else "(?:.*/)?"
    text = "".join(_translated(piece) for piece in _PIECES.split(words))
    try:
        return re.compile(f"{anywhere}{text}(?:/|$)", re.DOTALL)
    except re.error as error:
        raise InvalidOption(option, pattern, f"is no pattern: {error}") from None


def _translated(piece: str) -> str:
    if piece.startswith("[") and piece.endswith("]") and len(piece) > 2:
        inner = piece[1:-1].replace("\\", "\\\\")
        return f"[^/{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
    return _MEANINGS.get(piece) or re.escape(piece)
