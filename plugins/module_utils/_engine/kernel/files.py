# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files and make directories so that a crash leaves the old or the new."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Optional


@contextmanager
def directory(path: str, *, dir_fd: Optional[int] = None) -> Iterator[int]:
    """Open a directory, and close its descriptor at the end; raises FileNotFoundError, NotADirectoryError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


def fsync_directory(path: str) -> None:
    """Make durable which names a directory has."""
    with directory(path) as fd:
        os.fsync(fd)


def make_private(path: str, mode: int = 0o700) -> None:
    """Make the directory, and missing parents, with this mode; what is there stays as it is.

    Raises FileExistsError when something else is there. An existing directory is not corrected: it may be one that
    the administrator named, like /srv.
    """
    parent = os.path.dirname(path)
    if parent and not os.path.isdir(parent):
        make_private(parent, mode)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
    else:
        os.chmod(path, mode)  # whatever the umask is


def write_atomic(path: str, data: bytes, *, mode: int = 0o600) -> None:
    """Write the file so that whoever reads it, even after a power cut, finds all of the old or all of the new."""
    parent = os.path.dirname(path) or "."
    fresh = os.path.join(parent, f".{os.urandom(8).hex()}.new")
    try:
        _write_durably(fresh, data, mode)
        os.rename(fresh, path)
    except BaseException:
        if os.path.lexists(fresh):
            os.unlink(fresh)
        raise
    fsync_directory(parent)


def _write_durably(path: str, data: bytes, mode: int) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(data)
        stream.flush()
        # Without it the rename can reach the disk before the content, and a power cut leaves an empty file.
        os.fsync(stream.fileno())
