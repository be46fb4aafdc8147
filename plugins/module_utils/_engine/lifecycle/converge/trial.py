# SPDX-License-Identifier: GPL-3.0-or-later
"""Try the OCI runtime's create for a new container while the one that it is to replace goes on running.

The trial has an id, a root file system, a cgroup and namespaces of its own. Its mounts are in a mount namespace that nobody
else sees and that ends with it; volumes and binds are shown so that nothing can be written to them, hooks do not run, and
no process is started in it. What a kill would leave (the runtime's state, the cgroup, the process that waits to be started) is
noted in the trial's directory before, for whoever opens the engine next (lifecycle/guard/trial_waste.py).
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

#: The mode of directories that the root of a user namespace passes through.
_PASSABLE = 0o711
#: What a start writes into the run root is some ten small files.
_RUN_FILES = 64 * 1024
#: Seconds that a process with hardly enough of something is watched.
_GRACE = 0.3


def try_create(
    engine: Engine, to_come: ContainerRecord, source: Source, old: ContainerRecord, *, with_program: bool
) -> None:
    """Raise RuntimeFailed when the runtime refuses the container that is to replace ``old``; nothing is left of the trial.

    Without ``with_program`` another one stands for the container's own, which may be known only when it starts.
    Where the host can't show the new root file system without a copy, nothing is tried.
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
    """Refuse a run root that takes nothing more, since a start writes there; the file has no name, so it goes with us."""
    path = engine.layout.run_root
    try:
        with open(os.open(path, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as stream:
            stream.write(bytes(_RUN_FILES))
    except OSError as caught:
        if caught.errno in (errno.EOPNOTSUPP, errno.EISDIR):  # a file system without such files
            return
        error = typed(OSError(caught.errno, caught.strerror, path))
        error.remedy = f"{old.name} goes on as it was. {error.remedy}".strip()
        raise error from caught


@contextmanager
def _place(engine: Engine) -> Iterator[str]:
    """Make the trial's directory, locked; one that still is there at the end is swept by the next verb."""
    try:
        with staging.kept(engine.layout.trials) as (place, _fd):
            yield place
    finally:
        with suppress(OSError):  # another task's trial is there
            os.rmdir(engine.layout.trials)


def _refused(error: RuntimeFailed, old: ContainerRecord, place: str) -> RuntimeFailed:
    text = error.message.replace(f"{place}/view", "")
    return RuntimeFailed(
        f"the container that is to replace {old.name} can't be made: {text}",
        remedy=f"Mend the task; {old.name} goes on as it was, nothing was changed",
        runtime=error.fields.get("runtime"),
        name=old.name,
    )


# -- what is tried -----------------------------------------------------------------------------------


def _record(engine: Engine, record: ContainerRecord) -> ContainerRecord:
    """Return the record of the trial: an id of its own, and nothing shared that belongs to others."""
    alone = replace(record, id=new_id(), spec=_alone(record.spec))
    return replace(alone, cgroup=cgroup.planned(engine, alone))


def _alone(spec: ContainerSpec) -> ContainerSpec:
    """Return the spec with nothing shared that belongs to others: neither their namespaces, nor a cgroup still to be made."""
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
    """One trial, in a mount namespace apart; the database is not to be used here."""

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
                f"{runtime.path} ended without an error and made no container: it is no OCI runtime"
            )
        # Short of memory it may end a moment after the runtime has said that all is well.
        grace = _GRACE if is_near_limits(self.record.spec) else 0
        process = Process.of(state.pid) if state.pid else None
        if process is None or process.wait_gone(grace):
            raise RuntimeFailed(f"{runtime.name} create: its process ended before start")

    def cover_place(self) -> None:
        """Work in memory, in a file system that only the trial sees."""
        os.mkdir(self.place, 0o700)
        view.cover(self.place)
        os.mkdir(self.container.bundle)
        if self.record.mapping is not None:
            layout = self.engine.layout
            for path in (layout.run_root, layout.trials, os.path.dirname(self.place), self.place):
                os.chmod(path, _PASSABLE)

    def mount_rootfs(self) -> bool:
        """Mount a root file system of the new container's layers; tell whether the host can do so without a copy."""
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
        """Return config.json without what is not to happen twice: no hooks, no terminal."""
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
