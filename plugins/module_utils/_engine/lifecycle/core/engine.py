# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine that every verb gets: its paths, database, locks and timings."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from ...errors import EngineError
from ...frozen import dataclass, field
from ...kernel.locks import lock
from ...model.engine.layout import Layout
from ...model.engine.record import Event
from ...state import events
from ...state.database import Database
from .steps import Timings

#: Seconds. A lock is held during a change, never while waiting for a container; the longest change is a copy-up.
LOCK_TIMEOUT = 60.0
RANK_BOOT, RANK_NAME, RANK_CONTAINER, RANK_VOLUME, RANK_NETWORK = -1, 0, 1, 2, 3
RANK_RULES, RANK_NAMES, RANK_STORE = 4, 5, 6
#: The rank of a lock that is only tried, never waited for: it may be taken after any other.
LAST = 99


@dataclass(frozen=True)
class Engine:
    """One engine. ``predicting``: check mode, nothing may be written.

    ``unrecorded``: the disk can't be written, and what is saved is lost with the engine (emergency.py). ``tolerated``: see
    ``tolerating``. ``warned``: problems for the user to know that did not fail the task. ``runtime``, ``conmon``,
    ``cgroup_manager``, ``storage_driver`` (of new containers): None means what suits the host.
    """

    layout: Layout
    database: Database
    predicting: bool = False
    runtime: str | None = None
    conmon: str | None = None
    cgroup_manager: str | None = None
    storage_driver: str | None = None
    unrecorded: bool = False
    lock_timeout: float = LOCK_TIMEOUT
    timings: Timings = field(default_factory=Timings)
    tolerated: list[EngineError] = field(default_factory=list)
    warned: list[EngineError] = field(default_factory=list)

    @contextmanager
    def tolerating(self) -> Iterator[None]:
        """In check mode, turn an error that an earlier task could prevent into a warning.

        Earlier tasks of the play did nothing in check mode: the image is not loaded, the directory not created.
        """
        try:
            yield
        except EngineError as error:
            if not self.tolerates(error):
                raise

    def tolerates(self, error: EngineError) -> bool:
        """Return whether an error only deserves a warning; add it to ``tolerated`` then."""
        if self.predicting and error.mended_by:
            self.tolerated.append(error)
            return True
        return False

    def lock_name(self, name: str, what: str) -> AbstractContextManager[None]:
        """Hold the lock on a name for a whole task, so that no two tasks converge it at once."""
        return self._lock("name", name, RANK_NAME, what)

    def lock_container(self, container_id: str, what: str) -> AbstractContextManager[None]:
        """Hold the lock on a container; ``what`` is the purpose, shown to processes that wait for it."""
        return self._lock("container", container_id, RANK_CONTAINER, what)

    def lock_volume(self, name: str, what: str) -> AbstractContextManager[None]:
        """Hold the lock on a volume."""
        return self._lock("volume", name, RANK_VOLUME, what)

    def lock_network(self, name: str, what: str) -> AbstractContextManager[None]:
        """Hold the lock on a network."""
        return self._lock("network", name, RANK_NETWORK, what)

    def lock_rules(self, what: str) -> AbstractContextManager[None]:
        """Hold the lock on the firewall rules of networks."""
        return self._lock("network", ".rules", RANK_RULES, what)

    def lock_names(self, what: str) -> AbstractContextManager[None]:
        """Hold the lock on the configuration of aardvark-dns."""
        return self._lock("network", ".names", RANK_NAMES, what)

    def lock_store(self, what: str) -> AbstractContextManager[None]:
        """Hold the lock on images and layers."""
        return self._lock("store", "images", RANK_STORE, what)

    def lock_boot(self, what: str) -> AbstractContextManager[None]:
        """Hold the lock of the first verb after a boot."""
        return self._lock("engine", "boot", RANK_BOOT, what)

    @contextmanager
    def _lock(self, kind: str, name: str, rank: int, what: str) -> Iterator[None]:
        path = self.layout.lock(kind, name)
        with lock(path, timeout=self.lock_timeout, what=what, rank=rank):
            try:
                yield
            finally:
                # The file is removed after use; a process that waits for it notices, and creates its own.
                with suppress(OSError):  # a read-only disk must not fail the verb
                    os.unlink(path)

    def tell(self, kind: str, action: str, identity: str, name: str, **attributes: str) -> None:
        """Record an event, without a sync: a power loss may lose it."""
        with self.database.transaction(durable=False) as connection:
            events.add(connection, Event(time.time_ns(), kind, action, identity, name, attributes))
