# SPDX-License-Identifier: GPL-3.0-or-later
"""Destinations for an archive's files: a tar, or a directory. Owners, modes and times are always the same.

The size of a file, and its name if that is its digest, may be known only after it is written. A tar header is therefore
written last, into the space reserved for it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import NoReturn, Protocol

from ...errors import InvalidOption, StoreFull
from ..tar import read, write
from ..tar.header import BLOCK
from ..tar.read import Entry
from ..tar.streams import Digest, write_all

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODE, _DIRECTORY_MODE = 0o644, 0o755
#: The largest number that a header's size field can express in octal digits.
_LARGEST = 8**11 - 1
#: The positions of the size and the checksum in a header.
_SIZE, _CHECKSUM = slice(124, 136), slice(148, 156)


class Sink(Protocol):
    """Takes files by name; a file that it already has is not read."""

    def put(self, name: str, chunks: Iterator[bytes]) -> None:
        """Write a file."""

    def put_digested(self, directory: str, chunks: Iterator[bytes]) -> tuple[str, int]:
        """Write a file ``DIRECTORY/HEX``, named by its sha256; return digest and size."""


class TarSink:
    """A tar in an open regular file; ``name`` is for errors."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._name = name
        self._at = 0
        self._names: set[str] = set()

    def put(self, name: str, chunks: Iterator[bytes]) -> None:
        """Write a file."""
        if name not in self._names:
            begin = self._at
            self._at += len(_header(name, 0))
            digest = self._stream(chunks)
            self._place(name, digest.size, begin)

    def put_digested(self, directory: str, chunks: Iterator[bytes]) -> tuple[str, int]:
        """Write a file that is named by its digest; a file that exists already is discarded."""
        begin = self._at
        self._at += BLOCK
        digest = self._stream(chunks)
        name = _below(directory, digest.text)
        if name in self._names:
            self._at = begin
        else:
            self._place(name, digest.size, begin)
        return digest.text, digest.size

    def finish(self) -> None:
        """Write the end-of-archive marker."""
        self._write(write.END)
        os.ftruncate(self._fd, self._at)

    def _stream(self, chunks: Iterator[bytes]) -> Digest:
        digest = Digest()
        for chunk in digest.through(chunks):
            self._write(chunk)
        self._write(write.padding(digest.size))
        return digest

    def _place(self, name: str, size: int, begin: int) -> None:
        self._names.add(name)
        end, self._at = self._at, begin
        self._write(_header(name, size))
        self._at = end

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                written = os.pwrite(self._fd, rest, self._at)
                self._at += written
                rest = rest[written:]
        except OSError as error:
            unwritten(self._name, error)


class DirectorySink:
    """Files below an open, empty directory; ``name`` is for errors."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd = fd
        self._name = name
        self._names: set[str] = set()

    def put(self, name: str, chunks: Iterator[bytes]) -> None:
        """Write a file."""
        if name not in self._names:
            self._file(name, chunks)
            self._names.add(name)

    def put_digested(self, directory: str, chunks: Iterator[bytes]) -> tuple[str, int]:
        """Write a file that is named by its digest."""
        temporary = f"{directory}/.new".lstrip("/")
        digest = self._file(temporary, chunks)
        name = _below(directory, digest.text)
        os.rename(temporary, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        self._names.add(name)
        return digest.text, digest.size

    def _file(self, name: str, chunks: Iterator[bytes]) -> Digest:
        self._make_parents(name)
        digest = Digest()
        try:
            fd = os.open(name, _NEW, _FILE_MODE, dir_fd=self._fd)
            try:
                os.fchmod(fd, _FILE_MODE)  # regardless of the umask
                for chunk in digest.through(chunks):
                    write_all(fd, memoryview(chunk))
            finally:
                os.close(fd)
        except OSError as error:
            unwritten(self._name, error)
        return digest

    def _make_parents(self, name: str) -> None:
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            if f"{path}/" not in self._names:
                os.mkdir(path, dir_fd=self._fd)
                os.chmod(path, _DIRECTORY_MODE, dir_fd=self._fd)
                self._names.add(f"{path}/")


def unwritten(dest: str, error: OSError) -> NoReturn:
    """Raise the error that explains why ``dest`` could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "Free some space there, or choose another destination"
        raise StoreFull(f"no space is left for {dest}", remedy=remedy, path=dest) from error
    raise InvalidOption("dest", dest, f"cannot be written: {error.strerror}") from error


def _below(directory: str, digest: str) -> str:
    return f"{directory}/{digest.partition(':')[2]}".lstrip("/")


def _header(name: str, size: int) -> bytes:
    """Return a regular file's header, whose number of blocks does not depend on the size."""
    entry = Entry(os.fsencode(name), read.FILE, _FILE_MODE, 0, 0, 0, 0, 0, b"", (0, 0), (), None)
    if size <= _LARGEST:
        return write.header(entry._replace(size=size, stored=size))
    blocks = bytearray(write.header(entry))
    header = memoryview(blocks)[-BLOCK:]
    header[_SIZE] = (1 << 95 | size).to_bytes(12, "big")  # GNU's base 256, which Go and Python read too
    header[_CHECKSUM] = b" " * 8
    header[_CHECKSUM] = b"%06o\0 " % sum(header)
    return bytes(blocks)
