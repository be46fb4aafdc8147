# SPDX-License-Identifier: GPL-3.0-or-later
"""Try the OCI runtime's create for a new container while the one that it replaces keeps running.

The trial has its own id, root file system, cgroup and namespaces. Its mounts are in a private mount namespace, which ends
with it; volumes and bind mounts are protected from writes, hooks do not run, and no process is started. What a kill would
leave (the runtime's state, the cgroup, the process that waits to be started) is noted in the trial's directory first, and
the next process that opens the engine cleans it up (lifecycle/guard/trial_waste.py).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ...errors import EngineError, RuntimeFailed, typed
from ...frozen import replace
from ...kernel import staging, usernamespace
from ...kernel.private_mounts import apart
from ...kernel.process import Process
from ...kernel.removal import remove_tree
from ...model.container import cgroup as cgroup_names
from ...model.container import namespaces
from ...model.container.spec import ContainerSpec
from ...model.engine.layout import ContainerLayout
from ...model.engine.record import ContainerRecord
from ...model.values.names import new_id
from ...rootfs import engine_files, overlay, shm, view
from ...runtime import oci
from ...runtime.config import build
from ..container.bundle import bundle_request, write_config
from ..core import trial_notes
from ..core.engine import Engine
from ..core.source import Source
from ..guard import trial_waste
from ..preflight.limits import explained, is_near_limits
from ..resources import cgroup
from ..resources.contract import Joined
from . import trial_mounts
from .prediction import Shown, shown

#: The mode of directories that a user namespace's root must traverse.
_PASSABLE = 0o711
#: Bytes; a start writes about ten small files to the run root.
_RUN_FILES = 64 * 1024
#: Seconds to watch a process whose limits are hardly sufficient.
_GRACE = 0.3


def try_create(
    engine: Engine, to_come: ContainerRecord, source: Source, old: ContainerRecord, *, with_program: bool
) -> None:
    """Raise RuntimeFailed if the runtime refuses the container that replaces ``old``; leave nothing behind.

    Without ``with_program``, a stand-in replaces the container's program, which may be unknown before the start. Try
    nothing if the host can't mount the new root file system without a copy.
    """
    record = _record(engine, to_come)
    _try_run_root(engine, old)
    with engine.timings.of("try_create"), _place(engine) as place:
        runtime = trial_waste.runtime_of(engine.runtime, place)
        note = trial_notes.Note(record.id, runtime.path, record.cgroup)
        trial_notes.write(place, note)
        mounts = shown(engine, record, source)
        trial = _Trial(engine, record, source, place=place, mounts=mounts, with_program=with_program)
        try:
            apart(lambda: trial.run(runtime))
        except RuntimeFailed as error:
            raise explained(to_come.spec, _refused(error, old, place)) from error
        finally:
            trial_waste.tear_down(note, place)
            remove_tree(place)


def _try_run_root(engine: Engine, old: ContainerRecord) -> None:
    """Check that the run root has space for a start, by writing an unnamed file."""
    path = engine.layout.run_root
    try:
        with open(os.open(path, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as stream:
            stream.write(bytes(_RUN_FILES))
    except OSError as caught:
        if caught.errno in (errno.EOPNOTSUPP, errno.EISDIR):  # a file system without O_TMPFILE
            return
        error = typed(OSError(caught.errno, caught.strerror, path))
        error.remedy = f"{old.name} is unchanged. {error.remedy}".strip()
        raise error from caught


@contextmanager
def _place(engine: Engine) -> Iterator[str]:
    """Create the trial's directory, locked; if it outlives this process, the next verb sweeps it."""
    try:
        with staging.kept(engine.layout.trials) as (place, _fd):
            yield place
    finally:
        with suppress(OSError):  # another task's trial is in it
            os.rmdir(engine.layout.trials)


def _refused(error: RuntimeFailed, old: ContainerRecord, place: str) -> RuntimeFailed:
    text = error.message.replace(f"{place}/view", "")
    return RuntimeFailed(
        f"the OCI runtime can't create the replacement of {old.name}: {text}",
        remedy=f"Correct the task; {old.name} is unchanged and still runs",
        runtime=error.fields.get("runtime"),
        name=old.name,
    )


