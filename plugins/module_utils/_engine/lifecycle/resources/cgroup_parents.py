# SPDX-License-Identifier: GPL-3.0-or-later
"""Record which parent cgroups the engine created, so that it removes these and no others.

The record is a marker file per parent in the run root, which, like cgroups, does not survive a reboot.
"""

from __future__ import annotations

import os
from contextlib import suppress

from ...kernel.cgroup import cgroups
from ...kernel.files import make_private
from ...model.container import cgroup as names
from ...model.engine.record import ContainerRecord
from ...systemd import scope
from ..core.engine import Engine


def claim(engine: Engine, parent: str) -> None:
    """Record the topmost cgroup that the coming start will create for this parent, if any."""
    path = names.slice_path(parent) if names.is_slice(parent) else parent
    missing = [above for above in _upward(path) if not cgroups.exists(above)]
    if missing:
        make_private(engine.layout.cgroup_marks)
        with open(os.open(_mark(engine, path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(missing[-1])


def leave(engine: Engine, record: ContainerRecord, others: tuple[ContainerRecord, ...]) -> None:
    """Remove the cgroups that the engine created above a removed container, unless another needs them."""
    parent = record.spec.cgroup_parent
    if parent is None or any(other.spec.cgroup_parent == parent for other in others):
        return
    path = names.slice_path(parent) if names.is_slice(parent) else parent
    mark = _mark(engine, path)
    try:
        with open(mark, encoding="utf-8") as stream:
            top = stream.read()
    except FileNotFoundError:
        return
    for place in _upward(path):
        if place == top or place.startswith(f"{top}/"):
            _remove(place)
    os.unlink(mark)
    with suppress(OSError):
        os.rmdir(engine.layout.cgroup_marks)


def _remove(place: str) -> None:
    """Remove the cgroup if it is empty; stop a slice's unit first, which would stay loaded otherwise."""
    if place.endswith(".slice") and scope.is_running() and not cgroups.processes(place):
        scope.stop(os.path.basename(place))
    cgroups.remove_empty(place)


def _upward(path: str) -> list[str]:
    """Return the cgroup and its ancestors, without the root."""
    words = path.strip("/").split("/")
    return ["/" + "/".join(words[:count]) for count in range(len(words), 0, -1)]


def _mark(engine: Engine, path: str) -> str:
    import hashlib

    return f"{engine.layout.cgroup_marks}/{hashlib.sha256(path.encode()).hexdigest()[:32]}"
