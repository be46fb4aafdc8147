# SPDX-License-Identifier: GPL-3.0-or-later
"""Open a file inside a running container, volumes included, with the rights of one of its users.

The connection plugin transfers files this way, which needs no program in the image. Paths are resolved inside the
container's root, so that no symlink leads out. The kernel checks the user's rights, because this process takes on the
user's ids.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import EngineError
from ...kernel import untrusted_files, usernamespace
from ...kernel.inroot import open_in_root
from ...model.engine.layout import Layout
from ...model.values.idmap import IdMap, Range
from ...state.running import Running
from ..core.process_spec import own_process
from .join import ended, lives, user_of

#: Mask for the mode of new files, as with umask 022 (the default of sftp-server(8) and cp(1)).
_NEW = 0o755


class CannotPass(EngineError):
    """The file can't be written or read; ``path`` names it."""

    code = "cannot_pass"


def open_to_write(layout: Layout, found: Running, path: str, *, user: str | None, mode: int) -> int:
    """Open a file for writing; create a missing one with this mode, owned by the user.

    Symlinks are followed; an existing file keeps its owner and mode. Raises CannotPass, and InvalidOption for an unknown
    user. Afterwards this process has the user's file access rights.
    """
    with _named_errors(path), _inside(layout, found, user) as (root, owner):
        try:
            return _reopen(open_in_root(root, path, os.O_PATH), path, os.O_WRONLY)
        except FileNotFoundError:
            # O_EXCL refuses a dangling symlink.
            fd = open_in_root(root, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | untrusted_files.SAFE, 0o600)
        os.fchown(fd, *owner)
        os.fchmod(fd, mode & _NEW)
        return fd


def open_to_read(layout: Layout, found: Running, path: str, *, user: str | None) -> int:
    """Open a file for reading. Raises what ``open_to_write`` raises."""
    with _named_errors(path), _inside(layout, found, user) as (root, _owner):
        return _reopen(open_in_root(root, path, os.O_PATH), path, os.O_RDONLY)


@contextmanager
def _named_errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotPass(
            f"{path}: {error.strerror}", path=path, errno=errno.errorcode.get(error.errno or 0)
        ) from error


def _reopen(looked_at: int, path: str, flags: int) -> int:
    """Reopen a file from its O_PATH descriptor if it is regular: opening a device has side effects."""
    try:
        kind = os.fstat(looked_at).st_mode
        if not stat.S_ISREG(kind):
            what = "is a directory" if stat.S_ISDIR(kind) else "is not a regular file"
            raise CannotPass(f"{path} {what}", path=path)
        return untrusted_files.reopen(looked_at, path, flags)
    except untrusted_files.MadeUp as error:
        raise CannotPass(
            f"{path} {error.strerror}, and has no size",
            path=path,
            remedy="Read it with slurp, or with a command in the container",
        ) from error
    finally:
        os.close(looked_at)


@contextmanager
def _inside(layout: Layout, found: Running, user: str | None) -> Iterator[tuple[int, tuple[int, int]]]:
    """Take on the user's ids; yield the container's root, and the owner of new files in the host's ids."""
    uid, gid, groups = _ids(layout, found, user)
    mapping = IdMap(*(tuple(Range(*line) for line in lines) for lines in usernamespace.read(found.pid)))
    owner = mapping.host(uid, gid)
    root = os.open(f"/proc/{found.pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not lives(found):  # checked after the open: the pid may have been reused
            raise ended(found.name)
        # The container's root needs no change of ids: its capabilities cover all mapped ids, as ours do.
        if uid != 0:
            os.setgroups([mapping.host(uid, group)[1] for group in groups])
            os.setegid(owner[1])
            os.seteuid(owner[0])
        yield root, owner
    finally:
        os.close(root)


def _ids(layout: Layout, found: Running, name: str | None) -> tuple[int, int, tuple[int, ...]]:
    user = user_of(found, name)
    if user is not None:
        return user.uid, user.gid, user.groups
    own = own_process(layout, found.id, found.name).get("user", {})
    return own.get("uid", 0), own.get("gid", 0), tuple(own.get("additionalGids", ()))
