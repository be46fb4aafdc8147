# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes about a volume's content: files beside the content, so that one rename moves both."""

from __future__ import annotations

import json
import os
from typing import Any, Optional

#: The note's name, beside ``data``.
ABOUT = "about.json"
#: The note about the origin of replaced content, beside the volume's own ``data``.
ORIGIN = "origin.json"
#: The directory of a volume's snapshots.
SNAPSHOTS = "snapshots"

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write(directory: str, note: dict[str, Any], *, name: str = ABOUT) -> None:
    """Write a note into a directory that no other process reads yet; the caller syncs the file system."""
    fd = os.open(f"{directory}/{name}", _NEW, 0o600)
    with open(fd, "w", encoding="utf-8") as stream:
        json.dump(note, stream, sort_keys=True)


def read(directory: str, *, name: str = ABOUT) -> Optional[dict[str, Any]]:
    """Return a note, None if it is missing or can't be read: a kill may have left half of it."""
    try:
        with open(f"{directory}/{name}", encoding="utf-8") as stream:
            found = json.load(stream)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return found if isinstance(found, dict) else None
