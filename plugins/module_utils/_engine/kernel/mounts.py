# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount and unmount, so that doing it again is no error."""

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
#: What statvfs(3) reports with the same bits as mount(2) takes them.
_KEPT = libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC

#: A program that looks at all mounts (df, a monitoring agent) is gone after milliseconds.
_BUSY_TRIES = 10
_BUSY_PAUSE = 0.01


def bind(source: str, target: str, *, recursive: bool = False, read_only: bool = False) -> None:
    """Show ``source`` at ``target``, ``recursive`` with the mounts below it, ``read_only`` all of them.

    Raises OSError, and leaves nothing mounted then.
    """
    libc.mount(source, target, "", libc.MS_BIND | (libc.MS_REC if recursive else 0))
    if read_only:
        try:
            _make_read_only(os.path.realpath(target))
        except OSError:
            unmount_below(os.path.realpath(target))
            raise


def idmapped(source: str, target: str, userns_fd: int, *, recursive: bool = False) -> None:
    """Show ``source`` at ``target`` with its owners shifted as the user namespace maps them; both ways.

    Source: mount_setattr(2), MOUNT_ATTR_IDMAP. Raises OSError: ENOSYS (Linux before 5.12), EINVAL (the file system can't), and
    leaves nothing mounted then.
    """
    with _shifted(source, userns_fd, recursive=recursive) as tree:
        libc.move_mount(tree, target)


def try_idmapped(source: str, userns_fd: int, *, recursive: bool = False) -> None:
    """Raise what ``idmapped`` would raise; nothing is mounted anywhere."""
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
    """Remount each mount on and below ``target`` read-only; what lies beneath stays as it is."""
    for entry in mountinfo.below(target):
        restrict(entry.target, libc.MS_RDONLY)


def restrict(target: str, flags: int) -> None:
    """Add flags (MS_RDONLY, MS_NODEV, ...) to those of one mount."""
    # mount(2) ignores them in a bind itself, hence a second call. That one sets all flags anew, so it
    # repeats those of the source: they would be lost, or the kernel refuses (EPERM), for in a user namespace
    # that did not set them they are locked.
    kept = os.statvfs(target).f_flag & _KEPT
    libc.mount(None, target, "", libc.MS_REMOUNT | libc.MS_BIND | flags | kept)


def tmpfs(target: str, *, size: int, mode: int, options: Sequence[str] = ()) -> None:
    """Mount a new tmpfs of ``size`` bytes; ``options`` are mount flags (nosuid) or tmpfs's own (huge=never)."""
    flags = sum(_FLAGS[option] for option in set(options) if option in _FLAGS)
    own = [option for option in options if option not in _FLAGS]
    libc.mount("tmpfs", target, "tmpfs", flags, ",".join([f"size={size}", f"mode={mode:o}", *own]))


def unmount(target: str) -> None:
    """Unmount all that is stacked on ``target``; nothing mounted, or no such directory, is fine."""
    while _unmount_topmost(target):
        pass


def unmount_below(path: str) -> None:
    """Unmount all that is mounted on ``path`` and below, innermost first; raises OSError when one stays."""
    left = mountinfo.below(path)
    while left:
        for entry in left:
            unmount(entry.target)
        # A mount that another one had hidden can be reached only now.
        before, left = left, mountinfo.below(path)
        if left == before:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), left[0].target)


def make_private(target: str) -> None:
    """Let neither the mount nor those below it share what is mounted and unmounted on them with any other."""
    libc.mount(None, target, "", libc.MS_REC | libc.MS_PRIVATE)


def unmount_copies(path: str) -> None:
    """Unmount as ``unmount_below`` what was bound there; what it was bound from keeps the mounts on it."""
    # mount_namespaces(7): what is unmounted on a shared mount is unmounted on all that share with it.
    for entry in mountinfo.below(path):
        make_private(entry.target)
    unmount_below(path)


def _unmount_topmost(target: str) -> bool:
    """Unmount one mount; tell whether there was one."""
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
    # Somebody has a file open or a working directory there. Detached, it is out of everybody's sight at once,
    # nobody gets in any more, and the kernel frees it when the last user lets go. Nothing is lost: a mount holds no
    # data but a tmpfs, which goes anyway. Mounts below go along.
    libc.umount2(target, libc.UMOUNT_NOFOLLOW | libc.MNT_DETACH)
    return True
