# SPDX-License-Identifier: GPL-3.0-or-later
"""Check for mount options that this host's kernel lacks, by trying them: a version number proves nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from ...errors import HostLacks
from ...kernel import libc, mounts
from ...kernel.private_mounts import apart
from ...model.mounts.mount import Mount

#: The kernel's errors for a system call and for an option that it does not know.
_UNKNOWN = (errno.ENOSYS, errno.EINVAL)


def check(mount: Mount) -> None:
    """Raise HostLacks for the mount's first option that the kernel does not know. Mount nothing."""
    tries: dict[str, tuple[Callable[[], None], str]] = {
        "rro": (_try_rro, "5.12"),
        "noswap": (_try_noswap, "6.4"),
    }
    for word in (word for word in mount.options if word in tries):
        attempt, since = tries[word]
        try:
            attempt()
        except OSError as error:
            if error.errno not in _UNKNOWN:
                raise
            raise HostLacks(
                f"{mount.destination}: {word} needs Linux {since}, and this host runs {os.uname().release}",
                remedy=f"Leave {word} out",
                option=word,
            ) from error


def _try_rro() -> None:
    tree = libc.open_tree("/", libc.OPEN_TREE_CLONE)
    try:
        libc.mount_setattr(tree, libc.AT_RECURSIVE, libc.MOUNT_ATTR_RDONLY)
    finally:
        os.close(tree)


def _try_noswap() -> None:
    apart(lambda: mounts.tmpfs("/", size=4096, mode=0o700, options=("noswap",)))
