# SPDX-License-Identifier: GPL-3.0-or-later
"""Show names that may be any bytes."""

from __future__ import annotations

import os

#: Longer names are truncated.
_LONGEST = 1000


def show(name: bytes) -> str:
    """Return a name in printable form, without control characters."""
    text = os.fsdecode(name if len(name) <= _LONGEST else name[:_LONGEST] + b"...")
    return text if text.isascii() and text.isprintable() else ascii(text)[1:-1]
