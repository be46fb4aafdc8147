# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's shape as every task and info module returns it: its record, other rows and files combined."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from ...model.engine.record import ContainerRecord, ImageRecord
from ...state import dependencies, execs, networks, volumes
from ..core.engine import Engine
from ..core.health_state import health_of
from ..inspect.host_config import OfHost
from ..resources.confinement import profile_of
from .shape import container_shape


def inspected(
    engine: Engine,
    connection: sqlite3.Connection,
    record: ContainerRecord,
    image: ImageRecord | None,
    host: OfHost,
) -> dict[str, Any]:
    """Return the container's shape as in ``podman inspect``; ``host`` is from ``inspect.host_facts.look``."""
    known = ((name, volumes.get(connection, name)) for name in record.volumes.values())
    attached = ((one, networks.get(connection, one.network_id)) for one in record.endpoints)
    return container_shape(
        record,
        image,
        engine.layout,
        volumes={name: volume for name, volume in known if volume is not None},
        host_name=os.uname().nodename,
        attached=tuple((one, one.seen_from(network)) for one, network in attached if network is not None),
        health=health_of(engine, record, image),
        apparmor=profile_of(record),
        host=host,
        needs=sorted({row.needs for row in dependencies.of(connection, record.id)}),
        exec_ids=[session.id for session in execs.of(connection, record.id)],
    )
