# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory tree as a tar stream in one canonical form: the same tree always gives the same bytes.

Entries are in the order of their names' bytes, a directory before its content. Whether a file is written as
sparse depends only on its content (aligned blocks of zeroes), not on how this host's file system stores it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NoReturn

from ...errors import InvalidOption
from . import attributes, read, write
from .read import Entry
from .sparse import MOST_EXTENTS, Extents
from .streams import CHUNK

_HOLE = 4096
#: The most nested directories that are open at a time: the limit of open files is often 1024.
_MOST_OPEN = 100
_ZEROES = b"\0" * _HOLE
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = {
    stat.S_IFREG: read.FILE,
    stat.S_IFLNK: read.SYMLINK,
    stat.S_IFCHR: read.CHAR,
    stat.S_IFBLK: read.BLOCK_DEVICE,
    stat.S_IFDIR: read.DIRECTORY,
    stat.S_IFIFO: read.FIFO,
}


def chunks(path: str, walk: Callable[[str], Tree] | None = None) -> Iterator[bytes]:
    """Stream the tree below a directory; sockets are left out. Raises InvalidOption, OSError.

    ``walk`` creates another kind of walk.
    """
    fd = os.open(path, _DIRECTORY)
    try:
        yield from gathered((walk or Tree)(path).pieces(fd))
    finally:
        os.close(fd)


def gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Join small pieces to chunks."""
    buffer: list[bytes] = []
    filled = 0
    for piece in pieces:
        buffer.append(piece)
        filled += len(piece)
        if filled >= CHUNK:
            yield b"".join(buffer)
            buffer, filled = [], 0
    yield b"".join(buffer)


class Level:
    """A directory on the path of the walk: descriptor, path, remaining names in reverse order, and identity.

    The descriptor is None while the walk is far below.
    """

    __slots__ = ("fd", "identity", "names", "prefix")

    def __init__(self, fd: int, prefix: bytes, names: list[bytes]) -> None:
        self.fd: int | None = fd
        self.prefix = prefix
        self.names = names
        self.identity = _identity(os.fstat(fd))

    @property
    def open(self) -> int:
        """The descriptor; raises OSError while it is closed."""
        if self.fd is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), os.fsdecode(self.prefix))
        return self.fd

    def close(self) -> None:
        """Close the descriptor, once."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


