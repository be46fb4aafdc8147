# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the controller has sent, a tar that is not compressed, as what is wanted; nothing is unpacked on the way."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from functools import partial

from ..errors import ArchiveBroken, UnsafeEntry
from .sync import DIRECTORY, FILE, SYMLINK, Tree, Wanted

_PIECE = 256 * 1024
#: What a directory is called in the tar of its content.
ROOT = "."


def read_archive(path: str) -> dict[str, Wanted]:
    """Return what the tar holds, without owners: ids of the controller mean nothing here. Files are read as it is used.

    Raises ArchiveBroken, UnsafeEntry.
    """
    try:
        with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as archive:
            return {
                _checked(member.name): _wanted(path, member) for member in archive if not _is_root(member)
            }
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveBroken(f"what the controller sent can't be read: {error}", path=path) from error


def read_root(path: str) -> Wanted:
    """Return the directory whose content was sent, which is the first in the tar."""
    with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as archive:
        first = archive.next()
    return (
        _wanted(path, first)
        if first is not None and first.name == ROOT and first.isdir()
        else Wanted(DIRECTORY)
    )


def _is_root(member: tarfile.TarInfo) -> bool:
    return member.name == ROOT and member.isdir()


def write_archive(path: str, tree: Tree) -> None:
    """Write a tree to a private tar for the controller; it belongs to whom its directory belongs to, who fetches it."""
    owner = os.stat(os.path.dirname(path))
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        with tarfile.TarFile(
            fileobj=file, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape"
        ) as archive:
            for name, wanted in sorted(tree.items(), key=lambda item: (item[0] != ROOT, item[0].split("/"))):
                archive.addfile(_member(name, wanted), _Reader(wanted))
        os.fchown(fd, owner.st_uid, owner.st_gid)


def _member(name: str, wanted: Wanted) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    kinds = {DIRECTORY: tarfile.DIRTYPE, SYMLINK: tarfile.SYMTYPE}
    member.type = kinds.get(wanted.kind, tarfile.REGTYPE)
    usual = 0o755 if wanted.kind == DIRECTORY else 0o644
    mode = wanted.usual_mode if wanted.mode is None else wanted.mode
    member.mode = usual if mode is None else mode
    member.size = wanted.size if wanted.kind == FILE else 0
    member.mtime = (wanted.mtime_ns or 0) // 10**9
    member.linkname = wanted.link
    return member


class _Reader(io.RawIOBase):
    """Reads a file's content as far as its size was told; a file that has become shorter ends in zeroes."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__()
        self._chunks = wanted.chunks()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes; tarfile asks for as many as the header says, piece by piece."""
        while len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._rest = self._rest.ljust(size, b"\0")
                break
            self._rest += chunk
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


def _checked(name: str) -> str:
    names = name.split("/")
    if not name or {"", ".", ".."} & {*names} or "\0" in name:
        raise UnsafeEntry(f"{name!r} is no path below a directory", path=name)
    return name


def _wanted(path: str, member: tarfile.TarInfo) -> Wanted:
    if member.isdir():
        return Wanted(DIRECTORY, usual_mode=member.mode)
    if member.issym():
        return Wanted(SYMLINK, link=member.linkname)
    if not member.isreg():
        raise UnsafeEntry(f"{member.name} is no file, directory or symlink", path=member.name)
    return Wanted(
        FILE,
        mode=member.mode,
        size=member.size,
        mtime_ns=int(member.mtime) * 10**9 or None,
        chunks=partial(_section, path, member.offset_data, member.size),
    )


def _section(path: str, position: int, size: int) -> Iterator[bytes]:
    with open(path, "rb") as file:
        file.seek(position)
        while size > 0:
            piece = file.read(min(size, _PIECE))
            if not piece:
                raise ArchiveBroken(
                    f"what the controller sent is cut short: {os.path.basename(path)}", path=path
                )
            size -= len(piece)
            yield piece
