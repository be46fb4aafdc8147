# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoint a running container with CRIU: save its processes and their memory, to restore them later.

CRIU kills the processes when all is written, so either the container runs or its checkpoint is complete. libpod:
checkpoint.
"""

from __future__ import annotations

import os
import time

from ...errors import InvalidOption, NotBuiltYet, RuntimeFailed, WrongState
from ...kernel.process import Process
from ...model.container import namespaces, status
from ...model.container.checkpoint import CheckpointOptions, for_runtime
from ...model.container.option import LIVE
from ...model.engine.record import ContainerRecord
from ...plan.diff import Difference
from ...runtime import criu, oci
from ...state import execs
from ..core.engine import Engine
from ..core.facts import gather, observe, save
from ..core.outcome import Outcome
from ..core.runtime import runtime_of
from ..guard import checkpoint_files
from ..guard.checkpoint_files import CHECKPOINT
from ..guard.hold import hold


def checkpoint(engine: Engine, record: ContainerRecord, options: CheckpointOptions) -> Outcome:
    """Checkpoint the container unless that is done already, and export an archive if the options name one.

    Raises WrongState for a container that is neither running nor checkpointed, HostLacks where CRIU cannot work,
    InvalidOption, NotBuiltYet and RuntimeFailed; the container then keeps running.
    """
    seen = observe(engine, record)
    actions = _actions(seen, options)
    if not actions:
        return Outcome(result=_shape(engine, record))
    check(engine, seen, options)
    if not engine.predicting:
        with engine.timings.of(CHECKPOINT), hold(engine, record.id, CHECKPOINT) as held:
            _carry_out(engine, held, options)
    before, after = ("checkpointed" if seen.is_checkpointed else seen.status), "checkpointed"
    differs = before != after and not options.leave_running
    differences = (Difference("state", before, after, LIVE),) if differs else ()
    return Outcome(actions, differences, LIVE if differs else "", _shape(engine, record))


def _shape(engine: Engine, record: ContainerRecord) -> dict[str, object]:
    from ..info.info import containers

    return {"container": next(iter(containers(engine, [record.id]).result["containers"]), {})}


def _actions(record: ContainerRecord, options: CheckpointOptions) -> tuple[str, ...]:
    """Return the actions to take, as text; none if all is done already."""
    exported = (f"exported the checkpoint to {options.export}",) if options.export else ()
    if not record.is_checkpointed:
        return (f"checkpointed {record.name}", *exported)
    return exported if options.export and not os.path.exists(options.export) else ()


def check(engine: Engine, record: ContainerRecord, options: CheckpointOptions) -> None:
    """Check that the checkpoint can be made, before anything is changed. Raises as ``checkpoint`` does."""
    if options.export is not None:
        from .export import check as check_export

        check_export(record, options)
    if record.is_checkpointed:
        return
    if record.status != status.RUNNING or record.process is None:
        raise WrongState(
            f"container {record.name} is {record.status} and cannot be checkpointed",
            remedy="Start the container first; only a running container can be checkpointed",
            name=record.name,
            status=record.status,
        )
    if record.spec.rm and not (options.export or options.leave_running):
        raise InvalidOption(
            "export",
            None,
            "is required: the container has rm: true and is removed when it exits",
            remedy="Set export to the path of an archive",
        )
    _check_kind(record)
    _check_sessions(engine, record)
    criu.check(oci.find_runtime(record.runtime or None))


def _check_kind(record: ContainerRecord) -> None:
    """Refuse a container that joins another's namespaces: its checkpoint does not contain them."""
    spec = record.spec
    shared = [kind for kind in namespaces.OPTIONS if namespaces.container(namespaces.of(spec, kind) or "")]
    if shared:
        raise NotBuiltYet(
            f"container {record.name} joins another container's namespaces ({', '.join(shared)}); checkpoints of"
            " such containers are not implemented",
            option=shared[0],
        )


def _check_sessions(engine: Engine, record: ContainerRecord) -> None:
    with engine.database.reading() as connection:
        running = [
            session.id[:12] for session in execs.of(connection, record.id) if session.exit_code is None
        ]
    if running:
        raise WrongState(
            f"container {record.name} has running exec sessions ({', '.join(running)}), which a checkpoint cannot"
            " contain",
            remedy="Wait until they have exited",
            name=record.name,
            exec_ids=running,
        )


def _carry_out(engine: Engine, record: ContainerRecord, options: CheckpointOptions) -> None:
    check(engine, record, options)  # once more: the container may have changed before we held the lock
    if not record.is_checkpointed:
        record = _dump(engine, record, options)
    if options.export is not None:
        from .export import export

        with engine.timings.of("export"):
            export(engine, record, options)
        if record.spec.rm and record.is_checkpointed:
            from ..container.remove import remove_held

            remove_held(engine, record, with_volumes=True)


def _dump(engine: Engine, record: ContainerRecord, options: CheckpointOptions) -> ContainerRecord:
    """Write the images and record the container's new state; if that fails, the container keeps running."""
    container = engine.layout.container(record.id)
    runtime = runtime_of(engine, record)
    words = (*for_runtime(options), *(("--leave-running",) if options.leave_running else ()))
    checkpoint_files.begin(container)
    record = save(engine, record, intent=CHECKPOINT)
    try:
        runtime.checkpoint(record.id, container.new_checkpoint, container.bundle, words)
    except RuntimeFailed as error:
        criu.add_log(error, container.checkpoint_log)
        save(engine, record, intent="")  # first: without the intent the images are not taken for complete
        checkpoint_files.give_up(container)
        raise
    if not options.keep:
        checkpoint_files.forget_logs(container)
    record = _left_running(engine, record) if options.leave_running else _settle_exited(engine, record)
    engine.tell("container", CHECKPOINT, record.id, record.name)
    return record


def _left_running(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    checkpoint_files.put_in_place(engine.layout.container(record.id))
    return save(engine, record, intent="", checkpointed=time.time_ns())


def _settle_exited(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Settle the record after the killed processes are gone and conmon has written its exit file.

    Otherwise the exit file would appear after the clean-up and be taken for the next run's.
    """
    if record.process is not None:
        Process(*record.process).wait_gone(checkpoint_files.DYING)
    gather(engine, record)
    checkpoint_files.put_in_place(engine.layout.container(record.id))
    return checkpoint_files.settle(engine, record)
