# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the host's /dev/null the host's.

crun (seen with 1.8.1) gives what a container's process has as its standard streams to the container's user. conmon has /dev/null
there, the host's own device; its owner could take it from everybody by chmod(2).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

_USUAL = (0, 0, 0o666)


@contextmanager
def kept(path: str = os.devnull) -> Iterator[None]:
    """Give the device back to root at the end, if it is root's now; one that is not as usual is somebody else's business."""
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
