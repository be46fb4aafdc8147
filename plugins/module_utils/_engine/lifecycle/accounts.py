# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an image's passwd and group."""

from __future__ import annotations

from ..kernel import foreign

#: passwd and group files above this size are no such files.
_LIMIT = 4 * 1024 * 1024


def account_file(roots: tuple[str, ...], path: str) -> str:
    """Read a file as the merged layers (topmost first) would show it; a whiteout in an upper layer hides those below."""
    for root in roots:
        try:
            content = foreign.read_file(root, path, limit=_LIMIT)
        except OSError:  # a whiteout, a device or a directory: whatever it is, it is no account file
            return ""
        if content is not None:
            return content.decode("utf-8", "replace")
    return ""
