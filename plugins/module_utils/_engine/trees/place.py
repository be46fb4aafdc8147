# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory inside a root, opened so that no concurrent change in the root can lead out of it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from ..errors import PathTooLong
from ..kernel import untrusted_files
from ..kernel.inroot import make_directory, open_in_root
from ..model.values.sparse import MOST_EXTENTS, Extents, Piece
from .content import data_ranges
from .cursor import DIRECTORY, descend

_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 256 * 1024
#: One of so many nested directories is kept open, so a walk over a deep tree needs few steps and few descriptors.
_STRIDE = 32

#: A symbolic link in the root is resolved inside the root.
_FOLLOWED = DIRECTORY & ~os.O_NOFOLLOW


class Place:
    """The directory ``path`` inside a root; symbolic links in the path are resolved inside the root.

    Below the directory they are not followed (NotADirectoryError), unless ``through`` is set, which resolves them
    inside the root as well. The caller keeps the root's descriptor open.
    """

    def __init__(self, root_fd: int, path: str, *, through: bool = False) -> None:
        self._root_fd = root_fd
        self._path = path.strip("/") or "."
        self.through = through
        self._kept: list[tuple[list[str], int]] = []

    def __del__(self) -> None:
        self._forget(0)

    def open(self, trail: Sequence[str] = ()) -> int:
        """Open the directory at a trail of names for listing. Raises FileNotFoundError, NotADirectoryError."""
        if self.through:
            return self._open_in_root("/".join([self._path, *trail]), _FOLLOWED)
        depth = self._nearest(trail)
        while len(trail) - depth > _STRIDE:
            fd = descend(self._start(), trail[depth : depth + _STRIDE])
            depth += _STRIDE
            self._kept.append(([*trail[:depth]], fd))
        return descend(self._start(), trail[depth:])

    def _nearest(self, trail: Sequence[str]) -> int:
        """Close the kept directories that are not on the trail; return the depth of the deepest that is."""
        count = 0
        for names, _fd in self._kept:
            if names != [*trail[: len(names)]]:
                break
            count += 1
        self._forget(count)
        return count * _STRIDE

    def _start(self) -> int:
        """Reopen the deepest kept directory, else the place itself."""
        if not self._kept:
            return self._open_in_root(self._path, _FOLLOWED)
        return os.open(".", DIRECTORY, dir_fd=self._kept[-1][1])

    def _forget(self, count: int) -> None:
        """Close all kept directories but the first ``count``."""
        for _names, fd in self._kept[count:]:
            os.close(fd)
        del self._kept[count:]

    def look(self, trail: Sequence[str]) -> int:
        """Open an entry with O_PATH: a symbolic link itself, or with ``through`` its target."""
        if self.through:
            return self._open_in_root("/".join([self._path, *trail]), os.O_PATH)
        parent = self.open(trail[:-1])
        try:
            return os.open(trail[-1], _LOOK, dir_fd=parent)
        finally:
            os.close(parent)

    def make(self, *, mode: int, uid: int, gid: int) -> None:
        """Create the directory itself, and its parents, if missing."""
        os.close(make_directory(self._root_fd, self._path, mode=mode, uid=uid, gid=gid))

    def _open_in_root(self, path: str, flags: int) -> int:
        try:
            return open_in_root(self._root_fd, path, flags)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            raise PathTooLong(f"/{path}") from error


def read(place: Place, trail: Sequence[str]) -> Iterator[Piece]:
    """Yield the content of a regular file up to its present size, without holes.

    Raises OSError (EINVAL) for any other kind of file.
    """
    with _opened(place, trail) as fd:
        size = os.fstat(fd).st_size
        for start, end in data_ranges(fd, size):
            yield from _pieces(fd, start, min(end, size))
        yield size, b""


def parts(place: Place, trail: Sequence[str]) -> Extents:
    """Return the data ranges of a regular file, at most MOST_EXTENTS + 1. Raises as ``read`` does."""
    with _opened(place, trail) as fd:
        size = os.fstat(fd).st_size
        found = ((start, min(end, size) - start) for start, end in data_ranges(fd, size))
        return [*islice(found, MOST_EXTENTS + 1)]


@contextmanager
def _opened(place: Place, trail: Sequence[str]) -> Iterator[int]:
    look = place.look(trail)
    try:
        fd = untrusted_files.reopen(look, "/".join(trail))
    finally:
        os.close(look)
    try:
        yield fd
    finally:
        os.close(fd)


def _pieces(fd: int, at: int, end: int) -> Iterator[Piece]:
    while at < end:
        data = os.pread(fd, min(end - at, _PIECE), at)
        if not data:  # the file was truncated
            return
        yield at, data
        at += len(data)
