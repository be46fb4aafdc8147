# SPDX-License-Identifier: GPL-3.0-or-later
"""Create and open directories."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

#: Podman's umask: a mount point created on the way must be accessible to the container's user.
UMASK = 0o022


def usual_umask() -> None:
    """Set the umask for the engine, monitor and runtime, regardless of the caller's.

    Private files are created with explicit modes.
    """
    os.umask(UMASK)


@contextmanager
def directory(path: str, *, dir_fd: int | None = None) -> Iterator[int]:
    """Open a directory, and close it on exit; raises FileNotFoundError, NotADirectoryError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def held(fd: int) -> Iterator[int]:
    """Yield a descriptor, and close it on exit."""
    try:
        yield fd
    finally:
        os.close(fd)


def fsync_directory(path: str) -> None:
    """Make changes of a directory's entries durable."""
    with directory(path) as fd:
        os.fsync(fd)


def make_private(path: str, mode: int = 0o700) -> None:
    """Create the directory, and missing parents, with this mode; leave existing ones unchanged.

    Raises FileExistsError if the path exists and is not a directory. An existing directory's mode is kept: it
    may be one that the administrator chose, such as /srv.
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
        os.chmod(path, mode)  # regardless of the umask


def mount_id(fd: int) -> int:
    """Return the ID of the mount that a descriptor is on (proc(5), fdinfo)."""
    with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith("mnt_id:"))
