# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe of a layer: the bytes of its tar that its files lack, so that the same tar can be reassembled.

It is stored beside the layer's tree: a line with the format, then a gzip stream of records in the order of the tar. A record is
a letter, numbers and bytes. There are records of raw bytes, of a file's content, of a move (a name that a later entry took, and
the number of the replaced file in ``replaced``), and of the end. None depends on how this version parses a tar.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Callable, NamedTuple, Union

from ...errors import ArchiveBroken
from ...kernel.removal import remove_entry
from ..tar import streams
from ..tar.decompress import decoded
from ..tar.read import Chunks, Entry, cut_short
from .copy_up import copy_data
from .directory import Place

NAME, REPLACED = "recipe", "replaced"
MAGIC = b"slipway recipe 1\n"
#: Replaces a recipe that was given up, so that it is not tried again.
GIVEN_UP = b"slipway recipe none\n"
RAW, WHOLE, PARTS, MOVED, END = b"r", b"f", b"s", b"m", b"e"
#: Heads of records, which begin with the letter; their numbers include the length of the rest.
_RAW, _WHOLE, _PARTS, _MOVED = (struct.Struct(form) for form in (">cI", ">cIQ", ">cII", ">cII"))
_EXTENT = struct.Struct(">QQ")
#: Bytes to collect before they are compressed.
_GATHERED = 1 << 17
#: Headers are mostly zeroes: level 1 compresses almost as well as higher levels, and several times as fast.
_LEVEL = 1
#: The most replaced files to keep per layer; a builder's layer has none or a handful.
_MOST_MOVED = 1 << 16
#: The deepest nesting of a replaced tree with hard links that is searched.
_DEEPEST = 64
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Content(NamedTuple):
    """A file's content in the tar: its true path in the layer, and its stored parts as (offset, length)."""

    path: bytes
    extents: Sequence[tuple[int, int]]


class Moved(NamedTuple):
    """A file or directory that another entry replaced: its path, and its number in ``replaced``."""

    path: bytes
    number: int


# -- writing -----------------------------------------------------------------------------------------


class Recorder:
    """Writes the recipe while its layer is unpacked; ``layer`` is the open directory that contains both.

    Beyond its limits, the recipe is given up: the layer is usable, but cannot be reassembled.
    """

    def __init__(self, layer: int) -> None:
        self._layer = layer
        self._fd = os.open(NAME, _NEW, 0o600, dir_fd=layer)
        self._packer = zlib.compressobj(_LEVEL, wbits=zlib.MAX_WBITS | 16)
        self._raw: list[bytes] = []
        self._raw_size = 0
        self._parts: list[bytes] = []
        self._parts_size = 0
        self._moved = 0
        self._replaced: int | None = None
        self._is_given_up = False
        self.has_links = False
        self._write(MAGIC)

    def raw(self, piece: bytes) -> None:
        """Record bytes that are not a file's content."""
        self._raw.append(piece)
        self._raw_size += len(piece)
        if self._raw_size > _GATHERED:
            self._put(b"")

    def content(self, path: bytes, entry: Entry) -> None:
        """Record that the stored bytes of a regular file follow, written at this path of the layer."""
        if entry.extents is None:
            self._put(_WHOLE.pack(WHOLE, len(path), entry.stored) + path)
        else:
            head = _PARTS.pack(PARTS, len(path), len(entry.extents)) + path
            self._put(head + b"".join(_EXTENT.pack(*extent) for extent in entry.extents))

    def replace(self, name: bytes, parent: Place) -> bool:
        """Keep the content that an entry is about to replace; returns whether that has moved it away."""
        found = os.stat(name, dir_fd=parent.fd, follow_symlinks=False)
        is_file = stat.S_ISREG(found.st_mode)
        if self._is_given_up or not (stat.S_ISDIR(found.st_mode) or (is_file and found.st_size)):
            return False
        if self._moved == _MOST_MOVED:
            self._give_up()
            return False
        self._note_move(b"/".join((*parent.path, name)))
        if is_file and found.st_nlink > 1:
            _copy(name, parent.fd, self._target, self._kept())
            return False
        os.rename(name, self._target, src_dir_fd=parent.fd, dst_dir_fd=self._kept())
        if self.has_links and not is_file:
            self._separate()
        return True

    def finish(self) -> None:
        """Write the end record; a recipe that was given up becomes the note that it was."""
        self._put(END)
        self._write(self._packer.compress(b"".join(self._parts)) + self._packer.flush())
        if self._is_given_up:
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
            self._write(GIVEN_UP)
            if self._replaced is not None:
                remove_entry(REPLACED, self._layer)

    def close(self) -> None:
        """Close all descriptors."""
        os.close(self._fd)
        if self._replaced is not None:
            os.close(self._replaced)

    @property
    def _target(self) -> bytes:
        return b"%d" % self._moved

    def _note_move(self, path: bytes) -> None:
        self._moved += 1
        self._put(_MOVED.pack(MOVED, len(path), self._moved) + path)

    def _kept(self) -> int:
        """Return the open directory of replaced files, creating it if necessary."""
        if self._replaced is None:
            os.mkdir(REPLACED, 0o700, dir_fd=self._layer)
            self._replaced = os.open(REPLACED, _DIRECTORY, dir_fd=self._layer)
        return self._replaced

    def _separate(self) -> None:
        """Copy replaced files that have hard links in the layer, whose link counts would be one too high."""
        top = os.open(self._target, _DIRECTORY, dir_fd=self._kept())
        if not _separated(top, _DEEPEST):
            self._give_up()

    def _give_up(self) -> None:
        self._is_given_up = True

    def _flush_raw(self) -> None:
        if self._raw_size:
            self._parts += (_RAW.pack(RAW, self._raw_size), *self._raw)
            self._parts_size += self._raw_size
            self._raw.clear()
            self._raw_size = 0

    def _put(self, record: bytes) -> None:
        """Append a record after the pending raw bytes; data is compressed in large pieces."""
        self._flush_raw()
        self._parts.append(record)
        self._parts_size += len(record)
        if self._parts_size > _GATHERED:
            self._write(self._packer.compress(b"".join(self._parts)))
            self._parts.clear()
            self._parts_size = 0

    def _write(self, data: bytes) -> None:
        streams.write_all(self._fd, memoryview(data))


