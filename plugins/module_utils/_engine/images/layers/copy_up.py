# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy a file from a lower layer into the layer that hard-links to it."""

from __future__ import annotations

import errno
import os
import stat

from ..tar import attributes

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def copy_up(name: bytes, *, from_fd: int, into_fd: int) -> None:
    """Copy a file, symbolic link, device or FIFO with its attributes; raises OSError."""
    found = os.stat(name, dir_fd=from_fd, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a directory cannot be a hard link's target", name)
    if stat.S_ISREG(found.st_mode):
        _copy_file(name, from_fd=from_fd, into_fd=into_fd)
    else:
        _copy_special(name, found, from_fd=from_fd, into_fd=into_fd)


def _copy_special(name: bytes, found: os.stat_result, *, from_fd: int, into_fd: int) -> None:
    if stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(name, dir_fd=from_fd), name, dir_fd=into_fd)
    else:
        os.mknod(name, found.st_mode, found.st_rdev, dir_fd=into_fd)
        os.chmod(name, stat.S_IMODE(found.st_mode), dir_fd=into_fd)
    os.chown(name, found.st_uid, found.st_gid, dir_fd=into_fd, follow_symlinks=False)
    os.utime(name, ns=(found.st_mtime_ns, found.st_mtime_ns), dir_fd=into_fd, follow_symlinks=False)


def _copy_file(name: bytes, *, from_fd: int, into_fd: int) -> None:
    source = os.open(name, _READ, dir_fd=from_fd)
    try:
        target = os.open(name, _NEW_FILE, 0o600, dir_fd=into_fd)
        try:
            copy_data(source, target)
            attributes.copy(source, target)
        finally:
            os.close(target)
    finally:
        os.close(source)


def copy_data(source: int, target: int) -> None:
    """Copy an open file's data except its holes, in the kernel; raises OSError."""
    end = os.fstat(source).st_size
    at = 0
    while at < end:
        try:
            at = os.lseek(source, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:  # ENXIO: only a hole follows
                raise
            break
        hole = os.lseek(source, at, os.SEEK_HOLE)
        while at < hole:
            at += os.copy_file_range(source, target, hole - at, at, at) or hole
    os.ftruncate(target, end)
