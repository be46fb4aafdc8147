# SPDX-License-Identifier: GPL-3.0-or-later
"""Let the root of a user namespace pass through the engine's directories to its container's own.

For the kernel it is an ordinary user of the host. The directories above may then be passed, not listed; the container's own
only by the group that is its root's. libpod's makeAccessible opens every directory on the way to everybody.
"""

from __future__ import annotations

import os
import stat

from ...errors import HostLacks
from ...model.engine.record import ContainerRecord
from ...model.values.idmap import IdMap
from ..core.engine import Engine

_PASS = stat.S_IXGRP | stat.S_IXOTH


def check(engine: Engine, mapping: IdMap) -> None:
    """Raise HostLacks when a directory above the engine's, which is not ours to alter, keeps the user namespace's root out."""
    uid, gid = mapping.root
    for top in (engine.layout.root, engine.layout.run_root):
        directory = os.path.dirname(os.path.realpath(top))
        while directory != "/":
            if os.path.isdir(directory) and not _passable(os.stat(directory), uid, gid):
                raise HostLacks(
                    f"the root of a user namespace (uid {uid} of the host) can't get through {directory} to {top}",
                    remedy=f"chmod o+x {directory}, or give the engine another root and run_root",
                    path=directory,
                )
            directory = os.path.dirname(directory)


def grant_traversal(engine: Engine, record: ContainerRecord) -> None:
    """Open the way to the container's directories; nothing happens in the host's user namespace."""
    if record.mapping is None:
        return
    layout, container = engine.layout, engine.layout.container(record.id)
    for path in (layout.root, layout.containers, layout.run_root, layout.run_containers):
        mode = stat.S_IMODE(os.stat(path).st_mode)
        if mode & _PASS != _PASS:
            os.chmod(path, mode | _PASS)
    for path in (container.static, container.run):
        os.chown(path, 0, record.mapping.root[1])
        os.chmod(path, 0o710)  # noqa: S103  (the group is the container's root)


def _passable(seen: os.stat_result, uid: int, gid: int) -> bool:
    if seen.st_uid == uid:
        return bool(seen.st_mode & stat.S_IXUSR)
    return bool(seen.st_mode & (stat.S_IXGRP if seen.st_gid == gid else stat.S_IXOTH))
