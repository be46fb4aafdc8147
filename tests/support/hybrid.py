# SPDX-License-Identifier: GPL-3.0-or-later
"""Let crun work on a host with a hybrid cgroup layout, by hiding one of its hierarchies."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from _engine.kernel import libc
from _engine.kernel.cgroup import cgroups

UNIFIED = "/sys/fs/cgroup/unified"


@contextmanager
def without_hybrid(cgroup: str) -> Iterator[None]:
    """Hide the cgroup2 hierarchy of a hybrid host from this process: with it crun refuses every container.

    crun then makes plain directories where the hierarchy was mounted; they are removed here.
    """
    if cgroups.version() != "hybrid":
        yield
        return
    before, directory = os.open("/proc/self/ns/mnt", os.O_RDONLY), os.getcwd()
    libc.unshare(libc.CLONE_NEWNS)
    try:
        libc.mount("none", "/", "", libc.MS_REC | libc.MS_PRIVATE)
        libc.umount2(UNIFIED, 0)
        yield
        shutil.rmtree(f"{UNIFIED}{cgroup}", ignore_errors=True)
    finally:
        libc.setns(before, libc.CLONE_NEWNS)
        os.close(before)
        os.chdir(directory)
