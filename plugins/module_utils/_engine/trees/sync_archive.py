# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what the controller has sent, a tar that is not compressed, as what is wanted; nothing is unpacked on the way."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from functools import partial

from ..errors import ArchiveBroken, UnsafeEntry
from .sync import DIRECTORY, FILE, SYMLINK, Wanted

_PIECE = 256 * 1024


def read_archive(path: str) -> dict[str, Wanted]:
    """Return what the tar holds, without owners: ids of the controller mean nothing here. Files are read as it is used.

    Raises ArchiveBroken, UnsafeEntry.
    """
    try:
        with tarfile.open(path, "r:", encoding="utf-8", errors="surrogateescape") as archive:
            return {_checked(member.name): _wanted(path, member) for member in archive}
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveBroken(f"what the controller sent can't be read: {error}", path=path) from error


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
        mtime_ns=int(member.mtime) * 10**9,
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
