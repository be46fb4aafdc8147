# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount and unmount; repeating an unmount is not an error."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from . import libc, mountinfo

_FLAGS = {
    "ro": libc.MS_RDONLY,
    "nosuid": libc.MS_NOSUID,
    "nodev": libc.MS_NODEV,
    "noexec": libc.MS_NOEXEC,
    "noatime": libc.MS_NOATIME,
}
#: The flags for which statvfs(3) reports the same bits as mount(2) takes.
_KEPT = libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC

#: Retries, and seconds between: a program that reads all mounts (df, a monitoring agent) finishes within
#: milliseconds.
_BUSY_TRIES = 10
_BUSY_PAUSE = 0.01


def bind(source: str, target: str, *, recursive: bool = False, read_only: bool = False) -> None:
    """Bind-mount ``source`` on ``target``, with ``recursive`` including the mounts below it.

    With ``read_only`` all of them are read-only. Raises OSError, leaving nothing mounted.
    """
    libc.mount(source, target, "", libc.MS_BIND | (libc.MS_REC if recursive else 0))
    if read_only:
        try:
            _make_read_only(os.path.realpath(target))
        except OSError:
            unmount_below(os.path.realpath(target))
            raise


def idmapped(source: str, target: str, userns_fd: int, *, recursive: bool = False) -> None:
    """Bind-mount ``source`` on ``target``, mapping its owners both ways as the user namespace does.

    Source: mount_setattr(2), MOUNT_ATTR_IDMAP. Raises OSError, leaving nothing mounted: ENOSYS before Linux
    5.12, EINVAL if the file system does not support it.
    """
    with _shifted(source, userns_fd, recursive=recursive) as tree:
        libc.move_mount(tree, target)


def try_idmapped(source: str, userns_fd: int, *, recursive: bool = False) -> None:
    """Raise what ``idmapped`` would raise, without mounting anything."""
    with _shifted(source, userns_fd, recursive=recursive):
        pass


@contextmanager
def _shifted(source: str, userns_fd: int, *, recursive: bool) -> Iterator[int]:
    flags = libc.AT_RECURSIVE if recursive else 0
    tree = libc.open_tree(source, libc.OPEN_TREE_CLONE | flags)
    try:
        libc.mount_setattr(tree, flags, libc.MOUNT_ATTR_IDMAP, userns_fd)
        yield tree
    finally:
        os.close(tree)


def _make_read_only(target: str) -> None:
    """Remount each mount on and below ``target`` read-only, without affecting the bind's source."""
    for entry in mountinfo.below(target):
        restrict(entry.target, libc.MS_RDONLY)


def restrict(target: str, flags: int) -> None:
    """Add flags (MS_RDONLY, MS_NODEV, ...) to those of one mount."""
    # mount(2) ignores the flags in the bind itself, hence a second call. That one replaces all flags, so it
    # repeats the source's: otherwise they would be lost, or the kernel would refuse (EPERM), because flags
    # set outside of the user namespace are locked in it.
    kept = os.statvfs(target).f_flag & _KEPT
    libc.mount(None, target, "", libc.MS_REMOUNT | libc.MS_BIND | flags | kept)


def tmpfs(target: str, *, size: int, mode: int, options: Sequence[str] = ()) -> None:
    """Mount a new tmpfs of ``size`` bytes; ``options`` are mount flags (nosuid) or its own (huge=never)."""
    flags = sum(_FLAGS[option] for option in set(options) if option in _FLAGS)
    own = [option for option in options if option not in _FLAGS]
    libc.mount("tmpfs", target, "tmpfs", flags, ",".join([f"size={size}", f"mode={mode:o}", *own]))


def unmount(target: str) -> None:
    """Unmount all mounts stacked on ``target``; do nothing if there are none, or no such directory."""
    while _unmount_topmost(target):
        pass


def unmount_below(path: str) -> None:
    """Unmount all mounts on ``path`` and below, innermost first; raises OSError if one remains."""
    left = mountinfo.below(path)
    while left:
        for entry in left:
            unmount(entry.target)
        # A mount that was hidden by another can be reached only now.
        before, left = left, mountinfo.below(path)
        if left == before:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), left[0].target)


def make_private(target: str) -> None:
    """Make the mount and those below private: mounts and unmounts on them do not propagate."""
    libc.mount(None, target, "", libc.MS_REC | libc.MS_PRIVATE)


def unmount_copies(path: str) -> None:
    """Unmount bind mounts as ``unmount_below`` does, while their source keeps the mounts on it."""
    # mount_namespaces(7): an unmount on a shared mount propagates to all of its peers.
    for entry in mountinfo.below(path):
        make_private(entry.target)
    unmount_below(path)


def _unmount_topmost(target: str) -> bool:
    """Unmount one mount; return whether there was one."""
    for _ignored in range(_BUSY_TRIES):
        try:
            libc.umount2(target, libc.UMOUNT_NOFOLLOW)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT, errno.ENOTDIR):
                return False  # umount(2): EINVAL is "not a mount point"
            if error.errno != errno.EBUSY:
                raise
        else:
            return True
        time.sleep(_BUSY_PAUSE)
    # A process has an open file or its working directory there. Detaching makes the mount, and those below,
    # invisible and inaccessible at once, and the kernel frees it after the last user. Nothing is lost: no
    # mount holds data except a tmpfs, which is discarded anyway.
    libc.umount2(target, libc.UMOUNT_NOFOLLOW | libc.MNT_DETACH)
    return True
