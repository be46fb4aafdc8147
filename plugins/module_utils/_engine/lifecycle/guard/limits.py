# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the limits of a running container, by its runtime.

The undo is on disk, and the intent in the record, before anything is changed: a change that the runtime refuses has no
effect, and one that was killed is undone by the next verb, which then repeats it if still wanted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ...errors import EngineError, InvalidOption, Setting, Words
from ...kernel.cgroup import cgroups, membership
from ...model.container import status
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ...runtime import host
from ...runtime.config import limits
from ..core.engine import Engine
from ..core.facts import save, save_and_tell
from ..core.runtime import runtime_of

UPDATE = "update"
#: Files of the run directory: the resources for the runtime's update, and those that undo it.
_FORTH, _BACK = "update.json", "undo.json"


def alter(engine: Engine, record: ContainerRecord, spec: ContainerSpec) -> ContainerRecord:
    """Apply the spec, which differs only in live options, to the container; its lock is held.

    A container that is not alive gets its limits at the start. Raises InvalidOption for less memory than it uses, and
    RuntimeFailed; nothing is changed then.
    """
    if record.status not in status.ALIVE or record.process is None:
        return save(engine, record, spec=spec)
    forth, back = _changes(record, spec, record.process.pid)
    if not forth:
        return save(engine, record, spec=spec)
    _check_memory(record.process.pid, forth)
    return _carry_out(engine, record, spec, forth, back)


def check_alteration(record: ContainerRecord, spec: ContainerSpec) -> None:
    """Raise InvalidOption for less memory than a running container uses; called before any change."""
    if record.status in status.ALIVE and record.process is not None:
        forth, _back = _changes(record, spec, record.process.pid)
        _check_memory(record.process.pid, forth)


def _changes(
    record: ContainerRecord, spec: ContainerSpec, pid: int
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the changes for the runtime, and those that undo them."""
    before, after = (
        limits.limits(each, counts_swap=host.counts_swap(cgroups.version())) for each in (record.spec, spec)
    )
    ground = _ground(pid, os.path.basename(record.runtime))
    # Keywords, because pylint takes swapped positional arguments for a mistake.
    return limits.change(before, after, ground), limits.change(before=after, after=before, ground=ground)


def mend(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Undo a change that was killed; the lock is held. A limit that can't be restored stays changed."""
    if record.status in status.ALIVE:
        with suppress(EngineError):
            _apply(engine, record, _BACK)
    record = save(engine, record, intent="")
    _forget(engine, record)
    return record


def _carry_out(
    engine: Engine,
    record: ContainerRecord,
    spec: ContainerSpec,
    forth: Mapping[str, Any],
    back: Mapping[str, Any],
) -> ContainerRecord:
    for name, content in ((_FORTH, forth), (_BACK, back)):
        _write(_path(engine, record, name), content)
    record = save(engine, record, intent=UPDATE)
    try:
        _apply(engine, record, _FORTH)
    except EngineError as error:
        try:
            _apply(engine, record, _BACK)
        except EngineError as further:
            error.fields["not_undone"] = [str(further)]
        save(engine, record, intent="")
        _forget(engine, record)
        raise
    record = save_and_tell(engine, record, (UPDATE,), spec=spec, intent="")
    _forget(engine, record)
    return record


def _apply(engine: Engine, record: ContainerRecord, name: str) -> None:
    path = _path(engine, record, name)
    if os.path.exists(path):
        runtime_of(engine, record).update(record.id, path)


def _path(engine: Engine, record: ContainerRecord, name: str) -> str:
    return f"{engine.layout.container(record.id).run}/{name}"


def _write(path: str, content: Mapping[str, Any]) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as stream:
        json.dump(content, stream)


def _forget(engine: Engine, record: ContainerRecord) -> None:
    for name in (_FORTH, _BACK):
        with suppress(FileNotFoundError):
            os.unlink(_path(engine, record, name))


def _ground(pid: int, runtime: str) -> limits.Ground:
    """Return the values of the parent of the container's cgroup, on which its limits are based."""
    above = os.path.dirname(membership.directory(pid, "cpuset") or "")
    cpus = membership.read(above, "cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus")
    mems = membership.read(above, "cpuset.mems.effective", "cpuset.effective_mems", "cpuset.mems")
    version = cgroups.version()
    return limits.Ground(cpus, mems, version, takes_none=runtime == "runc", weight=_weight(pid, version))


def _weight(pid: int, version: str) -> int:
    """Return the default block I/O weight, by the file that the kernel has for it."""
    place = membership.directory(pid, "blkio") or ""
    if membership.read(place, "io.bfq.weight", "blkio.bfq.weight"):
        return limits.WEIGHT_BFQ
    return limits.WEIGHT_V2 if version == "v2" else limits.WEIGHT_CFQ


def _check_memory(pid: int, forth: Mapping[str, Any]) -> None:
    """Refuse a limit below the memory that can't be reclaimed: cgroups v2 would kill the container."""
    limit = forth.get("memory", {}).get("limit", -1)
    place = membership.directory(pid, "memory")
    if limit < 0 or place is None:
        return
    counters = dict(line.split(None, 1) for line in membership.read(place, "memory.stat").splitlines())
    held = int(counters.get("anon", counters.get("total_rss", 0)))
    if held > limit:
        raise InvalidOption(
            "memory",
            limit,
            f"is less than the {held} bytes that the container uses",
            remedy=Words(
                "Use a higher limit, or ", Setting("recreate", True), ", which starts a new container"
            ),
        )
