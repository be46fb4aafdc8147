# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the uncompressed tar that the controller has sent as wanted files, without unpacking it."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from functools import partial

from ..errors import ArchiveBroken, EngineError, Setting, UnsafeEntry, Words
from ..model.values import sparse
from .sync import DIRECTORY, FILE, SYMLINK, Tree, Wanted

#: The name of the directory itself in the tar of its content.
ROOT = "."


def read_archive(path: str) -> dict[str, Wanted]:
    """Return the tar's entries, without owners: the controller's ids mean nothing on the host.

    The files' content is read when it is used. Raises ArchiveBroken, UnsafeEntry.
    """
    try:
        with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as archive:
            return {
                _checked(member.name): _wanted(path, member) for member in archive if not _is_root(member)
            }
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveBroken(f"the controller's archive can't be read: {error}", path=path) from error


def read_root(path: str) -> Wanted:
    """Return the directory whose content was sent, which is the first entry of the tar."""
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
    """Write a tree to a private tar for the controller, owned by its directory's owner, who fetches it."""
    owner = os.stat(os.path.dirname(path))
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        with tarfile.TarFile(
            fileobj=file, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape"
        ) as archive:
            for name, wanted in sorted(tree.items(), key=lambda item: (item[0] != ROOT, item[0].split("/"))):
                _add(archive, name, wanted)
        os.fchown(fd, owner.st_uid, owner.st_gid)


def _add(archive: tarfile.TarFile, name: str, wanted: Wanted) -> None:
    member = _member(name, wanted)
    if wanted.kind != FILE:
        archive.addfile(member)
        return
    parts = wanted.parts() if wanted.parts else ((0, wanted.size),) if wanted.size else ()
    if len(parts) > sparse.MOST_EXTENTS:
        raise EngineError(
            f"{name} has more than {sparse.MOST_EXTENTS} holes, so it can't be sent to the controller",
            remedy=Words("Copy it to the host with ", Setting("remote_src", True)),
            path=name,
        )
    member.pax_headers = sparse.to_pax(parts, _end(parts, wanted.size))
    member.size = sum(length for _offset, length in parts)
    archive.addfile(member, _Reader(sparse.packed(wanted.pieces(), parts)))
    archive.members.clear()  # type: ignore[attr-defined]  # they hold all the maps in memory


def _end(parts: sparse.Extents, size: int) -> int:
    """Return the file's size, at least the end of its data, because it may have grown since."""
    return max(size, sum(parts[-1]) if parts else 0)


def _member(name: str, wanted: Wanted) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    kinds = {DIRECTORY: tarfile.DIRTYPE, SYMLINK: tarfile.SYMTYPE}
    member.type = kinds.get(wanted.kind, tarfile.REGTYPE)
    usual = 0o755 if wanted.kind == DIRECTORY else 0o644
    mode = wanted.usual_mode if wanted.mode is None else wanted.mode
    member.mode = usual if mode is None else mode
    member.mtime = (wanted.mtime_ns or 0) // 10**9
    member.linkname = wanted.link
    return member


class _Reader(io.RawIOBase):
    """A file of consecutive chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; tarfile requests as many as the header says, in pieces."""
        while len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


def _checked(name: str) -> str:
    names = name.split("/")
    if not name or {"", ".", ".."} & {*names} or "\0" in name:
        raise UnsafeEntry(f"{name!r} is not a path below a directory", path=name)
    return name


def _wanted(path: str, member: tarfile.TarInfo) -> Wanted:
    if member.isdir():
        return Wanted(DIRECTORY, usual_mode=member.mode)
    if member.issym():
        return Wanted(SYMLINK, link=member.linkname)
    if not member.isreg():
        raise UnsafeEntry(f"{member.name} is not a file, directory or symbolic link", path=member.name)
    parts, size = sparse.from_pax(member.pax_headers, member.size)
    return Wanted(
        FILE,
        mode=member.mode,
        size=size,
        mtime_ns=int(member.mtime) * 10**9 or None,
        pieces=partial(_section, path, member.offset_data, parts, size),
        parts=lambda: parts,
    )


def _section(path: str, position: int, parts: sparse.Extents, size: int) -> Iterator[sparse.Piece]:
    with open(path, "rb") as file:
        file.seek(position)
        yield from sparse.unpacked(file.read, parts, size)
