# SPDX-License-Identifier: GPL-3.0-or-later
"""Check whether a volume's replaced content has changed since, without reading it."""

from __future__ import annotations

import os

from ..kernel import files
from ..trees.cursor import walk
from .notes import ORIGIN


def is_untouched(volume: str) -> bool:
    """Return whether nothing has changed since the origin note was renamed in, which followed the content.

    This compares st_ctime of the note and of each inode of the content, which no program can set (inode(7)); a rename
    sets the note's.
    """
    since = os.stat(f"{volume}/{ORIGIN}").st_ctime_ns
    with files.directory(f"{volume}/data") as top:
        return os.fstat(top).st_ctime_ns <= since and all(
            info.st_ctime_ns <= since for _above, _name, info in walk(top)
        )
