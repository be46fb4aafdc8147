# SPDX-License-Identifier: GPL-3.0-or-later
"""Refresh the engine after a reboot, or after the run root was deleted (seed: refresh, resetState).

``open_engine`` calls this when the run root has no marker of this boot. The database stores the boot id of its records.
"""

from __future__ import annotations

from contextlib import suppress

from ...errors import EngineError
from ...kernel.boot import boot_id, is_marked, mark
from ...kernel.removal import remove_tree
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ...state import meta
from ..container.remove import remove_held
from ..core.engine import Engine
from ..guard.cleanup import release
from ..resources import held
from .refreshed_rows import is_same_boot, over, refresh_rows


def refresh(engine: Engine) -> None:
    """Refresh all records and clean up after ended runs, once per boot."""
    with engine.lock_boot("refresh"):
        with engine.database.reading() as connection:
            known = meta.get(connection, meta.BOOT) is not None
        if known and is_marked(engine.layout.boot_marker):  # another process has refreshed meanwhile
            return
        with engine.database.transaction() as connection:
            same_boot = is_same_boot(connection)
            ended = refresh_rows(connection)
            meta.put(connection, meta.BOOT, boot_id())
        for record in ended:
            _clear(engine, record, mounted=same_boot)
        _remove_what_is_over(engine)
        mark(engine.layout.boot_marker)  # last, so that a killed refresh is repeated


def _clear(engine: Engine, record: ContainerRecord, *, mounted: bool) -> None:
    """Clean up after the last run; ``mounted``: it was in this boot, so its mounts may still exist."""
    # The next start or removal retries what fails here, and reports it: one broken container must not block all others.
    with suppress(EngineError, OSError):
        if mounted and record.status not in (status.EXITED, status.REMOVING):
            with engine.lock_container(record.id, "refresh"):
                release(engine, record)
        for resource in held.backwards():
            resource.refresh(engine, record)
        if not any(resource.observe(engine, record) for resource in held.HELD):
            remove_tree(engine.layout.container(record.id).run)


def _remove_what_is_over(engine: Engine) -> None:
    with engine.database.reading() as connection:
        records = over(connection)
    for record in records:
        with suppress(EngineError, OSError), engine.lock_container(record.id, "refresh"):
            remove_held(engine, record, with_volumes=True)
