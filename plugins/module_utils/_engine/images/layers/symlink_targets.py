# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve the symlinks of paths in an image, from its layers alone, without mounting them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from typing import Optional

from .lowers import Lowers, Path

#: MAXSYMLINKS of the kernel, over the whole path.
_SYMLINKS = 40
#: More than any mountable path has (PATH_MAX); symlinks could make an image's path endless.
_NAMES = 2048


def landings(layers: Sequence[str], paths: Iterable[str]) -> dict[str, str]:
    """Return each absolute path resolved; missing parts stay as written. ``layers``: topmost first."""
    with Lowers(layers) as image:
        return {path: os.fsdecode(b"/" + b"/".join(_lead(image, os.fsencode(path)))) for path in paths}


def _lead(image: Lowers, path: bytes) -> Path:
    at: Path = ()
    names, links = _names(path), 0
    while names and len(at) + len(names) <= _NAMES:
        name = names.pop()
        if name == b"..":
            at = at[:-1]
            continue
        target = _target(image, (*at, name))
        if target is None or links == _SYMLINKS:
            at = (*at, name)
            continue
        links += 1
        at = () if target.startswith(b"/") else at
        names += _names(target)
    return (*at, *reversed(names))


def _names(path: bytes) -> list[bytes]:
    """Return the names of a path in reverse order."""
    return [name for name in path.split(b"/") if name not in (b"", b".")][::-1]


def _target(image: Lowers, path: Path) -> Optional[bytes]:
    """Return the target of the symlink at a path, or None if it is not a symlink."""
    found = image.find(path)
    if found is None:
        return None
    parent, info = found
    try:
        return os.readlink(path[-1], dir_fd=parent) if stat.S_ISLNK(info.st_mode) else None
    finally:
        os.close(parent)
