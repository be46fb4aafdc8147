# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell whether a volume's content is still what took its place, without reading it."""

from __future__ import annotations

import os

from ..kernel import files
from ..trees.cursor import walk
from .notes import ORIGIN


def is_untouched(volume: str) -> bool:
    """Tell whether nothing was changed since the note of what came was put in its place, which was after it came.

    By the time of an inode's last change, which no program can set (inode(7), st_ctime), of the note as of the content: a
    rename sets it too.
    """
    since = os.stat(f"{volume}/{ORIGIN}").st_ctime_ns
    with files.directory(f"{volume}/data") as top:
        return os.fstat(top).st_ctime_ns <= since and all(
            info.st_ctime_ns <= since for _above, _name, info in walk(top)
        )
