# SPDX-License-Identifier: GPL-3.0-or-later
"""Set owner, mode, extended attributes and times of a layer's files, in the order that the kernel requires.

chown(2) clears the set-id bits and security.capability, so both are set after it. Any write changes the
times, so they are set last.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from ...errors import ArchiveBroken, EngineError, HostLacks
from ...kernel.disk_full import is_full
from . import read
from .printable import show
from .read import Entry

#: overlayfs and fuse-overlayfs act on these (redirect, metacopy, ...), so an image must not set them.
_OVERLAY = (b"trusted.overlay.", b"user.overlay.", b"user.fuseoverlayfs.")
#: Labels belong to this host's policy, not to that of the build host.
_HOST_POLICY = (b"security.selinux", b"security.evm", b"security.ima")
#: Namespaces of Linux. Its own file systems refuse names of other systems (com.apple.*, system.nfs4_acl).
_NAMESPACES = (b"user.", b"trusted.", b"security.", b"system.posix_acl_")
#: XATTR_SIZE_MAX of <linux/limits.h>.
_LARGEST = 65536
_TYPES = {read.CHAR: stat.S_IFCHR, read.BLOCK_DEVICE: stat.S_IFBLK, read.FIFO: stat.S_IFIFO}


def file_type(entry: Entry) -> int:
    """Return the S_IF bits of a device or FIFO."""
    return _TYPES[entry.kind]


def is_kept(name: bytes) -> bool:
    """Return whether an extended attribute is content that moves with an image."""
    return not name.startswith(_OVERLAY) and name not in _HOST_POLICY


def set_on_file(fd: int, entry: Entry) -> tuple[bytes, ...]:
    """Set all metadata of an open regular file or directory; return the attributes that were left out."""
    os.fchown(fd, entry.uid, entry.gid)
    os.fchmod(fd, entry.mode)
    left_out = tuple(_refused(fd, entry)) if entry.xattrs else ()
    os.utime(fd, ns=(entry.mtime, entry.mtime))
    return left_out


def set_on_name(name: bytes, parent: int, entry: Entry) -> tuple[bytes, ...]:
    """Set all metadata of a new symlink, device or FIFO; return the attributes that were left out."""
    os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
    if entry.kind != read.SYMLINK:
        os.chmod(name, entry.mode, dir_fd=parent)
    left_out = tuple(_refused(b"/proc/self/fd/%d/%s" % (parent, name), entry)) if entry.xattrs else ()
    os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)
    return left_out


def _refused(holder: int | bytes, entry: Entry) -> Iterator[bytes]:
    """Set the attributes; yield those refused here and unknown to all of Linux's file systems."""
    is_open = isinstance(holder, int)
    for name, value in entry.xattrs:
        # The kernel allows user.* on files and directories only.
        if not is_kept(name) or (not is_open and name.startswith(b"user.")):
            continue
        try:
            os.setxattr(holder, name, value, follow_symlinks=is_open)
        except OSError as error:
            if error.errno != errno.ENOTSUP or name.startswith(_NAMESPACES):
                raise _not_set(error, holder, entry, name, len(value)) from error
            yield name


def _not_set(
    error: OSError, holder: int | bytes, entry: Entry, name: bytes, size: int
) -> EngineError | OSError:
    """Return the error for an attribute; ENOSPC also means that it is too large for the file system."""
    if error.errno == errno.EDQUOT or (error.errno == errno.ENOSPC and is_full(_place(holder))):
        return error
    what = f"the entry {show(entry.name)} has the extended attribute {show(name)} of {size} bytes"
    if error.errno in (errno.ENOSPC, errno.ENOTSUP, errno.EPERM):
        remedy = "Use a file system that supports it (xfs: up to 64 KiB) for the store, or omit it from the archive"
        return HostLacks(f"{what}, which the store's file system does not support", remedy=remedy)
    if error.errno == errno.E2BIG:
        return ArchiveBroken(f"{what}; the limit of Linux is {_LARGEST}", entry=show(entry.name))
    return ArchiveBroken(f"{what}, which cannot be set: {error.strerror}", entry=show(entry.name))


def _place(holder: int | bytes) -> int | bytes:
    return holder if isinstance(holder, int) else os.path.dirname(holder)


def set_on_link(name: bytes, parent: int, entry: Entry) -> None:
    """Set the metadata in which a hard link's entry differs from its target: the last entry counts."""
    now = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if (now.st_uid, now.st_gid) != (entry.uid, entry.gid):
        os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        now = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if not stat.S_ISLNK(now.st_mode) and stat.S_IMODE(now.st_mode) != entry.mode:
        os.chmod(name, entry.mode, dir_fd=parent)
    os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)


def set_default(fd: int) -> None:
    """Set the metadata of a directory that no layer lists: root's, 0755, the same time on every host."""
    os.fchown(fd, 0, 0)
    os.fchmod(fd, 0o755)
    os.utime(fd, ns=(0, 0))


def copy(source: int, target: int) -> None:
    """Copy all metadata from one open file or directory to another."""
    found = os.fstat(source)
    os.fchown(target, found.st_uid, found.st_gid)
    os.fchmod(target, stat.S_IMODE(found.st_mode))
    for name in os.listxattr(source):
        if is_kept(os.fsencode(name)):
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(found.st_mtime_ns, found.st_mtime_ns))
