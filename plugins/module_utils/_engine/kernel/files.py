# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files whole or not at all, make private directories, delete trees by descriptors."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def write_atomic(path: str, data: bytes, *, mode: int = 0o600) -> None:
    """Write the file so that a reader, or a power cut, finds the old content or the new one."""
    temporary = f"{path}.{secrets.token_hex(6)}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with open(fd, "wb") as stream:
            stream.write(data)
            os.fchmod(fd, mode)  # the umask had its say at open
            stream.flush()
            os.fsync(fd)
        os.replace(temporary, path)
    except OSError:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    fsync_directory(os.path.dirname(path))


def fsync_directory(path: str) -> None:
    """Make renames and new names in the directory durable."""
    with directory(path) as fd:
        os.fsync(fd)


@contextmanager
def directory(path: str, *, dir_fd: int | None = None) -> Iterator[int]:
    """Open a directory for the body; a symlink is refused."""
    fd = os.open(path, _DIRECTORY, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


def make_private(path: str, mode: int = 0o700) -> None:
    """Make the directory and its missing parents with this mode; one that is there keeps its mode."""
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_private(os.path.dirname(path), mode)
        with suppress(FileExistsError):
            os.mkdir(path, mode)


def remove_tree(path: str) -> None:
    """Delete a directory with all below it; what is gone already is fine.

    Never follows a symlink. Raises OSError EXDEV before a mount: deleting through it would destroy what is not ours.
    Works from one descriptor at a time, so neither depth nor the limit of open files matters: a subdirectory that is not
    empty is first moved up, beside the others.
    """
    try:
        with directory(path) as fd:
            _empty(fd, path)
    except FileNotFoundError:
        return
    with suppress(FileNotFoundError):
        os.rmdir(path)


def _empty(top: int, path: str) -> None:
    device = os.fstat(top).st_dev
    while True:
        names = os.listdir(top)
        if not names:
            return
        for name in names:
            _remove(top, name, device, path)


def _remove(top: int, name: str, device: int, path: str) -> None:
    """Delete one entry of the top directory; of a full directory, delete the files and move its subdirectories up."""
    if not _is_directory(top, name):
        _unlink(top, name)
        return
    with directory(name, dir_fd=top) as fd:
        if os.fstat(fd).st_dev != device:
            raise OSError(errno.EXDEV, "another file system is mounted here", f"{path}/{name}")
        for child in os.listdir(fd):
            if _is_directory(fd, child):
                _move_up(fd, child, top)
            else:
                _unlink(fd, child)
    with suppress(FileNotFoundError):
        os.rmdir(name, dir_fd=top)


def _move_up(parent: int, name: str, top: int) -> None:
    try:
        os.rmdir(name, dir_fd=parent)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise OSError(errno.EXDEV, "another file system is mounted here", name) from error
        if error.errno != errno.ENOTEMPTY:
            raise
        os.rename(name, secrets.token_hex(16), src_dir_fd=parent, dst_dir_fd=top)


def _is_directory(parent: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _unlink(parent: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)
