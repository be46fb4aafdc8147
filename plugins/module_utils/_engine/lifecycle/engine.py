# SPDX-License-Identifier: GPL-3.0-or-later
"""Open an engine: its paths, its database, its timings; handed down to every verb."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field

from ..errors import NotRoot
from ..kernel.files import make_private
from ..kernel.locks import lock
from ..model.layout import DEFAULT_ROOT, DEFAULT_RUN_ROOT, Layout
from ..model.record import Event
from ..state import events
from ..state.database import Database, open_database
from .steps import Timings

#: A lock is held for the moment of a change, never while waiting for a container; the longest moment is a copy-up.
LOCK_TIMEOUT = 60.0
RANK_NAME, RANK_CONTAINER, RANK_VOLUME, RANK_STORE = 0, 1, 2, 4


@dataclass(frozen=True)
class Engine:
    """One engine. ``predicting``: check mode, nothing may be written.

    ``runtime``, ``conmon``, ``cgroup_manager``: None means what suits the host.
    """

    layout: Layout
    database: Database
    predicting: bool = False
    runtime: str | None = None
    conmon: str | None = None
    cgroup_manager: str | None = None
    lock_timeout: float = LOCK_TIMEOUT
    timings: Timings = field(default_factory=Timings)

    def lock_name(self, name: str, what: str) -> AbstractContextManager[None]:
        """Keep two tasks from converging the same name at once; held for the whole task."""
        return self._lock("name", name, RANK_NAME, what)

    def lock_container(self, container_id: str, what: str) -> AbstractContextManager[None]:
        return self._lock("container", container_id, RANK_CONTAINER, what)

    def lock_volume(self, name: str, what: str) -> AbstractContextManager[None]:
        return self._lock("volume", name, RANK_VOLUME, what)

    def lock_store(self, what: str) -> AbstractContextManager[None]:
        return self._lock("store", "images", RANK_STORE, what)

    @contextmanager
    def _lock(self, kind: str, name: str, rank: int, what: str) -> Iterator[None]:
        path = self.layout.lock(kind, name)
        with lock(path, timeout=self.lock_timeout, what=what, rank=rank):
            try:
                yield
            finally:
                # No file outlives its use; whoever waits for this one notices that it is gone and makes its own.
                with suppress(FileNotFoundError):
                    os.unlink(path)

    def tell(self, kind: str, action: str, identity: str, name: str, **attributes: str) -> None:
        """Keep an event."""
        with self.database.transaction() as connection:
            events.add(connection, Event(time.time_ns(), kind, action, identity, name, attributes))


@contextmanager
def open_engine(
    root: str = DEFAULT_ROOT,
    run_root: str = DEFAULT_RUN_ROOT,
    *,
    runtime: str | None = None,
    conmon: str | None = None,
    cgroup_manager: str | None = None,
    read_only: bool = False,
) -> Iterator[Engine]:
    """Open the engine at ``root``; ``read_only`` makes and changes nothing, not even directories.

    Raises NotRoot, StateBusy, StateCorrupt, StateTooNew.
    """
    if os.geteuid() != 0:
        raise NotRoot("the engine needs root", remedy="Write become: true")
    layout = Layout(root, run_root)
    if not read_only:
        make_directories(layout)
    with open_database(layout.database, read_only=read_only) as database:
        yield Engine(
            layout,
            database,
            predicting=read_only,
            runtime=runtime,
            conmon=conmon,
            cgroup_manager=cgroup_manager,
        )


def make_directories(layout: Layout) -> None:
    """Make the engine's directories, all 0700: what lies below is nobody else's business."""
    for path in (layout.root, layout.staging, layout.layers, layout.volumes, layout.containers):
        make_private(path)
    for path in (layout.run_root, layout.locks, layout.exits, layout.runtime_root, layout.run_containers):
        make_private(path)