# -- the trial ---------------------------------------------------------------------------------------


def _record(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Return the record of the trial: it has its own id, and shares nothing with other containers."""
    alone = replace(record, id=new_id(), spec=_alone(record.spec))
    return replace(alone, cgroup=cgroup.planned(engine, alone))


def _alone(spec: ContainerSpec) -> ContainerSpec:
    """Return the spec without namespaces of others, and without a parent cgroup that does not exist yet."""
    changes: dict[str, Any] = {
        option: (namespaces.NONE,) if kind == "network" else None
        for kind, option in namespaces.OPTIONS.items()
        if kind != "user" and not _may_be_shared(namespaces.of(spec, kind))
    }
    parent = spec.cgroup_parent
    if parent is not None and not cgroup.is_there(parent):
        changes["cgroup_parent"] = None
    return replace(spec, **changes)


def _may_be_shared(text: str) -> bool:
    return text == namespaces.HOST or namespaces.is_own(text)


class _Trial:
    """One trial, in a separate mount namespace, where the database must not be used."""

    def __init__(
        self,
        engine: Engine,
        record: ContainerRecord,
        source: Source,
        *,
        place: str,
        mounts: Mapping[str, Shown],
        with_program: bool,
    ) -> None:
        self.engine = engine
        self.record = record
        self.source = source
        self.place = f"{place}/view"
        self.shown = mounts
        self.with_program = with_program
        self.container = ContainerLayout(
            id=record.id, static=self.place, run=self.place, exit_file=f"{self.place}/exit"
        )

    def run(self, runtime: oci.OciRuntime) -> None:
        self.cover_place()
        if not self.mount_rootfs():
            return
        if self.record.spec.ipc != namespaces.NONE:
            shm.mount_shm(self.container, self.record.spec.shm_size, self.record.mapping)
        engine_files.mount(self.container)
        write_config(self.container, self.config())
        runtime.create(self.record.id, self.container.bundle, options=self.options())
        state = runtime.state(self.record.id)
        if state is None:
            raise RuntimeFailed(
                f"{runtime.path} exited successfully and created no container: it is not an OCI runtime"
            )
        # Short of memory, it may be killed shortly after the runtime reported success.
        grace = _GRACE if is_near_limits(self.record.spec) else 0
        process = Process.of(state.pid) if state.pid else None
        if process is None or process.wait_gone(grace):
            raise RuntimeFailed(f"{runtime.name} create: its process exited before the start")

    def cover_place(self) -> None:
        """Mount a tmpfs over the trial's directory, visible to the trial only."""
        os.mkdir(self.place, 0o700)
        view.cover(self.place)
        os.mkdir(self.container.bundle)
        if self.record.mapping is not None:
            layout = self.engine.layout
            for path in (layout.run_root, layout.trials, os.path.dirname(self.place), self.place):
                os.chmod(path, _PASSABLE)

    def mount_rootfs(self) -> bool:
        """Mount the new container's root file system; return whether the host can do so without a copy."""
        spec, ids = self.record.spec, self.record.mapping
        lowers = (spec.image,) if spec.rootfs else self.source.lowers[::-1]
        try:
            if ids is None or spec.rootfs:
                overlay.mount(self.container, lowers)
            else:
                with usernamespace.opened(ids.uids, ids.gids) as userns:
                    overlay.mount(self.container, lowers, userns)
        except (EngineError, OSError):
            return False
        return True

    def config(self) -> dict[str, Any]:
        """Return config.json for the trial, without hooks and terminal."""
        paths = dict.fromkeys(self.shown, self.place)
        request = bundle_request(
            self.container,
            self.record,
            self.source,
            self.container.merged,
            Joined(),
            volume_paths={},
            prepared=paths,
        )
        config = build.build(request)
        config["process"].pop("terminal", None)
        trial_mounts.place(self.container, self.shown, config, request.landings)
        if not self.with_program:
            trial_mounts.place_program(self.container, config)
        return config

    def options(self) -> tuple[str, ...]:
        how = cgroup.manager_for_runtime(self.record)
        if how == cgroup_names.DISABLED:
            return ("--cgroup-manager=disabled",)
        return ("--systemd-cgroup",) if how == cgroup_names.SYSTEMD else ()
