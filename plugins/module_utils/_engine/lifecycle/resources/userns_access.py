# SPDX-License-Identifier: GPL-3.0-or-later
"""Grant a user namespace's root traversal of the engine's directories.

For the kernel it is an ordinary user of the host. The engine's directories become traversable but not readable; those of the
container only for the group of its root. libpod's makeAccessible opens every directory on the path to all users.
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
    """Check that the user namespace's root can reach the engine's directories.

    Raises HostLacks, naming the parent directory that blocks it; the engine does not change directories of the host.
    """
    uid, gid = mapping.root
    for top in (engine.layout.root, engine.layout.run_root):
        directory = os.path.dirname(os.path.realpath(top))
        while directory != "/":
            if os.path.isdir(directory) and not _passable(os.stat(directory), uid, gid):
                raise HostLacks(
                    f"the root of a user namespace (uid {uid} on the host) cannot traverse {directory} to reach {top}",
                    remedy=f"Run chmod o+x {directory}, or use another root and run_root",
                    path=directory,
                )
            directory = os.path.dirname(directory)


def grant_traversal(engine: Engine, record: ContainerRecord) -> None:
    """Make the container's directories traversable for its mapped root; do nothing if it has none."""
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
