# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory tree as a tar stream in one canonical form: the same tree always gives the same bytes.

Entries are in the order of their names' bytes, a directory before what is in it. Whether a file is written as
sparse depends on its content alone (aligned blocks of zeroes), not on how this host's file system stores it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from ..errors import InvalidOption
from . import attributes, tarread, tarwrite
from .streams import CHUNK
from .tarread import Entry
from .tarsparse import Extents

_HOLE = 4096
_ZEROES = b"\0" * _HOLE
_DEEPEST = 200
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = {
    stat.S_IFREG: tarread.FILE,
    stat.S_IFLNK: tarread.SYMLINK,
    stat.S_IFCHR: tarread.CHAR,
    stat.S_IFBLK: tarread.BLOCK_DEVICE,
    stat.S_IFDIR: tarread.DIRECTORY,
    stat.S_IFIFO: tarread.FIFO,
}


def chunks(path: str) -> Iterator[bytes]:
    """Stream the tree below a directory; sockets are left out. Raises InvalidOption, OSError."""
    buffer: list[bytes] = []
    filled = 0
    for piece in _Tree(path).pieces():
        buffer.append(piece)
        filled += len(piece)
        if filled >= CHUNK:
            yield b"".join(buffer)
            buffer, filled = [], 0
    yield b"".join(buffer)


class _Tree:
    """One walk over a tree; remembers the first name of each file that has several."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._first: dict[tuple[int, int], bytes] = {}

    def pieces(self) -> Iterator[bytes]:
        fd = os.open(self._path, _DIRECTORY)
        try:
            yield tarwrite.header(_entry(b"./", os.fstat(fd), xattrs=_xattrs(fd)))
            yield from self._below(fd, b"", depth=0)
        finally:
            os.close(fd)
        yield tarwrite.END

    def _below(self, fd: int, prefix: bytes, *, depth: int) -> Iterator[bytes]:
        if depth > _DEEPEST:
            raise InvalidOption("source", self._path, f"is nested deeper than {_DEEPEST} directories")
        for name in sorted(map(os.fsencode, os.listdir(fd))):
            if name.startswith(b".wh."):
                shown = os.fsdecode(prefix + name)
                why = f"holds {shown!r}: such a name hides files in an image"
                raise InvalidOption("source", self._path, why)
            found = os.stat(name, dir_fd=fd, follow_symlinks=False)
            kind = _KINDS.get(stat.S_IFMT(found.st_mode))
            if kind == tarread.DIRECTORY:
                yield from self._directory(fd, name, prefix + name + b"/", depth=depth)
            elif kind is not None:
                yield from self._leaf(fd, name, prefix + name, found)

    def _directory(self, above: int, name: bytes, path: bytes, *, depth: int) -> Iterator[bytes]:
        fd = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
        try:
            yield tarwrite.header(_entry(path, os.fstat(fd), xattrs=_xattrs(fd)))
            yield from self._below(fd, path, depth=depth + 1)
        finally:
            os.close(fd)

    def _leaf(self, above: int, name: bytes, path: bytes, found: os.stat_result) -> Iterator[bytes]:
        first = self._first.setdefault((found.st_dev, found.st_ino), path) if found.st_nlink > 1 else path
        if first != path:
            yield tarwrite.header(_entry(path, found)._replace(kind=tarread.HARD_LINK, link=first))
        elif stat.S_ISREG(found.st_mode):
            yield from self._file(above, name, path)
        else:
            entry = _entry(path, found, xattrs=_xattrs(b"/proc/self/fd/%d/%s" % (above, name)))
            link = os.readlink(name, dir_fd=above) if entry.kind == tarread.SYMLINK else b""
            yield tarwrite.header(entry._replace(link=link))

    def _file(self, above: int, name: bytes, path: bytes) -> Iterator[bytes]:
        fd = os.open(name, _FILE, dir_fd=above)
        try:
            found = os.fstat(fd)
            extents = _extents(fd, found.st_size)
            stored = sum(length for _offset, length in extents)
            entry = _entry(path, found, xattrs=_xattrs(fd))._replace(size=found.st_size, stored=stored)
            if stored < found.st_size:
                entry = entry._replace(extents=extents)
                yield tarwrite.header(entry)
                yield tarwrite.sparse_map(entry)
            else:
                yield tarwrite.header(entry)
            for offset, length in extents:
                yield from self._data(fd, offset, length)
            yield tarwrite.padding(stored)
        finally:
            os.close(fd)

    def _data(self, fd: int, offset: int, length: int) -> Iterator[bytes]:
        end = offset + length
        while offset < end:
            piece = os.pread(fd, min(CHUNK, end - offset), offset)
            if not piece:
                raise InvalidOption("source", self._path, "changed while it was read")
            offset += len(piece)
            yield piece


def _entry(path: bytes, found: os.stat_result, *, xattrs: tuple[tuple[bytes, bytes], ...] = ()) -> Entry:
    is_device = stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode)
    return Entry(
        name=path,
        kind=_KINDS[stat.S_IFMT(found.st_mode)],
        mode=stat.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        mtime=found.st_mtime_ns,
        size=0,
        stored=0,
        link=b"",
        device=(os.major(found.st_rdev), os.minor(found.st_rdev)) if is_device else (0, 0),
        xattrs=xattrs,
        extents=None,
    )


def _xattrs(holder: int | bytes) -> tuple[tuple[bytes, bytes], ...]:
    follow = isinstance(holder, int)  # a descriptor can't be told not to follow, and need not
    names = sorted(map(os.fsencode, os.listxattr(holder, follow_symlinks=follow)))
    kept = filter(attributes.is_kept, names)
    return tuple((name, os.getxattr(holder, name, follow_symlinks=follow)) for name in kept)


def _extents(fd: int, size: int) -> Extents:
    """List the runs of aligned blocks that hold more than zeroes; holes on the disk are skipped unread."""
    found: list[tuple[int, int]] = []
    at = _next_data(fd, 0, size)
    while at < size:
        piece = os.pread(fd, min(CHUNK, size - at), at)
        if not piece:
            break
        for offset, length in _runs(piece):
            if found and sum(found[-1]) == at + offset:
                found[-1] = (found[-1][0], found[-1][1] + length)
            else:
                found.append((at + offset, length))
        at = _next_data(fd, at + len(piece), size)
    return tuple(found)


def _next_data(fd: int, at: int, size: int) -> int:
    if at >= size:
        return size
    try:
        return os.lseek(fd, at, os.SEEK_DATA) // _HOLE * _HOLE
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but a hole follows
            return size
        raise


def _runs(piece: bytes) -> Iterator[tuple[int, int]]:
    if _ZEROES not in piece and len(piece) % _HOLE == 0:
        yield 0, len(piece)
        return
    for offset in range(0, len(piece), _HOLE):
        block = piece[offset : offset + _HOLE]
        if block.count(0) < len(block):
            yield offset, len(block)
