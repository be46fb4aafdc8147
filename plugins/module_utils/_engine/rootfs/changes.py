# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what a container has changed in its root file system, by what it wrote over its image.

Source: overlayfs.rst "whiteouts and opaque directories". As ``Changes`` of containers/storage, on which ``podman diff`` stands,
but for what a lower layer deleted: that is looked up in the image as it is seen, not layer by layer.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Optional

from ..kernel.files import directory
from ..trees.cursor import walk_trails
from ..trees.place import Place

ADDED, CHANGED, DELETED = "added", "changed", "deleted"
_OPAQUE = "trusted.overlay.opaque"


class PathChange(NamedTuple):
    """A path, absolute, and what happened to it."""

    path: str
    kind: str


def changes(upper: str, image: str) -> list[PathChange]:
    """Return what the upper layer adds to, changes in and deletes from the image, whose mount is given; sorted by path."""
    with directory(upper) as upper_fd, directory(image) as image_fd:
        found = dict(_found(upper_fd, Place(image_fd, "/")))
    for path in [*found]:
        parent = os.path.dirname(path)
        # Its parent's time may be the same as before, if somebody has put it back.
        if found[path] != CHANGED and parent != "/":
            found.setdefault(parent, CHANGED)
    return sorted(PathChange(path, kind) for path, kind in found.items())


def _found(upper_fd: int, image: Place) -> Iterator[tuple[str, str]]:
    for parent, trail, info in walk_trails(upper_fd):
        path = "/" + "/".join(trail)
        before = _look(image, trail)
        if _is_whiteout(info):
            # One that hides nothing is left by what came and went again.
            if before is not None:
                yield path, DELETED
        elif before is None:
            yield path, ADDED
        elif not stat.S_ISDIR(info.st_mode) or not _same_directory(info, before):
            yield path, CHANGED
        if before is not None and stat.S_ISDIR(info.st_mode) and _is_opaque(parent, trail[-1]):
            yield from _hidden(upper_fd, image, trail)


def _look(image: Place, trail: Sequence[str]) -> Optional[os.stat_result]:
    try:
        fd = image.look(trail)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return os.fstat(fd)
    finally:
        os.close(fd)


def _is_whiteout(info: os.stat_result) -> bool:
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def _same_directory(info: os.stat_result, before: os.stat_result) -> bool:
    """Tell whether a directory is in the upper layer only because of what is in it."""
    seen = [(each.st_mode, int(each.st_mtime)) for each in (info, before)]
    return seen[0] == seen[1]


def _is_opaque(parent: int, name: str) -> bool:
    # Relative to a directory there is no getxattr(2); /proc stands in for it.
    try:
        return os.getxattr(f"/proc/self/fd/{parent}/{name}", _OPAQUE, follow_symlinks=False) == b"y"
    except OSError:
        return False


def _hidden(upper_fd: int, image: Place, trail: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what a directory that was made anew hides of the image's, as far as it is not there again."""
    upper = Place(upper_fd, "/")
    for name in _names(image, trail):
        if _look(upper, [*trail, name]) is None:
            yield "/" + "/".join([*trail, name]), DELETED


def _names(place: Place, trail: Sequence[str]) -> list[str]:
    try:
        fd = place.open(trail)
    except (FileNotFoundError, NotADirectoryError):
        return []
    try:
        return os.listdir(fd)
    finally:
        os.close(fd)
