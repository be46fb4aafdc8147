# SPDX-License-Identifier: GPL-3.0-or-later
"""Limit the size and the number of files of a volume with a project quota of its file system.

Sources: quotactl(2), xfs_quota(8), ext4's ``prjquota``. A project is a number that files have; new files inherit it
from their directory. A volume's project is stored in the file system itself.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import stat
import struct
from typing import NamedTuple, Optional

from ..errors import HostLacks
from ..kernel import files, libc, mountinfo
from ..trees.cursor import walk

#: ``struct fsxattr`` of <linux/fs.h>: flags, extent size, extents, project, copy-on-write extent size, padding.
_FSXATTR = struct.Struct("=IIIII8x")
_GET = (2 << 30) | (_FSXATTR.size << 16) | (ord("X") << 8) | 31
_SET = (1 << 30) | (_FSXATTR.size << 16) | (ord("X") << 8) | 32
_INHERIT = 0x200
#: The range of our projects: administrators use small ones (projid(5)), and the kernel's greatest number is no project.
_FIRST, _LAST = 1 << 20, (1 << 31) - 1
_UNIT = 1024
#: The errors of a kernel or a file system without project quotas, or one that is mounted without them.
_NONE = (errno.ENOSYS, errno.ENOTTY, errno.EOPNOTSUPP, errno.ESRCH, errno.EINVAL, errno.ENODEV, errno.ENOTBLK)


class Usage(NamedTuple):
    """The use of a volume with a quota, in bytes and files."""

    bytes: int
    inodes: int


def check(path: str) -> None:
    """Check that the file system of ``path``, an existing directory, has project quotas. Raises HostLacks."""
    with files.directory(path) as fd:
        try:
            _read(fd)
            _quota(fd, libc.Q_GETQUOTA, _FIRST, libc.Dqblk())
        except FileNotFoundError:  # xfs has no record of an unused project
            return
        except OSError as error:
            if error.errno not in _NONE:
                raise
            raise _lacks(path) from error


def _lacks(path: str) -> HostLacks:
    entry = _mount_of(path)
    where = f"{entry.target} ({entry.fstype})" if entry else path
    return HostLacks(
        f"the file system {where} of the volumes has no project quotas, which size and inodes need",
        remedy="Leave them out, or mount ext4 or xfs with prjquota there",
        feature="project quotas",
    )


def limit(volume: str, size: Optional[int], inodes: Optional[int]) -> None:
    """Set the limits of a volume's directory and all files in it; None is no limit. Raises HostLacks."""
    files.make_private(volume)
    check(volume)
    with files.directory(volume) as fd:
        project = _read(fd)[3]
        if not project:
            project = _free(fd)
            _assign(fd, project)
        limits = libc.Dqblk(valid=libc.QIF_LIMITS)
        limits.bhardlimit = limits.bsoftlimit = -(-(size or 0) // _UNIT)
        limits.ihardlimit = limits.isoftlimit = inodes or 0
        _quota(fd, libc.Q_SETQUOTA, project, limits)


def usage(volume: str) -> Optional[Usage]:
    """Return the volume's use as the file system counts it, None without a quota."""
    with files.directory(volume) as fd:
        try:
            project = _read(fd)[3]
            found = libc.Dqblk()
            if not project:
                return None
            _quota(fd, libc.Q_GETQUOTA, project, found)
        except OSError as error:
            if error.errno not in (*_NONE, errno.ENOENT):
                raise
            return None
    return Usage(found.curspace, found.curinodes)


def _free(fd: int) -> int:
    """Return a project number without files and limits."""
    while True:
        project = _FIRST + int.from_bytes(os.urandom(4), "big") % (_LAST - _FIRST)
        found = libc.Dqblk()
        try:
            _quota(fd, libc.Q_GETQUOTA, project, found)
        except FileNotFoundError:
            return project
        if not (found.curspace or found.curinodes or found.bhardlimit or found.ihardlimit):
            return project


def _assign(fd: int, project: int) -> None:
    """Assign the project to the tree; the root comes last, so that a killed call is repeated."""
    for parent, name, info in walk(fd):
        if stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode):
            child = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
            try:
                _write(child, project, inherit=stat.S_ISDIR(info.st_mode))
            finally:
                os.close(child)
    _write(fd, project, inherit=True)


def _read(fd: int) -> tuple[int, ...]:
    buffer = array.array("B", bytes(_FSXATTR.size))
    fcntl.ioctl(fd, _GET, buffer)
    return _FSXATTR.unpack(buffer)


def _write(fd: int, project: int, *, inherit: bool) -> None:
    flags, extent, extents, _project, cow = _read(fd)
    flags = flags | _INHERIT if inherit else flags
    fcntl.ioctl(fd, _SET, _FSXATTR.pack(flags, extent, extents, project, cow))


def _quota(fd: int, command: int, project: int, limits: libc.Dqblk) -> None:
    try:
        libc.quotactl_fd(fd, command, project, limits)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
    else:
        return
    entry = _mount_of(os.readlink(f"/proc/self/fd/{fd}"))
    if entry is None or not entry.source.startswith("/"):
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    libc.quotactl(command, entry.source, project, limits)


def _mount_of(path: str) -> Optional[mountinfo.MountEntry]:
    """Return the mount that contains a path."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    found = [entry for entry in mountinfo.read() if entry.device == wanted]
    return max(found, key=lambda entry: len(os.path.commonpath([entry.target, path])), default=None)
