# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, remove and restore snapshots of a volume, and limit how many are kept."""

from __future__ import annotations

import errno
import os
import time
from contextlib import ExitStack
from typing import Any

from ...errors import NotFound, Setting, Words, WrongState
from ...frozen import dataclass, replace
from ...kernel import files
from ...model.container.option import LIVE
from ...model.values.names import near
from ...model.volume.content import ASKED, Origin, Snapshot
from ...plan.container import ABSENT
from ...plan.snapshots import outdated
from ...trees.copy import CopyStats, copy_tree
from ...volumes import snapshot_store, snapshots, unchanged
from ...volumes.stage import stage
from ..core.engine import Engine
from ..core.outcome import Outcome
from ..guard.waste import sweep
from ..inspect.volume_content import content_shape, snapshot_shape
from . import replace as replacing
from .kept_snapshots import fresh, stamped
from .read_content import PAUSE, Reading, find_volume, is_empty, reading, with_room

PRESENT, RESTORED = "present", "restored"
STATES = (PRESENT, ABSENT, RESTORED)
_BEFORE = "before-restore"
#: The errors of a copy whose source changes meanwhile.
_MOVING = (errno.ENOENT, errno.ESTALE, errno.ENOTDIR, errno.ELOOP)


@dataclass(frozen=True)
class SnapshotRequest:
    """A task's request. ``snapshot`` None: named by time; ``backup``: snapshot what a restore replaces."""

    volume: str
    state: str = PRESENT
    snapshot: str | None = None
    keep_last: int | None = None
    consistent: str = PAUSE
    backup: bool = True


def converge_snapshot(engine: Engine, request: SnapshotRequest) -> Outcome:
    """Create or remove snapshots as requested, or restore one.

    Raises NotFound, InUse and OwnFileSystem (restore), WrongState (the volume changed during the copy), StoreFull, HostLacks.
    """
    record = find_volume(engine, request.volume)
    if request.state == RESTORED:
        replacing.check_plain(record)
    if not engine.predicting:
        replacing.mend(engine, request.volume)
        sweep(engine)
    act = {PRESENT: _present, ABSENT: _absent, RESTORED: _restore_if_needed}[request.state]
    return act(engine, request)


def _present(engine: Engine, request: SnapshotRequest) -> Outcome:
    known = _known(engine, request.volume)
    made = known.get(request.snapshot or "")
    coming = () if made else (_named(request.snapshot or ""),)
    doomed = outdated((*known.values(), *coming), request.keep_last, spared=request.snapshot or "")
    actions = _removals(request, doomed)
    paused: list[str] = []
    if made is None:
        what = f"snapshot {request.snapshot}" if request.snapshot else "a snapshot"
        actions = (f"created {what} of volume {request.volume}", *actions)
        if not engine.predicting:
            made, paused = _make(engine, request)
    _remove(engine, request, doomed)
    return _outcome(engine, request, actions, made, paused=paused)


def _absent(engine: Engine, request: SnapshotRequest) -> Outcome:
    known = _known(engine, request.volume)
    asked = tuple(name for name in known if name == request.snapshot)
    left = [one for one in known.values() if one.name not in asked]
    doomed = (*asked, *outdated(left, request.keep_last))
    _remove(engine, request, doomed)
    return _outcome(engine, request, _removals(request, doomed), None)


def _restore_if_needed(engine: Engine, request: SnapshotRequest) -> Outcome:
    known = _known(engine, request.volume)
    wanted = known.get(request.snapshot or "")
    if wanted is None:
        raise NotFound("snapshot", request.snapshot or "", near=near(request.snapshot or "", known))
    if _is_restored_from(engine.layout.volume(request.volume), wanted):
        return _outcome(engine, request, (), wanted, kept=None)
    replacing.check_unused(engine, request.volume)
    keeps = request.backup and not is_empty(engine, request.volume)
    words = (f"kept the content of volume {request.volume} as a snapshot",) if keeps else ()
    actions = (*words, f"restored volume {request.volume} from snapshot {wanted.name}")
    kept = None if engine.predicting else _restore(engine, request, wanted)
    return _outcome(engine, request, actions, wanted, kept=kept.name if kept else None)


