# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a directory tree, or one entry of a directory, as wanted files for another place."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Optional

from ..errors import EngineError
from ..kernel import untrusted_files
from ..model.values.globs import Excluded, nothing
from .cursor import identity
from .place import Place, parts, read
from .sync import DIRECTORY, FILE, SYMLINK, Wanted

_Identities = frozenset[tuple[int, int]]


class CannotCopy(EngineError):
    """An entry that is neither file, directory nor symbolic link can't be copied; ``path`` names it."""

    code = "cannot_copy"


def read_tree(place: Place, *, excluded: Excluded = nothing) -> dict[str, Wanted]:
    """Return all entries below a place, files with owners and modes; their content is read when it is used.

    A directory's owner and mode only apply if it is created. Raises CannotCopy for a device, FIFO or socket, OSError
    (ELOOP) for a loop of symbolic links that are followed.
    """
    found: dict[str, Wanted] = {}
    waiting: list[tuple[list[str], _Identities]] = [([], frozenset())]
    while waiting:
        trail, above = waiting.pop()
        for name, here in _names(place, trail, above):
            path = "/".join([*trail, name])
            wanted = None if excluded(path) else read_one(place, [*trail, name])
            if wanted is not None:
                found[path] = wanted
                if wanted.kind == DIRECTORY:
                    waiting.append(([*trail, name], here))
    return found


def read_one(place: Place, trail: Sequence[str]) -> Optional[Wanted]:
    """Return the entry at a trail of names, None when it does not exist. Raises CannotCopy."""
    try:
        fd = place.look(trail)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return _wanted(fd, place, [*trail])
    finally:
        os.close(fd)


def _names(place: Place, trail: list[str], above: _Identities) -> Iterator[tuple[str, _Identities]]:
    """Yield the names in a directory, each with the identities of the directory and its parents."""
    try:
        fd = place.open(trail)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        here = identity(os.fstat(fd))
        if here in above:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), "/".join(trail))
        names = sorted(os.listdir(fd))
    finally:
        os.close(fd)
    yield from ((name, above | {here}) for name in names)


def _wanted(fd: int, place: Place, trail: list[str]) -> Wanted:
    info = os.fstat(fd)
    mode, uid, gid = stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid
    if stat.S_ISDIR(info.st_mode):
        # An existing directory may be a system one, such as /etc or /tmp: its attributes are not part of the copy.
        return Wanted(DIRECTORY, usual_mode=mode, usual_uid=uid, usual_gid=gid)
    if stat.S_ISLNK(info.st_mode):
        return Wanted(SYMLINK, uid=uid, gid=gid, link=os.readlink("", dir_fd=fd))
    _check(fd, "/".join(trail))
    return Wanted(
        FILE,
        mode,
        uid,
        gid,
        size=info.st_size,
        mtime_ns=info.st_mtime_ns,
        pieces=partial(read, place, trail),
        parts=partial(parts, place, trail),
    )


def _check(fd: int, path: str) -> None:
    try:
        untrusted_files.check(fd, path)
    except untrusted_files.MadeUp as error:
        raise CannotCopy(
            f"{path} {error.strerror}: it has no size, so it can't be copied",
            remedy="Name it in exclude, or read it with a command in the container (container_exec)",
            path=path,
        ) from error
    except OSError as error:
        raise CannotCopy(
            f"{path} is a device, FIFO or socket, which can't be copied",
            remedy="Name it in exclude",
            path=path,
        ) from error
