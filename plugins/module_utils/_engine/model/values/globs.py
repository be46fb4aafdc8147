# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of paths to exclude from a tree; pure.

As in rsync(1), ``*`` and ``?`` do not match a slash, but ``**`` does; a pattern with a slash is relative to the top of the tree,
one without matches at any depth; a matching directory is excluded with everything below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ...errors import InvalidOption

Excluded = Callable[[str], bool]

_PIECES = re.compile(r"(\*\*/|\*\*|\*|\?|\[!?\]?[^]/]*\])")
_MEANINGS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def nothing(path: str) -> bool:  # noqa: ARG001  (whatever it is)
    """Exclude no path."""
    return False


def matcher(option: str, patterns: Sequence[str]) -> Excluded:
    """Return a predicate for paths, relative to the top of the tree, to exclude. Raises InvalidOption."""
    if not patterns:
        return nothing
    found = [_compiled(option, pattern) for pattern in patterns]
    return lambda path: any(expression.match(path) for expression in found)


def _compiled(option: str, pattern: str) -> re.Pattern[str]:
    words = pattern.strip("/")
    if not words:
        raise InvalidOption(option, pattern, "is not a pattern", remedy="Write a name, as in '*.tmp'")
    anywhere = "" if "/" in pattern.rstrip("/") else "(?:.*/)?"
    text = "".join(_translated(piece) for piece in _PIECES.split(words))
    try:
        return re.compile(f"{anywhere}{text}(?:/|$)", re.DOTALL)
    except re.error as error:
        raise InvalidOption(option, pattern, f"is not a pattern: {error}") from None


def _translated(piece: str) -> str:
    if piece.startswith("[") and piece.endswith("]") and len(piece) > 2:
        inner = piece[1:-1].replace("\\", "\\\\")
        return f"[^/{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
    return _MEANINGS.get(piece) or re.escape(piece)
