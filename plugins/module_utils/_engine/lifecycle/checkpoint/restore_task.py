# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore a container from its checkpoint or from an archive, and report the outcome."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ...model.container import status
from ...model.container.checkpoint import RestoreOptions
from ...model.container.option import LIVE
from ...model.engine.record import ContainerRecord
from ...plan.diff import Difference
from ..core.engine import Engine
from ..core.facts import observe
from ..core.lookup import find
from ..core.outcome import Outcome
from ..info.info import containers as shapes
from .restore import RESTORE, check, go_on

if TYPE_CHECKING:
    from .import_archive import Arrival

#: Returns the command that conmon runs when the container has exited; called only when there is something to do.
ExitCommand = Callable[[Engine], "tuple[str, ...]"]


def restore(engine: Engine, options: RestoreOptions, exit_command: ExitCommand) -> Outcome:
    """Restore the container from its checkpoint, or a new one from an archive; leave a running one alone.

    Raises NotFound, WrongState for a container without a checkpoint, HostLacks where CRIU cannot work, RuntimeFailed, and
    for an archive ArchiveBroken, UnsafeEntry, NameInUse, InUse, StoreFull; nothing is changed then.
    """
    if options.source is not None:
        return _from_archive(engine, options, exit_command)
    record = find(engine, options.name or "")
    seen = observe(engine, record)
    if seen.status == status.RUNNING:
        return Outcome(result=_shape(engine, record.id))
    check(engine, seen)
    if not engine.predicting:
        go_on(engine, record.id, options, exit_command(engine))
    return _outcome(engine, record.id, "checkpointed", (f"restored {record.name}",))


def _from_archive(engine: Engine, options: RestoreOptions, exit_command: ExitCommand) -> Outcome:
    from . import import_archive as archives

    with archives.opened(engine, options) as arrival:
        name = arrival.dump.spec.name
        with nullcontext() if engine.predicting else engine.lock_name(name, f"{RESTORE} {name}"):
            there = archives.find_brought(engine, arrival)
            if there is not None and there.status == status.RUNNING:
                return Outcome(result=_shape(engine, there.id))
            if there is not None:
                check(engine, there)
            else:
                archives.check(engine, arrival)
            if not engine.predicting:
                _import_and_restore(engine, arrival, there, options, exit_command(engine))
        return _outcome(engine, name, None, (f"restored {name} from {options.source}",))


def _import_and_restore(
    engine: Engine,
    arrival: Arrival,
    there: ContainerRecord | None,
    options: RestoreOptions,
    exit_command: tuple[str, ...],
) -> None:
    """Import the container unless it exists, and restore it; remove it again if its restore fails."""
    from . import import_archive as archives

    if there is not None:
        go_on(engine, there.id, options, exit_command)
        return
    with engine.timings.of("import"):
        record = archives.bring_in(engine, arrival)
    try:
        go_on(engine, record.id, options, exit_command)
    except BaseException:  # also on an interrupt: the archive must remain restorable
        archives.take_away(engine, record.id)
        raise


def _outcome(engine: Engine, container_id: str, before: str | None, actions: tuple[str, ...]) -> Outcome:
    differences = (Difference("state", before, "running", LIVE),)
    return Outcome(actions, differences, LIVE, _shape(engine, container_id))


def _shape(engine: Engine, container_id: str) -> dict[str, Any]:
    return {"container": next(iter(shapes(engine, [container_id]).result["containers"]), {})}
