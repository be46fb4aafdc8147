# SPDX-License-Identifier: GPL-3.0-or-later
"""Protect the host's /dev/null from a change of owner.

crun (seen with 1.8.1) changes the owner of a container process's standard streams to the container's user.
For conmon these are /dev/null, the host's own device; a new owner could deny it to everyone with chmod(2).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_USUAL = (0, 0, 0o666)


@contextmanager
def kept(path: str = os.devnull) -> Iterator[None]:
    """Restore the device's owner and mode on exit; leave a device alone that was unusual before."""
    before = _owner(path)
    try:
        yield
    finally:
        if before == _USUAL and _owner(path) != _USUAL:
            os.chown(path, *_USUAL[:2])
            os.chmod(path, _USUAL[2])


def _owner(path: str) -> tuple[int, int, int]:
    seen = os.stat(path)
    return seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode)
