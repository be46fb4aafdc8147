# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources of a container's processes: cgroup, state of OCI runtime and conmon, exec sessions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...errors import HostLacks, Setting, Words
from ...model.container import log_options
from ...model.container.cgroup import DISABLED
from ...model.container.spec import ContainerSpec
from ...model.engine.record import ContainerRecord
from ..core.engine import Engine
from ..inspect import held as shown
from .contract import Known, Resource, Run

if TYPE_CHECKING:
    from ..core.source import Source


def check_programs(engine: Engine, spec: ContainerSpec) -> None:
    """Check that OCI runtime and conmon exist and support the spec. Raises HostLacks."""
    from ...runtime import conmon, oci

    runtime, monitor = oci.find_runtime(engine.runtime), conmon.find_conmon(engine.conmon)
    if spec.log_driver == log_options.JOURNAL:
        from ...runtime import journal

        journal.check(monitor)
    if spec.cgroups == DISABLED and runtime.name != "crun":
        raise HostLacks(
            f"cgroups: {DISABLED} needs crun: {runtime.name} always creates a cgroup",
            remedy=Words("Install crun and use ", Setting("runtime", "crun")),
            program="crun",
        )


class _Cgroup(Resource):
    """Its cgroup, which the runtime or systemd creates; the engine records parents that a start created."""

    name, step = "cgroup", "prepare"

    def check(
        self, engine: Engine, spec: ContainerSpec, _source: Source, _record: ContainerRecord | None
    ) -> Iterator[Callable[[], object]]:
        from . import cgroup

        yield lambda: cgroup.check(engine, spec)

    def plan(self, engine: Engine, record: ContainerRecord) -> Mapping[str, Any]:
        from . import cgroup

        return {"cgroup": cgroup.planned(engine, record)}

    def acquire(self, engine: Engine, run: Run) -> Run:
        if run.record.spec.cgroup_parent:
            from . import cgroup_parents

            cgroup_parents.claim(engine, run.record.spec.cgroup_parent)
        return run

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        from . import cgroup

        cgroup.clear(engine, record)

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        from . import cgroup

        return cgroup.is_there(cgroup.cgroup_of(engine, record))

    def inspect(self, known: Known) -> Mapping[str, Any]:
        return shown.cgroup(known.record, known.layout)


class _Runtime(Resource):
    """The OCI runtime's state of it; a start creates that through conmon, last of all."""

    name = "runtime"

    def check(
        self, engine: Engine, spec: ContainerSpec, _source: Source, _record: ContainerRecord | None
    ) -> Iterator[Callable[[], object]]:
        yield lambda: check_programs(engine, spec)

    def plan(self, engine: Engine, record: ContainerRecord) -> Mapping[str, Any]:  # noqa: ARG002  (the task's own)
        from ...runtime import oci

        return {"runtime": oci.find_runtime(engine.runtime).path}

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        from ..core.runtime import runtime_of

        runtime_of(engine, record).delete(record.id, force=True)

    def observe(self, engine: Engine, record: ContainerRecord) -> bool:
        return os.path.exists(f"{engine.layout.runtime_root}/{record.id}")


class _Monitor(Resource):
    """The files of its conmon: sockets, PID files, and the exit file, which the next run must not find."""

    name = "monitor files"

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        from ...runtime import conmon

        conmon.remove_stale_files(engine.layout.container(record.id))

    def refresh(self, engine: Engine, record: ContainerRecord) -> None:
        self.release(engine, record)


class _Sessions(Resource):
    """Its exec sessions, whose processes ended with it or its cgroup (seed: init)."""

    name = "exec sessions"

    def release(self, engine: Engine, record: ContainerRecord) -> None:
        from ...kernel.removal import remove_tree
        from ...state import execs

        with engine.database.reading() as connection:
            known = execs.of(connection, record.id)
        if known:
            with engine.database.transaction() as connection:
                execs.purge(connection, record.id)
        remove_tree(f"{engine.layout.container(record.id).run}/exec")


CGROUP, RUNTIME, MONITOR, SESSIONS = _Cgroup(), _Runtime(), _Monitor(), _Sessions()
