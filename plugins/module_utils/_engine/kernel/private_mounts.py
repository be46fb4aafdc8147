# SPDX-License-Identifier: GPL-3.0-or-later
"""Mount where nobody else sees it, and where a kill leaves nothing; source: mount_namespaces(7)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from . import libc

Result = TypeVar("Result")


def apart(act: Callable[[], Result]) -> Result:
    """Call ``act`` in a mount namespace of its own, which is gone right after, and return what it returns.

    A descriptor that it opens there keeps its mount, as after a detached unmount. What act calls may not read mountinfo
    of ``self``, which is that of the process: only the thread that calls it is there.
    """
    # A thread has namespaces and a working directory of its own once it has left the others', and ends with them. The
    # process itself could not come back: setns(2) into a mount namespace loses what it was chrooted to.
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(_apart, act).result()


def _apart(act: Callable[[], Result]) -> Result:
    libc.unshare(libc.CLONE_NEWNS)
    libc.mount(None, "/", "", libc.MS_REC | libc.MS_PRIVATE)  # else the host would get our mounts too
    return act()
