# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy owner, mode, extended attributes, times and inode flags from one inode to another."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from typing import Optional, Union

from ..kernel.disk_full import is_full
from ..model.values.idmap import IdMap
from .shift import shifted

_LONG = struct.calcsize("l")

#: _IOR('f', 1, long) and _IOW('f', 2, long), linux/fs.h: the number encodes the size of a long, but the kernel copies an int.
FS_IOC_GETFLAGS = 0x80006601 | _LONG << 16
FS_IOC_SETFLAGS = 0x40006602 | _LONG << 16

#: FS_IMMUTABLE_FL and FS_APPEND_FL belong to the file; the other flags control how one file system stores it.
_CARRIED_FLAGS = 0x10 | 0x20

#: Namespaces with the same meaning on every file system (xattr(7)), unlike btrfs.* or system.nfs4_acl.
_PORTABLE = ("user.", "trusted.", "security.", "system.posix_acl_")

#: Not copied: overlayfs's bookkeeping, SELinux labels, which depend on the path, and EVM signatures, which are per inode.
_STAYS = ("trusted.overlay.", "user.fuseoverlayfs.", "security.selinux", "security.evm")

#: A descriptor, or a path whose last component is not followed.
Inode = Union[int, str]


def carry(source: Inode, target: Inode, info: os.stat_result, owners: Optional[IdMap] = None) -> None:
    """Copy owner, mode, extended attributes and times of ``source``, whose stat is ``info``, to ``target``.

    ``owners``: the source's ids are a container's, and are mapped by its user namespace.

    The kernel dictates the order: a new owner clears setuid and the file capability, an ACL refines the mode, and all of them
    change the times.
    """
    follow = isinstance(target, int)
    wanted = owners.host(info.st_uid, info.st_gid) if owners else (info.st_uid, info.st_gid)
    # A stat(2) costs a tenth of a change to the same value, which takes a journal transaction nevertheless; and a file server
    # with root squashing refuses even that change.
    have = os.stat(target, follow_symlinks=follow)
    if (have.st_uid, have.st_gid) != wanted:
        os.chown(target, *wanted, follow_symlinks=follow)
        have = os.stat(target, follow_symlinks=follow)
    if not stat.S_ISLNK(info.st_mode) and have.st_mode != info.st_mode:
        os.chmod(target, stat.S_IMODE(info.st_mode))
    _carry_attributes(source, target, owners)
    os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns), follow_symlinks=follow)


def _carry_attributes(source: Inode, target: Inode, owners: Optional[IdMap]) -> None:
    follow = isinstance(source, int)
    for name, own in portable(source):
        value = shifted(name, own, owners) if owners else own
        try:
            os.setxattr(target, name, value, follow_symlinks=follow)
        except OSError as error:
            raise _not_set(error, target, name, len(value)) from error


def portable(inode: Inode) -> tuple[tuple[str, bytes], ...]:
    """Return the extended attributes to copy, sorted by name."""
    names = (
        name
        for name in sorted(_list_attributes(inode))
        if name.startswith(_PORTABLE) and not name.startswith(_STAYS)
    )
    follow = isinstance(inode, int)
    return tuple((name, os.getxattr(inode, name, follow_symlinks=follow)) for name in names)


def _not_set(error: OSError, target: Inode, name: str, size: int) -> OSError:
    """Return the error with the attribute's name; ENOSPC on a file system with space means too large."""
    place = target if isinstance(target, int) else os.path.dirname(target)
    if error.errno == errno.ENOSPC and not is_full(place):
        return OSError(
            errno.E2BIG, f"the file system can't store the extended attribute {name} of {size} bytes"
        )
    return OSError(error.errno, f"extended attribute {name}: {error.strerror}")


def _list_attributes(inode: Inode) -> list[str]:
    try:
        return os.listxattr(inode, follow_symlinks=isinstance(inode, int))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        return []


def clear_inherited(fd: int) -> None:
    """Remove the ACLs that a new directory has inherited from its parent's default ACL and would pass on."""
    for name in _list_attributes(fd):
        if name.startswith("system.posix_acl_"):
            os.removexattr(fd, name)


def read_flags(fd: int) -> int:
    """Return the immutable and append-only flags of an open inode, 0 if the file system has no flags."""
    try:
        answer = fcntl.ioctl(fd, FS_IOC_GETFLAGS, bytes(_LONG))
    except OSError as error:
        if error.errno not in (errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
            raise
        return 0
    return int(struct.unpack_from("i", answer)[0]) & _CARRIED_FLAGS


def write_flags(fd: int, flags: int) -> None:
    """Set the immutable and append-only flags to exactly these; the inode's other flags stay."""
    try:
        have = int(struct.unpack_from("i", fcntl.ioctl(fd, FS_IOC_GETFLAGS, bytes(_LONG)))[0])
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("l", have & ~_CARRIED_FLAGS | flags))
    except OSError as error:
        # A file system without flags fails with ENOTTY, "inappropriate ioctl", which does not help a user.
        code = errno.EOPNOTSUPP if error.errno == errno.ENOTTY else error.errno
        raise OSError(code, f"immutable or append-only flag: {error.strerror}") from error
