# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell one boot of the host from another (random(4), ``boot_id``)."""

from __future__ import annotations

import os

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


def mark(path: str) -> None:
    """Write the id of this boot into the file. What a kill leaves of it is no mark, and is written over by the next."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="ascii") as stream:
        stream.write(f"{boot_id()}\n")
