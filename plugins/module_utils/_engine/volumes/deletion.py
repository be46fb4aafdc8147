# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes a directory tree of a volume, also where a container made files in it immutable."""

from __future__ import annotations

import os
import stat

from ..kernel import files
from .cursor import DIRECTORY, walk
from .metadata import read_flags, write_flags


def delete(path: str) -> None:
    """Delete the tree at ``path``; an absent one is fine. Raises OSError (EXDEV) for a mount in it."""
    try:
        files.remove_tree(path)
    except PermissionError:
        _clear_flags(path)
        files.remove_tree(path)


def _clear_flags(path: str) -> None:
    root = os.open(path, DIRECTORY)
    try:
        for directory, name, info in walk(root):
            if stat.S_ISDIR(info.st_mode) or stat.S_ISREG(info.st_mode):
                _clear_flags_of(directory, name)
    finally:
        os.close(root)


def _clear_flags_of(directory: int, name: str) -> None:
    inode = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    try:
        if read_flags(inode):
            write_flags(inode, 0)
    finally:
        os.close(inode)
