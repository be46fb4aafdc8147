# SPDX-License-Identifier: GPL-3.0-or-later
"""Owner, mode, extended attributes and times of what a layer holds, set in the order that the kernel needs.

chown(2) clears the set-id bits and security.capability, so both follow it; writing anything changes the
times, so they come last.
"""

from __future__ import annotations

import os
import stat

from . import tarread
from .tarread import Entry

#: overlayfs and fuse-overlayfs take these as their own orders (redirect, metacopy, ...): an image must not give any.
_OVERLAY = (b"trusted.overlay.", b"user.overlay.", b"user.fuseoverlayfs.")
#: Labels are a matter of this host's policy, not of the one where the image was built.
_HOST_POLICY = (b"security.selinux", b"security.evm", b"security.ima")
_TYPES = {tarread.CHAR: stat.S_IFCHR, tarread.BLOCK_DEVICE: stat.S_IFBLK, tarread.FIFO: stat.S_IFIFO}


def file_type(entry: Entry) -> int:
    """Give the S_IF bits of a device or FIFO."""
    return _TYPES[entry.kind]


def is_kept(name: bytes) -> bool:
    """Tell whether an extended attribute is content that moves with an image."""
    return not name.startswith(_OVERLAY) and name not in _HOST_POLICY


def set_on_file(fd: int, entry: Entry) -> None:
    """Set everything on an open regular file or directory."""
    os.fchown(fd, entry.uid, entry.gid)
    os.fchmod(fd, entry.mode)
    for name, value in entry.xattrs:
        if is_kept(name):
            os.setxattr(fd, name, value)
    os.utime(fd, ns=(entry.mtime, entry.mtime))


def set_on_name(name: bytes, parent: int, entry: Entry) -> None:
    """Set everything on a new symbolic link, device or FIFO."""
    os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
    if entry.kind != tarread.SYMLINK:
        os.chmod(name, entry.mode, dir_fd=parent)
    for key, value in entry.xattrs:
        # The kernel allows user.* on files and directories only.
        if is_kept(key) and not key.startswith(b"user."):
            os.setxattr(b"/proc/self/fd/%d/%s" % (parent, name), key, value, follow_symlinks=False)
    os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)


def set_on_link(name: bytes, parent: int, entry: Entry) -> None:
    """Set what a hard link's entry says otherwise than its target's: the last one in the stream counts."""
    now = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if (now.st_uid, now.st_gid) != (entry.uid, entry.gid):
        os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        now = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if not stat.S_ISLNK(now.st_mode) and stat.S_IMODE(now.st_mode) != entry.mode:
        os.chmod(name, entry.mode, dir_fd=parent)
    os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)


def set_default(fd: int) -> None:
    """Set what a directory gets that no layer lists: root's, 0755, the same time on every host."""
    os.fchown(fd, 0, 0)
    os.fchmod(fd, 0o755)
    os.utime(fd, ns=(0, 0))


def copy(source: int, target: int) -> None:
    """Copy everything from one open file or directory to another."""
    found = os.fstat(source)
    os.fchown(target, found.st_uid, found.st_gid)
    os.fchmod(target, stat.S_IMODE(found.st_mode))
    for name in os.listxattr(source):
        if is_kept(os.fsencode(name)):
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(found.st_mtime_ns, found.st_mtime_ns))
