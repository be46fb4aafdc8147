# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount and unmount, so that doing it again is no error."""

from __future__ import annotations

import errno
import time
from collections.abc import Sequence

from . import libc, mountinfo

_LOCKED = {"nosuid": libc.MS_NOSUID, "nodev": libc.MS_NODEV, "noexec": libc.MS_NOEXEC}
_BUSY_TRIES = 20
_BUSY_PAUSE = 0.01


def bind(source: str, target: str, *, recursive: bool = False, read_only: bool = False) -> None:
    """Bind ``source`` to ``target``."""
    libc.mount(source, target, "", libc.MS_BIND | (libc.MS_REC if recursive else 0))
    if read_only:
        # mount(2) ignores MS_RDONLY in the bind itself, and a remount that drops a flag which the source's mount has
        # is refused in a user namespace: so a second call that repeats them.
        entry = mountinfo.at(target)
        kept = sum(flag for word, flag in _LOCKED.items() if entry and word in entry.options.split(","))
        libc.mount("", target, "", libc.MS_REMOUNT | libc.MS_BIND | libc.MS_RDONLY | kept)


def tmpfs(target: str, *, size: int, mode: int, options: Sequence[str] = ()) -> None:
    """Mount a tmpfs of ``size`` bytes; ``options`` out of nosuid, nodev, noexec."""
    flags = sum(_LOCKED[word] for word in options)
    libc.mount("tmpfs", target, "tmpfs", flags, f"size={size},mode={mode:o}")


def unmount(target: str) -> None:
    """Unmount all that is mounted on exactly ``target``; nothing mounted there is fine."""
    while _unmount_top(target):
        pass


def _unmount_top(target: str) -> bool:
    for _try in range(_BUSY_TRIES):
        try:
            libc.umount2(target, libc.UMOUNT_NOFOLLOW)
            return True
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return False
            if error.errno != errno.EBUSY:
                raise
        time.sleep(_BUSY_PAUSE)
    # Someone on the host looks into it. Detaching takes it out of the tree for everyone else at once, and the kernel
    # frees it when the last one closes.
    libc.umount2(target, libc.UMOUNT_NOFOLLOW | libc.MNT_DETACH)
    return True


def unmount_below(path: str) -> None:
    """Unmount everything on and below ``path``, innermost first."""
    for entry in mountinfo.below(path):
        unmount(entry.target)
