# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of any bytes in a text for people."""

from __future__ import annotations

import os

#: The rest of a longer name tells nobody more.
_LONGEST = 1000


def show(name: bytes) -> str:
    """Write a name so that it can be printed: no control character of it reaches a terminal."""
    text = os.fsdecode(name if len(name) <= _LONGEST else name[:_LONGEST] + b"...")
    return text if text.isascii() and text.isprintable() else ascii(text)[1:-1]
