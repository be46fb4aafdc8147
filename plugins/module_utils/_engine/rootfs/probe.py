# SPDX-License-Identifier: GPL-3.0-or-later
"""Test whether a storage driver works in a directory, by mounting there and doing what containers do.

Only a short-lived thread sees the mount; the test's files are in a directory of the caller, below the engine's root.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from ..errors import EngineError, HostLacks
from ..kernel import libc
from ..kernel.files import directory, make_private
from ..kernel.private_mounts import apart
from ..model.engine.layout import ContainerLayout
from ..model.engine.storage_drivers import FUSE, OVERLAY
from . import fuse, support

#: Seconds for the program to exit.
_PATIENCE = 5.0


def lacks(driver: str, place: str, stage: str) -> str:
    """Return why the driver does not work in ``place``, or ``""``; ``stage`` is an empty directory there."""
    tries: dict[str, Callable[[str], None]] = {OVERLAY: _try_overlay, FUSE: _try_fuse}
    try:
        if driver in tries:
            support.foresee(driver, place)
            _make_layers(stage)
            tries[driver](stage)
    except HostLacks as error:
        return str(error)
    except (EngineError, OSError) as error:
        return f"a test mount below {place} failed: {error}"
    return ""


def _make_layers(stage: str) -> None:
    """Create a layer with a file and a non-empty directory, and a container's other directories."""
    layer = f"{stage}/layer"
    for path in (f"{layer}/again", f"{stage}/upper", f"{stage}/work", f"{stage}/merged"):
        make_private(path)
    for path in (f"{layer}/gone", f"{layer}/again/old"):
        with open(path, "xb"):
            pass


def _try_overlay(stage: str) -> None:
    options = "lowerdir=layer,upperdir=upper,workdir=work"

    def attempt() -> None:
        os.chdir(stage)  # the thread's own
        libc.mount("overlay", "merged", "overlay", 0, options)
        with directory("merged") as root:
            _use(root)

    with support.explained(stage, (f"{stage}/layer",)):
        apart(attempt)


def _try_fuse(stage: str) -> None:
    container = ContainerLayout(id="probe", static=stage, run=stage, exit_file=f"{stage}/exit")
    served = fuse.serve(
        support.find_fuse(),
        (f"{stage}/layer",),
        lambda connection: apart(lambda: fuse.mount_for(connection, container.merged)),
        title=f"slipway-probe:{stage}",
        own=(container.upper, container.work),
    )
    try:
        _use(served.root)
    finally:
        os.close(served.root)
        if served.process is not None:
            served.process.wait_gone(_PATIENCE)


def _use(root: int) -> None:
    """Delete the layer's files and recreate a directory: the upper layer must store all markers.

    Raises HostLacks, OSError.
    """
    os.unlink("gone", dir_fd=root)
    os.unlink("again/old", dir_fd=root)
    os.rmdir("again", dir_fd=root)
    os.mkdir("again", 0o700, dir_fd=root)
    with directory("again", dir_fd=root) as again:
        if os.listdir(root) != ["again"] or os.listdir(again):
            raise HostLacks(
                "files that a container deletes would reappear: the upper layer stores no markers"
            )