class Tree:
    """One walk over a tree; remembers the first name of each file with several links."""

    #: The longest path; a layer with a longer one cannot be unpacked.
    longest = 4094
    #: The errors for which an entry is skipped.
    tolerated: tuple[int, ...] = ()

    def __init__(self, name: str) -> None:
        self.name = name
        self._first: dict[tuple[int, int], bytes] = {}

    def pieces(self, fd: int) -> Iterator[bytes]:
        """Yield the archive of the tree below an open directory."""
        yield self._header(entry_of(b"./", fd))
        yield from self._below(fd)
        yield write.END

    def refuse(self, why: str) -> NoReturn:
        """Raise the error that the tree cannot be archived."""
        raise InvalidOption("source", self.name, why)

    def check(self, path: bytes) -> None:
        """Refuse a name that an image cannot contain."""
        if path.rpartition(b"/")[2].startswith(b".wh."):
            self.refuse(f"contains {os.fsdecode(path)!r}: such a name hides files in an image")

    def names(self, fd: int, prefix: bytes) -> list[bytes]:  # noqa: ARG002  (subclasses use the path)
        """Return the names to archive in an open directory, in reverse order."""
        return _names(fd)

    def finished(self, entry: Entry) -> Entry:
        """Return the final form of an entry."""
        return entry

    def instead(self, path: bytes) -> bytes:  # noqa: ARG002  (a layer writes a whiteout)
        """Return the replacement of a socket, which an archive cannot contain."""
        return b""

    def parts(self, fd: int, size: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of a file to write."""
        return _parts(fd, size)

    def _extents(self, fd: int, size: int, path: bytes) -> Extents:
        found = (*islice(self.parts(fd, size), MOST_EXTENTS + 1),)
        if len(found) > MOST_EXTENTS:
            self.refuse(f"contains {os.fsdecode(path)!r}, a file with more than {MOST_EXTENTS} holes")
        return found

    def short(self, length: int) -> Iterator[bytes]:
        """Yield the replacement for the rest of a file that has shrunk."""
        self.refuse(f"changed while it was read: a file lost {length} bytes")

    def _header(self, entry: Entry) -> bytes:
        return write.header(self.finished(entry))

    def _below(self, top: int) -> Iterator[bytes]:
        stack = [Level(top, b"", self.names(top, b""))]
        try:
            while stack:
                if stack[-1].names:
                    yield from self._member(stack, stack[-1].names.pop())
                else:
                    self._leave(stack)
        finally:
            for level in stack[1:]:  # the caller closes the top
                level.close()

    def _leave(self, stack: list[Level]) -> None:
        """Return to the directory above; reopen it if it was closed meanwhile."""
        left = stack.pop()
        if not stack:
            return
        above = stack[-1]
        if above.fd is None:
            above.fd = os.open("..", _DIRECTORY, dir_fd=left.open)
            if _identity(os.fstat(above.fd)) != above.identity:
                self.refuse("changed while it was read: a directory was moved")
        left.close()

    def _member(self, stack: list[Level], name: bytes) -> Iterator[bytes]:
        """Yield one entry; a directory is put on the stack."""
        above, prefix = stack[-1].open, stack[-1].prefix
        self.check(prefix + name)
        try:
            found = os.stat(name, dir_fd=above, follow_symlinks=False)
            kind = _KINDS.get(stat.S_IFMT(found.st_mode))
            if kind == read.DIRECTORY:
                yield self._enter(stack, name)
            elif kind is not None:
                yield from self._leaf(above, name, prefix + name, found)
            else:
                yield self.instead(prefix + name)
        except OSError as error:
            if error.errno not in self.tolerated:
                raise

    def _enter(self, stack: list[Level], name: bytes) -> bytes:
        """Enter a directory, and return its header."""
        prefix = stack[-1].prefix + name + b"/"
        if len(prefix) > self.longest:
            self.refuse(f"contains a path of more than {self.longest} bytes")
        fd = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=stack[-1].open)
        level = Level(fd, prefix, [])
        stack.append(level)  # closed with the stack if a later step fails
        if len(stack) > _MOST_OPEN + 1:
            stack[-_MOST_OPEN].close()
        header = self._header(entry_of(level.prefix, fd))
        level.names.extend(self.names(fd, level.prefix))
        return header

    def _leaf(self, above: int, name: bytes, path: bytes, found: os.stat_result) -> Iterator[bytes]:
        first = self._first.get(_identity(found))
        if first is not None:
            yield self._header(_entry(path, found)._replace(kind=read.HARD_LINK, link=first))
        elif stat.S_ISREG(found.st_mode):
            yield from self._file(above, name, path)
        else:
            entry = _entry(path, found, xattrs=_xattrs(b"/proc/self/fd/%d/%s" % (above, name)))
            link = os.readlink(name, dir_fd=above) if entry.kind == read.SYMLINK else b""
            self._note(found, path)
            yield self._header(entry._replace(link=link))

    def _note(self, found: os.stat_result, path: bytes) -> None:
        """Record an archived name for other links to the same file."""
        if found.st_nlink > 1:
            self._first[_identity(found)] = path

    def _file(self, above: int, name: bytes, path: bytes) -> Iterator[bytes]:
        fd = os.open(name, _FILE, dir_fd=above)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):  # the file was replaced meanwhile
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fsdecode(path))
            extents = self._extents(fd, found.st_size, path)
            stored = sum(length for _offset, length in extents)
            entry = _entry(path, found, xattrs=_xattrs(fd))._replace(size=found.st_size, stored=stored)
            self._note(found, path)
            if stored < found.st_size:
                entry = entry._replace(extents=extents)
                yield self._header(entry)
                yield write.sparse_map(entry)
            else:
                yield self._header(entry)
            for offset, length in extents:
                yield from self._data(fd, offset, length)
            yield write.padding(stored)
        finally:
            os.close(fd)

    def _data(self, fd: int, offset: int, length: int) -> Iterator[bytes]:
        end = offset + length
        while offset < end:
            piece = os.pread(fd, min(CHUNK, end - offset), offset)
            if not piece:
                yield from self.short(end - offset)
                return
            offset += len(piece)
            yield piece


def entry_of(path: bytes, fd: int) -> Entry:
    """Return the entry of an open directory."""
    return _entry(path, os.fstat(fd), xattrs=_xattrs(fd))


def _names(fd: int) -> list[bytes]:
    return sorted(map(os.fsencode, os.listdir(fd)), reverse=True)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


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
    follow = isinstance(holder, int)  # a descriptor always follows
    try:
        names = sorted(map(os.fsencode, os.listxattr(holder, follow_symlinks=follow)))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        return ()  # the file system has no extended attributes
    return tuple(_values(holder, filter(attributes.is_kept, names), follow=follow))


def _values(holder: int | bytes, names: Iterable[bytes], *, follow: bool) -> Iterator[tuple[bytes, bytes]]:
    for name in names:
        try:
            yield name, os.getxattr(holder, name, follow_symlinks=follow)
        except OSError as error:  # noqa: PERF203  (a handful of names)
            if error.errno != errno.ENODATA:  # removed meanwhile
                raise


def _parts(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the runs of aligned blocks with non-zero bytes; holes on the disk are skipped unread."""
    begin = end = 0
    at = _next_data(fd, 0, size)
    while at < size:
        piece = os.pread(fd, min(CHUNK, size - at), at)
        if not piece:
            break
        for offset, length in _runs(piece):
            if at + offset > end and begin < end:
                yield begin, end - begin
            if at + offset > end or begin == end:
                begin = at + offset
            end = at + offset + length
        at = _next_data(fd, at + len(piece), size)
    if begin < end:
        yield begin, end - begin


def _next_data(fd: int, at: int, size: int) -> int:
    if at >= size:
        return size
    try:
        return os.lseek(fd, at, os.SEEK_DATA) // _HOLE * _HOLE
    except OSError as error:
        if error.errno == errno.ENXIO:  # only a hole follows
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
