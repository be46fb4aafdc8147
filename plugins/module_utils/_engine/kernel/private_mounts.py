# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount invisibly to other processes, so that a kill leaves nothing mounted; source: mount_namespaces(7)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from . import libc

Result = TypeVar("Result")


def apart(act: Callable[[], Result]) -> Result:
    """Call ``act`` in a temporary mount namespace, and return its result.

    A descriptor that it opens there keeps its mount, as after a detached unmount. ``act`` must not read the
    mountinfo of ``self``, which is the process's: only the calling thread is in the namespace.
    """
    # A thread that has unshared its namespaces and working directory takes them along when it exits. The
    # process itself could not return: setns(2) into a mount namespace undoes a chroot.
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(_apart, act).result()


def _apart(act: Callable[[], Result]) -> Result:
    libc.unshare(libc.CLONE_NEWNS)
    # Without this our mounts would propagate to the host.
    libc.mount(None, "/", "", libc.MS_REC | libc.MS_PRIVATE)
    return act()
