# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine that is handed down to every verb: its paths, its database, its locks, its timings."""

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

#: A lock is held for the moment of a change, never while waiting for a container; the longest moment is a copy-up.
LOCK_TIMEOUT = 60.0
RANK_BOOT, RANK_NAME, RANK_CONTAINER, RANK_VOLUME, RANK_NETWORK = -1, 0, 1, 2, 3
RANK_RULES, RANK_NAMES, RANK_STORE = 4, 5, 6
#: Of a lock that is tried once and never waited for: it may come after any other.
LAST = 99


@dataclass(frozen=True)
class Engine:
    """One engine. ``predicting``: check mode, nothing may be written.

    ``unrecorded``: the disk takes nothing more, and what is saved goes with the engine (unrecorded.py).
    ``tolerated``: see ``tolerating``. ``warned``: what the user has to know, though it stopped nothing.
    ``runtime``, ``conmon``, ``cgroup_manager``, ``storage_driver`` (of new containers): None means what suits the host.
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
        """Keep an error that an earlier task could have prevented as a warning and go on, when predicting.

        In check mode the earlier tasks of the play have done nothing: the image is not loaded, the directory not made.
        """
        try:
            yield
        except EngineError as error:
            if not self.tolerates(error):
                raise

    def tolerates(self, error: EngineError) -> bool:
        """Tell whether an error is only to be warned of; it is noted then."""
        if self.predicting and error.mended_by:
            self.tolerated.append(error)
            return True
        return False

    def lock_name(self, name: str, what: str) -> AbstractContextManager[None]:
        """Keep two tasks from converging the same name at once; held for the whole task."""
        return self._lock("name", name, RANK_NAME, what)

    def lock_container(self, container_id: str, what: str) -> AbstractContextManager[None]:
        """Hold the lock on a container; ``what`` says what for, to whoever waits for it."""
        return self._lock("container", container_id, RANK_CONTAINER, what)

    def lock_volume(self, name: str, what: str) -> AbstractContextManager[None]:
        """Hold the lock on a volume."""
        return self._lock("volume", name, RANK_VOLUME, what)

    def lock_network(self, name: str, what: str) -> AbstractContextManager[None]:
        """Hold the lock on a network."""
        return self._lock("network", name, RANK_NETWORK, what)

    def lock_rules(self, what: str) -> AbstractContextManager[None]:
        """Hold the lock on what the firewall knows of networks."""
        return self._lock("network", ".rules", RANK_RULES, what)

    def lock_names(self, what: str) -> AbstractContextManager[None]:
        """Hold the lock on what aardvark-dns is told."""
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
                # No file outlives its use; whoever waits for this one notices that it is gone and makes its own.
                with suppress(OSError):  # nor does a disk that is read-only keep a verb from its end
                    os.unlink(path)

    def tell(self, kind: str, action: str, identity: str, name: str, **attributes: str) -> None:
        """Keep an event; a loss of power may take it back."""
        with self.database.transaction(durable=False) as connection:
            events.add(connection, Event(time.time_ns(), kind, action, identity, name, attributes))