class RecordedChunks(Chunks):
    """A source that passes all bytes to the recorder, except those read as pieces of a file's content."""

    def __init__(self, chunks: Iterator[bytes], recorder: Recorder) -> None:
        super().__init__(chunks)
        self._record = recorder.raw

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer than requested only at the end."""
        piece = super().read(size)
        self._record(piece)
        return piece

    def skip(self, size: int) -> None:
        """Read and discard these bytes."""
        while size:
            piece = super().read(min(size, _GATHERED))
            if not piece:
                raise cut_short()
            self._record(piece)
            size -= len(piece)

    def drain(self) -> None:
        """Read to the stream's end."""
        while piece := super().read(_GATHERED):
            self._record(piece)


def _copy(name: bytes, parent: int, target: bytes, kept: int) -> None:
    """Copy a file's content, whose other links stay in the layer."""
    source = os.open(name, _FILE, dir_fd=parent)
    try:
        new = os.open(target, _NEW, 0o600, dir_fd=kept)
        try:
            copy_data(source, new)
        finally:
            os.close(new)
    finally:
        os.close(source)


def _separated(fd: int, deepest: int) -> bool:
    """Replace each hard link below with a copy of its own; return False if it is too deep. Closes ``fd``."""
    try:
        for name in map(os.fsencode, os.listdir(fd)):
            found = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
                _copy(name, fd, b".slipway", fd)
                os.rename(b".slipway", name, src_dir_fd=fd, dst_dir_fd=fd)
            elif stat.S_ISDIR(found.st_mode):
                below = os.open(name, _DIRECTORY, dir_fd=fd)
                if not deepest:
                    os.close(below)
                    return False
                if not _separated(below, deepest - 1):
                    return False
        return True
    finally:
        os.close(fd)


# -- reading -----------------------------------------------------------------------------------------


def records(fd: int) -> Iterator[bytes | Content | Moved]:
    """Read a recipe from an open file: raw bytes of the tar, contents and moves; raises ArchiveBroken."""
    if os.pread(fd, len(MAGIC), 0) != MAGIC:
        raise _damaged("it does not have this version's format")
    source = Chunks(decoded(streams.section(fd, len(MAGIC))))
    while (kind := _exactly(source, 1)) != END:
        read = _READERS.get(kind)
        if read is None:
            raise _damaged(f"it has an unknown record {kind!r}")
        yield from read(source)


def _raw(source: Chunks) -> Iterator[bytes]:
    (left,) = _numbers(_RAW, source)
    yield from map(bytes, source.pieces(left))


def _whole(source: Chunks) -> Iterator[Content]:
    length, size = _numbers(_WHOLE, source)
    yield Content(_exactly(source, length), ((0, size),))


def _parts(source: Chunks) -> Iterator[Content]:
    length, count = _numbers(_PARTS, source)
    path = _exactly(source, length)
    yield Content(path, [*_EXTENT.iter_unpack(_exactly(source, count * _EXTENT.size))])


def _move(source: Chunks) -> Iterator[Moved]:
    length, number = _numbers(_MOVED, source)
    yield Moved(_exactly(source, length), number)


_READERS: dict[bytes, Callable[[Chunks], Iterator[Union[bytes, Content, Moved]]]] = {
    RAW: _raw,
    WHOLE: _whole,
    PARTS: _parts,
    MOVED: _move,
}


def _numbers(form: struct.Struct, source: Chunks) -> tuple[Any, ...]:
    """Read the numbers after a record's letter."""
    return form.unpack(b" " + _exactly(source, form.size - 1))[1:]


def _damaged(why: str) -> ArchiveBroken:
    return ArchiveBroken(f"its recipe is damaged: {why}")


def _exactly(source: Chunks, size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise _damaged("it is truncated")
    return data
