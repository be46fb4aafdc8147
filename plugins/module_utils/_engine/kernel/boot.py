# SPDX-License-Identifier: GPL-3.0-or-later
"""Distinguish boots of the host (random(4), ``boot_id``)."""

from __future__ import annotations

import os

_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def boot_id() -> str:
    """Return the ID of this boot, 36 characters."""
    with open(_BOOT_ID, encoding="ascii") as stream:
        return stream.read().strip()


def is_marked(path: str) -> bool:
    """Return whether the file contains the ID of this boot."""
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return stream.read(64).strip() == boot_id()
    except FileNotFoundError:
        return False


def mark(path: str) -> None:
    """Write the ID of this boot to the file.

    A kill may leave an incomplete ID, which does not count and is overwritten by the next call.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="ascii") as stream:
        stream.write(f"{boot_id()}\n")