def _known(engine: Engine, name: str) -> dict[str, Snapshot]:
    return {one.name: one for one in snapshots.read(engine.layout.volume(name))}


def _outcome(
    engine: Engine, request: SnapshotRequest, actions: tuple[str, ...], one: Snapshot | None, **more: Any
) -> Outcome:
    shape = snapshot_shape(one) if one else None
    result = {**content_shape(engine.layout.volume(request.volume)), "snapshot": shape, **more}
    return Outcome(actions, (), LIVE if actions else "", result)


# -- creating and removing -------------------------------------------------------------------------


def _make(engine: Engine, request: SnapshotRequest) -> tuple[Snapshot, list[str]]:
    """Copy the content into a stage and move the copy into place; thaw containers once it is copied."""
    name = request.volume
    with ExitStack() as stack:
        stack.enter_context(engine.timings.of("snapshot"))
        top = stack.enter_context(stage(engine.layout.volume(name)))
        volume = find_volume(engine, name)
        source = stack.enter_context(
            reading(engine, volume, request.consistent, f"snapshot of volume {name}")
        )
        made = stamped(engine, name) if request.snapshot is None else _named(request.snapshot)
        stats = _copy(source, f"{top}/snapshot/data", name)
        source.let_go()
        made = replace(made, entries=stats.entries, bytes=stats.bytes)
        with with_room(f"for a snapshot of volume {name}", name):
            snapshot_store.prepare(f"{top}/snapshot", made)
        snapshot_store.place(engine.layout.volume(name), f"{top}/snapshot", made)
    engine.tell("volume", "snapshot", name, name, snapshot=made.name)
    return made, [*source.paused]


def _named(name: str) -> Snapshot:
    return Snapshot(name, time.time_ns(), ASKED)


def _copy(source: Reading, path: str, name: str) -> CopyStats:
    os.makedirs(path, 0o700)
    with with_room(f"for a snapshot of volume {name}", name), files.directory(path) as target:
        try:
            return copy_tree(source.fd, target)
        except OSError as error:
            if error.errno not in _MOVING:
                raise
            raise WrongState(
                f"volume {name} changed while it was copied: {error.filename or ''} {error.strerror}",
                remedy=Words(
                    "Write ", Setting("consistent", "pause"), ", or stop the containers that have it"
                ),
                name=name,
            ) from error


def _removals(request: SnapshotRequest, doomed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"removed snapshot {one} of volume {request.volume}" for one in doomed)


def _remove(engine: Engine, request: SnapshotRequest, doomed: tuple[str, ...]) -> None:
    for name in () if engine.predicting else doomed:
        with engine.lock_volume(request.volume, f"removal of snapshot {name}"):
            snapshot_store.remove(engine.layout.volume(request.volume), name, trash=engine.layout.staging)


# -- restoring -------------------------------------------------------------------------------------


def _is_restored_from(volume: str, wanted: Snapshot) -> bool:
    """Return whether the volume was restored from this snapshot and has not changed since."""
    origin = snapshots.read_origin(volume)
    same = origin is not None and (origin.source, origin.snapshot) == (wanted.name, wanted.created)
    return same and unchanged.is_untouched(volume)


def _restore(engine: Engine, request: SnapshotRequest, wanted: Snapshot) -> Snapshot | None:
    """Exchange a copy of the snapshot with the volume's content; return the snapshot of the old, if kept."""
    name = request.volume
    volume = engine.layout.volume(name)
    with engine.timings.of("restore"), stage(volume) as top:
        _copy_back(volume, wanted, f"{top}/content/data", name)
        origin = Origin(wanted.name, time.time_ns(), snapshot=wanted.created)
        with replacing.held(engine, name, f"restore of volume {name}"):
            kept = fresh(engine, name, _BEFORE) if request.backup and not is_empty(engine, name) else None
            replacing.put(engine, name, f"{top}/content", keep=kept, origin=origin)
    engine.tell("volume", "restore", name, name, snapshot=wanted.name)
    return kept


def _copy_back(volume: str, wanted: Snapshot, path: str, name: str) -> None:
    os.makedirs(path, 0o700)
    kept = files.directory(snapshots.data(volume, wanted.name))
    with with_room(f"to restore volume {name}", name), kept as source, files.directory(path) as target:
        copy_tree(source, target)
