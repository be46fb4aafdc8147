# SPDX-License-Identifier: GPL-3.0-or-later
"""Freeze running containers while their files are read, and thaw them whatever happens.

Their locks are held meanwhile, and the intent is in the record before the runtime is called. So an intent without a held
lock means that the process that froze the container died (``freeze.mend_stilled``). A watcher that waits for the exit of
this process thaws the containers at once, without the next task (``watch``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from ...errors import NotFound
from ...kernel.exit_watcher import attended
from ...model.container import status
from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from ..core.facts import save, save_and_tell
from ..core.runtime import runtime_of
from .freeze import check_freezer, thaw_stilled
from .hold import hold


@contextmanager
def stilled(engine: Engine, ids: Iterable[str], what: str) -> Iterator[tuple[str, ...]]:
    """Lock containers, freeze those that run, and yield their names; leave paused ones as they are.

    Raises HostLacks if one can't be frozen, LockTimeout; none stays frozen then.
    """
    with ExitStack() as stack:
        running = []
        for container_id in sorted(ids):
            with suppress(NotFound):  # removed meanwhile
                record = stack.enter_context(hold(engine, container_id, what))
                running += [record] if record.status == status.RUNNING else []
        for record in running:
            check_freezer(record)
        if running:
            stack.enter_context(_watched(engine, running))
        for record in running:
            stack.callback(_thaw, engine, record)
            _freeze(engine, record)
        yield tuple(record.name for record in running)


def watch(engine: Engine, ids: Iterable[str]) -> None:
    """Thaw the containers of a process that died: ``hold`` recovers them."""
    for container_id in ids:
        with suppress(NotFound), hold(engine, container_id, "unpause"):
            pass


def _freeze(engine: Engine, record: ContainerRecord) -> None:
    save(engine, record, intent=status.STILL)
    runtime_of(engine, record).pause(record.id)
    engine.tell("container", "pause", record.id, record.name)


def _thaw(engine: Engine, record: ContainerRecord) -> None:
    thaw_stilled(engine, record)
    save_and_tell(engine, record, ("unpause",), intent="")


@contextmanager
def _watched(engine: Engine, records: list[ContainerRecord]) -> Iterator[None]:
    """Run a watcher that thaws the containers if this process dies."""
    program = engine.layout.agent_program
    if not os.path.exists(program):
        yield
        return
    with attended([program, "let-go", *(record.id for record in records)]):
        yield
