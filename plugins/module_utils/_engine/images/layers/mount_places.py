# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the files and directories that a container has only because something was mounted on them.

The runtime creates mount points at a start. An image committed from the container would keep them, though no user made
them: empty files in /etc, directories of volumes. Anything with content of its own is not a mere mount point.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Optional

from ...trees import whiteouts
from ...trees.cursor import open_directory
from ..tar import tree
from ..tar.read import Entry
from .lowers import Lowers, Path

#: Modes of the directories, owned by root, that runc and crun create as parents of mount points.
_MADE = (0o755, 0o1755)


class Written:
    """The files that a container has written: a tree by its descriptor; ``names`` lists a directory.

    ``owners`` returns an entry with the owners that the container sees.
    """

    def __init__(
        self, fd: int, names: Callable[[int, bytes], Iterable[bytes]], owners: Callable[[Entry], Entry]
    ) -> None:
        self._fd = fd
        self._names = names
        self._owners = owners

    def look(self, path: Path) -> Optional[os.stat_result]:
        """Return the lstat of a path, or None if it does not exist."""
        try:
            with _opened(self._fd, path[:-1]) as above:
                return os.stat(path[-1], dir_fd=above, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def directory(self, path: Path) -> tuple[Entry, set[bytes], bool]:
        """Return a directory's entry, the paths of the names written in it, and whether it is opaque."""
        prefix = b"/".join(path) + b"/" if path else b""
        with _opened(self._fd, path) as fd:
            # The marker of an opaque directory is not content; fuse-overlayfs puts it into each new one.
            names = {name for name in self._names(fd, prefix) if whiteouts.hidden_name(name) != b""}
            entry = self._owners(tree.entry_of(b"", fd))
            return entry, {prefix + name for name in names}, whiteouts.is_opaque(fd)


def left_out(
    written: Written, image: Lowers, places: Iterable[Path], *, whole: bool = False
) -> frozenset[bytes]:
    """Return the paths to leave out of a layer with the files written over the image.

    ``whole``: the layer has no layers below it, so it contains the image's files.
    """
    found: set[bytes] = set()
    for place in sorted({*places} - {()}, key=len, reverse=True):
        for depth in range(len(place), 0, -1):
            path = place[:depth]
            is_kept = whole and image.shows(path)
            if not is_kept and _only_for(written, image, path, found, above=depth < len(place)):
                found.add(b"/".join(path))
    return frozenset(found)


def is_as_in(image: Lowers, written: Written) -> bool:
    """Return whether the root directory itself is unchanged from the image, except for its time."""
    return _same(written.directory(())[0], _entry_in(image, ()))


def _only_for(written: Written, image: Lowers, path: Path, found: set[bytes], *, above: bool = False) -> bool:
    """Return whether a written path is a mere mount point, or with ``above`` a mere parent of some."""
    info = written.look(path)
    if info is None:
        return False
    if not stat.S_ISDIR(info.st_mode):
        # A mere mount point is an empty file, or the link /etc/mtab that the runtime creates.
        is_bare = stat.S_ISLNK(info.st_mode) or (stat.S_ISREG(info.st_mode) and not info.st_size)
        return is_bare and not above and not image.shows(path)
    entry, names, is_opaque = written.directory(path)
    if names - found:
        return False
    before = _entry_in(image, path)
    if before is not None:
        return not is_opaque and _same(entry, before)
    hides = image.shows(path)
    return not hides and (not above or (entry.mode in _MADE and entry.uid == entry.gid == 0))


def _entry_in(image: Lowers, path: Path) -> Optional[Entry]:
    fd = image.open_directory(path)
    if fd is None:
        return None
    try:
        return tree.entry_of(b"", fd)
    finally:
        os.close(fd)


def _same(one: Entry, other: Optional[Entry]) -> bool:
    return other is not None and _timeless(one) == _timeless(other)


def _timeless(entry: Entry) -> Entry:
    return entry._replace(mtime=0)


@contextmanager
def _opened(top: int, path: Path) -> Iterator[int]:
    fd = open_directory(top, [*map(os.fsdecode, path)])
    try:
        yield fd
    finally:
        os.close(fd)
