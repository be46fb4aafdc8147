# SPDX-License-Identifier: GPL-3.0-or-later
"""Make and open directories."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

#: What podman begins with: a place to mount on that is made on the way must be one that the container's user can pass.
UMASK = 0o022


def usual_umask() -> None:
    """Set the umask that engine, monitor and runtime work with, whatever the caller's is; what is private has its own mode."""
    os.umask(UMASK)


@contextmanager
def directory(path: str, *, dir_fd: int | None = None) -> Iterator[int]:
    """Open a directory, and close its descriptor at the end; raises FileNotFoundError, NotADirectoryError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def held(fd: int) -> Iterator[int]:
    """Give a descriptor, and close it at the end."""
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


def mount_id(fd: int) -> int:
    """Tell which mount a descriptor is of (proc(5), fdinfo)."""
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith("mnt_id:"))
