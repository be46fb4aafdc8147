# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, alter and remove named volumes. Data is removed by ``absent`` and by nothing else (design promise 3)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..model.volume import VolumeRecord, VolumeSpec
from ..plan.container import ABSENT
from ..plan.diff import Difference, text_differences
from ..state import volumes
from .engine import Engine
from .inspect_volume import volume_shape
from .outcome import Outcome
from .volume import discard, ensure, get_volume, refuse_users, users_of
from .waste import sweep


def converge_volume(engine: Engine, spec: VolumeSpec, state: str) -> Outcome:
    """Bring the volume to ``present`` or ``absent``.

    Raises InUse naming the containers that have it.
    """
    record = get_volume(engine, spec.name)
    if state == ABSENT:
        return _absent(engine, record)
    if record is None or record.removing:
        return _present(engine, VolumeRecord(spec, time.time_ns()), (f"created volume {spec.name}",))
    found = _differences(record, spec)
    actions = (f"updated volume {spec.name}",) if found else ()
    return _present(engine, replace(record, spec=spec), actions, found)


def _differences(record: VolumeRecord, spec: VolumeSpec) -> tuple[Difference, ...]:
    return text_differences({"labels": dict(record.spec.labels)}, {"labels": dict(spec.labels)})


def _present(
    engine: Engine, record: VolumeRecord, actions: tuple[str, ...], found: tuple[Difference, ...] = ()
) -> Outcome:
    # A task that was killed may have left the row without its directory.
    made = os.path.isdir(engine.layout.volume_data(record.spec.name))
    if (actions or not made) and not engine.predicting:
        ensure(engine, record)
    return Outcome(actions, found, "live" if found else "", {"volume": _shape(engine, record)})


def _absent(engine: Engine, record: VolumeRecord | None) -> Outcome:
    if record is None:
        return Outcome(result={"volume": {}})
    name = record.spec.name
    _check_unused(engine, name)
    if not engine.predicting:
        discard(engine, name)
        sweep(engine)
    return Outcome((f"removed volume {name}",), result={"volume": {}})


def _check_unused(engine: Engine, name: str) -> None:
    with engine.database.reading() as connection:
        refuse_users(name, users_of(connection, name))


def _shape(engine: Engine, record: VolumeRecord) -> Mapping[str, Any]:
    with engine.database.reading() as connection:
        users = users_of(connection, record.spec.name)
        current = volumes.get(connection, record.spec.name)
    return volume_shape(current or record, engine.layout, users=users)
