# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes about a volume's content, files beside the content that they tell of: they come and go with it, in one rename."""

from __future__ import annotations

import json
import os
from typing import Any, Optional

#: The note's name, beside ``data``.
ABOUT = "about.json"
#: The note of what took the place of all content, beside the volume's own ``data``.
ORIGIN = "origin.json"
#: The directory of a volume's snapshots.
SNAPSHOTS = "snapshots"

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write(directory: str, note: dict[str, Any], *, name: str = ABOUT) -> None:
    """Write a note into a directory that nobody looks at yet. It is durable when the file system is synced."""
    fd = os.open(f"{directory}/{name}", _NEW, 0o600)
    with open(fd, "w", encoding="utf-8") as stream:
        json.dump(note, stream, sort_keys=True)


def read(directory: str, *, name: str = ABOUT) -> Optional[dict[str, Any]]:
    """Return a note, or None when there is none that can be read: a kill may have left half of what it was in."""
    try:
        with open(f"{directory}/{name}", encoding="utf-8") as stream:
            found = json.load(stream)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return found if isinstance(found, dict) else None
