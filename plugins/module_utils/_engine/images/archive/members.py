# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in an archive, found by name and read in place: a directory, or a tar that is indexed once."""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

from ...errors import ArchiveBroken
from ...frozen import dataclass
from ...kernel import untrusted_files
from ...kernel.inroot import open_in_root
from ..tar import read as tarread
from ..tar import streams
from .documents import LARGEST

#: Exceeds any image archive; the archive of a whole file system, given by mistake, stays below it too.
_MOST_MEMBERS = 1_000_000
#: The most links from member to member to follow; `docker save` writes one.
_MOST_LINKS = 8
#: Errors of open(2) for a file that does not or cannot exist.
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)


@dataclass(frozen=True)
class Section:
    """The part of an open file that contains a member's bytes."""

    fd: int
    offset: int
    size: int

    def chunks(self) -> Iterator[bytes]:
        """Read it in chunks; it may be truncated."""
        return streams.section(self.fd, self.offset, self.size)


class Content(Protocol):
    """The content of a file in an archive."""

    @property
    def size(self) -> int:
        """The size in bytes."""

    def chunks(self) -> Iterator[bytes]:
        """Read it in chunks; it may be truncated."""


class Members(Protocol):
    """The files of an archive, by name."""

    def find(self, name: str) -> Content | None:
        """Return the file with that name, or None if there is none."""


def read_document(members: Members, name: str) -> bytes | None:
    """Read a small file whole; raises ArchiveBroken if it is truncated, or too large for a document."""
    section = members.find(name)
    if section is None:
        return None
    if section.size > LARGEST:
        raise ArchiveBroken(f"{name} has {section.size} bytes, more than {LARGEST}", what=name)
    data = b"".join(section.chunks())
    if len(data) < section.size:
        raise ArchiveBroken(f"{name} is truncated", what=name)
    return data


def opened_file(name: str, looked_at: int, stack: ExitStack) -> int:
    """Open a regular file from its O_PATH descriptor, until the stack closes; raises ArchiveBroken."""
    try:
        fd = untrusted_files.reopen(looked_at, name)
    except (untrusted_files.MadeUp, BlockingIOError) as error:
        raise ArchiveBroken(f"{name} cannot be read: it {error.strerror}", what=name) from error
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise ArchiveBroken(f"{name} is not a regular file", what=name) from error
    stack.callback(os.close, fd)
    return fd


class DirectoryMembers:
    """The files below a directory, which is the root for links; they stay open until the stack closes."""

    def __init__(self, path: str, stack: ExitStack) -> None:
        self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, self._root)
        self._stack = stack
        self._found: dict[str, Section] = {}

    def find(self, name: str) -> Section | None:
        """Return the regular file with this name, or None if there is none."""
        if name in self._found:
            return self._found[name]
        try:
            looked_at = open_in_root(self._root, name, os.O_PATH)
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise
        self._stack.callback(os.close, looked_at)
        fd = opened_file(name, looked_at, self._stack)
        self._found[name] = Section(fd, 0, os.fstat(fd).st_size)
        return self._found[name]


class TarMembers:
    """The regular files in an uncompressed tar, by name; the last entry with a name counts."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._files: dict[str, Section] = {}
        self._links: dict[str, tuple[str, ...]] = {}
        source = _File(fd)
        for count, entry in enumerate(tarread.entries(source)):
            if count == _MOST_MEMBERS:
                raise ArchiveBroken(f"the archive has more than {_MOST_MEMBERS} entries")
            self._add(entry, source.at)
            source.skip(entry.stored)

    def find(self, name: str) -> Section | None:
        """Return the regular file with this name, links followed, or None if there is none."""
        return self._find(_tidy(name), _MOST_LINKS)

    def _find(self, name: str, links: int) -> Section | None:
        if name not in self._links:
            return self._files.get(name)
        targets = self._links[name] if links else ()
        return next(filter(None, (self._find(target, links - 1) for target in targets)), None)

    def _add(self, entry: tarread.Entry, offset: int) -> None:
        name, link = _tidy(os.fsdecode(entry.name)), os.fsdecode(entry.link)
        self._files.pop(name, None)
        self._links.pop(name, None)
        if entry.kind == tarread.FILE and entry.extents is None:
            self._files[name] = Section(self._fd, offset, entry.stored)
        elif entry.kind == tarread.SYMLINK:
            # Relative to the link, as in a file system; or else to the top of the archive, as some programs write it.
            beside = posixpath.join(posixpath.dirname(name), link)
            self._links[name] = tuple(dict.fromkeys((_tidy(beside), _tidy(link))))
        elif entry.kind == tarread.HARD_LINK:
            self._links[name] = (_tidy(link),)


def _tidy(name: str) -> str:
    """Return the canonical spelling of a member's name: ``/a`` and ``./a`` are ``a``."""
    return posixpath.normpath(name).lstrip("/")


class _File:
    """A tar source that skips members by advancing an offset."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._end = os.fstat(fd).st_size
        self.at = 0

    def read(self, size: int) -> bytes:
        data = os.pread(self._fd, size, self.at)
        self.at += len(data)
        return data

    def skip(self, size: int) -> None:
        self.at += size
        if self.at > self._end:
            raise ArchiveBroken("the archive is truncated")
