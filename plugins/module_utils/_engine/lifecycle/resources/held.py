# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources of a container, in the order in which a start acquires them; add a new kind here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from .contract import Resource
from .mounts import FILES, MOUNTS, ROOTFS, SHM
from .network import NETWORK
from .runtime import CGROUP, MONITOR, RUNTIME, SESSIONS
from .sharing import NAMESPACES
from .volume_attach import VOLUMES

#: A resource may need those before it, but none after it.
HELD: tuple[Resource, ...] = (
    SESSIONS,
    MONITOR,
    NAMESPACES,
    NETWORK,
    FILES,
    SHM,
    ROOTFS,
    VOLUMES,
    MOUNTS,
    CGROUP,
    RUNTIME,
)


def planned(engine: Engine, record: ContainerRecord) -> dict[str, Any]:
    """Return the fields of the record to save with the intent, before a start acquires anything."""
    return {key: value for one in HELD for key, value in one.plan(engine, record).items()}


def backwards() -> Iterator[Resource]:
    """Yield all in the order of their release: in reverse, but shared ones last."""
    yield from (one for one in reversed(HELD) if not one.shared)
    yield from shared()


def shared() -> Iterator[Resource]:
    """Yield the shared ones in the order of their release."""
    return (one for one in reversed(HELD) if one.shared)
