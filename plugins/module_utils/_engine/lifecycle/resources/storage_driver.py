# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the storage driver of a new container; results of trials are cached in the database."""

from __future__ import annotations

import json

from ...errors import HostLacks
from ...kernel.boot import boot_id
from ...model.engine.record import ContainerRecord
from ...model.engine.storage_drivers import DRIVERS
from ...plan import storage as plan
from ...rootfs import support
from ...state import meta
from ..core.engine import Engine


def driver(engine: Engine) -> str:
    """Return the driver for a new container, tried once per boot and file system.

    Raises HostLacks if the requested driver does not work.
    """
    lacks = _cached(engine)
    before = len(lacks)
    while (name := plan.untried(engine.storage_driver, lacks)) is not None:
        lacks[name] = _try_driver(engine, name)
    chosen = plan.choose(engine.storage_driver, lacks)  # before saving: a refused task leaves no trace
    if len(lacks) > before:
        _cache(engine, lacks)
    return chosen


def foreseen(engine: Engine) -> tuple[str, dict[str, str]]:
    """Return the driver for a new container, and why others were not chosen, without trying any.

    A requested driver that does not work is returned with its reason.
    """
    lacks = {**{name: _foresee(engine, name) for name in DRIVERS}, **_cached(engine)}
    wanted = engine.storage_driver
    chosen = wanted or plan.choose(None, lacks)
    return chosen, {**plan.told(chosen, lacks), **({chosen: lacks[chosen]} if lacks[chosen] else {})}


def check(engine: Engine, record: ContainerRecord | None) -> None:
    """Check that the storage driver works: the container's, or a new container's. Raises HostLacks."""
    if record is not None:
        support.foresee(record.driver, engine.layout.containers)
    elif engine.predicting:
        lacks = {**{name: _foresee(engine, name) for name in DRIVERS}, **_cached(engine)}
        plan.choose(engine.storage_driver, lacks)
    else:
        driver(engine)


def _try_driver(engine: Engine, name: str) -> str:
    from ...kernel.staging import staging  # rare: once per boot
    from ...rootfs import probe

    with engine.timings.of("try_storage"), staging(engine.layout.staging) as (stage, _fd):
        return probe.lacks(name, engine.layout.containers, stage)


def _foresee(engine: Engine, name: str) -> str:
    try:
        support.foresee(name, engine.layout.containers)
    except HostLacks as error:
        return str(error)
    return ""


def _cached(engine: Engine) -> dict[str, str]:
    """Return the cached results of trials that are still valid."""
    with engine.database.reading() as connection:
        text = meta.get(connection, meta.STORAGE)
    kept = json.loads(text) if text else {}
    return dict(kept["lacks"]) if kept.get("host") == _host(engine) else {}


def _cache(engine: Engine, lacks: dict[str, str]) -> None:
    with engine.database.transaction() as connection:
        meta.put(connection, meta.STORAGE, json.dumps({"host": _host(engine), "lacks": lacks}))


def _host(engine: Engine) -> str:
    return f"{boot_id()} {support.host(engine.layout.containers)}"
