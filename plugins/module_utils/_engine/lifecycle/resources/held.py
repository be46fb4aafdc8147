# SPDX-License-Identifier: GPL-3.0-or-later
"""List all that a container holds, in the order in which a start acquires it: to hold one more thing is one more line here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from .contract import Resource
from .mounts import FILES, MOUNTS, ROOTFS, SHM
from .runtime import CGROUP, MONITOR, RUNTIME, SESSIONS
from .sharing import NAMESPACES
from .volume_attach import VOLUMES

#: Each may need those before it, and none those after it.
HELD: tuple[Resource, ...] = (
    SESSIONS,
    MONITOR,
    NAMESPACES,
    FILES,
    SHM,
    ROOTFS,
    VOLUMES,
    MOUNTS,
    CGROUP,
    RUNTIME,
)


def planned(engine: Engine, record: ContainerRecord) -> dict[str, Any]:
    """Return what the record has to say before a start acquires anything."""
    return {key: value for one in HELD for key, value in one.plan(engine, record).items()}


def backwards() -> Iterator[Resource]:
    """Yield all in the order in which they are released: what others may hold too comes last."""
    yield from (one for one in reversed(HELD) if not one.shared)
    yield from shared()


def shared() -> Iterator[Resource]:
    """Yield what others may hold too, in the order in which it is released."""
    return (one for one in reversed(HELD) if one.shared)
