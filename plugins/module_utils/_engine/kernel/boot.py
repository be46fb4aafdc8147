# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell one boot of the host from another (random(4), ``boot_id``)."""

from __future__ import annotations

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def boot_id() -> str:
    """Return the id of this boot, 36 characters."""
    with open(_BOOT_ID, encoding="ascii") as stream:
        return stream.read().strip()


def is_marked(path: str) -> bool:
    """Tell whether the file holds the id of this boot."""
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return stream.read(64).strip() == boot_id()
    except FileNotFoundError:
        return False
