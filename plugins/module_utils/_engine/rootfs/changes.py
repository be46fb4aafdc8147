# SPDX-License-Identifier: GPL-3.0-or-later
"""List a container's changes to its image from the upper layer of its root file system.

Source: overlayfs.rst "whiteouts and opaque directories". It works as ``Changes`` of containers/storage, which ``podman
diff`` uses, except for deletions by lower layers: paths are looked up in the merged image, not layer by layer.
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
    """An absolute path and the kind of its change."""

    path: str
    kind: str


def changes(upper: str, image: str) -> list[PathChange]:
    """Return what the upper layer adds, changes and deletes, by path; ``image`` is a mount of the image."""
    with directory(upper) as upper_fd, directory(image) as image_fd:
        found = dict(_found(upper_fd, Place(image_fd, "/")))
    for path in [*found]:
        parent = os.path.dirname(path)
        # The parent's time may be unchanged if it was set back.
        if found[path] != CHANGED and parent != "/":
            found.setdefault(parent, CHANGED)
    return sorted(PathChange(path, kind) for path, kind in found.items())


def _found(upper_fd: int, image: Place) -> Iterator[tuple[str, str]]:
    for parent, trail, info in walk_trails(upper_fd):
        path = "/" + "/".join(trail)
        before = _look(image, trail)
        if _is_whiteout(info):
            # A whiteout that hides nothing remains of a file that was created and deleted.
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
    """Return whether a directory is in the upper layer only because of its content."""
    seen = [(each.st_mode, int(each.st_mtime)) for each in (info, before)]
    return seen[0] == seen[1]


def _is_opaque(parent: int, name: str) -> bool:
    # getxattr(2) takes no path relative to a descriptor; /proc replaces it.
    try:
        return os.getxattr(f"/proc/self/fd/{parent}/{name}", _OPAQUE, follow_symlinks=False) == b"y"
    except OSError:
        return False


def _hidden(upper_fd: int, image: Place, trail: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the image's entries that a recreated directory hides and does not have itself."""
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
